"""What a report shows of results, and what stands where something is missing or damaged."""

import base64
import io
import json
import os
import re
import shutil

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from degan.data.factors import read_column
from degan.data.manifest import Dataset, read_dataset
from degan.data.sample import Sample
from degan.errors import DeganError
from degan.evaluation.compare import compare_results
from degan.evaluation.predictions import compute_metrics, predictions_text, read_predictions
from degan.report.atlas import Atlas
from degan.report.build import write_report
from degan.report.measurements import Clusters, FaceMap, Neighbours, Origin, Saliency
from degan.report.part import Absent, Figure, Listing, Pictures, class_colour, marker_symbol
from degan.report.parts.model import map_of_faces, saliency_figure
from degan.report.plot import plain, short
from degan.report.run_files import Unavailable, read_results
from degan.system.files import write_text
from made_results import make_result, probes, write_json, write_log

EVIL = "<script>alert(1)</script>"


@pytest.fixture(scope="module")
def data(rendered):
    return read_dataset(rendered[1])


@pytest.fixture
def run(tmp_path, data):
    make_result(tmp_path / "run", data)
    write_json(tmp_path / "run" / "probe" / "probes.json", probes())
    return tmp_path / "run"


def made(folders, out, **options):
    """The parts of a report by key, and its text."""
    parts = write_report(folders, out, **options)
    assert len({part.key for part in parts}) == len(parts)
    return {part.key: part for part in parts}, out.read_text(encoding="utf-8")


def table(part):
    """The rows of a figure's data as dictionaries."""
    return [dict(zip(part.table.columns, row, strict=True)) for row in part.table.rows]


def summary_of(run):
    return json.loads((run / "summary.json").read_text())


