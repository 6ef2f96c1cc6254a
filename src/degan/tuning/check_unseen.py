"""Check of a data set for fits on a trained model: other people, the same kind of crops."""

from degan.data.manifest import Dataset
from degan.data.provenance import manifests_of
from degan.errors import DeganError
from degan.system.arguments import check_kind
from degan.training.model import MODEL_NEEDED, Model


def check_fit_data(model: Model, dataset: Dataset, purpose: str) -> None:
    """Check that a model was not trained on a data set, and that it can use its crops.

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
        raise DeganError(
            f"the model was trained on {dataset.folder}; {purpose} people that are not in its "
            "training data"
        )
    if (dataset.frame, dataset.crop_size) != (model.frame, model.crop_size):
        raise DeganError(
            f"the crops of {dataset.folder} are {dataset.crop_size} px in frame {dataset.frame}, "
            f"but the model needs {model.crop_size} px in frame {model.frame}; prepare the data "
            f"with --size {model.crop_size}"
        )
