"""Expressions of photos, drawn by the generator G on people in its training data. Needs torch."""

from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from degan.config import read_settings
from degan.config.run_layout import SETTINGS_FILE, fold_folder
from degan.data.manifest import Dataset
from degan.errors import DeganError
from degan.evaluation.ablation.arms import ARMS, stage1_name
from degan.evaluation.probes.finished_runs import Run, read_run
from degan.networks.generator import Generator
from degan.report.measurements import Origin, Transfer
from degan.report.model_location import ModelLocation, ShownSamples, read_faces
from degan.training.gan import load_generator
from degan.training.loader import load


def draw_transfer(
    place: ModelLocation, dataset: Dataset, shown: ShownSamples, *, columns: int, seed: int
) -> Transfer:
    """Draw each expression of one person on several people.

    G can draw only people in its training data. The photos x of f(x) come from ``shown``, so they
    show new people if there are any; the image grids in run directories show training photos. The
    noise input of G is 0, its mean.

    Args:
        place: location of the model of a training.
        dataset: data set with the photos, and with the portraits if G was trained on it.
        shown: photos to choose from, see :func:`degan.report.model_location.choose_samples`.
        columns: maximum number of people to draw on.
        seed: random seed of the choice of photos.

    Raises:
        DeganError: the run has no decoder or unnamed training people, or its networks are damaged.
    """
    run = read_run(place.folder)
    if "" in run.subjects:
        raise DeganError(
            f"{place.folder} was trained on unnamed people, so it cannot draw a given person; give "
            "the data set names of subjects"
        )
    generator = _generator(place, run)
    sources = _sources(dataset, shown.indices, seed)
    source_people = {dataset.samples[index].subject for index in sources}
    others = [name for name in run.subjects if name not in source_people] or list(run.subjects)
    chosen = np.linspace(0, len(others) - 1, min(columns, len(others))).round().astype(int)
    targets = [others[place] for place in chosen]
    drawn = _draw(generator, run, dataset, sources, targets)
    portraits = None
    if dataset.manifest_hash == run.manifest_hash:
        size = dataset.crop_size
        portraits = read_faces(dataset, [_portrait(dataset, name) for name in targets], size)
    return Transfer(
        origin=Origin(place.below, place.fold, shown.seen, len(source_people)),
        expressions=tuple(dataset.samples[index].expression for index in sources),
        targets=tuple(targets),
        source_indices=np.array(sources, dtype=np.int64),
        sources=read_faces(dataset, sources, dataset.crop_size),
        portraits=portraits,
        generated=drawn,
    )


def _generator(place: ModelLocation, run: Run) -> Generator:
    folder = _stage1_folder(place, run)
    generator = load_generator(folder, run.settings, len(run.subjects))
    if generator is None:
        raise DeganError(
            f"{place.folder} cannot draw faces: it was trained without a decoder, or its "
            "gan.safetensors is missing; train it again with drawings"
        )
    return generator


def _stage1_folder(place: ModelLocation, run: Run) -> Path:
    """Return the folder of G; some arms of an ablation share a stage 1 in a separate folder."""
    if place.ablation is None or place.fold is None:
        return run.folder
    settings = read_settings(place.ablation / SETTINGS_FILE)
    arms = [arm for arm in ARMS if arm.name == run.folder.parent.name]
    name = stage1_name(arms[0], settings) if arms else None
    if name is None:
        return run.folder
    return fold_folder(place.ablation / f"stage1-{name}", place.fold - 1)


def _sources(dataset: Dataset, indices: list[int], seed: int) -> list[int]:
    """Return a photo of each expression, of the person with the most expressions if possible."""
    rng = np.random.default_rng(seed)
    shuffled = [indices[place] for place in rng.permutation(len(indices))]
    of_person: dict[str, dict[str, int]] = {}
    anybody: dict[str, int] = {}
    for index in shuffled:
        sample = dataset.samples[index]
        of_person.setdefault(sample.person, {}).setdefault(sample.expression, index)
        anybody.setdefault(sample.expression, index)
    one = max(of_person.values(), key=len)  # of several, the first
    return [{**anybody, **one}[name] for name in dataset.expressions if name in anybody]


def _portrait(dataset: Dataset, subject: str) -> int:
    """Return the index of a sample of a person, neutral if there is one."""
    own = [i for i, sample in enumerate(dataset.samples) if sample.subject == subject]
    return min(own, key=lambda i: dataset.expressions.index(dataset.samples[i].expression))


@torch.no_grad()
def _draw(
    generator: Generator, run: Run, dataset: Dataset, sources: list[int], targets: list[str]
) -> NDArray[np.uint8]:
    """Return the drawn faces of R sources and K targets, uint8 (R, K, S, S, 3)."""
    images = load(dataset, sources, run.settings.network, run.model.expressions).images
    identity = torch.tensor([run.subjects.index(name) for name in targets])
    rows = [
        generator(
            image.expand(len(targets), -1, -1, -1),
            identity,
            torch.zeros(len(targets), generator.decoder.noise),
        )
        for image in images
    ]
    return _pixels(torch.stack(rows))


def _pixels(images: Tensor) -> NDArray[np.uint8]:
    """Return images, float (R, K, C, S, S) in [-1, 1], as pixels, uint8 (R, K, S, S, 3)."""
    levels = ((images.clamp(-1, 1) + 1) * 127.5).round().to(torch.uint8)
    rows, columns, _, side, _ = levels.shape
    pixels = levels.expand(rows, columns, 3, side, side).permute(0, 1, 3, 4, 2)
    found: NDArray[np.uint8] = np.ascontiguousarray(pixels.numpy())
    return found