class TestFigures:
    def test_a_run_lacks_nothing_but_what_needs_a_model_that_is_not_there(
        self, run, data, tmp_path
    ):
        parts, _ = made([run], tmp_path / "r.html", dataset=data)
        (absent,) = (part for part in parts.values() if isinstance(part, Absent))
        assert "folds.json" in absent.reason
        titles = [title.partition(":")[0] for title in absent.title.split("; ")]
        assert titles == [
            "Map of f(x)",
            "Decisive face regions",
            "Expressions drawn on other people",
        ]
        kinds = {"figure": Figure, "listing": Listing, "pictures": Pictures}
        found = {
            name: [k for k, p in parts.items() if isinstance(p, kind)]
            for name, kind in kinds.items()
        }
        assert {"accuracy", "recall", "confusion-1", "people-1", "calibration"} <= set(
            found["figure"]
        )
        assert {"leakage", "factors", "training-1"} <= set(found["figure"])
        assert found["pictures"] == ["mistakes-1"]
        assert found["listing"] == ["summary", "settings", "facts", "methods"]

    def test_accuracy_is_what_the_summary_says(self, run, tmp_path):
        parts, text = made([run], tmp_path / "r.html")
        summary = summary_of(run)
        (row,) = table(parts["accuracy"])
        assert row["accuracy"] == summary["accuracy"]
        assert [row["low"], row["high"]] == summary["accuracy_interval"]
        assert f"{100 * summary['accuracy']:.1f}\u00a0%" in text

    def test_the_confusion_matrix_has_every_cell(self, run, data, tmp_path):
        parts, _ = made([run], tmp_path / "r.html")
        summary = summary_of(run)
        names = summary["expressions"]
        counts = {
            (row["truth"], row["read as"]): row["images"] for row in table(parts["confusion-1"])
        }
        for i, truth in enumerate(names):
            for j, read in enumerate(names):
                assert counts[truth, read] == summary["confusion"][i][j]
        shares, views = parts["confusion-1"].views
        assert [sum(row) for row in shares.traces[0]["z"]] == pytest.approx([1] * len(names))
        assert views.traces[0]["z"] == summary["confusion"]

    def test_the_faces_of_a_cell_are_those_that_were_so_read(self, run, data, tmp_path):
        parts, _ = made([run], tmp_path / "r.html", dataset=data)
        part = parts["confusion-1"]
        summary = summary_of(run)
        for cell, faces in part.faces.items():
            i, j = map(int, cell.split(","))
            assert 0 < len(faces) <= summary["confusion"][i][j]
        wanted = sum(count > 0 for row in summary["confusion"] for count in row)
        assert len(part.faces) == wanted
        assert {cell for _, cell in part.choices} == set(part.faces)

    def test_people_are_counted_apart_worst_first(self, run, data, tmp_path):
        rows = table(made([run], tmp_path / "r.html")[0]["people-1"])
        assert {row["subject"] for row in rows} == set(data.subjects)
        assert [row["accuracy"] for row in rows] == sorted(row["accuracy"] for row in rows)
        assert sum(row["right"] for row in rows) / sum(row["images"] for row in rows) == (
            pytest.approx(summary_of(run)["accuracy"])
        )

    def test_mistakes_are_mistakes_surest_first_and_of_several_people(self, run, data, tmp_path):
        part = made([run], tmp_path / "r.html", dataset=data)[0]["mistakes-1"]
        rows = table(part)
        assert len(rows) == len(part.faces) > 0
        assert all(row["truth"] != row["read as"] for row in rows)
        sure = [max(row[name] for name in data.expressions) for row in rows]
        assert sure == sorted(sure, reverse=True)
        people = [row["subject"] for row in rows]
        assert max(map(people.count, people)) <= 3

    def test_the_calibration_curve_counts_every_answer(self, run, data, tmp_path):
        rows = table(made([run], tmp_path / "r.html")[0]["calibration"])
        assert sum(row["answers"] for row in rows) == len(data.samples)
        for row in rows:
            if row["answers"]:
                assert row["from"] <= row["mean probability"] <= row["to"]

    def test_training_curves_are_the_log(self, run, tmp_path):
        part = made([run], tmp_path / "r.html")[0]["training-1"]
        log = [json.loads(one) for one in (run / "fold-02" / "log.jsonl").read_text().splitlines()]
        rows = [row for row in table(part) if row["fold"] == "fold-02"]
        for line in log:
            for row in rows:
                if (row["stage"], row["epoch"]) == (line["stage"], line["epoch"]):
                    assert row["mean"] == line[row["term"]]
        assert [view.name for view in part.views] == ["stage 1", "stage 2"]

    def test_a_stage_of_some_folds_alone_is_said_to_be_so(self, run, tmp_path):
        both = made([run], tmp_path / "r.html")[0]["training-1"]
        assert "was trained in" not in both.says
        path = run / "fold-01" / "log.jsonl"
        lines = [line for line in path.read_text().splitlines() if json.loads(line)["stage"] == 2]
        path.write_text("\n".join(lines) + "\n")
        one = made([run], tmp_path / "r.html")[0]["training-1"]
        assert "stage 1 was trained in 1 of them" in one.says

    def test_a_long_log_is_thinned(self, run, tmp_path):
        write_log(run / "fold-01" / "log.jsonl", np.random.default_rng(0), epochs=4000)
        part = made([run], tmp_path / "r.html")[0]["training-1"]
        assert len(part.table.rows) <= 5000
        assert "every 4th epoch" in part.says
        lines = [trace["x"] for trace in part.views[0].traces if trace.get("showlegend", True)]
        assert all(300 < len(x) <= 500 and max(x) > 3900 for x in lines)

    def test_sixteen_terms_are_told_apart_without_their_colours_alone(self, run, tmp_path):
        terms = {f"term {number}": 1.0 for number in range(16)}
        line = {"stage": 1, "epoch": 1, "seconds": 1.0, **terms}
        (run / "fold-01" / "log.jsonl").write_text(json.dumps(line) + "\n")
        (run / "fold-02" / "log.jsonl").unlink()
        part = made([run], tmp_path / "r.html")[0]["training-1"]
        lines = [trace["line"] for trace in part.views[0].traces]
        assert len({(line["color"], line["dash"]) for line in lines}) == 16

    def test_eight_classes_differ_in_their_signs_too(self):
        assert len({marker_symbol(number) for number in range(8)}) == 8
        assert len({(class_colour(number), marker_symbol(number)) for number in range(56)}) == 56

    @pytest.mark.parametrize("key", ["accuracy", "recall", "leakage"])
    def test_error_bars_reach_from_low_to_high(self, run, tmp_path, key):
        part = made([run], tmp_path / "r.html")[0][key]
        low, high = part.table.columns.index("low"), part.table.columns.index("high")
        told = {(round(row[low], 9), round(row[high], 9)) for row in part.table.rows}
        bars = [trace for view in part.views for trace in view.traces if "error_x" in trace]
        assert bars
        drawn = {
            (round(value - left, 9), round(value + right, 9))
            for bar in bars
            for value, left, right in zip(
                bar["x"], bar["error_x"]["arrayminus"], bar["error_x"]["array"], strict=True
            )
        }
        assert told <= drawn

    def test_leakage_stands_beside_chance(self, run, tmp_path):
        part = made([run], tmp_path / "r.html")[0]["leakage"]
        for view in part.views:
            (chance,) = [trace for trace in view.traces if trace["name"] == "chance"]
            assert chance["x"] == [0.2, 0.2]
        told = {row["features"]: row["accuracy"] for row in table(part) if row["of"] == "identity"}
        assert told == {"f(x)": 0.22, "residue": 0.7}

    def test_groups_are_those_of_rendered_people(self, run, data, tmp_path):
        parts, _ = made([run], tmp_path / "r.html", dataset=data)
        columns = {part.title.split(":")[0] for key, part in parts.items() if key.startswith("by-")}
        assert columns == {"Accuracy by sex", "Accuracy by age", "Accuracy by tone"}
        (sexes,) = [p for k, p in parts.items() if p.title.startswith("Accuracy by sex")]
        every = [row for row in table(sexes) if row["expression"] == "all"]
        assert {row["value"] for row in every} == {"female", "male"}
        read, known = read_predictions(run), read_column(data, "sex")
        for row in every:
            own = [known[sample.number] == row["value"] for sample in read.samples]
            assert row["images"] == sum(own)
            assert row["recall"] == read.correct[own].mean()
        assert sum(row["images"] for row in every) == len(data.samples)

    def test_groups_can_come_from_a_table_of_people(self, run, data, tmp_path):
        people = tmp_path / "people.csv"
        lines = [f"{name},{'a' if place % 2 else 'b'}" for place, name in enumerate(data.subjects)]
        people.write_text("subject,Team\n" + "\n".join(lines))
        parts, _ = made([run], tmp_path / "r.html", dataset=data, people=people)
        titles = [part.title for key, part in parts.items() if key.startswith("by-")]
        assert titles == ["Accuracy by team: run"]

    @pytest.mark.parametrize(
        ("change", "says"),
        [
            ({"folders": "run"}, "folders must be a list of paths, not str"),
            ({"folders": []}, "folders is an empty list; give one path or more"),
            ({"by": "expression"}, "by must be a list of names of columns, not str"),
            ({"dataset": "data"}, "dataset must be a data set of read_dataset"),
            ({"progress": 5}, "progress must be a function or None"),
            ({"folders": ["nowhere"]}, "holds no result"),
        ],
    )
    def test_a_wrong_argument_is_found_before_a_folder_is_made(self, run, tmp_path, change, says):
        with pytest.raises(DeganError, match=says):
            write_report(**{"folders": [run], "out": tmp_path / "new/r.html", **change})
        assert not (tmp_path / "new").exists()

    def test_groups_without_a_data_set_are_refused(self, run, tmp_path):
        with pytest.raises(DeganError, match=r"give dataset \(--data DATA\) too"):
            write_report([run], tmp_path / "r.html", by=["sex"])

    def test_several_results_are_compared_as_degan_compare_does(self, run, data, tmp_path):
        make_result(tmp_path / "better", data, skill=0.95, seed=1)
        parts, _ = made([run, tmp_path / "better"], tmp_path / "r.html")
        (row,) = table(parts["comparison"])
        found = compare_results(run, [tmp_path / "better"])["results"][str(tmp_path / "better")]
        assert row["difference"] == found["difference"] > 0
        assert (row["p"], row["p_holm"]) == (found["p"], found["p_holm"])
        assert len(table(parts["accuracy"])) == 2
        assert {row["result"] for row in table(parts["recall"])} == {"run", "better"}

    def test_differences_are_judged_by_what_is_adjusted(self, run, data, tmp_path, monkeypatch):
        """One comparison of three that is small by itself is not called a difference."""
        named = [tmp_path / name for name in ("b", "c", "d")]
        for seed, folder in enumerate(named, start=1):
            make_result(folder, data, seed=seed)
        found = compare_results(run, named)
        for row in list(found["results"].values())[1:]:
            row |= {"p": 0.02, "p_holm": 0.06}
        monkeypatch.setattr("degan.report.parts.overview.compare_results", lambda *runs: found)
        part = made([run, *named], tmp_path / "r.html")[0]["comparison"]
        assert "no significant difference at the 5" in part.says

    def test_settings_that_differ_stand_first(self, run, data, tmp_path):
        make_result(tmp_path / "other", data)
        settings = tmp_path / "other" / "settings.toml"
        text = settings.read_text()
        settings.write_text(re.sub(r"(?m)^seed = \d+", "seed = 7", text))
        part = made([run, tmp_path / "other"], tmp_path / "r.html")[0]["settings"]
        assert part.table.rows[0] == ["seed", "0", "7"]

    def test_each_result_is_held_against_the_chance_of_its_own_people(self, run, data, tmp_path):
        make_result(tmp_path / "other", data)
        write_json(tmp_path / "other" / "probe" / "probes.json", probes(people=50))
        part = made([run, tmp_path / "other"], tmp_path / "r.html")[0]["leakage"]
        chance = part.views[0].traces[-1]
        assert dict(zip(chance["y"], chance["x"], strict=True)) == {
            "run: f(x)": 0.2,
            "run: residue": 0.2,
            "other: f(x)": 0.02,
            "other: residue": 0.02,
        }
        assert "run: 5 people" in part.says
        assert "other: 50 people" in part.says

    def test_results_of_one_name_are_told_apart(self, data, tmp_path):
        for above in ("a", "b"):
            make_result(tmp_path / above / "cv", data)
        parts, _ = made([tmp_path / "a" / "cv", tmp_path / "b" / "cv"], tmp_path / "r.html")
        assert [row["result"] for row in table(parts["accuracy"])] == ["a/cv", "b/cv"]

    def test_what_is_of_other_samples_is_not_compared_and_the_rest_is(self, run, data, tmp_path):
        make_result(tmp_path / "better", data, skill=0.95, seed=1)
        make_result(tmp_path / "few", data)
        path = tmp_path / "few" / "predictions.csv"
        path.write_text("".join(path.read_text().splitlines(keepends=True)[:-3]))
        runs = [run, tmp_path / "few", tmp_path / "better"]
        parts, _ = made(runs, tmp_path / "r.html")
        assert [row["result"] for row in table(parts["comparison"])] == ["better"]
        assert "other samples" in parts["comparison-1"].reason

    def test_weights_that_know_the_data_are_called_so(self, run, tmp_path):
        write_json(run / "summary.json", {**summary_of(run), "trained_on_this_data": True})
        parts, text = made([run], tmp_path / "r.html")
        assert "trained on this data set" in parts["summary"].notes[0]
        assert parts["summary"].notes[0] in text

    def test_a_test_on_another_data_set_shows_the_faces_of_that_one(self, run, data, tmp_path):
        tested = {"manifest_sha256": "0" * 64, "tested_manifest_sha256": data.manifest_hash}
        write_json(run / "summary.json", {**summary_of(run), **tested})
        parts, _ = made([run], tmp_path / "r.html", dataset=data)
        assert parts["mistakes-1"].faces
        other = {"manifest_sha256": data.manifest_hash, "tested_manifest_sha256": "0" * 64}
        write_json(run / "summary.json", {**summary_of(run), **other})
        parts, _ = made([run], tmp_path / "r.html", dataset=data)
        assert isinstance(parts["mistakes-1"], Absent)

    @pytest.mark.parametrize("shift", [5, 10**9])
    def test_predictions_of_other_samples_show_no_faces(self, run, data, tmp_path, shift):
        path = run / "predictions.csv"
        header, *rows = path.read_text().splitlines()
        moved = [f"{int(row.split(',', 1)[0]) + shift},{row.split(',', 1)[1]}" for row in rows]
        path.write_text("\n".join([header, *moved]) + "\n")
        parts, _ = made([run], tmp_path / "r.html", dataset=data)
        assert "other samples" in parts["mistakes-1"].reason
        assert not parts["confusion-1"].faces


