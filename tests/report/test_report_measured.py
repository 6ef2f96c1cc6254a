"""What pages show of a model that is run again: of whom, what it says, and how it is kept."""

import dataclasses
import io
import json
import shutil
import zipfile
from collections import Counter
from types import SimpleNamespace

import numpy as np
import pytest

from changed_data import mirrored, other_source, write_changed
from degan.config import override, preset
from degan.data.folds import subject_folds
from degan.data.sample import Sample
from degan.errors import DeganError
from degan.evaluation.ablation.run import ablate
from degan.evaluation.exported import evaluate
from degan.evaluation.protocols.crossval import cross_validate
from degan.recognition.recognizer import Recognizer
from degan.report import measured
from degan.report.cache import cache_path, read_cache, write_cache
from degan.report.measured import face_map, saliency, transfer
from degan.report.measurements import Stored
from degan.report.model_location import choose_samples, draw_evenly, find_model, open_model
from degan.report.saliency import mean_map, normalise
from degan.report.with_torch.face_map import clusters, lay_out
from degan.system import extras
from degan.training.pipeline import train

TINY = preset("tiny")
KEPT_OUT = 5


@pytest.fixture(scope="module")
def trained(faces, tmp_path_factory):
    """A training without the first five people."""
    folder = tmp_path_factory.mktemp("trained") / "run"
    train(faces, faces.without_subjects(faces.subjects[:KEPT_OUT]), TINY, folder)
    return folder


@pytest.fixture(scope="module")
def folds(faces, tmp_path_factory):
    """A cross-validation of two folds."""
    folder = tmp_path_factory.mktemp("crossval") / "run"
    division = subject_folds(faces.samples, 2, TINY.seed)
    cross_validate(faces, folder, TINY, folds=division, jobs=2)
    return folder


@pytest.fixture(scope="module")
def arms(faces, tmp_path_factory):
    """An ablation of two folds."""
    folder = tmp_path_factory.mktemp("ablate") / "run"
    division = subject_folds(faces.samples, 2, TINY.seed)
    ablate(faces, folder, TINY, folds=division, arms=("cnn", "hog", "residue"), jobs=2)
    return folder


@pytest.fixture(scope="module")
def weighed(faces, tmp_path_factory):
    """What ``degan evaluate`` wrote of the weights that ship."""
    folder = tmp_path_factory.mktemp("evaluate") / "out"
    evaluate(faces, Recognizer(), out=folder)
    return folder


@pytest.fixture
def own(tmp_path):
    """A function that copies a run for a test that harms it; nothing is kept in the copy."""

    def copy(folder):
        shutil.copytree(folder, tmp_path / "own", ignore=shutil.ignore_patterns("report"))
        return tmp_path / "own"

    return copy


@pytest.fixture
def unread(monkeypatch):
    """No model can be opened in this test."""
    message = "the model was run again"

    def refuse(*_):
        raise AssertionError(message)

    monkeypatch.setattr(measured, "open_model", refuse)


def people_of(dataset, indices):
    return {dataset.samples[index].subject for index in indices}


def same(one, other):
    first, second = one.store(), other.store()
    return first.facts == second.facts and all(
        np.array_equal(first.arrays[name], second.arrays[name])
        for name in {*first.arrays, *second.arrays}
    )


