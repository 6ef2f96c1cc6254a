"""One training, stage 1 and stage 2, from a data set to ``model.safetensors``."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch

from degan import __version__
from degan.config import Settings
from degan.data.loader import load, num_batches, num_epochs
from degan.data.manifest import Dataset
from degan.errors import DeganError
from degan.networks.classifier import Classifier, Recognition
from degan.networks.encoder import Encoder
from degan.training import checkpoint
from degan.training.classifier import train_classifier
from degan.training.gan import GanTrainer
from degan.training.run import Log, Progress, open_run, silent

MODEL = "model.safetensors"
_GAN_COST, _FROZEN_COST = 2.7, 0.4  # of an image, where stage 2 with a moving encoder is 1


@dataclass(frozen=True)
class Model:
    """A trained recogniser and what must be known to use it.

    Attributes:
        recognition: uint8 crops -> probabilities, in evaluation mode.
        expressions: what the columns of the probabilities mean.
        crop_size: side of the crops in pixels.
        frame: the canonical frame that the crops must be cut in.
        trained_on: the data set's hash, the number of samples and of subjects.
    """

    recognition: Recognition
    expressions: tuple[str, ...]
    crop_size: int
    frame: str
    trained_on: dict[str, str | int]


def train(
    dataset: Dataset,
    indices: Sequence[int],
    settings: Settings,
    folder: Path,
    progress: Progress = silent,
) -> Model:
    """Train both stages in a run directory, or continue what was begun there.

    Args:
        dataset: a prepared data set.
        indices: the samples to train on.
        settings: of the run.
        folder: the run directory.
        progress: told the share done and what is being done.

    Raises:
        DeganError: the folder holds another run, the data cannot be trained on, a checkpoint is
            damaged, or training diverged.
    """
    expressions = dataset.expressions
    samples = [dataset.samples[index] for index in indices]
    _check_trainable(dataset, samples_expressions={sample.expression for sample in samples})
    facts = {
        "kind": "training",
        "manifest_sha256": dataset.manifest_hash,
        "subjects": sorted({sample.subject for sample in samples}),
        "expressions": list(expressions),
    }
    open_run(folder, settings, facts)
    if (folder / MODEL).exists():
        return load_model(folder)
    data = load(dataset, indices, settings.network, expressions)
    log = Log(folder / "log.jsonl")
    share = _gan_share(settings, len(data))
    encoder = GanTrainer(data, settings, folder).train(
        log, lambda done, doing: progress(share * done, doing)
    )
    classifier = train_classifier(
        data,
        encoder,
        settings,
        log,
        lambda done, doing: progress(share + (1 - share) * done, doing),
    )
    model = Model(
        Recognition(settings.network, encoder, classifier).eval(),
        expressions,
        dataset.crop_size,
        dataset.frame,
        {
            "manifest_sha256": dataset.manifest_hash,
            "samples": len(samples),
            "subjects": len({sample.subject for sample in samples} - {""}),
        },
    )
    _save_model(folder / MODEL, model, settings)
    progress(1.0, "done")
    return model


def _gan_share(settings: Settings, num_images: int) -> float:
    """Return the share of the time that stage 1 takes, about."""
    gan, classifier = settings.gan, settings.classifier
    first = _GAN_COST * num_epochs(gan, num_batches(num_images, gan.batch_size))
    second = num_epochs(classifier, num_batches(num_images, classifier.batch_size))
    return first / (first + second * (1.0 if classifier.encoder_rate else _FROZEN_COST))


def _check_trainable(dataset: Dataset, samples_expressions: set[str]) -> None:
    missing = [name for name in dataset.expressions if name not in samples_expressions]
    if len(dataset.expressions) < 2:
        raise DeganError(
            f"{dataset.folder} holds only one expression ({dataset.expressions[0]}); "
            "at least two are needed to tell them apart"
        )
    if missing:
        raise DeganError(
            f"no training sample in {dataset.folder} is left for {', '.join(missing)}; bring more "
            "people who show it, or use fewer folds"
        )


def _save_model(path: Path, model: Model, settings: Settings) -> None:
    checkpoint.save_checkpoint(
        path,
        checkpoint.module_tensors("encoder", model.recognition.encoder)
        | checkpoint.module_tensors("classifier", model.recognition.classifier),
        {
            "degan": __version__,
            "settings": settings.model_dump(),
            "expressions": model.expressions,
            "crop_size": model.crop_size,
            "frame": model.frame,
            "trained_on": model.trained_on,
        },
    )


def load_model(folder: Path) -> Model:
    """Load the result of :func:`train` from its run directory.

    Raises:
        DeganError: there is none, or it is damaged.
    """
    path = folder / MODEL
    if not path.is_file():
        raise DeganError(
            f"{folder} holds no trained model ({MODEL}); make one with 'degan train {folder} "
            "--data DATA'"
        )
    tensors, state = checkpoint.load_checkpoint(path)
    try:
        settings = Settings.model_validate(state["settings"])
        expressions = tuple(state["expressions"])
        encoder = Encoder(settings.network)
        classifier = Classifier(settings.network, settings.classifier, len(expressions))
        crop_size, frame, trained_on = state["crop_size"], state["frame"], state["trained_on"]
    except (KeyError, TypeError, ValueError) as error:
        raise DeganError(f"{path} is damaged: its description is incomplete; train anew") from error
    checkpoint.load_module("encoder", encoder, tensors, path)
    checkpoint.load_module("classifier", classifier, tensors, path)
    recognition = Recognition(settings.network, encoder, classifier).eval()
    return Model(recognition, expressions, crop_size, frame, trained_on)


@torch.no_grad()
def predict_probabilities(model: Model, crops: torch.Tensor, batch_size: int = 256) -> torch.Tensor:
    """Return probabilities (N, num_expressions) of uint8 crops (N, H, H, 3)."""
    return torch.cat([model.recognition(batch) for batch in crops.split(batch_size)])