class TestWhatIsMissing:
    def test_a_run_that_has_only_begun(self, run, tmp_path):
        for name in ("summary.json", "predictions.csv", "fold-02/predictions.csv"):
            (run / name).unlink()
        parts, text = made([run], tmp_path / "r.html")
        assert isinstance(parts["training-1"], Figure)
        assert "1 of 2 started folds are tested" in text
        assert isinstance(parts["accuracy"], Absent)

    @pytest.mark.parametrize(
        "content",
        [
            b"",
            b"{",
            b"[]",
            b"\xff\xfe",
            b'{"accuracy": NaN}',
            b'{"accuracy": 2}',
            b"[" * 100_000,
            b'{"accuracy": 0.5, "expressions": ["a"], "confusion": [[1, 2]]}',
        ],
        ids=["empty", "cut", "list", "bytes", "nan", "range", "deep", "shape"],
    )
    @pytest.mark.parametrize("name", ["summary.json", "probe/probes.json", "predictions.csv"])
    def test_a_damaged_file_is_a_note(self, run, tmp_path, name, content):
        (run / name).write_bytes(content)
        parts, _ = made([run], tmp_path / "r.html")
        assert isinstance(parts["training-1"], Figure)
        absent = [part for part in parts.values() if isinstance(part, Absent)]
        said = {part.reason for part in absent}
        assert any(name.rsplit("/", 1)[-1] in reason for reason in said), said
        assert all("\n" not in reason for reason in said)

    def test_numbers_too_long_to_print_and_paths_of_home_folders_are_not_shown(self, run, tmp_path):
        (run / "settings.toml").write_text(f"seed = 0x{'f' * 6000}")
        record = json.loads((run / "run.json").read_text())
        write_json(run / "run.json", record | {"base": "/home/me/a.onnx", "c": "C:\\Users\\me\\b"})
        parts, text = made([run], tmp_path / "r.html")
        (row,) = table(parts["settings"])
        assert row["run"] == "an extremely large number"
        shown = {row["what"]: row["value"] for row in table(parts["facts"])}
        assert (shown["base"], shown["c"]) == ("a.onnx", "b")
        assert "/home/me" not in text

    @pytest.mark.parametrize("name", ["log.jsonl", "settings.toml", "run.json"])
    def test_a_damaged_record_is_a_note(self, run, tmp_path, name):
        path = run / "fold-01" / name if name == "log.jsonl" else run / name
        path.write_bytes(b"\x00{")
        for other in run.glob("fold-02/log.jsonl"):
            other.unlink()
        parts, _ = made([run], tmp_path / "r.html")
        assert isinstance(parts["accuracy"], Figure)

    @pytest.mark.parametrize(
        ("name", "change"),
        [
            ("run.json", {"kind": ""}),
            ("run.json", {"kind": "\ud800"}),
            ("run.json", {f"k{number}": "v" * 200 for number in range(20_000)}),
            ("summary.json", {"protocol": "\ud800"}),
            ("summary.json", {"recall": {}}),
        ],
        ids=["no kind", "half a character", "many facts", "half in the summary", "no recall"],
    )
    def test_odd_values_end_in_a_page(self, run, tmp_path, name, change):
        write_json(run / name, {**json.loads((run / name).read_text()), **change})
        _, text = made([run], tmp_path / "r.html")
        assert len(text) < 10_000_000

    @pytest.mark.parametrize("arms", [[], 3, "x", None, {"full": 3}])
    def test_an_ablation_whose_arms_are_odd(self, run, data, tmp_path, arms):
        make_result(tmp_path / "ab" / "full", data)
        for name in ("run.json", "summary.json"):
            (tmp_path / "ab" / "full" / name).unlink()
        write_json(tmp_path / "ab" / "run.json", {"kind": "ablation"})
        write_json(tmp_path / "ab" / "summary.json", {"arms": arms})
        for folder in (tmp_path / "ab", tmp_path / "ab" / "full"):
            parts, _ = made([folder], tmp_path / "r.html")
            assert parts["summary"].table.rows[0][0] == "ab: full"
            assert isinstance(parts["confusion-1"], Absent)

    def test_numbers_without_end_in_a_log(self, run, tmp_path):
        line = '{"stage": 1, "epoch": 1, "seconds": 1, "a": 1%s, "b": NaN, "c": 2}\n' % ("0" * 400)
        (run / "fold-01" / "log.jsonl").write_text(line)
        rows = table(made([run], tmp_path / "r.html")[0]["training-1"])
        assert {row["term"] for row in rows if row["fold"] == "fold-01"} == {"c"}

    @pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="pipes with names are of POSIX")
    def test_a_pipe_is_not_waited_for(self, run, tmp_path):
        (run / "summary.json").unlink()
        os.mkfifo(run / "summary.json")
        parts, _ = made([run], tmp_path / "r.html")
        assert parts["confusion-1"].reason == "summary.json is not a regular file"

    def test_damaged_settings_are_a_note(self, run, tmp_path):
        (run / "settings.toml").write_text("[")
        parts, _ = made([run], tmp_path / "r.html")
        assert parts["settings-1"].reason == "settings.toml is damaged"

    @pytest.mark.parametrize("out", ["summary.json", "folder.html"])
    def test_a_page_replaces_nothing_else(self, run, tmp_path, out):
        (run / "folder.html").mkdir()
        before = (run / "summary.json").read_bytes()
        with pytest.raises(DeganError, match=r"\.html|is a folder"):
            write_report([run], run / out)
        assert (run / "summary.json").read_bytes() == before

    def test_the_last_line_of_a_running_training_may_be_half(self, run, tmp_path):
        path = run / "fold-01" / "log.jsonl"
        path.write_text(path.read_text() + '{"stage": 2, "ep')
        (result,) = read_results([run])
        assert not isinstance(result.logs, Unavailable)
        assert len(result.logs["fold-01"]) == 6

    def test_figures_of_a_later_version_are_a_note(self, run, tmp_path):
        summary = summary_of(run)
        summary["recall"] = [1, 2]
        write_json(run / "summary.json", summary)
        parts, _ = made([run], tmp_path / "r.html")
        assert "from another version of degan (recall" in parts["confusion-1"].reason

    def test_faces_of_another_data_set_are_not_shown(self, run, faces, tmp_path):
        parts, _ = made([run], tmp_path / "r.html", dataset=faces)
        assert isinstance(parts["mistakes-1"], Absent)
        assert "manifest" in parts["mistakes-1"].reason
        assert not parts["confusion-1"].faces

    def test_what_is_no_result_is_refused(self, tmp_path):
        (tmp_path / "empty").mkdir()
        for path in (tmp_path / "empty", tmp_path / "none"):
            with pytest.raises(DeganError, match="holds no result"):
                write_report([path], tmp_path / "r.html")
        assert not (tmp_path / "r.html").exists()

    def test_a_run_given_twice_is_refused(self, run, tmp_path):
        with pytest.raises(DeganError, match="twice"):
            write_report([run, run / "."], tmp_path / "r.html")


