"""Adaptation: weights for other photos, without labels; what is written, refused and noted."""

import json
import shutil

import numpy as np
import onnx
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from torch import nn

from degan.config import override, preset
from degan.data.crop_hashes import crop_hashes
from degan.data.crops import read_crops
from degan.data.datasets.folder import ADAPTER
from degan.data.manifest import read_dataset, write_dataset
from degan.data.prepare import PrepareSettings, prepare_dataset
from degan.data.protocol import Protocol
from degan.data.provenance import pictures_of
from degan.errors import DeganError, DeganTypeError
from degan.evaluation import evaluate
from degan.recognition.label_shift import shift
from degan.recognition.recognizer import Recognizer
from degan.system.assets import asset_bytes, session_of
from degan.training.pipeline import train
from degan.tuning import adapt, photo_faces, renormalise
from degan.tuning.channels import Channels, read_channels
from degan.tuning.harm import harm_notes
from degan.tuning.onnx_export import export
from degan.tuning.photo_faces import Faces, read_faces
from made_weights import make_weights


def silent(*_):
    pass


def description(path):
    return json.loads(onnx.load(path).metadata_props[0].value)


def probabilities(proto, crops):
    return session_of(proto.SerializeToString(), 1).run(["probabilities"], {"crops": crops})[0]


@pytest.fixture(scope="module")
def prepared(examples, tmp_path_factory):
    """The examples as ``degan prepare`` crops them for the shipped weights."""
    out = tmp_path_factory.mktemp("prepared") / "data"
    prepare_dataset(ADAPTER, examples, out, Protocol(), PrepareSettings(), jobs=2)
    return read_dataset(out)


@pytest.fixture(scope="module")
def crops(prepared):
    return read_crops(prepared, range(len(prepared.samples)))


@pytest.fixture(scope="module")
def adapted(examples, tmp_path_factory, degan):
    out = tmp_path_factory.mktemp("adapted") / "here.onnx"
    done = degan("adapt", examples, out, "--prior", "estimate")
    assert done.returncode == 0, done.stderr
    return out, done


@pytest.fixture(scope="module")
def web():
    proto = onnx.load_from_string(asset_bytes("web.onnx"))
    return proto, read_channels(json.loads(proto.metadata_props[0].value)["channels"])


class TestTheCommand:
    def test_it_prints_the_estimate_with_its_interval_and_what_is_predicted(self, adapted):
        out, done = adapted
        first, second, third = done.stdout.replace("\n ", " ").strip().rsplit("\n", 2)
        assert first.startswith("estimated frequencies (95 % interval): neutral ")
        assert "happiness" in second
        assert third == f"{out}: adapted to 24 faces in 24 photos"

    def test_few_faces_are_noted(self, adapted):
        assert "ONLY 24 FACES" in adapted[1].stderr

    def test_predict_reads_with_the_file(self, adapted, examples, degan):
        photo = examples / "smiling" / "001.jpg"
        done = degan("predict", photo, "--weights", adapted[0], "--json", "--actions")
        (face,) = json.loads(done.stdout)["faces"]
        assert face["expression"] == "happiness"

    def test_evaluate_says_that_these_photos_are_not_unseen(self, adapted, prepared, degan):
        done = degan("evaluate", "--data", prepared.folder, "--weights", adapted[0])
        assert "adapted to 24 of 24 images (without their labels)" in " ".join(done.stderr.split())
        summary = evaluate(prepared, Recognizer(adapted[0]))
        assert summary["images_adapted_to"] == 24
        assert summary["images_in_training"] is None
        assert evaluate(prepared, Recognizer())["images_adapted_to"] == 0

    def test_all_else_stays(self, adapted):
        before = json.loads(onnx.load_from_string(asset_bytes("web.onnx")).metadata_props[0].value)
        after = description(adapted[0])
        changed = {key for key in after if before.get(key) != after[key]}
        assert changed == {"prior", "adapted_to"}
        assert sum(after["prior"].values()) == pytest.approx(1, abs=1e-4)

    def test_the_file_has_hashes_of_the_crops_and_no_path(self, adapted, crops, examples):
        after = description(adapted[0])
        assert pictures_of(after["adapted_to"]) == set(crop_hashes(crops))
        assert after["adapted_to"]["faces"] == 24
        assert str(examples).encode() not in adapted[0].read_bytes()

    @pytest.mark.parametrize(
        ("words", "says"),
        [
            (["--prior", "even"], "neither 'balanced' nor class=frequency"),
            (["--prior", "calmness=0.5"], "names 'calmness', which web.onnx does not have"),
            (["--weights", "runs/all.onnx"], "does not exist"),
        ],
    )
    def test_a_wrong_word_is_refused_in_one_sentence(self, examples, tmp_path, degan, words, says):
        done = degan("adapt", examples, tmp_path / "out.onnx", *words)
        assert done.returncode == 2
        assert says in " ".join(done.stderr.split())
        assert "Traceback" not in done.stderr
        assert not list(tmp_path.iterdir())


