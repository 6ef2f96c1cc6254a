"""One training, stage 1 and stage 2, from a data set to ``model.safetensors``."""

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from degan.config import CHOOSE_BLEND, ClassifierSettings, Settings
from degan.config.run_layout import (
    INNER_DIR,
    LOG_FILE,
    MODEL_FILE,
    STAGE1,
    STAGE2_FILE,
    TEACHERS_DIR,
    TRAINING,
)
from degan.config.settings import check_settings
from degan.data.indices import Indices, as_indices
from degan.data.manifest import Dataset, check_dataset
from degan.data.provenance import describe_training_data
from degan.data.sample import Sample
from degan.networks.classifier import Recognition
from degan.networks.encoder import Encoder
from degan.system.arguments import PathLike, as_path, check_flag
from degan.system.progress import Progress, as_progress, split_progress
from degan.system.writable import check_folder_writable
from degan.training.blending import choose_blend, inner_cost
from degan.training.classifier import ClassifierTrainer
from degan.training.device import find_device, repeatable
from degan.training.gan import GanTrainer
from degan.training.inputs import TrainingInputs, facts_of_run, read_training_inputs
from degan.training.loader import TrainingData, load, num_epochs
from degan.training.model import Model, load_model, save_model
from degan.training.run_directory import Log, logged_seconds, open_run
from degan.training.start import InitialWeights, encoder_rate, read_start, start_facts
from degan.training.stored_images import StoredImages, store_images
from degan.training.teachers import PASSES, soft_targets, teacher_settings, trained_teachers

_GAN_COST, _FROZEN_COST = 2.7, 0.4  # per image, relative to stage 2 with a trained encoder


def train(
    dataset: Dataset,
    indices: Indices,
    settings: Settings,
    folder: PathLike,
    progress: Progress | None = None,
    *,
    stage1: PathLike | None = None,
    teachers: PathLike | None = None,
    needs_generated: bool = True,
    stored: StoredImages | None = None,
) -> Model:
    """Train both stages in a run directory, or continue an interrupted run there.

    Args:
        dataset: a prepared data set.
        indices: indices of the training samples, from 0, each once: a list, range or array (N,).
        settings: settings of the run.
        folder: the run directory.
        progress: callback, called with the finished fraction in [0, 1] and a label; None for none.
        stage1: run directory of stage 1 alone, see :func:`train_stage1`. Runs that differ only in
            stage 2 can share it. None: stage 1 is trained in ``folder``. The model is the same.
        teachers: folder of the teachers. Runs with the same
            :func:`degan.training.teachers.teacher_settings` can share it. None: a folder in
            ``folder``.
        needs_generated: whether generated images are needed. If False and stage 1 does not change
            the encoder (``gan.encoder_rate`` 0), the run's own stage 1 is skipped. The model is the
            same.
        stored: file with the images of the data set, which runs share. None, or if it does not fit
            the settings: the run writes its own, and removes it at the end.

    Returns:
        The trained model, which is also written to ``folder``.

    Raises:
        DeganError: the folder contains another run, there is no such sample, the data is not
            suitable, a checkpoint is damaged, the initial weights or the device do not exist, or
            training diverged.
        DeganTypeError: an argument has a wrong type.

    Source: 1912.01456, section 3; docs/method.md lists the differences.
    """
    folder, progress = as_path(folder, "folder"), as_progress(progress)
    stage1 = None if stage1 is None else as_path(stage1, "stage1")
    teachers = folder / TEACHERS_DIR if teachers is None else as_path(teachers, "teachers")
    check_flag(needs_generated, "needs_generated")
    indices = _training_indices(dataset, indices, settings)
    device = find_device(settings.device)
    start = read_start(settings)
    checked = read_training_inputs(dataset, indices, settings)
    facts = checked.facts | start_facts(start)
    run_facts = {"kind": TRAINING, **facts, **facts_of_run(dataset, settings, checked)}
    with open_run(folder, settings, run_facts):
        if (folder / MODEL_FILE).exists():
            (folder / STAGE2_FILE).unlink(missing_ok=True)
            return load_model(folder)
        check_folder_writable(folder)
        skips_stage1 = stage1 is None and not needs_generated and encoder_rate(settings) == 0
        teachers_progress, blend_progress, stage1_progress, stage2_progress = split_progress(
            progress, costs(settings, len(indices), drawing=not skips_stage1)
        )
        with (
            repeatable(device),
            _training_data(
                dataset, indices, checked, settings, start, device, folder, stored, progress
            ) as data,
        ):
            samples = [dataset.samples[index] for index in indices]
            targets = _teacher_predictions(
                data, samples, facts, settings, teachers, start, teachers_progress
            )
            if checked.votes is not None:
                targets = torch.from_numpy(checked.votes).to(device)
            blend = _blend(data, samples, settings, folder / INNER_DIR, start, blend_progress)
            log = folder / LOG_FILE
            if stage1 is None:
                gan = GanTrainer(data, settings, folder, start)
                encoder = (
                    gan.networks.encoder if skips_stage1 else gan.train(Log(log), stage1_progress)
                )
            else:
                with _open_stage1(stage1, settings, facts):
                    encoder = _train_stage1(data, settings, stage1, start, stage1_progress)
            trainer = ClassifierTrainer(data, encoder, settings, folder, start, targets)
            classifier = trainer.train(Log(log), stage2_progress)
        if start is not None and blend:
            start.blend(encoder, classifier, dataset.expressions, blend)
        model = Model(
            Recognition(settings.network, settings.classifier, encoder, classifier).cpu().eval(),
            dataset.expressions,
            dataset.crop_size,
            dataset.frame,
            describe_training_data(
                dataset, indices, start.trained_on if start else None, pictures=data.pictures
            ),
        )
        save_model(folder / MODEL_FILE, model, settings)
        (folder / STAGE2_FILE).unlink(missing_ok=True)
        progress(1.0, "done")
        return model