class TestNames:
    def test_names_of_a_data_set_are_text(self, data, tmp_path):
        samples = [
            sample._replace(subject=f"{EVIL}{sample.subject}", source=f"{EVIL}.png")
            for sample in data.samples
        ]
        odd = Dataset(data.folder, tuple(samples), data.crop_size, data.frame, data.manifest_hash)
        make_result(tmp_path / "run", odd)
        write_json(tmp_path / "run" / "probe" / "probes.json", probes(run=EVIL))
        _, text = made([tmp_path / "run"], tmp_path / "r.html", dataset=odd)
        assert EVIL not in text
        assert "alert(1)" in text

    @given(st.text())
    def test_a_name_in_a_drawing_has_neither_tags_nor_templates(self, name):
        shown = plain(name)
        assert "<" not in shown
        assert "%{" not in shown

    @given(st.lists(st.text(max_size=40), unique=True, max_size=8))
    def test_labels_are_short_and_all_different(self, names):
        labels = short(names)
        assert len({*labels}) == len(names)

    def test_the_page_is_small_and_loads_nothing(self, run, data, tmp_path):
        _, text = made([run], tmp_path / "r.html", dataset=data)
        assert len(text) < 10_000_000
        before = text.split("<script>", 1)[0]
        assert "http" not in before.replace("http-equiv", "")
        assert "default-src 'none'" in before


