"""A face beside the same person's neutral face: fitted on recordings, read from what changed."""

import json
from dataclasses import replace

import numpy as np
import onnx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

import degan
from degan.cli.app import app
from degan.config.run_layout import MODEL_FILE
from degan.data.manifest import read_dataset
from degan.data.rendered_sequences import read_all_frames
from degan.errors import DeganError
from degan.media.images import read_image
from degan.recognition.neutral_reader import NeutralReader, read_neutral
from degan.recognition.weights import KEY
from degan.synthetic.generate import synthesize
from degan.synthetic.plan import SynthesisSettings
from degan.training.model import load_model
from degan.tuning.neutral_layer import fit_neutral


@pytest.fixture(scope="module")
def recordings(tmp_path_factory):
    folder = tmp_path_factory.mktemp("recordings") / "people"
    plan = SynthesisSettings(people=20, images=1600, size=96, seed=77, sequences=True)
    synthesize(plan, folder, workers=2)
    return read_dataset(folder)


@pytest.fixture(scope="module")
def run(root, tmp_path_factory):
    """A run directory of the weights that ship."""
    folder = tmp_path_factory.mktemp("neutral") / "run"
    folder.mkdir()
    (folder / MODEL_FILE).write_bytes((root / "src/degan/assets/web.safetensors").read_bytes())
    return folder


class TestFrames:
    def test_all_frames_are_there_recording_by_recording(self, recordings):
        frames = read_all_frames(recordings)
        assert len(frames.dataset.samples) == 1600 > len(recordings.samples)
        for index, sample in enumerate(frames.dataset.samples):
            begin = frames.dataset.samples[frames.first[index]]
            assert (begin.sequence, begin.frame) == (sample.sequence, 0)
            assert index - frames.first[index] == sample.frame
        assert frames.intensity[frames.first] == pytest.approx(0)

    def test_single_pictures_are_refused(self, rendered):
        with pytest.raises(DeganError, match="synthesize --sequences"):
            read_all_frames(read_dataset(rendered[1]))

    def test_photos_are_refused(self, faces):
        with pytest.raises(DeganError, match=r"no factors\.parquet"):
            read_all_frames(faces)


class TestFit:
    def test_people_whom_nothing_was_fitted_on_are_read_better_than_alone(self, run, recordings):
        model = load_model(run)
        gain = fit_neutral(model, recordings)
        assert gain.frames > 1000
        assert gain.beside > gain.alone + 0.05
        assert model.recognition.neutral.fitted_on == recordings.manifests

    def test_few_people_are_refused(self, run, recordings):
        few = {f"p{number:04d}" for number in range(19)}
        frames = read_all_frames(recordings)
        assert len({s.subject for s in frames.dataset.samples if s.subject in few}) == 19
        with pytest.raises(DeganError, match="20 people or more"):
            fit_neutral(load_model(run), _only(recordings, few))

    def test_crops_of_another_size_are_refused(self, run, recordings):
        with pytest.raises(DeganError, match="prepare the data"):
            fit_neutral(load_model(run), replace(recordings, crop_size=48))

    def test_by_the_command_line_and_back(self, run, recordings, tmp_path, examples):
        path = tmp_path / "own.onnx"
        command = ["export", str(run), str(path), "--neutral", str(recordings.folder)]
        result = CliRunner().invoke(app, command)
        assert result.exit_code == 0, result.output
        assert "with comparison to a neutral face" in result.output
        recognizer = degan.Recognizer(path)
        (smile,) = recognizer.predict(read_image(examples / "smiling/001.jpg"))
        (calm,) = recognizer.predict(read_image(examples / "neutral/001.jpg"))
        (beside,) = recognizer.beside_neutral([smile], [calm])
        assert beside.expression == "happiness"


def _only(recordings, people):
    """The same recordings as a data set of some people, its table cut too."""
    from pyarrow import parquet

    folder = recordings.folder.with_name("few")
    folder.mkdir(exist_ok=True)
    (folder / "crops").symlink_to(recordings.folder / "crops")
    table = parquet.read_table(recordings.folder / "factors.parquet")
    mask = [person in people for person in table.column("person").to_pylist()]
    parquet.write_table(table.filter(mask), folder / "factors.parquet")
    return replace(recordings, folder=folder)


