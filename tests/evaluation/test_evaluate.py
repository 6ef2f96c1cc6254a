"""``degan evaluate``: exported weights against a data set, and the figures by a column's values."""

import csv
import dataclasses
import json
import random
import shutil
import subprocess
import sys
from itertools import pairwise

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image
from pyarrow import parquet

from degan.cli import print_evaluation
from degan.data import factors
from degan.data.crops import read_crops
from degan.data.manifest import read_dataset, write_dataset
from degan.data.sample import Sample
from degan.errors import DeganError
from degan.evaluation import metrics
from degan.evaluation.exported import evaluate
from degan.evaluation.grouping import BINS, MAX_NUMBERS, NOTHING, group
from degan.faces.alignment import FRAME
from degan.recognition.recognizer import Recognizer
from made_weights import SIDE, make_weights


def make_data(folder, rows, *, frame=FRAME, enlarge=1, factors=None, splits=None):
    """Write a data set: a row is (expression, subject, sequence, shares for the first pixels)."""
    samples = []
    for number, (expression, subject, sequence, shares) in enumerate(rows):
        crop = np.zeros((SIDE, SIDE, 3), np.uint8)
        crop[0, : len(shares)] = np.array(shares)[:, None]
        crop = crop.repeat(enlarge, axis=0).repeat(enlarge, axis=1)
        file = f"crops/{number:03d}.png"
        (folder / "crops").mkdir(parents=True, exist_ok=True)
        Image.fromarray(crop).save(folder / file)
        samples.append(
            Sample(file, expression, subject, sequence, 0, f"{number}.jpg", "landmarks", 1)
        )
    if splits is not None:
        pairs = zip(samples, splits, strict=True)
        samples = [sample._replace(split=split) for sample, split in pairs]
    write_dataset(folder, samples, [], crop_size=SIDE * enlarge, frame=frame, settings={})
    if factors is not None:
        table = {"file": [sample.file for sample in samples], **factors}
        parquet.write_table(pa.table(table), folder / "factors.parquet")
    return read_dataset(folder)


# The weights know (neutral, anger, happiness); the data has no anger, and fear that they know not.
KNOWN = ["neutral", "anger", "happiness"]
ROWS = [
    ("neutral", "ann", "n/ann", (60, 0, 20)),  # right: 3 to 1
    ("neutral", "ann", "n/ann", (50, 0, 150)),  # wrong: 1 to 3
    ("fear", "bob", "f/bob", (1, 1, 1)),  # not scored
    ("neutral", "bob", "n/bob", (30, 200, 10)),  # anger is no answer here: right, 3 to 1
    ("happiness", "ann", "h/ann", (10, 0, 90)),  # right
    ("happiness", "bob", "h/bob", (90, 0, 10)),  # wrong
]
WRITTEN = {"predictions.csv", "summary.json", "mistakes.jpg"}
FACTORS = {
    "recipe": ["rest", "rest", "scream", "stare", "smile", "smirk"],
    "tone": [0.1, 0.9, 0.1, 0.1, 0.9, None],
    "glasses": [True, False, False, True, False, True],
    "actions": [[0.1], [0.2], [], [], [], []],  # a list is nothing to split by
}


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    return make_weights(tmp_path_factory.mktemp("weights") / "three.onnx", KNOWN)


@pytest.fixture(scope="module")
def recognizer(weights):
    return Recognizer(weights)


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return make_data(tmp_path_factory.mktemp("made"), ROWS, factors=FACTORS)


@pytest.fixture
def own(data, tmp_path):
    """A copy of the made data set that a test may harm."""
    shutil.copytree(data.folder, tmp_path / "own")
    return read_dataset(tmp_path / "own")