class TestWhom:
    def shown(self, run, dataset):
        place = find_model(run, dataset)
        return choose_samples(place, open_model(place, dataset), dataset)

    def test_a_fold_shows_the_people_that_it_tested(self, folds, faces):
        found = face_map(folds, faces)
        told = json.loads((folds / "folds.json").read_text())["folds"]
        fold = told[found.origin.fold - 1]
        assert people_of(faces, found.indices) == set(fold["test_subjects"])
        assert found.origin.model == f"fold-{found.origin.fold:02d}"
        assert found.origin.people == len(fold["test_subjects"])
        assert not found.origin.seen
        trained = json.loads((folds / found.origin.model / "run.json").read_text())["subjects"]
        assert people_of(faces, found.indices).isdisjoint(trained)

    def test_the_fold_with_most_faces_is_chosen_of_those_that_have_a_model(self, folds, faces, own):
        run = own(folds)
        number = find_model(run, faces).fold
        sizes = [
            row["test_samples"] for row in json.loads((run / "folds.json").read_text())["folds"]
        ]
        assert sizes[number - 1] == max(sizes)
        (run / f"fold-{number:02d}" / "model.safetensors").unlink()
        assert find_model(run, faces).fold == 3 - number

    def test_a_training_shows_those_who_were_kept_out(self, trained, faces):
        shown = self.shown(trained, faces)
        assert people_of(faces, shown.indices) == set(faces.subjects[:KEPT_OUT])
        assert len(shown.indices) == 2 * KEPT_OUT
        assert not shown.seen

    def test_where_everybody_was_trained_on_all_are_shown_and_it_is_said(self, faces, tmp_path):
        train(faces, range(len(faces.samples)), TINY, tmp_path / "all")
        shown = self.shown(tmp_path / "all", faces)
        assert (len(shown.indices), shown.seen) == (24, True)

    def test_another_data_set_is_shown_whole(self, trained, faces, tmp_path):
        other = write_changed(faces, tmp_path / "other", mirrored, other_source)
        assert self.shown(trained, other) == (list(range(24)), False)

    def test_where_it_is_not_known_who_was_trained_on_it_is_said(self, trained, faces):
        of_it = dataclasses.replace(
            faces, manifest_hash="0" * 64, joined={"a": faces.manifest_hash}
        )
        assert not self.shown(trained, dataclasses.replace(of_it, joined={})).seen
        begun = {"manifest_sha256": "1" * 64, "began_sha256": faces.manifest_hash}
        place = find_model(trained, faces)
        opened = dataclasses.replace(open_model(place, faces), trained_on=begun)
        assert choose_samples(place, opened, faces).seen

    def test_of_people_whom_nobody_named_the_other_parts_of_the_split_are_new(self, trained, faces):
        samples = [
            s._replace(subject="", split="test" if i % 3 == 0 else "")
            for i, s in enumerate(faces.samples)
        ]
        unnamed = dataclasses.replace(faces, samples=tuple(samples))
        place = find_model(trained, unnamed)
        opened = open_model(place, unnamed)
        without = dataclasses.replace(opened, trained_on={**opened.trained_on, "pictures": ""})
        shown = choose_samples(place, without, unnamed)
        assert (shown.indices, shown.seen) == (list(range(0, 24, 3)), False)
        # With recorded pictures, those that were trained on are not new, in whatever part they are.
        new = [i for i in range(0, 24, 3) if faces.samples[i].subject in faces.subjects[:KEPT_OUT]]
        assert choose_samples(place, opened, unnamed).indices == new

    def test_weights_show_whom_they_were_measured_on(self, weighed, faces):
        place = find_model(weighed, faces)
        assert place.name == "web.onnx"
        assert self.shown(weighed, faces) == (list(range(24)), False)

    def test_weights_measured_on_a_part_of_the_split_show_that_part(self, faces, tmp_path):
        samples = [
            s._replace(split="train" if i % 2 else "test") for i, s in enumerate(faces.samples)
        ]
        parted = dataclasses.replace(faces, samples=tuple(samples))
        evaluate(parted, Recognizer(), split="test", out=tmp_path / "out")
        indices = self.shown(tmp_path / "out", parted).indices
        assert {parted.samples[index].split for index in indices} == {"test"}

    def test_expressions_that_the_model_does_not_know_are_not_shown(self, trained, faces):
        samples = [
            s._replace(expression="fear") if i % 2 else s for i, s in enumerate(faces.samples)
        ]
        other = dataclasses.replace(faces, samples=tuple(samples), manifest_hash="0" * 64)
        indices = self.shown(trained, other).indices
        assert 0 < len(indices) < 24
        assert "fear" not in {other.samples[index].expression for index in indices}
        fear = dataclasses.replace(other, samples=tuple(s for s in samples if s[1] == "fear"))
        with pytest.raises(DeganError, match="has none of the expressions of"):
            self.shown(trained, fear)

    def test_draws_are_even_over_people_and_expressions(self):
        shares = {"ann": 50, "bob": 5, "eve": 2}
        samples = [
            Sample("f", expression, person, f"{person}{n}", 0, "s", "landmarks", 1)
            for person, count in shares.items()
            for expression in ("neutral", "fear")
            for n in range(count)
        ]
        dataset = SimpleNamespace(samples=samples)
        drawn = draw_evenly(dataset, range(len(samples)), 12, seed=0)
        assert drawn == sorted(set(drawn))
        counts = Counter((samples[i].person, samples[i].expression) for i in drawn)
        assert set(counts.values()) == {2}
        assert drawn == draw_evenly(dataset, range(len(samples)), 12, seed=0)
        assert drawn != draw_evenly(dataset, range(len(samples)), 12, seed=1)
        assert draw_evenly(dataset, [4, 7], 12, seed=0) == [4, 7]


