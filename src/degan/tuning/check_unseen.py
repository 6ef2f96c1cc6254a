"""Check of a data set for fits on a trained model: other people, the same kind of crops."""

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from degan.data.crop_hashes import crop_hashes, find_known, overlap_text
from degan.data.crops import crop_chunks
from degan.data.manifest import Dataset
from degan.data.provenance import manifests_of, pictures_of
from degan.errors import DeganError
from degan.system.arguments import check_kind
from degan.system.progress import Progress
from degan.training.model import MODEL_NEEDED, Model


def check_fit_data(model: Model, dataset: Dataset, purpose: str) -> None:
    """Check that a model was not trained on a data set, and that it can use its crops.

    Only the manifest is checked; :func:`unseen_chunks` checks the pictures.

    Args:
        model: a trained model.
        dataset: data set for a fit.
        purpose: purpose of the data set, for the error message, such as "calibrate it on".

    Raises:
        DeganError: the model was trained on this data, or the crops have another size or another
            canonical frame.
        DeganTypeError: ``model`` or ``dataset`` has a wrong type.
    """
    check_kind(model, Model, "model", MODEL_NEEDED)
    check_kind(dataset, Dataset, "dataset", "a data set, as read_dataset returns it")
    if not dataset.manifests.isdisjoint(manifests_of(model.trained_on)):
        # Crops of another size have other hashes.
        pictures = pictures_of(model.trained_on) if dataset.crop_size == model.crop_size else ()
        known = find_known(dataset, pictures)  # only for the message
        raise _was_trained_on(dataset, known, purpose)
    if (dataset.frame, dataset.crop_size) != (model.frame, model.crop_size):
        raise DeganError(
            f"the crops of {dataset.folder} are {dataset.crop_size} px in frame {dataset.frame}, "
            f"but the model needs {model.crop_size} px in frame {model.frame}; prepare the data "
            f"with --size {model.crop_size}"
        )


def unseen_chunks(
    model: Model,
    dataset: Dataset,
    indices: Sequence[int],
    progress: Progress,
    label: str,
    purpose: str,
) -> Iterator[NDArray[np.uint8]]:
    """Yield crops for a fit in chunks, and check that the model was not trained on them.

    Args:
        model: a trained model.
        dataset: data set for a fit, see :func:`check_fit_data`.
        indices: indices of its samples.
        progress: callback, called with the finished fraction in [0, 1] and a label.
        label: start of the label, before the count of images.
        purpose: see :func:`check_fit_data`.

    Yields:
        Up to 512 crops, see :func:`degan.data.crops.crop_chunks`.

    Raises:
        DeganError: one of the pictures is in the training data of the model, or a crop cannot be
            read.
    """
    pictures = pictures_of(model.trained_on)
    for crops in crop_chunks(dataset, indices, progress, label):
        if not pictures.isdisjoint(crop_hashes(crops) if pictures else ()):
            raise _was_trained_on(dataset, find_known(dataset, pictures, indices), purpose)
        yield crops


def _was_trained_on(dataset: Dataset, known: Sequence[int], purpose: str) -> DeganError:
    return DeganError(
        f"the model was trained on {overlap_text(dataset, known)}; {purpose} people that are not "
        "in its training data"
    )
