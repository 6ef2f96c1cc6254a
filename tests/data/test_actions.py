"""Facial actions of rendered people, as f(x) is tied to them."""

import json
import shutil

import numpy as np
import pytest

from degan.config import override, preset
from degan.data.facial_actions import read_actions
from degan.data.factors import read_column
from degan.data.manifest import read_dataset
from degan.errors import DeganError
from degan.labels import CODE_ACTIONS
from degan.training.pipeline import train

TINY = override(preset("tiny"), ["gan.weight_actions=1.0", "network.image_size=48"])


@pytest.fixture
def people(rendered):
    return read_dataset(rendered[1])


def test_every_picture_has_an_amount_of_every_action(people):
    amounts = read_actions(people, range(len(people.samples)))
    assert amounts.shape == (96, len(CODE_ACTIONS))
    assert 0 <= amounts.min() < 0.1
    assert 0.5 < amounts.max() < 1.5


def test_left_and_right_count_as_one(people):
    amounts = read_actions(people, [5, 0])
    smile = CODE_ACTIONS.index("mouthSmile")
    sides = [read_column(people, f"action_mouthSmile{side}") for side in ("Left", "Right")]
    for row, index in enumerate((5, 0)):
        mean = (sides[0][index] + sides[1][index]) / 2
        assert amounts[row, smile].item() == pytest.approx(mean, abs=1e-6)
    jaw = read_column(people, "action_jawOpen")[5]
    assert amounts[0, CODE_ACTIONS.index("jawOpen")].item() == pytest.approx(jaw, abs=1e-6)


def test_those_who_smile_smile_most_when_happy(people):
    amounts = read_actions(people, range(len(people.samples)))[:, CODE_ACTIONS.index("mouthSmile")]
    happy = np.array([sample.expression == "happiness" for sample in people.samples])
    assert amounts[happy].mean() > amounts[~happy].mean() + 0.3


def test_a_training_is_drawn_to_them(people, tmp_path):
    """Their distance shrinks: numbers of f(x) that nothing draws there keep it."""
    for name, weight in (("told", 8.0), ("hardly", 0.001)):
        settings = override(TINY, ["gan.epochs=15", f"gan.weight_actions={weight}"])
        train(people, range(len(people.samples)), settings, tmp_path / name)
    told, hardly = (
        [json.loads(line) for line in (tmp_path / name / "log.jsonl").open()][14]["actions"]
        for name in ("told", "hardly")
    )
    assert told < 0.8 * hardly


def test_photos_do_not_know_them_and_that_is_said_before_anything_is_written(faces, tmp_path):
    small = override(TINY, ["network.image_size=32"])
    with pytest.raises(
        DeganError, match=r"does not contain the amount of .* for every picture.*set it to 0"
    ):
        train(faces, range(len(faces.samples)), small, tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_a_table_that_lacks_a_picture_is_of_another_data_set(rendered, people, tmp_path):
    shutil.copytree(rendered[1], tmp_path / "cut")
    import pandas

    path = tmp_path / "cut/factors.parquet"
    pandas.read_parquet(path).iloc[:-1].to_parquet(path)
    with pytest.raises(DeganError, match="has no row for"):
        read_actions(read_dataset(tmp_path / "cut"), [0])


def test_a_code_too_short_for_them_is_refused():
    with pytest.raises(DeganError, match="expression_code"):
        override(TINY, ["network.expression_code=8"])