class TestInputs:
    def test_a_prepared_data_set_gives_the_same_statistics_as_its_photos(
        self, prepared, examples, tmp_path
    ):
        adapt(prepared.folder, tmp_path / "a.onnx")
        adapt(examples, tmp_path / "b.onnx")
        one, other = (onnx.load(tmp_path / name).graph for name in ("a.onnx", "b.onnx"))
        for tensor, same in zip(one.initializer, other.initializer, strict=True):
            left, right = onnx.numpy_helper.to_array(tensor), onnx.numpy_helper.to_array(same)
            assert np.allclose(left, right, atol=1e-3)

    def test_labels_are_not_used(self, prepared, tmp_path):
        other = tmp_path / "data"
        shutil.copytree(prepared.folder / "crops", other / "crops")
        swap = {"neutral": "happiness", "happiness": "neutral"}
        samples = [one._replace(expression=swap[one.expression]) for one in prepared.samples]
        write_dataset(other, samples, [], crop_size=96, frame=prepared.frame, settings={})
        graphs = []
        for folder, name in ((prepared.folder, "a.onnx"), (other, "b.onnx")):
            adapt(folder, tmp_path / name, prior="estimate")
            graphs.append(onnx.load(tmp_path / name).graph.SerializeToString())
        assert graphs[0] == graphs[1]

    def test_cropped_faces(self, prepared, tmp_path):
        result = adapt(prepared.folder / "crops", tmp_path / "a.onnx", crops=True)
        assert (result.faces, result.photos) == (24, 24)

    def test_crops_has_no_effect_on_a_prepared_data_set_and_is_refused(self, prepared, tmp_path):
        with pytest.raises(DeganError, match="crops has no effect"):
            adapt(prepared.folder, tmp_path / "a.onnx", crops=True)

    def test_a_data_set_with_crops_of_another_size_is_scaled(self, faces, tmp_path):
        out = tmp_path / "a.onnx"
        assert adapt(faces.folder, out).faces == 24
        assert evaluate(faces, Recognizer(out))["images_adapted_to"] == 24

    def test_photos_without_a_face_are_counted_by_reason(self, examples, tmp_path):
        photos = tmp_path / "photos"
        photos.mkdir()
        shutil.copy(examples / "neutral" / "001.jpg", photos)
        Image.new("RGB", (120, 120), "grey").save(photos / "wall.png")
        (photos / "broken.jpg").write_bytes(b"no photo")
        result = adapt(photos, tmp_path / "a.onnx")
        assert result.skipped == {"no face found": 1, "cannot be read as a photo": 1}
        assert result.faces == 1

    def test_no_face_at_all_is_refused(self, tmp_path):
        photos = tmp_path / "photos"
        photos.mkdir()
        Image.new("RGB", (120, 120), "grey").save(photos / "wall.png")
        with pytest.raises(DeganError, match=r"no face in any of 1 photos .*--crops if"):
            adapt(photos, tmp_path / "a.onnx")
        assert not (tmp_path / "a.onnx").exists()

    def test_a_folder_of_videos_is_refused(self, tmp_path):
        (tmp_path / "videos").mkdir()
        (tmp_path / "videos" / "a.mp4").write_bytes(b"\x00\x00\x00\x18ftypmp42")
        with pytest.raises(DeganError, match=r"only videos.*save some frames"):
            adapt(tmp_path / "videos", tmp_path / "a.onnx")

    def test_enough_faces_end_the_reading_at_photos_chosen_at_random(
        self, examples, tmp_path, monkeypatch
    ):
        monkeypatch.setattr(photo_faces, "MAX_FACES", 5)
        result = adapt(examples, tmp_path / "a.onnx")
        assert result.faces == 5
        assert result.left == 24 - result.photos > 0

    def test_large_crops_are_fewer(self, examples, monkeypatch):
        monkeypatch.setattr(photo_faces, "_MAX_BYTES", 3 * 96**2 * 3)
        faces = read_faces(examples, 96, cut_out=False, jobs=1, progress=silent)
        assert len(faces.crops) == 3

    @pytest.mark.slow
    def test_processes_give_the_same_file(self, examples, tmp_path):
        photos = tmp_path / "photos"
        for copy in "ab":
            shutil.copytree(examples, photos / copy)
        files = []
        for jobs in (1, 2):
            adapt(photos, tmp_path / f"{jobs}.onnx", jobs=jobs)
            files.append((tmp_path / f"{jobs}.onnx").read_bytes())
        assert files[0] == files[1]