def degan_evaluate(*arguments):
    return subprocess.run(
        [sys.executable, "-m", "degan", "evaluate", *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


class TestFigures:
    def test_only_expressions_that_both_know_are_scored(self, data, recognizer):
        summary = evaluate(data, recognizer)
        assert summary["expressions"] == ["neutral", "happiness"]
        assert summary["left_out"] == {"fear": 1}
        assert summary["never_shown"] == ["anger"]
        assert summary["images"] == 5
        assert summary["subjects"] == 2
        assert summary["confusion"] == [[2, 1], [1, 1]]
        assert summary["accuracy"] == 3 / 5
        assert summary["balanced_accuracy"] == pytest.approx((2 / 3 + 1 / 2) / 2)
        low, high = summary["accuracy_interval"]
        assert 0 <= low < 3 / 5 < high <= 1
        recall = summary["recall"]
        assert recall["neutral"]["recall"] == 2 / 3
        assert recall["happiness"]["recall"] == 1 / 2
        low, high = recall["happiness"]["interval"]  # one image of each of two people
        assert low < 0.1
        assert high > 0.9
        # Sure by 3/4 thrice and 9/10 twice; of each one is wrong.
        gap = 3 * abs(3 / 4 - 2 / 3) + 2 * abs(9 / 10 - 1 / 2)
        assert summary["calibration_error"] == pytest.approx(gap / 5)

    @pytest.mark.parametrize(
        ("below", "images", "accuracy"), [(0.0, 0, 3 / 5), (0.8, 2, 2 / 3), (0.95, 5, None)]
    )
    def test_unsure_answers_are_counted_and_the_others_judged(
        self, data, tmp_path, below, images, accuracy
    ):
        path = make_weights(tmp_path / "w.onnx", KNOWN, unsure_below=below)
        unsure = evaluate(data, Recognizer(path))["unsure"]
        assert unsure == {"below": below, "images": images, "accuracy_of_others": accuracy}

    def test_a_sequence_is_decided_by_its_mean(self, data, recognizer):
        summary = evaluate(data, recognizer)
        # ann's two neutral frames: 0.75 and 0.25, a tie, which the first expression wins.
        assert summary["sequences"] == 4
        assert summary["accuracy_sequences"] == 3 / 4

    def test_what_was_measured_on_what_is_on_record(self, data, recognizer, weights):
        summary = evaluate(data, recognizer)
        assert summary["weights"] == str(weights)
        assert len(summary["weights_sha256"]) == 64
        assert summary["manifest_sha256"] == data.manifest_hash
        assert not summary["trained_on_this_data"]

    def test_a_part_of_the_official_split_can_be_measured_alone(self, tmp_path, recognizer):
        data = make_data(tmp_path, ROWS, splits=["train", "test", "test", "train", "", "test"])
        summary = evaluate(data, recognizer, split="test", out=tmp_path / "out")
        assert (summary["split"], summary["images"], summary["accuracy"]) == ("test", 2, 0)
        assert summary["left_out"] == {"fear": 1}
        with (tmp_path / "out/predictions.csv").open() as file:
            assert [row["index"] for row in csv.DictReader(file)] == ["1", "5"]
        with pytest.raises(DeganError, match=r"no samples of the split 'dev'; it has train, test"):
            evaluate(data, recognizer, split="dev")

    @pytest.mark.parametrize(
        ("change", "says"),
        [
            ({"dataset": "data"}, "dataset must be a data set of read_dataset, not .* str"),
            ({"recognizer": "web"}, r"recognizer must be a degan\.Recognizer, not .* str"),
            ({"by": []}, "by must be the name of a column or None, not .* list"),
            ({"split": 3}, "split must be a part of the official split or None"),
            ({"actions": "no"}, "actions must be True or False"),
            ({"progress": 5}, "progress must be a function or None"),
            ({"people": "a.csv"}, "no column is given; name one"),
        ],
    )
    def test_a_wrong_argument_gets_a_sentence(self, data, recognizer, tmp_path, change, says):
        right = {"dataset": data, "recognizer": recognizer, "out": tmp_path / "out"}
        with pytest.raises(DeganError, match=says):
            evaluate(**{**right, **change})
        assert not any(tmp_path.iterdir())

    def test_no_samples_are_refused(self, data, recognizer):
        with pytest.raises(DeganError, match=r"no sample of .* is left; choose expressions"):
            evaluate(data.with_expressions(["contempt"]), recognizer)

    def test_where_there_is_no_official_split_that_is_said(self, data, recognizer):
        with pytest.raises(DeganError, match="no official split"):
            evaluate(data, recognizer, split="test")

    def test_weights_of_one_part_were_not_trained_on_another(self, tmp_path):
        parts = ["train", "test", "test", "train", "train", "test"]
        data = make_data(tmp_path, ROWS, splits=parts)
        trained_on = {"manifest_sha256": data.manifest_hash, "splits": "train"}
        weights = Recognizer(make_weights(tmp_path / "own.onnx", KNOWN, trained_on))
        for split, told in (("train", True), (None, True), ("test", False)):
            assert evaluate(data, weights, split=split)["trained_on_this_data"] == told

    def test_weights_that_were_trained_on_this_data_are_told(self, data, tmp_path, capsys):
        trained_on = {"manifest_sha256": data.manifest_hash}
        path = make_weights(tmp_path / "own.onnx", KNOWN, trained_on)
        summary = evaluate(data, Recognizer(path))
        assert summary["trained_on_this_data"]
        print_evaluation.evaluation_notes(summary)
        assert "do not hold for other people" in capsys.readouterr().err

    def test_so_are_those_whose_training_data_were_joined_of_this_and_others(self, data, tmp_path):
        hashes = ",".join(sorted(["3" * 64, data.manifest_hash]))
        trained_on = {"manifest_sha256": "4" * 64, "joined_sha256": hashes}
        weights = Recognizer(make_weights(tmp_path / "own.onnx", KNOWN, trained_on))
        assert evaluate(data, weights)["trained_on_this_data"]
        joined = dataclasses.replace(data, manifest_hash="5" * 64, joined={"a": "3" * 64})
        assert evaluate(joined, weights)["trained_on_this_data"]
        other = dataclasses.replace(data, manifest_hash="5" * 64)
        assert not evaluate(other, weights)["trained_on_this_data"]

    def test_many_crops_are_read_in_parts_to_the_same_figures(self, data, recognizer, monkeypatch):
        whole = evaluate(data, recognizer)
        monkeypatch.setattr("degan.data.crops._CHUNK", 2)
        shares = []
        assert evaluate(data, recognizer, progress=lambda done, _: shares.append(done)) == whole
        assert shares == [0, 2 / 5, 4 / 5, 1]

    def test_crops_of_another_size_are_scaled_as_a_whole(self, data, recognizer, tmp_path):
        double = make_data(tmp_path / "double", ROWS, enlarge=2)
        assert double.crop_size == 2 * recognizer.crop_size
        for folder, made in (("a", data), ("b", double)):
            evaluate(made, recognizer, out=tmp_path / folder)
        texts = [(tmp_path / folder / "predictions.csv").read_text() for folder in "ab"]
        assert texts[0] == texts[1]

    def test_without_a_column_there_is_no_table(self, data, recognizer):
        assert "by" not in evaluate(data, recognizer)


class TestByColumn:
    @staticmethod
    def rows(data, recognizer, column):
        by = evaluate(data, recognizer, by=column)["by"]
        assert by["column"] == column
        return {(row["expression"], row["value"]): row for row in by["rows"]}

    def test_each_recipe_has_its_recall_and_what_it_was_read_as(self, data, recognizer):
        rows = self.rows(data, recognizer, "recipe")
        assert list(rows) == [
            ("neutral", "rest"),
            ("neutral", "stare"),
            ("happiness", "smile"),
            ("happiness", "smirk"),
        ]
        assert rows["neutral", "rest"] == {
            "expression": "neutral",
            "value": "rest",
            "images": 2,
            "people": 1,
            "recall": 0.5,
            "interval": None,  # both are ann's
            "mistaken_for": "happiness",
            "read_as": {"neutral": 1, "happiness": 1},
        }
        assert rows["happiness", "smile"]["mistaken_for"] is None
        assert rows["happiness", "smirk"]["recall"] == 0

    def test_a_value_of_several_expressions_has_a_row_of_all(self, data, recognizer):
        rows = self.rows(data, recognizer, "glasses")
        assert rows["all", "true"]["images"] == 3
        assert rows["all", "true"]["recall"] == pytest.approx(2 / 3)
        assert rows["all", "true"]["mistaken_for"] == "neutral"
        assert rows["all", "true"]["read_as"] == {"neutral": 3, "happiness": 0}
        assert rows["all", "false"]["mistaken_for"] == "happiness"
        assert rows["neutral", "true"]["images"] == 2

    def test_the_interval_of_a_row_is_over_people(self, data, recognizer):
        rows = self.rows(data, recognizer, "tone")
        assert rows["neutral", "0.1"]["people"] == 2
        low, high = rows["neutral", "0.1"]["interval"]  # ann and bob are both read right
        assert low < 0.2
        assert high == 1
        assert rows["neutral", "0.9"]["interval"] is None

    def test_cells_without_a_value_are_a_group(self, data, recognizer):
        rows = self.rows(data, recognizer, "tone")
        assert [value for name, value in rows if name == "happiness"] == ["0.9", NOTHING]

    def test_a_column_of_the_manifest_needs_no_factors(self, own, recognizer):
        (own.folder / "factors.parquet").unlink()
        rows = self.rows(own, recognizer, "subject")
        assert rows["all", "ann"]["recall"] == pytest.approx(2 / 3)

    def test_the_manifest_has_the_word_on_a_name_that_both_have(self, own, recognizer):
        table = {"file": [s.file for s in own.samples], "subject": ["x"] * len(own.samples)}
        parquet.write_table(pa.table(table), own.folder / "factors.parquet")
        assert ("all", "ann") in self.rows(own, recognizer, "subject")

    def test_rows_are_joined_by_file_not_by_order(self, own, recognizer):
        before = self.rows(own, recognizer, "recipe")
        table = parquet.read_table(own.folder / "factors.parquet")
        parquet.write_table(table.take([5, 3, 1, 0, 2, 4]), own.folder / "factors.parquet")
        assert self.rows(own, recognizer, "recipe") == before

    def test_words_stored_once_each_are_words(self, own, recognizer):
        table = parquet.read_table(own.folder / "factors.parquet")
        coded = table["recipe"].dictionary_encode()
        table = table.set_column(table.column_names.index("recipe"), "recipe", coded)
        parquet.write_table(table, own.folder / "factors.parquet")
        assert ("neutral", "stare") in self.rows(own, recognizer, "recipe")

    def test_numbers_are_divided_where_the_user_says(self, data, recognizer):
        by = evaluate(data, recognizer, by="tone", bins=[0.5])["by"]
        assert (by["bins"], by["magnitude"]) == ([0.5], False)
        rows = {(row["expression"], row["value"]): row["images"] for row in by["rows"]}
        assert rows["neutral", "below 0.5"] == 2
        assert rows["neutral", "0.5 or more"] == 1
        assert rows["happiness", NOTHING] == 1

    def test_a_column_of_words_has_no_ranges_and_no_crop_is_read_for_it(self, own, recognizer):
        shutil.rmtree(own.folder / "crops")
        with pytest.raises(DeganError, match="recipe has values that are not numbers"):
            evaluate(own, recognizer, by="recipe", bins=[1])

    @pytest.mark.parametrize("options", [{"bins": [1]}, {"magnitude": True}])
    def test_ranges_need_a_column(self, data, recognizer, options):
        with pytest.raises(DeganError, match="divide the numbers of a column, but no column"):
            evaluate(data, recognizer, **options)

    def test_every_scored_image_is_in_one_row_of_its_expression(self, data, recognizer):
        for column in ("file", "expression", "subject", "frame", "recipe", "tone", "glasses"):
            rows = self.rows(data, recognizer, column)
            assert sum(row["images"] for (name, _), row in rows.items() if name != "all") == 5


class TestOut:
    def test_every_scored_image_is_a_row_with_probabilities_that_sum_to_1(
        self, data, recognizer, tmp_path
    ):
        summary = evaluate(data, recognizer, by="recipe", out=tmp_path / "out")
        assert {path.name for path in (tmp_path / "out").iterdir()} == WRITTEN
        assert json.loads((tmp_path / "out/summary.json").read_text(encoding="utf-8")) == summary
        with (tmp_path / "out/predictions.csv").open(encoding="utf-8") as file:
            rows = list(csv.DictReader(file))
        assert list(rows[0]) == [
            *("index", "source", "subject", "sequence", "expression", "predicted"),
            *("neutral", "happiness"),
        ]
        assert [int(row["index"]) for row in rows] == [0, 1, 3, 4, 5]
        assert (rows[2]["predicted"], rows[2]["neutral"]) == ("neutral", "0.750000")
        for row in rows:
            assert float(row["neutral"]) + float(row["happiness"]) == pytest.approx(1, abs=2e-6)

    def test_the_same_folder_may_be_written_again(self, data, recognizer, tmp_path):
        for _ in range(2):
            evaluate(data, recognizer, out=tmp_path)
        assert {path.name for path in tmp_path.iterdir()} == WRITTEN

    def test_the_figures_of_a_run_are_never_replaced(self, data, recognizer, tmp_path):
        (tmp_path / "run.json").write_text("{}")
        with pytest.raises(DeganError, match="is a run of 'degan train'"):
            evaluate(data, recognizer, out=tmp_path)
        assert [path.name for path in tmp_path.iterdir()] == ["run.json"]

    def test_a_file_is_no_folder(self, data, recognizer, tmp_path):
        (tmp_path / "taken").write_text("mine")
        with pytest.raises(DeganError, match="taken is a file; --out names a folder"):
            evaluate(data, recognizer, out=tmp_path / "taken")
        assert (tmp_path / "taken").read_text() == "mine"

    def test_what_cannot_be_written_leaves_no_half_file(self, data, recognizer, tmp_path):
        (tmp_path / "summary.json/in the way").mkdir(parents=True)
        with pytest.raises(DeganError, match=r"cannot write .*summary\.json"):
            evaluate(data, recognizer, out=tmp_path)
        assert {path.name for path in tmp_path.iterdir()} == WRITTEN

    def test_a_folder_in_place_of_a_picture_is_one_sentence(self, data, recognizer, tmp_path):
        (tmp_path / "mistakes.jpg/in the way").mkdir(parents=True)
        with pytest.raises(DeganError, match=r"mistakes\.jpg"):
            evaluate(data, recognizer, out=tmp_path)


class TestRefusals:
    def test_data_of_another_frame(self, recognizer, tmp_path):
        other = make_data(tmp_path, ROWS, frame="eyes/9")
        with pytest.raises(DeganError, match=rf"frame eyes/9, but .*three\.onnx reads {FRAME}"):
            evaluate(other, recognizer)

    @pytest.mark.parametrize("expressions", [["fear"], ["neutral", "fear"]])
    def test_fewer_than_two_expressions_in_common(self, recognizer, tmp_path, expressions):
        other = make_data(tmp_path, [(name, "ann", name, (1, 1, 1)) for name in expressions])
        with pytest.raises(DeganError, match="must share two expressions or more") as caught:
            evaluate(other, recognizer)
        assert "knows neutral, anger, happiness" in str(caught.value)

    def test_a_crop_that_is_damaged(self, own, recognizer):
        (own.folder / own.samples[3].file).write_bytes(b"\x89PNG")
        with pytest.raises(DeganError, match=r"003\.png"):
            evaluate(own, recognizer)

    def test_an_unknown_column_lists_those_that_can_be_split_by(self, data, recognizer):
        with pytest.raises(DeganError, match="no column 'mood'; its columns: file") as caught:
            evaluate(data, recognizer, by="mood")
        assert str(caught.value).endswith("faces, split, recipe, tone, glasses")

    def test_a_column_of_lists_is_none(self, data, recognizer):
        with pytest.raises(DeganError, match="no column 'actions'"):
            evaluate(data, recognizer, by="actions")

    def test_an_unknown_column_where_there_are_no_factors(self, own, recognizer):
        (own.folder / "factors.parquet").unlink()
        with pytest.raises(DeganError, match=r"alignment, faces, split$"):
            evaluate(own, recognizer, by="recipe")

    def test_a_column_is_looked_for_before_any_crop_is_read(self, own, recognizer):
        shutil.rmtree(own.folder / "crops")
        with pytest.raises(DeganError, match="no column 'mood'"):
            evaluate(own, recognizer, by="mood")

    @pytest.mark.parametrize("harm", ["words", "cut", "empty", "no file column", "twice"])
    def test_a_table_that_is_damaged(self, own, recognizer, harm):
        path = own.folder / "factors.parquet"
        table = parquet.read_table(path)
        if harm == "words":
            path.write_text("these are words")
        elif harm == "cut":
            path.write_bytes(path.read_bytes()[:-50])
        elif harm == "empty":
            path.write_bytes(b"")
        elif harm == "no file column":
            parquet.write_table(table.drop_columns(["file"]), path)
        else:
            parquet.write_table(pa.concat_tables([table, table]), path)
        with pytest.raises(DeganError, match=r"factors\.parquet is (damaged|empty)"):
            evaluate(own, recognizer, by="recipe")

    def test_a_table_without_a_sample(self, own, recognizer):
        table = parquet.read_table(own.folder / "factors.parquet")
        parquet.write_table(table.slice(1), own.folder / "factors.parquet")
        with pytest.raises(DeganError, match=r"has no row for crops/000\.png"):
            evaluate(own, recognizer, by="recipe")

    def test_a_table_is_measured_before_it_is_read(self, own, recognizer, monkeypatch):
        monkeypatch.setattr(factors, "_MAX_BYTES", 100)
        with pytest.raises(DeganError, match="more than the 100 that degan reads"):
            evaluate(own, recognizer, by="recipe")
        monkeypatch.undo()
        monkeypatch.setattr(factors, "_MAX_ROWS", 5)
        with pytest.raises(DeganError, match="one row per file"):
            evaluate(own, recognizer, by="recipe")

    def test_the_extra_is_named_where_pyarrow_is_missing(self, data, recognizer, monkeypatch):
        monkeypatch.setitem(sys.modules, "pyarrow", None)
        with pytest.raises(DeganError, match=r"pip install 'degan\[synthetic\]'"):
            evaluate(data, recognizer, by="recipe")
        assert evaluate(data, recognizer, by="subject")["images"] == 5

    @settings(max_examples=80, deadline=None)
    @given(seed=st.integers(0, 10**6))
    def test_whatever_bytes_are_changed_a_table_is_read_or_refused(self, data, seed):
        rng = random.Random(seed)
        content = bytearray((data.folder / "factors.parquet").read_bytes())
        for _ in range(rng.randrange(1, 6)):
            content[rng.randrange(len(content))] = rng.randrange(256)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(factors, "read_bytes", lambda *_: bytes(content))
            try:
                assert len(factors.read_column(data, "recipe")) == len(data.samples)
            except DeganError as error:
                assert "\n" not in str(error)


class TestGroups:
    def test_words_are_sorted_and_nothing_is_last(self):
        groups = group(["b", "", "a", None, "b"])
        assert groups.names == ("a", "b", NOTHING)
        assert groups.index.tolist() == [1, 2, 0, 2, 1]

    def test_few_numbers_stand_for_themselves_in_their_order(self):
        assert group([10, 9, 100, 9]).names == ("9", "10", "100")
        assert group([0.5, float("nan"), 0.25, 1234.5]).names == ("0.25", "0.5", "1230", NOTHING)
        assert group([1.25, 1.2501]).names == ("1.25", "1.2501")

    def test_a_word_among_numbers_makes_all_words(self):
        assert group(["10", "9"]).names == ("10", "9")

    def test_many_whole_numbers_become_ranges_of_their_own_ends(self):
        groups = group(list(range(18, 68)))
        assert groups.names == ("18 to 27", "28 to 37", "38 to 47", "48 to 57", "58 to 67")
        assert np.bincount(groups.index).tolist() == [10] * BINS

    def test_many_fractions_become_ranges_without_a_gap(self):
        names = group([k / 1000 for k in range(1001)]).names
        assert names == ("0 to 0.2", "0.2 to 0.4", "0.4 to 0.6", "0.6 to 0.8", "0.8 to 1")

    def test_a_number_that_is_common_has_a_range_of_its_own(self):
        assert group([0.0] * 60 + [k / 40 for k in range(1, 41)]).names == (
            *("0", "0 to 0.5", "0.5 to 1"),
        )

    def test_of_nothing_known_there_is_one_group(self):
        assert group([None, ""]).names == (NOTHING,)

    @settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])
    @given(
        st.lists(st.integers(-(10**30), 10**30), min_size=1, max_size=60)
        | st.lists(st.floats(), min_size=1, max_size=60)
        | st.lists(st.text(max_size=3) | st.none(), min_size=1, max_size=60)
        | st.lists(st.booleans() | st.none(), min_size=1)
    )
    def test_equal_values_share_a_group_and_numbers_rise(self, values):
        groups = group(values)
        assert len(set(groups.names)) == len(groups.names)
        assert set(groups.index.tolist()) == set(range(len(groups.names)))
        of = {}
        for value, place in zip(values, groups.index.tolist(), strict=True):
            assert of.setdefault(value, place) == place
        known = {v: k for v, k in of.items() if groups.names[k] != NOTHING}
        if all(isinstance(value, int | float) for value in known):
            assert all(known[a] <= known[b] for a, b in pairwise(sorted(known)))
            assert len(set(known.values())) <= MAX_NUMBERS


