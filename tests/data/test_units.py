"""FACS action units that coders saw: from CK+'s files to how well weights tell them."""

import json
import shutil
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from degan.cli.app import app
from degan.data.action_units import read_units, write_units
from degan.data.datasets.ckplus import ADAPTER
from degan.data.join import join_datasets
from degan.data.manifest import Dataset, read_dataset
from degan.data.sample import Sample
from degan.data.set_layout import ACTION_UNITS_FILE
from degan.errors import DeganError
from degan.evaluation.action_metrics import MIN_PEOPLE, ActionTruth, action_figures
from degan.evaluation.exported import evaluate
from degan.evaluation.metrics import roc_auc
from degan.labels import FACIAL_ACTIONS
from degan.recognition.recognizer import Recognizer
from made_ckplus import frames, label
from sequences import pack, put, reading

read, only = reading(ADAPTER)
SMILE = b"   6.0000000e+00   0.0000000e+00\n   1.2000000e+01   4.0000000e+00\n"


def facs(text=SMILE, subject="S005", take="001", peak=11, top="FACS"):
    return {f"{top}/{subject}/{take}/{subject}_{take}_{peak:08d}_facs.txt": text}


class TestCopy:
    def test_the_units_of_a_sequence_are_those_of_its_file(self, tmp_path):
        found = read(put(tmp_path, frames(), label(5), facs()))
        assert found.units == {"S005/001": frozenset({6, 12})}
        assert found.skipped == []

    def test_they_are_read_in_the_zip_file_that_they_come_in(self, tmp_path):
        put(tmp_path, frames(), label(5))
        pack(tmp_path / "FACS_labels.zip", facs(top="FACS_labels/FACS"))
        assert read(tmp_path).units == {"S005/001": frozenset({6, 12})}

    def test_a_copy_without_them_is_as_it_was(self, tmp_path):
        assert read(put(tmp_path, frames(), label(5))).units == {}

    def test_a_file_without_a_line_says_that_nothing_moves(self, tmp_path):
        found = read(put(tmp_path, frames(), label(5), facs(b"\n")))
        assert found.units == {"S005/001": frozenset()}

    def test_what_is_not_labelled_is_not_wanted(self, tmp_path):
        put(tmp_path, frames(), label(5), frames(take="002"), facs(take="002"))
        assert read(tmp_path).units == {}

    @pytest.mark.parametrize(
        "text",
        [
            b"smile",
            b"12",
            b"1.2e1 3 4",
            b"nan 1",
            b"inf 1",
            b"0 1",
            b"12.5 1",
            b"100 1",
            b"\0" * 9999,
        ],
    )
    def test_a_damaged_file_costs_no_sequence(self, tmp_path, text):
        found = read(put(tmp_path, frames(), label(5), facs(text)))
        assert found.units == {}
        assert len(found.recordings) == 1
        (row,) = found.skipped
        assert row.name.endswith("_facs.txt")
        assert "the sequence is kept" in row.reason

    def test_a_file_that_was_cut_off_is_no_face_at_rest_in_a_zip_file_either(self, tmp_path):
        put(tmp_path, frames(), label(5))
        pack(tmp_path / "FACS_labels.zip", facs(b"", top="FACS"))
        assert read(tmp_path).units == {}

    def test_two_copies_that_differ_say_nothing(self, tmp_path):
        found = read(put(tmp_path, frames(), label(5), facs(), facs(b"4 2", top="old")))
        assert found.units == {}
        assert len(found.skipped) == 1


def dataset(folder, sequences):
    samples = tuple(
        Sample(f"{n}.png", "neutral", name.partition("/")[0], name, 0, "a", "landmarks", 1)
        for n, name in enumerate(sequences)
    )
    return Dataset(folder, samples, 96, "frame/1", "0" * 64, "folder")