class TestOutput:
    def test_a_file_that_exists_is_kept(self, prepared, tmp_path):
        out = tmp_path / "a.onnx"
        out.write_bytes(b"of value")
        with pytest.raises(DeganError, match=r"a\.onnx exists; give a new name"):
            adapt(prepared.folder, out)
        assert out.read_bytes() == b"of value"

    def test_another_ending_is_refused(self, prepared, tmp_path):
        with pytest.raises(DeganError, match=r"must end in \.onnx"):
            adapt(prepared.folder, tmp_path / "a.pt")

    @pytest.mark.parametrize("label", ["0 of 24 images", "statistics, 3 of 9 layers"])
    def test_stopped_work_leaves_nothing_and_the_same_call_works(self, prepared, tmp_path, label):
        def stop(done, doing):
            if doing == label:
                raise KeyboardInterrupt

        out = tmp_path / "a.onnx"
        with pytest.raises(KeyboardInterrupt):
            adapt(prepared.folder, out, progress=stop)
        assert not list(tmp_path.iterdir())
        assert adapt(prepared.folder, out).faces == 24

    def test_the_same_call_gives_the_same_bytes(self, prepared, tmp_path):
        for name in ("a.onnx", "b.onnx"):
            adapt(prepared.folder, tmp_path / name, prior="estimate")
        assert (tmp_path / "a.onnx").read_bytes() == (tmp_path / "b.onnx").read_bytes()

    def test_an_adapted_file_is_not_adapted_again(self, adapted, prepared, tmp_path):
        with pytest.raises(DeganError, match="was adapted before; adapt the weights that it was"):
            adapt(prepared.folder, tmp_path / "a.onnx", weights=adapted[0])

    def test_weights_without_statistics_are_refused_with_the_way_out(self, prepared, tmp_path):
        old = make_weights(tmp_path / "old.onnx", ["calm", "tense"])
        with pytest.raises(DeganError, match=r"does not record the statistics .*export it again"):
            adapt(prepared.folder, tmp_path / "a.onnx", weights=old)

    @pytest.mark.parametrize(
        "channels",
        [
            [],
            {"x": 3},
            {"x": {"mean": [0.0]}},
            {"x": {"mean": [0.0], "deviation": [-1.0]}},
            {"x": {"mean": ["a"], "deviation": [1.0]}},
            {"x": {"mean": [0.0], "deviation": [float("nan")]}},
            {"x": {"mean": [0.0], "deviation": [1.0]}},
        ],
    )
    def test_statistics_of_another_network_are_refused(self, prepared, tmp_path, channels):
        odd = make_weights(tmp_path / "odd.onnx", ["calm", "tense"], channels=channels)
        with pytest.raises(DeganError, match=r"odd\.onnx cannot be adapted: .*export it again"):
            adapt(prepared.folder, tmp_path / "a.onnx", weights=odd)

    def test_statistics_that_break_the_network_are_refused(self, prepared, tmp_path):
        proto = onnx.load_from_string(asset_bytes("web.onnx"))
        facts = json.loads(proto.metadata_props[0].value)
        for entry in facts["channels"].values():
            entry["mean"] = [1e39] * len(entry["mean"])
        proto.metadata_props[0].value = json.dumps(facts)
        onnx.save(proto, tmp_path / "odd.onnx")
        with pytest.raises(DeganError, match=r"odd\.onnx returns no probabilities"):
            adapt(prepared.folder, tmp_path / "a.onnx", weights=tmp_path / "odd.onnx")
        assert not (tmp_path / "a.onnx").exists()

    @pytest.mark.parametrize(
        "choices", [{"prior": 3}, {"crops": 1}, {"jobs": "many"}, {"weights": 4}, {"progress": 1}]
    )
    def test_arguments_of_another_type_are_refused(self, prepared, tmp_path, choices):
        with pytest.raises(DeganTypeError):
            adapt(prepared.folder, tmp_path / "a.onnx", **choices)