class TestCommand:
    def test_it_says_where_the_page_is_and_what_it_lacks(self, run, command, tmp_path):
        done = command("report", run, "-o", tmp_path / "page.html")
        assert done.returncode == 0
        assert done.stdout == f"{tmp_path / 'page.html'}: open it in a browser\n"
        assert "not in the report" in done.stderr
        assert "--data DATA" in done.stderr

    def test_a_wrong_folder_is_one_sentence(self, refuses, tmp_path):
        refuses("report", tmp_path, "-o", tmp_path / "page.html", says="holds no result")


def test_shares_of_a_made_run_are_probabilities(tmp_path, data):
    """What the other tests stand on."""
    probabilities = make_result(tmp_path / "run", data)
    assert np.allclose(probabilities.sum(axis=1), 1)


class TestKnownNumbers:
    """Twelve answers written by hand: what drawings and sentences say of them."""

    NAMES = ("calm", "glad", "cross")
    ANSWERS = (  # subject, truth, read as, probability of the answer
        *(("a", "calm", "calm", 0.95),) * 4,
        *(("b", "glad", "calm", 0.75),) * 3,
        ("b", "glad", "glad", 0.55),
        *(("c", "cross", "cross", 0.95),) * 2,
        ("c", "cross", "glad", 0.55),
        ("c", "cross", "cross", 0.75),
    )

    @pytest.fixture
    def parts(self, tmp_path):
        samples, rows = [], []
        for number, (subject, truth, read, share) in enumerate(self.ANSWERS):
            name = f"{number}.png"
            samples.append(Sample(name, truth, subject, name, 0, name, "landmarks", 1, ""))
            rows.append([share if name == read else (1 - share) / 2 for name in self.NAMES])
        probabilities = np.array(rows)
        data = Dataset(tmp_path, tuple(samples), 64, "f", "0" * 64)
        text = predictions_text(data, range(len(samples)), self.NAMES, probabilities)
        write_text(tmp_path / "run" / "predictions.csv", text)
        summary = compute_metrics(samples, self.NAMES, probabilities)
        write_json(tmp_path / "run" / "summary.json", summary)
        return made([tmp_path / "run"], tmp_path / "r.html")[0]

    def test_what_is_mistaken_for_what(self, parts):
        part = parts["confusion-1"]
        assert "Most frequent error: glad read as calm (3)" in part.says
        counts = part.views[1].traces[0]
        assert counts["z"] == [[4, 0, 0], [3, 1, 0], [0, 1, 3]]
        assert counts["customdata"][1][0] == "1,0"
        assert counts["y"] == ["calm", "glad", "cross"]

    def test_the_weakest_expression(self, parts):
        assert parts["recall"].says.startswith("Lowest recall: glad with 25.0")

    def test_who_is_read_well(self, parts):
        says = "3 people: 1 with an accuracy below 50 %, 1 with 100 %."
        assert parts["people-1"].says == says
        assert parts["people-1"].views[0].traces[0]["y"] == [0.25, 0.75, 1.0]

    def test_how_far_probabilities_can_be_trusted(self, parts):
        rows = [row for row in table(parts["calibration"]) if row["answers"]]
        told = [(row["answers"], row["mean probability"], row["share right"]) for row in rows]
        assert told == [
            (2, pytest.approx(0.55), 0.5),
            (4, pytest.approx(0.75), 0.25),
            (6, pytest.approx(0.95), 1.0),
        ]


