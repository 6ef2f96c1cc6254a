"""Data that something more of a trained model can be fitted on: other people, cut alike."""

from degan.data.manifest import Dataset
from degan.data.provenance import manifests_of
from degan.errors import DeganError
from degan.training.model import Model


def check_others(model: Model, dataset: Dataset, purpose: str) -> None:
    """Refuse data that a trained model was trained on, or cannot read.

    Args:
        model: a trained model.
        dataset: what something is to be fitted on.
        purpose: that, for the message: "calibrate it on".

    Raises:
        DeganError: the model was trained on this data, or it was cut differently or into crops of
            another size.
    """
    if not dataset.manifests.isdisjoint(manifests_of(model.trained_on)):
        raise DeganError(
            f"the model was trained on {dataset.folder}, which it knows too well; {purpose} people "
            "that it did not see"
        )
    if (dataset.frame, dataset.crop_size) != (model.frame, model.crop_size):
        raise DeganError(
            f"the crops of {dataset.folder} are {dataset.crop_size} px in frame {dataset.frame}, "
            f"but the model reads {model.crop_size} px in frame {model.frame}; prepare the data "
            f"with --size {model.crop_size}"
        )