class TestPrior:
    def test_the_file_assumes_the_given_frequencies_from_then_on(self, prepared, tmp_path, crops):
        given = {"neutral": 0.5, "happiness": 0.3}
        result = adapt(prepared.folder, tmp_path / "given.onnx", prior=given)
        adapt(prepared.folder, tmp_path / "none.onnx")
        shifted = Recognizer(tmp_path / "given.onnx").probabilities(list(crops))
        later = Recognizer(tmp_path / "none.onnx", prior=given).probabilities(list(crops))
        again = Recognizer(tmp_path / "given.onnx", prior=given).probabilities(list(crops))
        assert shifted == pytest.approx(later, abs=1e-5)
        assert shifted == pytest.approx(again, abs=1e-4)
        assert result.prior["neutral"] == 0.5
        back = Recognizer(tmp_path / "given.onnx", prior="balanced").probabilities(list(crops))
        even = Recognizer(tmp_path / "none.onnx", prior="balanced").probabilities(list(crops))
        assert back == pytest.approx(even, abs=1e-4)

    def test_a_class_that_never_occurs_is_not_predicted_until_another_prior_is_given(
        self, prepared, tmp_path, crops
    ):
        given = {"happiness": 0.5, "surprise": 0.5}
        adapt(prepared.folder, tmp_path / "a.onnx", prior=given)
        adapt(prepared.folder, tmp_path / "none.onnx")
        shares = Recognizer(tmp_path / "a.onnx").probabilities(list(crops))
        assert shares[:, [5, 7]].sum(axis=1) == pytest.approx(np.ones(24), abs=0.01)
        back = Recognizer(tmp_path / "a.onnx", prior="balanced").probabilities(list(crops))
        even = Recognizer(tmp_path / "none.onnx", prior="balanced").probabilities(list(crops))
        assert back == pytest.approx(even, abs=1e-3)

    def test_without_a_prior_the_assumed_frequencies_stay(self, prepared, tmp_path):
        result = adapt(prepared.folder, tmp_path / "a.onnx")
        assert result.prior is None
        assert Recognizer(tmp_path / "a.onnx", prior="balanced").prior is not None

    @given(st.lists(st.floats(0.05, 20), min_size=8, max_size=8))
    def test_the_graph_shifts_as_the_recogniser_does(self, web, crops, ratio):
        proto, _ = web
        changed = renormalise.append_ratio(proto, np.array(ratio))
        found = probabilities(changed, crops[:4])
        expected = shift(probabilities(proto, crops[:4]), np.array(ratio))
        assert found == pytest.approx(expected, abs=1e-5)

    def test_a_face_of_a_class_that_cannot_occur_gets_the_other_classes(self):
        """Its probabilities would be 0 / 0: the network is certain of a class of frequency 0."""
        certain = np.array([[1, 0, 0]], np.float32)
        ratio = np.array([0.0, 1.5, 0.5])
        shares = [("crops", ["N", 3]), ("probabilities", ["N", 3])]
        given, found = (
            onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, shape)
            for name, shape in shares
        )
        same = onnx.helper.make_node("Identity", ["crops"], ["probabilities"])
        graph = onnx.helper.make_graph([same], "same", [given], [found])
        proto = onnx.helper.make_model(
            graph, opset_imports=[onnx.helper.make_opsetid("", 18)], ir_version=10
        )
        session = session_of(renormalise.append_ratio(proto, ratio).SerializeToString(), 1)
        (shifted,) = session.run(None, {"crops": certain})
        np.testing.assert_allclose(shifted, shift(certain, ratio), atol=1e-6)
        np.testing.assert_allclose(shifted, [[0, 0.75, 0.25]], atol=1e-6)

    def test_two_shifts_in_one_graph(self, web, crops):
        proto, _ = web
        ratio = np.arange(1.0, 9.0)
        twice = renormalise.append_ratio(renormalise.append_ratio(proto, ratio), 1 / ratio)
        onnx.checker.check_model(twice)
        found = probabilities(twice, crops[:4])
        assert found == pytest.approx(probabilities(proto, crops[:4]), abs=1e-5)


