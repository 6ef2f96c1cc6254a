"""Class balance: networks trained with classifier.balance = 'logits' assume no frequencies."""

import pytest
import torch
from torch.nn import functional as F

from degan.config import override, preset
from degan.data.join import join_datasets, parts_of
from degan.data.manifest import read_dataset, write_dataset
from degan.networks.encoder import Encoder
from degan.training.class_balance import LEAST_FREQUENCY, log_frequencies, mixed_targets
from degan.training.classifier import ClassifierTrainer
from degan.training.loader import load
from degan.training.pipeline import train


def test_equally_frequent_classes_change_no_logit():
    targets = F.one_hot(torch.arange(12) % 4, 4).float()
    torch.testing.assert_close(log_frequencies(targets, None), torch.zeros(12, 4))


def test_frequencies_are_relative_to_balanced_data():
    targets = torch.tensor([[1.0, 0], [1, 0], [1, 0], [0, 1]])
    expected = torch.tensor([[0.75 * 2, 0.25 * 2]]).log().expand(4, 2)
    torch.testing.assert_close(log_frequencies(targets, None), expected)


def test_soft_targets_count_as_fractions():
    targets = torch.tensor([[0.5, 0.5], [1.0, 0.0]])
    torch.testing.assert_close(
        log_frequencies(targets, None)[0].exp() / 2, torch.tensor([0.75, 0.25])
    )


def test_each_part_has_its_own_frequencies():
    targets = F.one_hot(torch.tensor([0, 0, 0, 1, 0, 1]), 2).float()
    offsets = log_frequencies(targets, torch.tensor([0, 0, 0, 0, 1, 1]))
    torch.testing.assert_close(offsets[0].exp(), torch.tensor([1.5, 0.5]))
    torch.testing.assert_close(offsets[5], torch.zeros(2))


def test_a_class_that_a_part_lacks_has_the_least_frequency():
    offsets = log_frequencies(torch.tensor([[1.0, 0.0]]), torch.tensor([2]))  # parts 0, 1 are empty
    assert offsets[0, 1].exp() == pytest.approx(LEAST_FREQUENCY)


def test_with_these_offsets_the_best_logits_do_not_depend_on_the_frequencies():
    """On noise, the loss is lowest for equal logits, although nine of ten show one class."""
    targets = F.one_hot((torch.arange(1000) % 10 == 0).long(), 2).float()
    offsets = log_frequencies(targets, None)
    logits = torch.zeros(2, requires_grad=True)
    F.cross_entropy(logits + offsets, targets).backward()
    torch.testing.assert_close(logits.grad, torch.zeros(2), atol=1e-6, rtol=0)


def test_targets_mix_labels_and_soft_targets():
    labels, taught = torch.tensor([0, 1]), torch.tensor([[0.4, 0.6], [0.0, 1.0]])
    mixed = mixed_targets(labels, 2, taught, 0.5)
    torch.testing.assert_close(mixed, torch.tensor([[0.7, 0.3], [0.0, 1.0]]))
    assert mixed_targets(labels, 2, None, 0.5).tolist() == [[1, 0], [0, 1]]


@pytest.fixture
def joined(faces, tmp_path):
    """Two data sets in one: ``faces``, and its samples without all but one smile."""
    other = tmp_path / "other"
    smiles = [sample for sample in faces.samples if sample.expression == "happiness"]
    kept = [s for s in faces.samples if s.expression != "happiness" or s is smiles[0]]
    for sample in kept:
        to = other / sample.file
        to.parent.mkdir(parents=True, exist_ok=True)
        to.write_bytes((faces.folder / sample.file).read_bytes())
    write_dataset(
        other, kept, [], crop_size=faces.crop_size, frame=faces.frame, settings={"dataset": "x"}
    )
    return join_datasets([faces.folder, read_dataset(other).folder], tmp_path / "joined")


def test_samples_of_a_joined_data_set_know_their_part(faces, joined):
    data = load(joined, range(len(joined.samples)), preset("tiny").network, joined.expressions)
    first = len(faces.samples)
    assert len(set(data.part[:first].tolist())) == 1
    assert set(data.part[first:].tolist()) == {1 - int(data.part[0])}
    assert data.only(torch.tensor([0, first])).part.tolist() == data.part[[0, first]].tolist()


def test_a_data_set_that_was_not_joined_has_one_part(faces):
    assert parts_of(faces, range(3)) == [0, 0, 0]
    assert load(faces, range(3), preset("tiny").network, faces.expressions).part is None


@pytest.mark.parametrize(("balance", "equal"), [("logits", True), ("weights", False)])
def test_rare_expressions_are_not_balanced_twice(faces, joined, tmp_path, balance, equal):
    settings = override(preset("tiny"), [f"classifier.balance='{balance}'"])
    few_smiles = range(len(faces.samples), len(joined.samples))
    data = load(joined, few_smiles, settings.network, joined.expressions)
    trainer = ClassifierTrainer(data, Encoder(settings.network), settings, tmp_path)
    neutral, smile = trainer.class_weights.tolist()
    assert (neutral == smile) == equal
    assert (trainer.log_frequencies is None) != equal


def test_a_run_with_balanced_logits_predicts_a_rare_expression_more_often(faces, joined, tmp_path):
    def mean_smile(balance):
        settings = override(
            preset("tiny"), [f"classifier.balance='{balance}'", "classifier.epochs=20"]
        )
        few_smiles = range(len(faces.samples), len(joined.samples))
        model = train(joined, few_smiles, settings, tmp_path / balance)
        crops = torch.zeros(4, joined.crop_size, joined.crop_size, 3, dtype=torch.uint8)
        with torch.no_grad():
            return float(model.recognition(crops)[:, 1].mean())

    assert mean_smile("logits") > mean_smile("weights")