class TestMap:
    def test_a_place_a_face_that_follows_from_the_seed(self, weighed, faces, own):
        found = face_map(weighed, faces, seed=3)
        assert found.places.shape == (24, 2)
        assert np.isfinite(found.places).all()
        assert same(face_map(own(weighed), faces, seed=3), found)
        assert not np.array_equal(face_map(weighed, faces, seed=4).places, found.places)
        assert len(face_map(weighed, faces, limit=10).indices) == 10

    def test_whether_f_x_is_rounded_is_known_of_runs_alone(self, weighed, folds, faces, tmp_path):
        assert face_map(weighed, faces).passed_on is None
        real = face_map(folds, faces)  # of the preset tiny f(x) is real numbers
        assert real.passed_on == real.before_rounding
        settings = override(TINY, ["network.code='rounded'"])
        train(faces, faces.without_subjects(faces.subjects[:KEPT_OUT]), settings, tmp_path / "run")
        rounded = face_map(tmp_path / "run", faces)
        assert rounded.passed_on is not None
        assert rounded.passed_on != rounded.before_rounding

    def test_what_f_x_says_can_be_told_from_how_faces_lie(self):
        samples = [
            Sample("f", expression, f"p{person}", f"p{person}{expression}", 0, "s", "landmarks", 1)
            for person in range(6)
            for expression in ("neutral", "fear", "anger")
        ]
        rng = np.random.default_rng(0)
        codes = {
            "expression": np.eye(3)[np.tile(np.arange(3), 6)],
            "person": np.eye(6)[np.repeat(np.arange(6), 3)],
        }
        codes = {k: (v + rng.normal(0, 0.01, v.shape)).astype(np.float32) for k, v in codes.items()}
        free, bound = clusters(codes["expression"], samples), clusters(codes["person"], samples)
        assert free.silhouette_expression > 0.9
        assert free.silhouette_person < 0
        assert bound.silhouette_person > 0.9
        assert bound.silhouette_expression < 0
        assert free.neighbour_expression.share == 1
        assert free.neighbour_person.share == 0  # nobody else's expression is one's own twice
        assert bound.neighbour_person.share == 1
        assert free.neighbour_expression.chance == pytest.approx(1 / 3)
        assert free.neighbour_person.chance == pytest.approx(2 / 17)
        assert free.neighbour_person.faces == 18

    def test_equally_near_neighbours_count_by_their_share(self):
        samples = [
            Sample("f", expression, person, person + expression, 0, "s", "landmarks", 1)
            for person in ("ann", "bob", "eve")
            for expression in ("neutral", "fear")
        ]
        found = clusters(np.ones((6, 4), np.float32), samples)
        assert found.neighbour_person.share == pytest.approx(found.neighbour_person.chance)
        assert found.neighbour_expression.share == pytest.approx(0.5)

    def test_frames_of_one_recording_are_no_neighbours_that_show_a_person(self):
        samples = [
            Sample("f", "fear", person, recording, n, "s", "landmarks", 1)
            for person, recording in (("ann", "a1"), ("ann", "a2"), ("bob", "b1"))
            for n in range(3)
        ]
        code = np.repeat([[0.0], [10.0], [1.0]], 3, axis=0).astype(np.float32)
        found = clusters(code, samples)
        assert found.neighbour_person.faces == 6  # bob has no other recording to be known in
        assert found.neighbour_person.share == 0
        assert found.silhouette_expression is None
        nobody = clusters(code, [s._replace(subject="") for s in samples])
        assert nobody.neighbour_person is None
        assert nobody.silhouette_person is None
        assert nobody.neighbour_expression.share == 1

    def test_ones_own_other_faces_do_not_show_that_an_expression_is_known(self):
        samples = [
            Sample("f", expression, person, f"{person}{n}", 0, "s", "landmarks", 1)
            for person, expression in (("ann", "fear"), ("bob", "neutral"))
            for n in range(2)
        ]
        code = np.array([[0], [0.1], [5], [5.1]], np.float32)
        found = clusters(code, samples)
        assert found.neighbour_expression.share == 0
        assert found.neighbour_person.share == 1

    def test_neighbours_in_f_x_are_neighbours_on_the_map(self):
        rng = np.random.default_rng(0)
        group = np.repeat(np.arange(3), 12)
        code = (10 * np.eye(3)[group] + rng.normal(0, 0.1, (36, 3))).astype(np.float32)
        places = lay_out(code, seed=0)
        distance = np.linalg.norm(places[:, None] - places, axis=2) + 1e9 * np.eye(36)
        assert (group[distance.argmin(axis=1)] == group).all()
        one = lay_out(code[:, :1], seed=0)  # a code of one number has a map as well
        assert np.isfinite(one).all()

    def test_what_cannot_be_laid_out_is_refused(self):
        with pytest.raises(DeganError, match="3 faces are too few for a map"):
            lay_out(np.zeros((3, 4), np.float32), seed=0)
        with pytest.raises(DeganError, match="the same for all faces"):
            lay_out(np.ones((20, 4), np.float32), seed=0)