class TestStatistics:
    def test_each_channel_gets_the_statistics_that_it_had_in_training(self, web, crops):
        proto, channels = web
        changed = renormalise.renormalise(proto, channels, list(crops), silent, training_faces=0)
        nodes = [node for node in changed.graph.node if node.op_type == "Conv"]
        names = [node.output[0] for node in nodes]
        measured = renormalise._measure(changed, names, list(crops))
        for node, found in zip(nodes, measured, strict=True):
            wanted = channels[node.input[1]]
            assert found.mean == pytest.approx(wanted.mean, abs=0.01)
            alive = found.deviation > 1e-4
            assert found.deviation[alive] == pytest.approx(wanted.deviation[alive], rel=0.02)
            assert alive.mean() > 0.9

    def test_many_training_faces_change_nothing(self, web, crops):
        proto, channels = web
        changed = renormalise.renormalise(proto, channels, list(crops), silent, training_faces=1e9)
        assert probabilities(changed, crops) == pytest.approx(probabilities(proto, crops), abs=1e-4)

    def test_dark_photos_are_read_more_as_the_bright_ones(self, web, crops):
        proto, channels = web
        noise = np.random.default_rng(0).normal(0, 25, crops.shape)
        noisy = np.clip(crops + noise, 0, 255).astype(np.uint8)
        changed = renormalise.renormalise(proto, channels, list(noisy), silent)
        bright = probabilities(proto, crops)
        before = np.abs(probabilities(proto, noisy) - bright).mean()
        assert np.abs(probabilities(changed, noisy) - bright).mean() < before

    def test_equal_photos_give_finite_probabilities(self, web):
        proto, channels = web
        grey = [np.full((96, 96, 3), 128, np.uint8)] * 3
        changed = renormalise.renormalise(proto, channels, grey, silent, training_faces=0)
        assert np.isfinite(probabilities(changed, np.stack(grey))).all()

    @pytest.mark.parametrize(
        "changes", [[], ["classifier.views=3", "network.backbone='deep'"]], ids=["tiny", "deep"]
    )
    def test_an_exported_run_can_be_adapted(self, faces, tmp_path, changes):
        settings = override(preset("tiny"), changes)
        model = train(faces, range(len(faces.samples)), settings, tmp_path / "run")
        export(model, tmp_path / "run.onnx")
        assert adapt(faces.folder, tmp_path / "a.onnx", weights=tmp_path / "run.onnx").faces == 24
        summary = evaluate(faces, Recognizer(tmp_path / "a.onnx"))
        assert summary["images_in_training"] == summary["images_adapted_to"] == 24
        with pytest.raises(DeganError, match="does not record the class frequencies"):
            adapt(
                faces.folder, tmp_path / "b.onnx", weights=tmp_path / "run.onnx", prior="balanced"
            )

    def test_the_photos_of_the_training_change_nothing(self, faces, tmp_path):
        """The statistics in an exported file are those of the batch normalisation."""
        settings = override(preset("tiny"), ["classifier.mirror=false"])
        model = train(faces, range(len(faces.samples)), settings, tmp_path / "run")
        crops = read_crops(faces, range(len(faces.samples)))
        norms = [m for m in model.recognition.modules() if isinstance(m, nn.BatchNorm2d)]
        torch.manual_seed(0)
        for norm in norms:
            nn.init.normal_(norm.weight)  # of either sign, as training may leave them
            nn.init.normal_(norm.bias)
            norm.reset_running_stats()
            norm.momentum = None
        model.recognition.train()
        model.recognition.classifier.head.eval()
        with torch.no_grad():
            model.recognition(torch.from_numpy(crops))
        model.recognition.eval()
        export(model, tmp_path / "run.onnx")
        proto = onnx.load(tmp_path / "run.onnx")
        channels = read_channels(description(tmp_path / "run.onnx")["channels"])
        changed = renormalise.renormalise(proto, channels, list(crops), silent, training_faces=0)
        assert len(channels) == len(norms)
        for one, other in zip(proto.graph.initializer, changed.graph.initializer, strict=True):
            before, after = map(onnx.numpy_helper.to_array, (one, other))
            np.testing.assert_allclose(after, before, rtol=0.05, atol=0.05)

    def test_a_file_keeps_no_statistics_that_do_not_fit(self, web):
        proto, channels = web
        name, found = next(iter(channels.items()))
        fewer = {**channels, name: Channels(found.mean[1:], found.deviation[1:])}
        with pytest.raises(ValueError, match="another number of channels"):
            renormalise.check_channels(proto, fewer)
        with pytest.raises(ValueError, match="not those of the convolutions"):
            renormalise.check_channels(proto, {**channels, "other": found})