class TestTable:
    @given(
        coded=st.dictionaries(
            st.from_regex(r"[a-z ,'\"]{1,9}/[0-9]{3}", fullmatch=True),
            st.frozensets(st.integers(1, 99)),
            min_size=1,
        )
    )
    def test_what_is_written_is_read(self, coded, tmp_path_factory):
        folder = tmp_path_factory.mktemp("units")
        write_units(folder, coded)
        assert read_units(folder) == coded

    def test_of_nothing_there_is_none(self, tmp_path):
        write_units(tmp_path, {})
        assert list(tmp_path.iterdir()) == []
        assert read_units(tmp_path) == {}

    @pytest.mark.parametrize(
        ("text", "said"),
        [
            ("sequence,AU1\n", "no row"),
            ("person,AU1\na/1,0\n", "must have the columns sequence"),
            ("sequence,smile\na/1,0\n", "must have the columns sequence"),
            ("sequence,AU1,au1\na/1,0,1\n", "each once"),
            ("sequence,AU1\na/1,yes\n", "must have 1"),
            ("sequence,AU1\na/1,0\na/1,1\n", "twice"),
            ("sequence,AU1\na/1\n", "cells"),
        ],
    )
    def test_a_damaged_one_is_refused_in_a_sentence(self, tmp_path, text, said):
        (tmp_path / ACTION_UNITS_FILE).write_text(text)
        with pytest.raises(DeganError, match=said):
            read_units(tmp_path)

    def test_the_refusal_of_a_hostile_one_is_short_and_plain(self, tmp_path):
        (tmp_path / ACTION_UNITS_FILE).write_text(f"sequence,{'x' * 9999}\x1b[2J,AU1\na,1,1\n")
        with pytest.raises(DeganError) as refused:
            read_units(tmp_path)
        assert str(refused.value).isprintable()
        assert len(str(refused.value)) < 300 + len(str(tmp_path))


def pairs_won(values, shown):
    return np.mean([(a > b) + (a == b) / 2 for a in values[shown] for b in values[~shown]])


class TestRanking:
    @given(
        st.lists(
            st.tuples(st.integers(0, 5), st.booleans(), st.sampled_from("abcde")), min_size=2
        ).filter(lambda rows: len({shown for _, shown, _ in rows}) == 2)
    )
    def test_it_is_the_share_of_pairs_in_the_right_order(self, rows):
        values, shown, people = (np.array(column) for column in zip(*rows, strict=True))
        area, interval = roc_auc(values.astype(float), shown, people.tolist(), draws=50)
        assert area == pytest.approx(pairs_won(values, shown))
        of_one = min(len(set(people[shown])), len(set(people[~shown]))) < 2
        assert (interval is None) == of_one  # a label of one subject has no interval
        assert interval is None or 0 <= interval[0] <= interval[1] <= 1

    def test_people_are_drawn_whole(self):
        """Copies of one sample of a person tell nothing new."""
        rng = np.random.default_rng(0)
        values, shown = rng.random(40), np.arange(40) % 2 == 0
        people = [f"p{n}" for n in range(40)]
        _, once = roc_auc(values, shown, people)
        _, often = roc_auc(np.repeat(values, 9), np.repeat(shown, 9), np.repeat(people, 9).tolist())
        assert often == pytest.approx(once)
        _, apart = roc_auc(np.repeat(values, 9), np.repeat(shown, 9), [str(n) for n in range(360)])
        assert apart[1] - apart[0] < 0.6 * (once[1] - once[0])

    def test_many_people_take_no_more_than_their_number(self):
        """A table of each person against each would not fit into memory."""
        shown = np.arange(40_000) % 2 == 0
        values = np.where(shown, 1.0, np.arange(40_000) % 4 == 1)
        area, (low, high) = roc_auc(values, shown, [f"p{n}" for n in range(40_000)], draws=20)
        assert area == pytest.approx(0.75)
        assert 0.74 < low < high < 0.76


def measured(read, known, unit="AU12"):
    samples = dataset(None, [f"p{n}/1" for n in range(len(known))]).samples
    rows = action_figures(ActionTruth(None, known), read, samples, [unit], 0)["action_units"]
    return {row["unit"]: row for row in rows}


def smiles(amounts):
    """Faces that smile so much, one corner of the mouth more than the other."""
    columns = [FACIAL_ACTIONS.index(f"mouthSmile{side}") for side in ("Left", "Right")]
    table = np.zeros((len(amounts), len(FACIAL_ACTIONS)))
    table[:, columns] = np.array(amounts)[:, None] + [0.1, -0.1]
    return table


def coded(shown, others, unit=12):
    return [frozenset({unit})] * shown + [frozenset()] * others


class TestFigures:
    def test_the_amount_of_a_unit_is_held_against_the_coders(self):
        row = measured(smiles([0.2, 0.4, 0.4, 0.4, 0.4, 0.6] + [0.1] * 5 + [0.5]), coded(6, 6))[
            "AU12"
        ]
        assert (row["images"], row["shown"], row["people"]) == (12, 6, 6)
        assert row["area"] == pytest.approx(31 / 36)
        assert row["f1"] == pytest.approx(2 * 5 / (6 + 6))
        assert row["read_where_shown"] == pytest.approx(0.4)
        assert row["read_elsewhere"] == pytest.approx(1 / 6, abs=1e-4)

    def test_who_was_not_coded_does_not_count(self):
        faces = smiles([0.6] * 5 + [0.1] * 5 + [0.9] * 5)
        row = measured(faces, [*coded(5, 5), *[None] * 5])["AU12"]
        assert (row["images"], row["area"]) == (10, 1.0)

    def test_a_jaw_that_drops_far_is_an_open_jaw(self):
        assert measured(smiles([0.0] * 10), coded(5, 5, 27), "AU26")["AU26"]["shown"] == 5

    def test_a_unit_of_few_people_has_no_figure(self):
        few = MIN_PEOPLE - 1
        assert (
            measured(
                smiles([0.6] * few + [0.1] * 9), [frozenset({"AU12"})] * few + [frozenset()] * 9
            )
            == {}
        )
        assert (
            measured(
                smiles([0.6] * 9 + [0.1] * few), [frozenset({"AU12"})] * 9 + [frozenset()] * few
            )
            == {}
        )