class TestSaliency:
    def test_what_looks_at_one_patch_is_seen_to_look_there(self):
        rng = np.random.default_rng(0)
        crops = rng.integers(0, 256, (3, 48, 48, 3), dtype=np.uint8)
        seen = []

        def roughness(faces):
            patch = faces[:, 30:36, 10:16].astype(np.float64)
            return patch.std(axis=(1, 2, 3)) / 128

        found = mean_map(crops, roughness, lambda done, doing: seen.append(done))
        y, x = np.unravel_index(found.argmax(), found.shape)
        assert (28 <= y < 38, 8 <= x < 18) == (True, True)
        assert abs(found[:12, 30:]).max() < 0.02 * found.max()
        assert seen == [0, 1 / 3, 2 / 3]
        maps, peaks = normalise([found, -2 * found, 0 * found])
        assert maps[0].max() == pytest.approx(1)
        assert maps[1].min() == pytest.approx(-1)
        assert not maps[2].any()
        assert peaks == pytest.approx([found.max(), 2 * found.max(), 0])

    def test_smiles_are_read_at_the_mouth(self, weighed, faces):
        told = []
        found = saliency(weighed, faces, progress=lambda done, doing: told.append((done, doing)))
        assert found.expressions == ("neutral", "happiness")
        assert found.maps.shape == (2, 96, 96)  # as the weights read them; the crops are of 64 px
        assert found.averages.shape == (2, 96, 96, 3)
        assert abs(found.maps).max(axis=(1, 2)) == pytest.approx([1, 1])
        assert all(8 <= count <= 12 for count in found.counts)
        assert found.counts == found.people
        smile = found.maps[1]
        y, x = np.unravel_index(smile.argmax(), smile.shape)
        assert 0.55 < y / 96 < 0.85
        assert 0.2 < x / 96 < 0.8
        assert smile[:30].max() < 0.5
        done = [share for share, _ in told]
        assert done == sorted(done)
        assert done[-1] == 1
        assert any("happiness" in doing for _, doing in told)

    def test_few_faces_are_of_as_many_people_as_possible(self, weighed, faces):
        found = saliency(weighed, faces, faces=4)
        assert found.counts == found.people == (4, 4)

    def test_a_run_has_maps_of_what_it_reads_correctly(self, folds, faces, own):
        found = saliency(folds, faces)
        assert 0 < len(found.expressions) <= 2
        assert found.maps.shape[1:] == (64, 64)
        assert not found.origin.seen
        assert same(saliency(own(folds), faces), found)

    def test_one_expression_alone_is_refused(self, trained, faces):
        smiles = faces.with_expressions(["happiness"])
        other = dataclasses.replace(smiles, manifest_hash="0" * 64)
        with pytest.raises(DeganError, match="have the expression happiness"):
            saliency(trained, other)