class TestModels:
    """Drawings of what a model says when it is run again."""

    ORIGIN = Origin("fold-01", 1, seen=False, people=2)

    def test_each_point_of_the_map_has_its_own_face(self, data):
        near = Neighbours(0.75, 0.5, 4)
        clusters = Clusters(0.1, 0.0, near, None)
        places = np.array([[0, 1], [2, 3], [4, 5]], np.float32)
        chosen = np.array([3, 1, 2])
        found = FaceMap(self.ORIGIN, chosen, places, clusters, None)
        atlas = Atlas(data)
        part = map_of_faces(found, atlas, "map-1", "run")
        for trace in [*part.views[0].traces, *part.views[1].traces]:
            for x, face, row in zip(trace["x"], trace["customdata"], trace["meta"], strict=True):
                assert x == places[row, 0]
                assert atlas.number(int(chosen[row])) == face
                assert part.hover[row].startswith(data.samples[chosen[row]].expression)
        assert "75.0\u00a0% of faces, chance 50.0\u00a0%" in part.says
        assert "before rounding" in part.says

    def test_what_makes_it_less_likely_is_orange(self):
        maps = np.zeros((1, 8, 8), np.float32)
        maps[0, :, :4], maps[0, :, 4:] = 1, -1
        grey = np.full((1, 8, 8, 3), 128, np.uint8)
        found = Saliency(self.ORIGIN, ("glad",), maps, np.ones(1, np.float32), grey, (3,), (2,))
        (tile,) = saliency_figure(found, "decides-1", "run").faces
        data = base64.b64decode(tile.picture.split(",", 1)[1])
        picture = np.asarray(Image.open(io.BytesIO(data)).convert("RGB")).astype(int)
        left, right = picture[90, 10], picture[90, 180]
        assert left[0] > left[2] + 80
        assert right[2] > right[0] + 80