@pytest.fixture(scope="module")
def recognizer():
    return degan.Recognizer()


class TestRead:
    def test_smiles_are_read_that_alone_are_not(self, recognizer, examples):
        """On real people: nobody of them was fitted on."""
        alone = beside = 0
        for path in sorted((examples / "smiling").glob("*.jpg")):
            (smile,) = recognizer.predict(read_image(path))
            calm = recognizer.predict(read_image(examples / "neutral" / path.name))
            alone += smile.expression == "happiness"
            beside += recognizer.beside_neutral([smile], calm)[0].expression == "happiness"
        assert beside > alone
        assert beside >= 11  # of 12

    def test_the_neutral_face_itself_is_neutral(self, recognizer, examples):
        for path in sorted((examples / "neutral").glob("*.jpg")):
            faces = recognizer.predict(read_image(path))
            (same,) = recognizer.beside_neutral(faces, faces)
            assert same.expression == "neutral"
            assert sum(same.probabilities.values()) == pytest.approx(1, abs=1e-5)
            assert (same.box, same.code) == (faces[0].box, faces[0].code)

    def test_groups_hold_for_it_too(self, examples):
        recognizer = degan.Recognizer(groups={"other": ("anger", "fear", "sadness", "disgust")})
        calm = recognizer.predict(read_image(examples / "neutral/001.jpg"))
        (face,) = recognizer.beside_neutral(calm, calm)
        assert tuple(face.probabilities) == recognizer.expressions

    def test_without_a_neutral_face_it_is_refused(self, recognizer, examples):
        faces = recognizer.predict(read_image(examples / "neutral/001.jpg"))
        assert recognizer.beside_neutral([], faces) == []
        with pytest.raises(DeganError, match="at least one"):
            recognizer.beside_neutral(faces, [])

    def test_weights_that_have_none_say_so(self, root, tmp_path):
        proto = onnx.load(root / "src/degan/assets/web.onnx")
        told = json.loads(proto.metadata_props[0].value)
        told["neutral"] = None
        proto.metadata_props[0].value = json.dumps(told)
        onnx.save(proto, tmp_path / "plain.onnx")
        with pytest.raises(
            DeganError, match=r"plain\.onnx cannot compare a face with a neutral one"
        ):
            degan.Recognizer(tmp_path / "plain.onnx").check_reads_beside_neutral()

    @pytest.mark.parametrize(
        "told",
        [
            {},
            [],
            {"weight": [[1.0]], "bias": [0.0]},
            {"weight": "many", "bias": "much"},
            {"weight": [[float("nan")] * 16] * 8, "bias": [0.0] * 8},
            {"weight": [[1e30] * 16] * 8, "bias": [0.0] * 8},
        ],
    )
    def test_a_file_that_says_nonsense_of_it_is_refused(self, root, tmp_path, told):
        proto = onnx.load(root / "src/degan/assets/web.onnx")
        facts = json.loads({entry.key: entry.value for entry in proto.metadata_props}[KEY])
        facts["neutral"] = told
        proto.metadata_props[0].value = json.dumps(facts)
        onnx.save(proto, tmp_path / "bad.onnx")
        with pytest.raises(DeganError, match="the neutral layer"):
            degan.Recognizer(tmp_path / "bad.onnx")


@given(st.integers(0, 2**16), st.integers(2, 8), st.integers(1, 16))
def test_what_is_written_is_read_back(seed, classes, size):
    rng = np.random.default_rng(seed)
    reader = NeutralReader(rng.normal(size=(classes, size)), rng.normal(size=classes))
    back = read_neutral(json.loads(json.dumps(reader.description())), classes, size, frozenset())
    codes, rest = rng.normal(size=(5, size)), rng.normal(size=size)
    shares = back.probabilities(codes, rest)
    assert shares == pytest.approx(reader.probabilities(codes, rest), abs=1e-4)
    assert shares.sum(axis=1) == pytest.approx(np.ones(5), abs=1e-5)