class TestTransfer:
    def test_the_expressions_of_new_people_are_drawn_on_known_ones(self, trained, faces):
        found = transfer(trained, faces)
        known = set(faces.subjects[KEPT_OUT:])
        assert found.expressions == ("neutral", "happiness")
        assert set(found.targets) == known
        assert found.generated.shape == (2, 7, 32, 32, 3)
        assert found.generated.dtype == np.uint8
        assert found.portraits.shape == (7, 64, 64, 3)
        assert found.sources.shape == (2, 64, 64, 3)
        (person,) = people_of(faces, found.source_indices)
        assert person in faces.subjects[:KEPT_OUT]
        shown = [faces.samples[index].expression for index in found.source_indices]
        assert shown == list(found.expressions)
        assert not found.origin.seen

    def test_rows_and_columns_differ(self, trained, faces):
        drawn = transfer(trained, faces).generated.astype(int)
        assert abs(drawn[0] - drawn[1]).max() > 0
        assert abs(drawn[:, 0] - drawn[:, 1]).max() > 0

    def test_columns_are_spread_over_the_people(self, trained, faces, own):
        found = transfer(trained, faces, columns=3)
        people = faces.subjects[KEPT_OUT:]
        assert found.targets == (people[0], people[3], people[6])
        assert same(transfer(own(trained), faces, columns=3), found)

    def test_people_of_another_data_set_have_no_portraits(self, trained, faces):
        other = dataclasses.replace(faces, manifest_hash="0" * 64)
        assert transfer(trained, other).portraits is None

    def test_who_is_shown_is_not_drawn_where_all_were_trained_on(self, faces, tmp_path):
        train(faces, range(len(faces.samples)), TINY, tmp_path / "all")
        found = transfer(tmp_path / "all", faces)
        assert found.origin.seen
        assert people_of(faces, found.source_indices).isdisjoint(found.targets)
        assert len(found.targets) == 8

    def test_arms_draw_with_the_stage_1_that_they_share(self, arms, faces):
        found = transfer(arms, faces)
        assert found.origin.model == f"full/fold-{found.origin.fold:02d}"
        assert same(
            dataclasses.replace(transfer(arms / "residue", faces), origin=found.origin), found
        )
        with pytest.raises(DeganError, match=r"cnn.fold-0\d cannot draw faces"):
            transfer(arms / "cnn", faces)

    def test_weights_draw_nothing(self, weighed, faces):
        with pytest.raises(DeganError, match=r"web\.onnx has no decoder to draw faces"):
            transfer(weighed, faces)