def train_stage1(
    dataset: Dataset,
    indices: Indices,
    settings: Settings,
    folder: PathLike,
    progress: Progress | None = None,
    *,
    stored: StoredImages | None = None,
) -> Encoder:
    """Train stage 1 alone in a run directory, or continue an interrupted run there.

    Args:
        dataset: a prepared data set.
        indices: indices of the training samples, from 0, each once: a list, range or array (N,).
        settings: settings of the run; those of stage 2 have no effect.
        folder: the run directory of stage 1.
        progress: callback, called with the finished fraction in [0, 1] and a label; None for none.
        stored: file with the images of the data set, see :func:`train`; None: the run writes its
            own.

    Returns:
        The encoder in evaluation mode.

    Raises:
        DeganError: see :func:`train`.
        DeganTypeError: an argument has a wrong type.
    """
    folder, progress = as_path(folder, "folder"), as_progress(progress)
    indices = _training_indices(dataset, indices, settings)
    device = find_device(settings.device)
    start = read_start(settings)
    checked = read_training_inputs(dataset, indices, settings)
    facts = checked.facts | start_facts(start)
    with (
        _open_stage1(folder, settings, facts),
        repeatable(device),
        _training_data(
            dataset, indices, checked, settings, start, device, folder, stored, progress
        ) as data,
    ):
        return _train_stage1(data, settings, folder, start, progress).cpu()


def _training_indices(dataset: Dataset, indices: Indices, settings: Settings) -> Sequence[int]:
    """Return the indices as a sequence of int, after a check of the arguments of a training."""
    check_dataset(dataset)
    check_settings(settings)
    return as_indices(indices, len(dataset.samples), "indices", once=True)


