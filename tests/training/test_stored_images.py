"""Images of a training in a file that processes share."""

import pytest
import torch

from degan.config import override, preset
from degan.data import crops
from degan.data.folds import subject_folds
from degan.errors import DeganError
from degan.evaluation.ablation.run import ablate
from degan.evaluation.protocols.crossval import cross_validate
from degan.system.progress import silent
from degan.training.loader import load
from degan.training.pipeline import train, train_stage1
from degan.training.stored_images import IMAGES_FILE, store_images

TINY = preset("tiny")
NETWORKS = {
    "grey": TINY.network,
    "as large as the crops": override(TINY, ["network.detail=2"]).network,
    "colour": override(TINY, ["network.channels=3"]).network,
}


def stored_in(folder, faces, indices=range(24), network=TINY.network):
    folder.mkdir(exist_ok=True)
    return store_images(faces, indices, network, folder, silent)


def no_crop(*_):
    raise AssertionError("a crop was read")


def stop_in_stage2(_, label):
    if label.startswith("stage 2"):
        raise KeyboardInterrupt


@pytest.mark.parametrize("name", NETWORKS)
def test_stored_images_are_those_in_memory_to_the_last_bit(faces, tmp_path, monkeypatch, name):
    network, indices = NETWORKS[name], [20, 3, 7, 11, 4]
    memory = load(faces, indices, network, faces.expressions)
    monkeypatch.setattr(crops, "_CHUNK", 2)
    with stored_in(tmp_path, faces, indices, network) as stored:
        monkeypatch.setattr(crops, "read_image", no_crop)
        data = load(faces, indices, network, faces.expressions, stored=stored)
        chosen = torch.tensor([4, 0, 0, 2])
        for one, other in ((data, memory), (data.only(chosen), memory.only(chosen))):
            every = torch.arange(len(other))
            assert len(one) == len(other)
            assert torch.equal(one.inputs(every), other.inputs(every))
            assert torch.equal(one.photos(every), other.photos(every))
            assert one.inputs(every).stride() == other.inputs(every).stride()  # so kernels agree


def test_a_part_of_the_data_copies_no_image(faces, tmp_path):
    with stored_in(tmp_path, faces) as stored:
        data = load(faces, range(24), TINY.network, faces.expressions, stored=stored)
        part = data.only(torch.tensor([5, 2])).only(torch.tensor([1]))
        assert part.images.data_ptr() == data.images.data_ptr()
        assert torch.equal(part.inputs(torch.tensor([0])), data.inputs(torch.tensor([2])))


def test_on_another_device_only_the_images_of_the_training_are_copied(faces, tmp_path):
    with stored_in(tmp_path, faces) as stored:
        data = load(faces, range(24), TINY.network, faces.expressions, stored=stored)
        moved = data.only(torch.tensor([5, 2])).to(torch.device("meta"))
    assert moved.images.shape == (2, 1, 32, 32)
    assert {moved.images.device.type, moved.expression.device.type} == {"meta"}


def test_the_model_is_the_same_with_shared_images(faces, tmp_path):
    indices = [i for i in range(24) if i % 5]
    alone = train(faces, indices, TINY, tmp_path / "alone").recognition.state_dict()
    with stored_in(tmp_path / "images", faces) as stored:
        train_stage1(faces, indices, TINY, tmp_path / "stage1", stored=stored)
        shared = train(
            faces, indices, TINY, tmp_path / "run", stage1=tmp_path / "stage1", stored=stored
        ).recognition.state_dict()
    assert all(torch.equal(value, shared[name]) for name, value in alone.items())


def test_images_of_another_size_are_not_used(faces, tmp_path):
    finer = override(TINY, ["network.detail=2"])
    with stored_in(tmp_path / "images", faces) as stored:
        model = train(faces, range(24), finer, tmp_path / "run", stored=stored)
    assert model.recognition.standardize.image_size == 64


def test_no_image_stays_in_a_run_directory(faces, tmp_path):
    folds = subject_folds(faces.samples, 2, 0)
    train(faces, range(24), TINY, tmp_path / "train")
    train_stage1(faces, range(24), TINY, tmp_path / "stage1")
    cross_validate(faces, tmp_path / "crossval", TINY, folds=folds, jobs=1)
    ablate(faces, tmp_path / "ablate", TINY, folds=folds, arms=["hog"], jobs=1)
    with pytest.raises(KeyboardInterrupt):
        train(faces, range(24), TINY, tmp_path / "stopped", stop_in_stage2)
    assert not list(tmp_path.rglob(f"*{IMAGES_FILE}*"))


def test_the_file_of_a_killed_call_is_replaced(faces, tmp_path):
    (tmp_path / IMAGES_FILE).write_bytes(b"of crops that have changed since")
    with stored_in(tmp_path, faces) as stored:
        data = load(faces, range(24), TINY.network, faces.expressions, stored=stored)
        memory = load(faces, range(24), TINY.network, faces.expressions)
        assert torch.equal(data.images, memory.images)
    assert not list(tmp_path.iterdir())


def test_without_samples_to_read_no_file_is_written(faces, tmp_path):
    with stored_in(tmp_path, faces, ()):
        assert not list(tmp_path.iterdir())


def test_a_file_that_cannot_be_written_is_one_sentence(faces, tmp_path):
    (tmp_path / IMAGES_FILE).mkdir()
    sentence = r"cannot write .*\.images\.tmp: .*; the images of the training need 0 MB there"
    with pytest.raises(DeganError, match=sentence), stored_in(tmp_path, faces):
        pass


def test_reading_the_images_is_reported(faces, tmp_path):
    labels = []
    folds = subject_folds(faces.samples, 2, 0)
    cross_validate(
        faces, tmp_path / "run", TINY, folds=folds, jobs=1, progress=lambda _, x: labels.append(x)
    )
    assert labels[0] == "reading 0 of 24 images"