class TestKept:
    @pytest.mark.parametrize("figure", [face_map, saliency, transfer])
    def test_the_model_is_not_run_twice(self, trained, faces, own, figure, request):
        run = own(trained)
        first = figure(run, faces)
        request.getfixturevalue("unread")
        assert same(figure(run, faces), first)
        (run / "model.safetensors").unlink()
        assert same(figure(run, faces), first)

    def test_kept_figures_need_no_torch(self, folds, faces, fresh_python):
        found = face_map(folds, faces)
        code = (
            "import sys\n"
            "for name in ('torch', 'sklearn', 'safetensors'): sys.modules[name] = None\n"
            "from pathlib import Path\n"
            "from degan.data.manifest import read_dataset\n"
            "from degan.report.measured import face_map\n"
            "print(len(face_map(Path(sys.argv[1]), read_dataset(Path(sys.argv[2]))).indices))"
        )
        assert int(fresh_python(code, folds, faces.folder)) == len(found.indices)

    def test_a_run_may_be_moved(self, folds, faces, tmp_path, request):
        first = face_map(folds, faces)
        shutil.copytree(folds, tmp_path / "moved")
        request.getfixturevalue("unread")
        assert same(face_map(tmp_path / "moved", faces), first)

    @pytest.mark.parametrize("change", ["manifest", "model", "record", "seed", "limit"])
    def test_a_figure_of_something_else_is_not_taken(self, trained, faces, own, change, request):
        run = own(trained)
        face_map(run, faces)
        request.getfixturevalue("unread")
        dataset, options = faces, {}
        if change == "manifest":
            dataset = dataclasses.replace(faces, manifest_hash="0" * 64)
        elif change == "model":
            with (run / "model.safetensors").open("ab") as file:
                file.write(b"x")
        elif change == "record":
            with (run / "run.json").open("a") as file:
                file.write("\n")
        else:
            options = {change: 9}
        with pytest.raises(AssertionError, match="run again"):
            face_map(run, dataset, **options)

    @pytest.mark.parametrize(
        "damage", ["empty", "noise", "cut", "pickled", "shape", "index", "huge"]
    )
    def test_a_damaged_or_foreign_file_is_measured_anew(self, trained, faces, own, damage):
        run = own(trained)
        first = face_map(run, faces)
        path = cache_path(run, "map")
        whole = path.read_bytes()
        arrays = dict(np.load(path))
        if damage == "empty":
            path.write_bytes(b"")
        elif damage == "noise":
            path.write_bytes(whole[:40] + bytes(range(256)) * 4)
        elif damage == "cut":
            path.write_bytes(whole[: len(whole) // 2])
        elif damage == "huge":
            bare = io.BytesIO()
            np.lib.format.write_array_header_1_0(
                bare, {"shape": (10**13,), "fortran_order": False, "descr": "|u1"}
            )
            with zipfile.ZipFile(path, "w") as archive:
                archive.writestr("facts.npy", bare.getvalue())
        else:
            arrays |= {
                "pickled": {"places": np.array([{}], dtype=object)},
                "shape": {"places": arrays["places"][:3]},
                "index": {"indices": arrays["indices"] + 1000},
            }[damage]
            np.savez(path, **arrays)
        assert same(face_map(run, faces), first)
        assert path.read_bytes() == whole

    def test_where_nothing_can_be_kept_it_is_measured_all_the_same(self, trained, faces, own):
        run = own(trained)
        (run / "report").write_text("in the way")  # for root no folder is read-only
        first = face_map(run, faces)
        assert same(face_map(run, faces), first)
        assert {path.name for path in run.iterdir()} >= {"report", "run.json"}
        assert (run / "report").read_text() == "in the way"

    def test_what_is_unpacked_is_bounded(self, tmp_path, monkeypatch):
        path, key = tmp_path / "x.npz", {"model_sha256": "a", "fold": None}
        write_cache(path, key, Stored({}, {"zeros": np.zeros(10**6)}))
        assert path.stat().st_size < 10**4
        assert read_cache(path, key) is not None
        assert read_cache(path, {"model_sha256": None, "fold": None}) is not None
        assert read_cache(path, {"model_sha256": "b"}) is None
        monkeypatch.setattr("degan.report.cache._MAX_BYTES", 10**6)
        assert read_cache(path, key) is None


class TestRefused:
    def test_a_folder_without_a_model(self, faces, tmp_path):
        with pytest.raises(DeganError, match="holds no model; give a directory"):
            face_map(tmp_path, faces)
        (tmp_path / "summary.json").write_text('{"accuracy": 1}')
        with pytest.raises(DeganError, match="names no measured weights"):
            face_map(tmp_path, faces)

    def test_an_arm_that_is_no_network(self, arms, faces):
        with pytest.raises(DeganError, match="holds no trained network"):
            face_map(arms / "hog", faces)

    def test_folds_or_weights_of_another_data_set(self, folds, weighed, faces):
        other = dataclasses.replace(faces, manifest_hash="0" * 64)
        with pytest.raises(DeganError, match="is for another data set"):
            face_map(folds, other)
        with pytest.raises(DeganError, match="was measured on another data set"):
            face_map(weighed, other)

    @pytest.mark.parametrize("name", ["trained", "weighed"])
    def test_crops_of_another_frame(self, faces, own, name, request):
        other = dataclasses.replace(faces, frame="other")
        with pytest.raises(DeganError, match="was cut in frame other"):
            saliency(own(request.getfixturevalue(name)), other)

    def test_weights_that_were_replaced_or_are_gone(self, weighed, faces, own):
        path = own(weighed) / "summary.json"
        summary = json.loads(path.read_text())
        for changed, words in (
            ({"weights_sha256": "0" * 64}, "is not the file that"),
            ({"weights": "gone.onnx"}, "does not exist"),
        ):
            path.write_text(json.dumps({**summary, **changed}))
            with pytest.raises(DeganError, match=words):
                face_map(path.parent, faces)

    def test_a_damaged_model(self, trained, faces, own):
        run = own(trained)
        (run / "model.safetensors").write_bytes(b"damaged")
        with pytest.raises(DeganError, match="is damaged"):
            face_map(run, faces)
        (run / "run.json").write_text("damaged")
        with pytest.raises(DeganError, match=r"run\.json is damaged"):
            face_map(run, faces)

    @pytest.mark.parametrize("figure", [face_map, transfer])
    def test_where_torch_is_not_installed_the_extra_is_named(
        self, trained, faces, own, figure, monkeypatch
    ):
        def missing(name):
            raise ModuleNotFoundError(f"no {name}", name="torch.nn")

        monkeypatch.setattr(extras, "import_module", missing)
        with pytest.raises(DeganError, match=r"needs torch\.nn.*degan\[train\]"):
            figure(own(trained), faces)