EVEN = {"calm": 0.5, "tense": 0.5}


class TestHarm:
    @staticmethod
    def of(count=100, people=()):
        return Faces(crops=[np.zeros((1, 1, 3), np.uint8)] * count, people=list(people))

    def test_many_faces_of_several_people_and_classes_need_no_note(self):
        assert harm_notes(self.of(100, ["a", "b"] * 50), EVEN, None) == []

    @pytest.mark.parametrize(("count", "says"), [(1, "ONLY 1 FACE:"), (49, "ONLY 49 FACES:")])
    def test_few_faces(self, count, says):
        (note,) = harm_notes(self.of(count), EVEN, None)
        assert note.startswith(says)

    def test_one_class(self):
        (note,) = harm_notes(self.of(), {"calm": 0.9, "tense": 0.1}, None)
        assert "90% OF THE FACES are predicted as calm" in note

    def test_one_person(self):
        (note,) = harm_notes(self.of(60, ["a"] * 60), EVEN, None)
        assert "ALL FACES are of one person" in note

    def test_a_prior_far_from_the_predictions(self):
        predicted = {"calm": 0.7, "tense": 0.3}
        (note,) = harm_notes(self.of(), predicted, {"calm": 0.1, "tense": 0.9})
        assert "THE PRIOR is far from the predictions with it (calm 70%, tense 30%)" in note