class TestSentences:
    def test_the_first_line_has_protocol_images_and_people(self, run, tmp_path):
        _, text = made([run], tmp_path / "r.html")
        assert "A cross-validation: 2-fold cross-validation by person, " in text
        assert " people. Every figure can" in text

    def test_a_sentence_for_a_paper_has_all_figures(self, run, tmp_path):
        parts, _ = made([run], tmp_path / "r.html")
        (row,) = table(parts["methods"])
        summary = summary_of(run)
        for figure in (
            f"{summary['images']} images of {summary['subjects']} people",
            "2-fold cross-validation by person",
            f"{100 * summary['accuracy']:.1f}",
            f"log loss {summary['log_loss']:.3f}",
            "arXiv 1912.01456",
        ):
            assert figure in row["text"]

    @pytest.mark.parametrize(
        ("trained", "says"), [(True, ", trained on this data set"), (False, "")]
    )
    def test_weights_trained_on_the_data_are_said_to_be(self, run, tmp_path, trained, says):
        summary = summary_of(run) | {"weights": "mine.onnx", "trained_on_this_data": trained}
        write_json(run / "summary.json", summary)
        parts, text = made([run], tmp_path / "r.html")
        (row,) = table(parts["methods"])
        for words in (row["text"], text.partition("<nav")[0]):
            assert f"weights mine.onnx{says}" in words
            assert ("trained on this data" in words) == trained

    def test_the_baseline_is_the_most_frequent_expression(self, run, tmp_path):
        parts, _ = made([run], tmp_path / "r.html")
        summary = summary_of(run)
        share = max(map(sum, summary["confusion"])) / summary["images"]
        assert table(parts["summary"])[0]["baseline"] == f"{100 * share:.1f}\u00a0%"

    def test_without_errors_no_expression_is_the_weakest(self, run, tmp_path):
        summary = summary_of(run)
        counts = [sum(row) for row in summary["confusion"]]
        summary["confusion"] = np.diag(counts).tolist()
        summary["recall"] = {
            name: {"recall": 1.0, "interval": [1.0, 1.0]} for name in summary["recall"]
        }
        write_json(run / "summary.json", summary)
        parts, _ = made([run], tmp_path / "r.html")
        assert parts["recall"].says == "All images are read correctly."