class TestCommand:
    def test_the_shipped_weights_on_real_people(self, faces, tmp_path):
        done = degan_evaluate("--data", faces.folder, "--by", "alignment", "--out", tmp_path)
        assert done.returncode == 0, done.stderr
        summary = json.loads((tmp_path / "summary.json").read_text(encoding="utf-8"))
        assert summary["weights"] == "web.onnx"
        assert summary["images"] == 24
        assert summary["accuracy"] >= 19 / 24
        assert f"accuracy {summary['accuracy']:.1%} (95 % interval over subjects" in done.stdout
        assert "24 images, 12 subjects" in done.stdout
        assert "sequences" not in done.stdout  # each photo is its own
        assert "label \\ prediction" in done.stdout
        unsure = summary["unsure"]["images"]
        assert f"unsure (below 50%): {unsure} of 24 images; accuracy of the others" in done.stdout
        assert "landmarks" in done.stdout
        assert "crops of 64 px were scaled to the 96 px" in done.stderr

    def test_it_says_what_predict_says_of_the_same_crops(self, faces, tmp_path):
        recognizer = Recognizer()
        evaluate(faces, recognizer, out=tmp_path)
        with (tmp_path / "predictions.csv").open(encoding="utf-8") as file:
            rows = list(csv.DictReader(file))
        from degan.faces.alignment import crop_face

        crops = [crop_face(crop, None, 96) for crop in read_crops(faces, range(24))]
        columns = [recognizer.expressions.index(name) for name in ("neutral", "happiness")]
        expected = metrics.restrict(recognizer.probabilities(crops), columns)
        found = np.array([[float(row["neutral"]), float(row["happiness"])] for row in rows])
        np.testing.assert_allclose(found, expected, atol=1e-6)

    def test_notes_and_the_table_of_a_column(self, data, weights):
        done = degan_evaluate("--data", data.folder, "--weights", weights, "--by", "recipe")
        assert done.returncode == 0, done.stderr
        assert "75.0% of 4 sequences" in done.stdout
        assert done.stdout.index("label") < done.stdout.index("mistaken for")
        (row,) = [line.split() for line in done.stdout.splitlines() if " rest " in line]
        assert row == ["neutral", "rest", "2", "50%", "one", "subject", "happiness", "1", "1"]
        assert "left out, because the weights do not have these expressions: 1 fear" in done.stderr
        assert "the data has no anger" in done.stderr
        assert "ONLY 5 IMAGES of 2 subjects were tested" in done.stderr

    def test_the_table_names_absolute_values(self, data):
        done = degan_evaluate(
            *("--data", data.folder, "--by", "tone", "--magnitude", "--bins", "0.2,0.5")
        )
        assert done.returncode == 0, done.stderr
        (heading,) = [line for line in done.stdout.splitlines() if "mistaken for" in line]
        assert heading.split()[:2] == ["expression", "|tone|"]
        assert "below 0.2" in done.stdout
        assert "gap by |tone|: needs two groups" in done.stdout

    def test_eight_expressions_fit_a_line_of_a_file(self, tmp_path):
        names = [*KNOWN[:2], "contempt", "disgust", "fear", "happiness", "sadness", "surprise"]
        rows = [(name, "ann", name, [1] * 8) for name in names]
        made = make_data(tmp_path / "data", rows)
        path = make_weights(tmp_path / "eight.onnx", names)
        done = degan_evaluate("--data", made.folder, "--weights", path, "--by", "source")
        (heading,) = [line for line in done.stdout.splitlines() if "mistaken for" in line]
        assert heading.split()[-8:] == names

    @pytest.mark.parametrize(
        ("arguments", "sentence"),
        [
            (("--weights", "none.onnx"), "none.onnx does not exist"),
            (("--by", "mood"), "has no column 'mood'"),
            (("--bins", "1"), "name one (by, --by COLUMN)"),
            (("--by", "tone", "--bins", "1,b"), "--bins is '1,b'; give numbers separated by"),
            (("--by", "tone", "--bins", "2,1"), "give different numbers in ascending order"),
            (("--data", "nowhere"), "nowhere is not a prepared data set"),
        ],
    )
    def test_a_mistake_is_one_sentence(self, data, arguments, sentence):
        done = degan_evaluate("--data", data.folder, *arguments)
        assert done.returncode == 2
        assert done.stdout == ""
        (line,) = done.stderr.splitlines()
        assert line.startswith("degan: ")
        assert sentence in line

    def test_it_works_where_training_and_tables_are_not_installed(self, faces, fresh_python):
        code = (
            "import sys\n"
            "for name in ('torch', 'sklearn', 'pandas', 'pyarrow'): sys.modules[name] = None\n"
            "sys.argv = ['degan', 'evaluate', '--by', 'subject', '--data', sys.argv[1]]\n"
            "from degan.cli.app import main; main()"
        )
        assert "24 images, 12 subjects" in fresh_python(code, faces.folder)