@contextmanager
def _training_data(
    dataset: Dataset,
    indices: Sequence[int],
    checked: TrainingInputs,
    settings: Settings,
    start: InitialWeights | None,
    device: torch.device,
    folder: Path,
    stored: StoredImages | None,
    progress: Progress,
) -> Iterator[TrainingData]:
    """Yield the training samples; their images are in ``stored``, or in a file in ``folder``."""
    network = settings.network
    if stored is not None and stored.fits(network):
        file: AbstractContextManager[StoredImages] = nullcontext(stored)
    else:
        file = store_images(dataset, indices, network, folder, progress)
    with file as images:
        data = load(
            dataset, indices, network, dataset.expressions, actions=checked.actions, stored=images
        ).to(device)
        if start is not None and settings.gan.epochs and settings.gan.weight_kept:
            data = replace(data, kept=start.codes(network, data))
        yield data


def _teacher_predictions(
    data: TrainingData,
    samples: Sequence[Sample],
    facts: dict[str, Any],
    settings: Settings,
    folder: Path,
    start: InitialWeights | None,
    progress: Progress,
) -> Tensor | None:
    """Train the teachers in a folder and return their predictions; None without teachers."""
    if not trained_teachers(settings.classifier):
        return None
    run_facts = {"kind": "teachers", "teachers": settings.classifier.teachers, **facts}
    with open_run(folder, teacher_settings(settings, len(data)), run_facts):
        return soft_targets(data, samples, settings, folder, start, progress)


def _blend(
    data: TrainingData,
    samples: Sequence[Sample],
    settings: Settings,
    folder: Path,
    start: InitialWeights | None,
    progress: Progress,
) -> float:
    """Return the fraction of the initial weights in the final weights."""
    blend = settings.classifier.blend
    if start is None:
        return 0.0
    if blend == CHOOSE_BLEND:
        return choose_blend(data, samples, settings, folder, start, progress)
    return float(blend)


def stage1_settings(settings: Settings) -> Settings:
    """Return the settings that stage 1 depends on: those of stage 2 are set to their defaults."""
    return settings.model_copy(update={"classifier": ClassifierSettings()})


def _open_stage1(
    folder: Path, settings: Settings, facts: dict[str, Any]
) -> AbstractContextManager[None]:
    return open_run(folder, stage1_settings(settings), {"kind": STAGE1, **facts})


def _train_stage1(
    data: TrainingData,
    settings: Settings,
    folder: Path,
    start: InitialWeights | None,
    progress: Progress,
) -> Encoder:
    trainer = GanTrainer(data, stage1_settings(settings), folder, start)
    return trainer.train(Log(folder / LOG_FILE), progress).eval()


def costs(
    settings: Settings, num_images: int, *, drawing: bool = True
) -> tuple[float, float, float, float]:
    """Return the approximate costs of teachers, choice of the blend, stage 1 and stage 2.

    Args:
        settings: settings of the run.
        num_images: number of training images.
        drawing: whether stage 1 is trained.

    Returns:
        Four costs, in epochs of stage 2 with a trained encoder.
    """
    gan, classifier = settings.gan, settings.classifier
    passes = [num_epochs(stage, num_images) for stage in (gan, classifier)]
    chosen = bool(settings.start) and classifier.blend == CHOOSE_BLEND
    return (
        max(0, trained_teachers(classifier) - 1) * PASSES * sum(passes),
        inner_cost(num_images) * passes[1] if chosen else 0.0,
        _GAN_COST * passes[0] if drawing else 0.0,
        passes[1] * (1.0 if classifier.encoder_rate else _FROZEN_COST),
    )


def training_seconds(folder: Path) -> float:
    """Return the training time of a run in seconds, with teachers and inner folds in its folder.

    Raises:
        DeganError: a log is damaged.
    """
    own = logged_seconds(folder / LOG_FILE)
    return own + folder_seconds(folder / TEACHERS_DIR) + folder_seconds(folder / INNER_DIR)


def folder_seconds(folder: Path) -> float:
    """Return the training time of all runs in a folder in seconds; 0 if there are none.

    Raises:
        DeganError: a log is damaged.
    """
    return sum(map(logged_seconds, folder.glob("*/log.jsonl")))