class TestFineTuning:
    @pytest.fixture
    def tuned(self, run):
        shutil.rmtree(run / "fold-01")
        shutil.rmtree(run / "fold-02")
        (run / "run.json").unlink()
        (run / "settings.toml").unlink()
        summary = summary_of(run) | {
            "kind": "fine-tuning",
            "base": "web",
            "weights": "mine.onnx",
            "strength": 0.1,
            "temperature": 1.25,
            "calibration_error_before": 0.123,
            "unsure_below": 0.5,
            "note": None,
            "held_out": [
                {"people": 2, "images": 60, "accuracy": 0.75},
                {"people": 4, "images": 60, "accuracy": 0.5},
            ],
        }
        write_json(run / "summary.json", summary)
        return run

    def test_it_names_what_was_trained_and_the_held_out_folds(self, tuned, tmp_path):
        parts, text = made([tuned], tmp_path / "r.html")
        part, summary = parts["fine-tuning-1"], summary_of(tuned)
        for words in (
            "Trained: one layer (regularisation strength C 0.1) on f(x) and the residue of web",
            f"the classes {', '.join(summary['expressions'])}, on {summary['images']} images of",
            "those of held-out people",
            "Temperature 1.25, from the predictions of the folds; without it, the calibration "
            "error was 12.3\u00a0%. Predictions below 50.0\u00a0% are marked as unsure.",
        ):
            assert words in part.says
        assert [list(row.values())[:4] for row in table(part)] == [
            ["1", 2, 60, "75.0\u00a0%"],
            ["2", 4, 60, "50.0\u00a0%"],
            ["all", 6, summary["images"], f"{100 * summary['accuracy']:.1f}\u00a0%"],
        ]
        assert "A fine-tuning: last layer on the features of web, 2-fold cross-val" in text
        assert table(parts["summary"])[0]["what it is"] == "a fine-tuning"
        assert isinstance(parts["calibration"], Figure)
        assert isinstance(parts["confusion-1"], Figure)

    def test_faces_are_shown_if_groups_rename_the_classes(self, tuned, data, tmp_path):
        summary = summary_of(tuned)
        old = summary["expressions"][0]
        text = (tuned / "predictions.csv").read_text().replace(f",{old},", ",renamed,")
        (tuned / "predictions.csv").write_text(text.replace(f",{old},", ",renamed,"))
        summary["expressions"][0] = "renamed"
        summary["recall"]["renamed"] = summary["recall"].pop(old)
        write_json(tuned / "summary.json", summary)
        parts, _ = made([tuned], tmp_path / "r.html", dataset=data)
        assert isinstance(parts["mistakes-1"], Pictures)

    def test_no_reason_denies_the_training(self, tuned, tmp_path):
        _, text = made([tuned], tmp_path / "r.html")
        assert "not the directory of a training" not in text
        assert "a fine-tuning fits one layer, without epochs" in text

    def test_the_note_on_few_photos_is_shown(self, tuned, tmp_path):
        summary = summary_of(tuned) | {"note": "24 photos of 12 people say little"}
        write_json(tuned / "summary.json", summary)
        parts, _ = made([tuned], tmp_path / "r.html")
        assert parts["summary"].notes == ["run: 24 photos of 12 people say little"]

    def test_images_of_the_training_data_are_counted(self, run, tmp_path):
        summary = summary_of(run) | {"weights": "mine.onnx", "images_in_training": 3}
        write_json(run / "summary.json", summary)
        parts, _ = made([run], tmp_path / "r.html")
        assert "run: 3 of 96 images were in the training data" in parts["summary"].notes[0]