@pytest.fixture(scope="module")
def copy(examples, tmp_path_factory):
    """Real photos under CK+'s names, coded as their owner labelled them: the smiles smile."""
    root = tmp_path_factory.mktemp("ckplus") / "copy"
    codes = (("neutral", "001", 0, b"\n"), ("smiling", "002", 5, SMILE))
    for name, take, code, coded in codes:
        for number, photo in enumerate(sorted((examples / name).glob("*.jpg"))):
            whose = {"subject": f"S{number:03d}", "take": take}
            picture = {"numbers": [1], "picture": photo.read_bytes()}
            put(root, frames(**whose, **picture), label(code, **whose, peak=1))
            put(root, facs(coded, **whose, peak=1))
    return root


@pytest.fixture(scope="module")
def data(copy):
    out = copy.with_name("data")
    done = CliRunner().invoke(app, ["prepare", "ckplus", str(copy), str(out)])
    assert done.exit_code == 0, done.output
    return out


class TestCommands:
    def test_prepare_writes_the_table(self, data):
        text = (data / ACTION_UNITS_FILE).read_text(encoding="utf-8").splitlines()
        assert text[:3] == ["sequence,AU6,AU12", "S000/001,0,0", "S000/002,1,1"]
        assert len(text) == 25

    def test_evaluate_says_how_well_units_are_told(self, data, tmp_path):
        words = ["evaluate", "--data", str(data), "--actions", "--out", str(tmp_path / "out")]
        done = CliRunner().invoke(app, words, env={"COLUMNS": "80"})
        assert done.exit_code == 0, done.output
        assert "12/24" in done.output
        assert max(map(len, done.output.splitlines()[-9:])) <= 80
        rows = json.loads((tmp_path / "out" / "summary.json").read_text())["action_units"]
        assert {row["unit"] for row in rows} == {"AU6", "AU12"}
        assert {row["people"] for row in rows} == {12}

    def test_two_thirds_of_the_smiles_in_pairs_of_people_are_told(self, data):
        summary = evaluate(read_dataset(data), Recognizer(), actions=True)
        area = {row["unit"]: row["area"] for row in summary["action_units"]}
        assert area["AU12"] > 2 / 3

    def test_a_damaged_table_is_one_sentence(self, data, tmp_path):
        (tmp_path / ACTION_UNITS_FILE).write_text("sequence,AU1\nS000/001,perhaps\n")
        broken = replace(read_dataset(data), folder=tmp_path)
        with pytest.raises(DeganError, match="must have 1"):
            evaluate(broken, Recognizer(), actions=True)

    def test_a_table_of_others_is_refused_before_a_crop_is_read(self, data, tmp_path):
        (tmp_path / ACTION_UNITS_FILE).write_text("sequence,AU1\nS099/001,1\n")
        other = replace(read_dataset(data), folder=tmp_path)
        with pytest.raises(DeganError, match="names no recording of the 24 images"):
            evaluate(other, Recognizer(), actions=True)

    def test_without_a_table_it_is_said_what_is_missing(self, data, tmp_path):
        bare = replace(read_dataset(data), folder=tmp_path)
        with pytest.raises(DeganError, match=rf"neither {ACTION_UNITS_FILE} .* nor factors"):
            evaluate(bare, Recognizer(), actions=True)

    def test_it_goes_along_when_sets_are_joined(self, data, tmp_path):
        twin = shutil.copytree(data, tmp_path / "twin")
        joined = join_datasets([data, twin], tmp_path / "both")
        summary = evaluate(joined, Recognizer(), actions=True)
        assert {row["shown"] for row in summary["action_units"]} == {24}

    def test_a_unit_that_too_few_show_is_said_to_be_missing(self, data, tmp_path):
        few = shutil.copytree(data, tmp_path / "few")
        (few / ACTION_UNITS_FILE).write_text("sequence,AU12\nS000/001,0\nS000/002,1\n")
        done = CliRunner().invoke(app, ["evaluate", "--data", str(few), "--actions"])
        assert done.exit_code == 0, done.output
        assert "no action unit" in done.output
