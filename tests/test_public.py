"""The public interface: names, types, examples, and what arguments may be."""

import ast
import doctest
import inspect
import pickle
import re
import tracemalloc
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from importlib import import_module
from multiprocessing import get_context
from pathlib import Path
from pydoc import render_doc

import numpy as np
import pytest

import degan
from degan.errors import DeganError, DeganTypeError
from degan.faces import Face
from degan.media.images import RgbImage, read_image, write_image
from degan.predict.records import BOX, Result
from degan.system.assets import asset_bytes, inference_session
from degan.system.machine import num_cpus
from docstrings import (
    MEASURE,
    SHAPE,
    can_raise,
    constant_docstring,
    documented,
    holds_array,
    is_number,
    may_be_none,
)

PACKAGES = [
    "degan",
    *(
        f"degan.{name}"
        for name in (
            "config",
            "data",
            "evaluation",
            "faces",
            "media",
            "networks",
            "predict",
            "recognition",
            "report",
            "synthetic",
            "training",
            "tuning",
        )
    ),
]
PUBLIC = [(package, name) for package in PACKAGES for name in import_module(package).__all__]
NAMED = {f"{package}.{name}": getattr(import_module(package), name) for package, name in PUBLIC}
CONSTANTS = [
    path
    for path, thing in NAMED.items()
    if not (inspect.isfunction(thing) or inspect.isclass(thing))
]
# Each function and class once, under its first name.
FUNCTIONS_AND_CLASSES = {
    thing: path for path, thing in reversed(NAMED.items()) if path not in CONSTANTS
}
DOCUMENTED = [
    pytest.param(one, id=one.path)
    for thing, path in FUNCTIONS_AND_CLASSES.items()
    for one in documented(path, thing)
]
# An engineer or researcher meets these first, so each has an example.
WITH_EXAMPLES = [
    "degan.Recognizer",
    "degan.read",
    "degan.read_image",
    "degan.to_frame",
    "degan.watch",
    "degan.People",
    "degan.config.override",
    "degan.data.read_dataset",
    "degan.data.subject_folds",
    "degan.faces.FaceFinder",
]


BLACK = np.zeros((9, 9, 3), np.uint8)


def found(path):
    package, _, name = path.rpartition(".")
    return getattr(import_module(package), name)


@pytest.fixture(scope="module")
def recognizer():
    return degan.Recognizer()


@pytest.fixture(scope="module")
def faces(recognizer, examples):
    """A smiling and a neutral face of one person."""
    return [
        recognizer.predict(read_image(examples / f"{kind}/001.jpg"))[0]
        for kind in ("smiling", "neutral")
    ]


class TestNames:
    def test_an_editor_and_help_show_the_public_names_alone(self):
        assert dir(degan) == sorted(degan.__all__)
        text = render_doc(degan)
        assert all(name in text for name in degan.__all__ if not name.startswith("__"))
        assert "TYPE_CHECKING" not in text

    @pytest.mark.parametrize(("package", "name"), PUBLIC)
    def test_a_public_name_is_no_submodule(self, package, name):
        # Importing the submodule would replace the function of the same name.
        folder = Path(import_module(package).__file__).parent
        assert not (folder / f"{name}.py").exists()
        assert not (folder / name).exists()

    def test_the_stubs_name_every_public_name(self):
        for package in PACKAGES:
            module = import_module(package)
            stub = Path(module.__file__).with_suffix(".pyi").read_text(encoding="utf-8")
            named = {alias.asname for node in ast.parse(stub).body for alias in node.names}
            assert named == set(module.__all__)

    @pytest.mark.slow
    def test_a_strict_type_checker_finds_types(self, tmp_path, root):
        from mypy import api

        file = tmp_path / "user.py"
        file.write_text(
            "import degan\n"
            "recognizer = degan.Recognizer('web')\n"
            "face = recognizer.predict(degan.read_image('a.jpg'))[0]\n"
            "reveal_type(face.probabilities)\n"
            "reveal_type(degan.read('photos/'))\n"
            "import numpy as np\n"
            "crops = np.zeros((2, 96, 96, 3), np.uint8)\n"
            "recognizer.predict_many(crops)\n"
            "recognizer.predict_crops(list(crops))\n"
            "recognizer.predict_boxes(crops[0], [[1, 2, 30, 40]])\n"
            "recognizer.predict_boxes(crops[0], np.zeros((3, 4)))\n"
            "recognizer.read(crops)\n"
        )
        text, errors, _ = api.run(["--strict", "--config-file", "", str(file)])
        assert "builtins.dict[builtins.str, builtins.float]" in text.replace(
            "dict[str, float]", "builtins.dict[builtins.str, builtins.float]"
        ), text
        assert "DataFrame" in text
        assert "error" not in text + errors, text


@pytest.mark.parametrize("one", DOCUMENTED)
class TestDocstrings:
    """Shapes, units, ranges, errors: of every public function, class, method and property."""

    def test_every_argument_is_described(self, one):
        missing = [name for name in one.arguments if not one.description(name)]
        assert one.summary
        assert not missing

    def test_every_array_has_a_shape(self, one):
        arrays = [name for name in one.arguments if holds_array(one.hints.get(name))]
        assert not [name for name in arrays if not SHAPE.search(one.description(name))]
        if holds_array(one.hints.get("return")):
            assert SHAPE.search(one.result), "the result"

    def test_every_number_has_a_unit_or_a_range(self, one):
        numbers = [name for name in one.arguments if is_number(one.hints.get(name))]
        assert not [name for name in numbers if not MEASURE.search(one.description(name))]
        if is_number(one.hints.get("return")):
            assert MEASURE.search(one.result), "the result"

    def test_the_meaning_of_none_is_described(self, one):
        optional = [name for name in one.arguments if may_be_none(one.hints.get(name))]
        assert not [name for name in optional if "None" not in one.description(name)]
        if may_be_none(one.hints.get("return")):
            assert "None" in one.result, "the result"

    def test_the_result_is_described(self, one):
        if one.hints.get("return", type(None)) is not type(None):
            assert one.result

    def test_its_errors_are_described(self, one):
        if can_raise(one):
            assert one.section("Raises")

    def test_the_signature_is_readable(self, one):
        if callable(one.thing) and one.arguments:
            assert " at 0x" not in str(inspect.signature(one.thing))

    def test_tools_find_the_types(self, one):
        # one.hints is from typing.get_type_hints, which imports what annotations name.
        assert set(one.arguments) <= set(one.hints)


@pytest.mark.parametrize("path", CONSTANTS)
def test_a_public_constant_has_a_docstring(path):
    package, _, name = path.rpartition(".")
    assert constant_docstring(package, name)


def shrink(image: RgbImage, side: int, name: str | None) -> RgbImage:
    """Make an image smaller.

    Args:
        image: RGB uint8 (H, W, 3).
        side: new side in pixels.
        name: name of the image in messages; None for none.

    Returns:
        RGB uint8 (side, side, 3).

    Raises:
        DeganError: the image is smaller than ``side``.
    """
    raise DeganError(name)


class TestRulesOfDocstrings:
    @pytest.mark.parametrize(
        ("old", "new", "broken"),
        [
            ("uint8 (H, W, 3).", "uint8 (H, W, 3).", None),
            ("        side: new", "        other: new", "test_every_argument_is_described"),
            ("(H, W, 3)", "of any size", "test_every_array_has_a_shape"),
            ("(side, side, 3)", "(smaller)", "test_every_array_has_a_shape"),
            ("new side in pixels", "new side", "test_every_number_has_a_unit_or_a_range"),
            ("; None for none", "", "test_the_meaning_of_none_is_described"),
            ("Returns:", "Notes:", "test_the_result_is_described"),
            ("Raises:", "Notes:", "test_its_errors_are_described"),
        ],
    )
    def test_a_docstring_with_a_fault_is_found(self, old, new, broken, monkeypatch):
        monkeypatch.setattr(shrink, "__doc__", shrink.__doc__.replace(old, new))
        (one,) = documented("shrink", shrink)
        found = set()
        for rule in (name for name in vars(TestDocstrings) if name.startswith("test_")):
            try:
                getattr(TestDocstrings(), rule)(one)
            except AssertionError:
                found.add(rule)
        assert broken in (found or {None})


class TestExamples:
    @pytest.mark.parametrize("path", WITH_EXAMPLES)
    def test_the_example_in_the_docstring_runs(self, path, root, monkeypatch, tmp_path):
        monkeypatch.chdir(root)
        thing = found(path)
        found_in = doctest.DocTestFinder(recurse=False).find(thing, path)
        tests = [one for one in found_in if one.examples]
        assert tests, f"{path} has no example"
        runner = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS)
        for one in tests:
            one.globs["tmp"] = tmp_path
            runner.run(one)
        assert runner.summarize().failed == 0

    @pytest.mark.parametrize(
        "page",
        [
            "README.md",
            *sorted(
                str(path.relative_to(Path(__file__).parents[1]))
                for path in (Path(__file__).parents[1] / "docs").rglob("*.md")
            ),
        ],
    )
    def test_a_page_imports_only_public_names(self, page, root):
        text = (root / page).read_text(encoding="utf-8")
        for block in re.findall(r"```python\n(.*?)```", text, re.DOTALL):
            for node in ast.walk(ast.parse(block)):
                if isinstance(node, ast.ImportFrom) and node.module.split(".")[0] == "degan":
                    assert node.module in PACKAGES, f"{page}: {node.module}"
                    public = import_module(node.module).__all__
                    assert {alias.name for alias in node.names} <= set(public), page
                if (
                    isinstance(node, ast.Attribute)
                    and isinstance(node.value, ast.Name)
                    and node.value.id == "degan"
                ):
                    assert node.attr in degan.__all__, f"{page}: degan.{node.attr}"


class TestPaths:
    def test_text_is_taken_as_a_path(self, examples):
        path = examples / "smiling/001.jpg"
        assert np.array_equal(degan.read_image(str(path)), degan.read_image(path))
        assert degan.Recognizer("clean").name == degan.Recognizer(Path("clean")).name

    @pytest.mark.parametrize(
        ("call", "says"),
        [
            (lambda: degan.read_image(3), "path must be a path .* not an object of type int"),
            (lambda: degan.read_image(b"a.jpg"), "of type bytes"),
            (lambda: degan.Recognizer(weights=3), "weights must be a path .* int"),
            (lambda: degan.read(3), "source must be a list of paths, not int"),
            (lambda: degan.read(["a.jpg", None]), "source must be a path .* NoneType"),
        ],
    )
    def test_a_wrong_type_gets_a_sentence_that_names_it(self, call, says):
        with pytest.raises(DeganTypeError, match=says) as caught:
            call()
        assert isinstance(caught.value, TypeError)
        assert isinstance(caught.value, DeganError)


class TestPrediction:
    def test_it_prints_in_one_line(self, faces):
        text = repr(faces[0])
        assert re.fullmatch(
            r"Prediction\('happiness', 0\.\d{3}, box=\(81, 93, 96, 109\), score=0\.\d\d\)", text
        ), text
        assert str(faces) == f"[{', '.join(map(repr, faces))}]"

    def test_it_can_be_compared_and_hashed(self, recognizer, examples, faces):
        again = recognizer.predict(read_image(examples / "smiling/001.jpg"))[0]
        assert again == faces[0]
        assert again != faces[1]
        assert len({again, *faces}) == 2

    def test_it_can_be_pickled(self, faces):
        back = pickle.loads(pickle.dumps(faces))
        assert back == faces
        assert np.array_equal(back[0].face.landmarks, faces[0].face.landmarks)


def predict_elsewhere(recognizer, path):
    return recognizer.predict(degan.read_image(path))


class TestRecognizer:
    def test_it_prints_in_one_line(self, recognizer):
        assert repr(recognizer) == "Recognizer('web', 8 expressions)"

    def test_another_process_opens_its_file_again(self, examples):
        path = str(examples / "smiling/001.jpg")
        recognizer = degan.Recognizer("clean", groups={"bad": ["anger", "fear"]})
        with get_context("spawn").Pool(1) as pool:
            elsewhere = pool.apply(predict_elsewhere, (recognizer, path))
        assert elsewhere == predict_elsewhere(recognizer, path)
        assert "bad" in elsewhere[0].probabilities

    def test_it_is_found_from_another_working_directory(self, tmp_path, monkeypatch):

        (tmp_path / "mine.onnx").write_bytes(asset_bytes("clean.onnx"))
        monkeypatch.chdir(tmp_path)
        pickled = pickle.dumps(degan.Recognizer("mine.onnx"))
        assert len(pickled) < 2000
        (tmp_path / "elsewhere").mkdir()
        monkeypatch.chdir(tmp_path / "elsewhere")
        assert pickle.loads(pickled).name.endswith("mine.onnx")
        (tmp_path / "mine.onnx").write_bytes(asset_bytes("web.onnx"))
        with pytest.raises(DeganError, match="another SHA-256"):
            pickle.loads(pickled)

    def test_one_neutral_face_or_several(self, recognizer, faces):
        smile, rest = faces
        one = recognizer.beside_neutral([smile], rest)
        assert one == recognizer.beside_neutral([smile], [rest])
        assert one == recognizer.beside_neutral([smile], (rest, rest))

    @pytest.mark.parametrize(
        ("method", "arguments", "says"),
        [
            ("beside_neutral", ([], np.zeros(3)), "neutral must be a list of predictions"),
            ("beside_neutral", (["happy"], []), "faces must be .* not of str"),
            ("predict_faces", (BLACK, ["a"]), "find_faces returns"),
            ("predict_faces", (BLACK, None), "faces must be a list of the faces that find_faces"),
            ("predict_boxes", (BLACK, [(1, 2)]), r"four .*\(1, 2\)"),
            ("predict_boxes", (BLACK, ["ab"]), "four numbers .*'ab'"),
            ("predict_boxes", (BLACK, ["1234"]), "four numbers .*'1234'"),
            ("predict_boxes", (BLACK, [b"abcd"]), "four numbers .*b'abcd'"),
            ("predict_boxes", (BLACK, [np.array("x")]), "four numbers"),
            ("predict_boxes", (BLACK, np.array("x")), "boxes must be a list of boxes .* ndarray"),
            ("predict_boxes", (BLACK, b"abcd"), "boxes must be a list of boxes .* type bytes"),
            ("predict_boxes", (BLACK, [{1, 2, 3, 4}]), "four numbers"),
            ("predict_boxes", (BLACK, [(True, 0, 9, 9)]), "four numbers"),
            ("predict_boxes", (BLACK, [(0, 0, 1e308, 9)]), r"pixels up to 1e\+09"),
            ("predict_boxes", (BLACK, [(0, 0, float("nan"), 9)]), r"pixels up to 1e\+09"),
            ("predict_boxes", (BLACK, None), "boxes must be a list of boxes .* type NoneType"),
            ("predict_boxes", (BLACK, "abcd"), "boxes must be a list of boxes .* type str"),
            ("predict_many", (None,), "images must be a list of images, not .* type NoneType"),
            ("predict_many", (BLACK,), "images must be a list of images, not .* type ndarray"),
            ("predict_many", (iter([BLACK]),), "images must be a list of images"),
            ("predict_many", (["a.jpg"],), "not an object of type str; read"),
            ("predict_crops", (3,), "images must be a list of images, not .* type int"),
            ("read", (None,), "crops must be a list of images, not .* type NoneType"),
            ("probabilities", ("ab",), "crops must be a list of images, not .* type str"),
            ("with_probabilities", (3, np.ones(8)), "face must be a prediction"),
            (
                "predict",
                ("party.jpg",),
                "not an object of type str; read",
            ),
            ("predict", (np.zeros((9, 9), np.uint8),), r"not uint8 \(9, 9\)"),
            (
                "read",
                ([np.zeros((9, 9, 3), np.uint8)],),
                r"shape \(9, 9, 3\), but",
            ),
        ],
    )
    def test_wrong_arguments_get_a_sentence(self, recognizer, method, arguments, says):
        with pytest.raises(DeganError, match=says):
            getattr(recognizer, method)(*arguments)

    @pytest.mark.parametrize(
        "shares",
        [
            None,
            "ab",
            [0.5, 0.5],
            [[1], [1, 2]],
            np.full(8, np.nan),
            np.full(8, 2.0),
            {"anger": 1.0},
        ],
    )
    def test_other_probabilities_must_be_one_per_expression(self, recognizer, faces, shares):
        with pytest.raises(DeganError, match=r"probabilities must be 8 numbers in \[0, 1\]"):
            recognizer.with_probabilities(faces[0], shares)

    def test_a_neutral_face_read_by_other_weights_is_refused(self, recognizer, faces, examples):
        image = read_image(examples / "neutral/001.jpg")
        (other,) = degan.Recognizer("clean").predict(image)
        for smile, rest in ((faces[0], other), (other, faces[1])):
            with pytest.raises(DeganError, match="some were made with other weights"):
                recognizer.beside_neutral([smile], rest)

    def test_a_face_whose_code_has_another_length_is_refused(self, recognizer, faces):
        smile, rest = faces
        short = replace(rest, code=rest.code[:3])
        for arguments in (([short], rest), ([smile], short), ([], short)):
            with pytest.raises(DeganError, match="a face has an expression code of 3 numbers"):
                recognizer.beside_neutral(*arguments)

    def test_an_array_of_crops_is_a_list_of_images(self, recognizer):
        crops = np.zeros((3, recognizer.crop_size, recognizer.crop_size, 3), np.uint8)
        assert np.array_equal(recognizer.probabilities(crops), recognizer.probabilities([*crops]))

    @pytest.mark.parametrize(
        "landmarks",
        [
            np.full((468, 3), np.nan),
            np.full((468, 3), 1e30),
            np.full((468, 3), 50.0),
            np.arange(468 * 3).reshape(468, 3) - 1e6,
            np.zeros((10, 3)),
            np.full((468, 3), "a"),
        ],
    )
    def test_a_face_of_another_image_is_refused(self, recognizer, landmarks):
        face = Face((0.0, 0.0, 9.0, 9.0), 1.0, landmarks, 1.0)
        with pytest.raises(DeganError, match="landmarks"):
            recognizer.predict_faces(BLACK, [face])

    @pytest.mark.parametrize(
        "landmarks",
        [
            None,
            "abc",
            [[1, 2], [3]],
            np.full((468, 3), "a"),
            np.full((468, 3), None),
            np.full((468, 3), 1j),
            {"x": 1},
        ],
    )
    def test_odd_landmarks_are_refused(self, landmarks):
        with pytest.raises(DeganError, match=r"landmarks must be MediaPipe's face mesh"):
            Face.of_landmarks(BLACK, landmarks)


class TestPeople:
    @pytest.mark.parametrize("most", [0, -1, 1.5, "3", True, None])
    def test_most_is_a_whole_number(self, most):
        with pytest.raises(DeganError, match="most must be"):
            degan.People(most=most)

    @pytest.mark.parametrize("faces", [None, 3, "abc", [None]])
    def test_only_predictions_are_numbered(self, faces):
        with pytest.raises(DeganTypeError, match="faces must be a list of predictions"):
            degan.People().number(BLACK, faces)

    def test_a_pickle_remembers_the_people(self, recognizer, examples):
        people = degan.People()
        first, second = (read_image(examples / f"smiling/{name}.jpg") for name in ("001", "002"))
        people.number(first, recognizer.predict(first))
        again = pickle.loads(pickle.dumps(people))
        numbered = [
            one.number(image, recognizer.predict(image))[0].person
            for one in (people, again)
            for image in (second, first)
        ]
        assert numbered == [2, 1, 2, 1]

    def test_threads_may_share_one(self, recognizer, examples):
        images = [read_image(path) for path in sorted((examples / "smiling").glob("*.jpg"))[:4]]
        seen = [(image, recognizer.predict(image)) for image in images]
        people = degan.People()
        with ThreadPoolExecutor(8) as pool:
            numbered = list(pool.map(lambda one: people.number(*one)[0].person, seen * 10))
        assert sorted(set(numbered)) == [1, 2, 3, 4]
        assert numbered == numbered[:4] * 10


class TestRead:
    def test_a_row_a_face_as_degan_predict_writes_it(self, examples, tmp_path, command):
        import pandas as pd

        shots = tmp_path / "shots"
        shots.mkdir()
        write_image(shots / "a.png", read_image(examples / "smiling/001.jpg"))
        write_image(shots / "wall.png", np.full((90, 120, 3), 100, np.uint8))
        (shots / "z.jpg").write_bytes(b"words")
        table = degan.read(shots, actions=True)
        done = command("predict", shots, "-o", tmp_path / "t.csv", "--actions")
        assert done.returncode == 0, done.stderr
        written = pd.read_csv(tmp_path / "t.csv")
        assert list(table) == list(written)
        assert list(table.path) == list(written.path)
        assert list(table.error[1:]) == list(written.error[1:])
        assert table.expression[0] == "happiness"
        assert table.unsure.dtype == "boolean"
        assert np.allclose(table.happiness[:1], written.happiness[:1], atol=1e-6)

    def test_a_video_has_frame_and_time(self, examples, tmp_path):
        from films import RATE, film

        path = tmp_path / "talk.mp4"
        path.write_bytes(film([read_image(examples / "smiling/001.jpg")] * 3))
        table = degan.read([str(path)])
        assert list(table.frame) == [0, 1, 2]
        assert table.time.tolist() == pytest.approx([0, 1 / RATE, 2 / RATE], abs=1e-3)
        assert table.frame.dtype == "Int64"
        assert set(table.person) == {1}

    def test_faces_of_one_image_keep_the_path_they_are_given(self, faces):
        table = degan.to_frame(faces, path=Path("a.jpg"))
        assert list(table.path) == ["a.jpg", "a.jpg"]
        assert "path" not in degan.to_frame(faces)

    def test_watch_and_play_are_there(self, recognizer, examples, tmp_path):
        from films import film

        path = tmp_path / "talk.mp4"
        path.write_bytes(film([read_image(examples / "smiling/001.jpg")] * 3))
        with degan.play(str(path)) as playing:
            results = list(degan.watch(recognizer, playing))
        assert [result.faces[0].expression for result in results] == ["happiness"] * 3
        table = degan.to_frame(results)
        assert list(table.path) == [str(path)] * 3
        assert list(table.frame) == [0, 1, 2]
        results = list(degan.watch(recognizer, degan.play(path)))
        assert len(results) == 3


class TestOptions:
    @pytest.mark.parametrize(
        ("options", "says"),
        [
            ({"smooth": 1.0}, "the options smooth and fps .* are for videos"),
            ({"rate": 5}, r"smooth and fps \(in Python rate\) are for videos, and no input is one"),
            (
                {"crops": True, "thorough": True},
                r"turned .* has no effect on cropped faces and given boxes",
            ),
            ({"crops": True, "people": True}, "the option people needs the surroundings"),
            ({"neutral": "calmest"}, "'calmest' is for videos, and .* is a photo"),
        ],
    )
    def test_without_effect_on_a_photo_are_refused(self, examples, options, says):
        with pytest.raises(DeganError, match=says):
            degan.read(examples / "smiling/001.jpg", **options)

    def test_without_effect_on_a_video_are_refused(self, talk):
        with pytest.raises(DeganError, match=r"crops is for photos .* is not a photo"):
            degan.read(talk, crops=True)

    def test_a_path_beside_that_of_a_result_is_refused(self, faces):
        result = Result("a.jpg", None, tuple(faces))
        with pytest.raises(DeganError, match="results have their own; leave path out"):
            degan.to_frame([result], path="b.jpg")

    @pytest.mark.parametrize(
        ("options", "says"),
        [
            ({"smooth": -1}, "smooth must be 0 or more, not -1"),
            ({"smooth": float("nan")}, "smooth must be 0 or more, not nan"),
            ({"smooth": "0.3"}, "smooth must be a number, not an object of type str"),
            ({"rate": 0}, "rate must be 0.01 or more, not 0"),
            ({"rate": float("inf")}, "rate must be 0.01 or more, not inf"),
            ({"jobs": 0}, "jobs must be 1 to 1024, not 0"),
            ({"jobs": 1.5}, "jobs must be a whole number, not an object of type float"),
            ({"crops": "no"}, "crops must be True or False, not an object of type str"),
            ({"groups": "bad=anger"}, "groups must be a dict .* type str"),
            ({"groups": {"bad": "anger"}}, "the group bad must be a list of expressions, not str"),
            ({"groups": {1: ["anger"]}}, "names of groups must be a list of strings, not of int"),
        ],
    )
    def test_of_read_are_checked(self, examples, options, says):
        with pytest.raises(DeganError, match=says):
            degan.read(examples / "smiling/001.jpg", **options)

    @pytest.mark.parametrize("threads", [0, -1, 10**6, 1.5, "2", True])
    def test_of_the_recogniser_are_checked(self, threads):
        with pytest.raises(DeganError, match="threads must be"):
            degan.Recognizer(threads=threads)


@pytest.fixture
def talk(examples, tmp_path):
    from films import film

    path = tmp_path / "talk.mp4"
    path.write_bytes(film([read_image(examples / "smiling/001.jpg")] * 20))
    return path


class TestPlayer:
    """A video is read once, in its block; nothing is read of a closed one, and nothing crashes."""

    def test_results_after_the_block_are_refused(self, recognizer, talk):
        with degan.play(talk) as playing:
            results = degan.watch(recognizer, playing)
            next(results)
        with pytest.raises(DeganError, match=r"talk\.mp4 was closed; read its frames inside"):
            list(results)
        with pytest.raises(DeganError, match="was closed"):
            next(playing.frames())

    def test_a_second_reader_is_refused(self, recognizer, talk):
        with degan.play(talk) as playing:
            first, second = playing.frames(), playing.frames()
            assert next(first).number == 0
            with pytest.raises(DeganError, match=r"was read before; open it again"):
                next(second)
            assert [frame.number for frame in first] == list(range(1, 20))
        player = degan.play(talk)
        assert len(list(degan.watch(recognizer, player))) == 20
        with pytest.raises(DeganError, match=r"was opened before; call degan\.play again"):
            list(degan.watch(recognizer, player))

    def test_an_error_in_the_block_ends_it_cleanly(self, talk, fresh_python):
        code = """
import gc, sys
import degan
recognizer = degan.Recognizer()

def broken(results):
    next(results)
    raise ValueError("the user's own")

for _ in range(3):
    try:
        with degan.play(sys.argv[1]) as playing:
            broken(degan.watch(recognizer, playing))
    except ValueError as error:
        print(error)
    cycle = {"results": degan.watch(recognizer, degan.play(sys.argv[1]))}
    next(cycle["results"])
    cycle["self"] = cycle
    del cycle
    gc.collect()
"""
        assert fresh_python(code, talk) == "the user's own\n" * 3

    @pytest.mark.parametrize("playing", ["talk.mp4", Path("talk.mp4"), None, 3, []])
    def test_something_else_is_refused(self, recognizer, playing):
        with pytest.raises(DeganTypeError, match=r"playing must be what degan\.play returns"):
            degan.watch(recognizer, playing)  # at once, not at the first frame

    @pytest.mark.parametrize("source", [True, 1.5, None, ["talk.mp4"], np.zeros((9, 9, 3))])
    def test_only_a_path_bytes_or_a_camera_is_played(self, source):
        with pytest.raises(DeganTypeError, match="source must be a path, the content of a video"):
            degan.play(source)

    @pytest.mark.parametrize("number", [-1, 10**9])
    def test_a_camera_has_a_small_number(self, number):
        with pytest.raises(DeganError, match="the number of a camera must be 0 to 255"):
            degan.play(number)

    def test_neutral_and_calmest_exclude_each_other(self, recognizer, talk, faces):
        with pytest.raises(DeganError, match="neutral and calmest exclude each other"):
            list(degan.watch(recognizer, degan.play(talk), neutral=faces[1], calmest=True))


class TestLimits:
    def test_a_long_strip_is_no_cut_out_face(self, recognizer, tmp_path, examples):
        strip = np.full((32, 5000, 3), 90, np.uint8)
        with pytest.raises(DeganError, match="5000 x 32 pixels; a cut-out face is at most 4 times"):
            recognizer.predict_crop(strip)
        write_image(tmp_path / "strip.png", strip)
        write_image(tmp_path / "b.png", read_image(examples / "smiling/001.jpg"))
        table = degan.read([tmp_path / "strip.png", tmp_path / "b.png"], crops=True)
        assert "at most 4 times" in table.error[0]
        assert table.expression[1] == "happiness"

    def test_an_empty_path_is_refused(self):
        for call in (degan.read, degan.read_image, degan.Recognizer):
            with pytest.raises(DeganError, match="is an empty path"):
                call("")
        with pytest.raises(DeganError, match="source is an empty list"):
            degan.read([])

    def test_a_group_without_expressions_is_refused(self):
        with pytest.raises(DeganError, match="the group bad has no expression"):
            degan.Recognizer(groups={"bad": []})

    def test_absolute_paths_are_read_from_a_deleted_folder(self, examples, tmp_path, fresh_python):
        gone = tmp_path / "gone"
        gone.mkdir()
        code = (
            "import os, sys; os.chdir(sys.argv[1]); os.rmdir(sys.argv[1]); import degan\n"
            "print(degan.read(sys.argv[2]).expression[0])"
        )
        assert fresh_python(code, gone, examples / "smiling/001.jpg") == "happiness\n"

    @pytest.mark.parametrize("faces", [None, 3, "abc", [None], [["a"]], {}])
    def test_a_frame_of_something_else_is_refused(self, faces):
        with pytest.raises(DeganTypeError, match="faces must be a list of predictions or results"):
            degan.to_frame(faces)

    def test_a_single_prediction_is_a_row(self, faces):
        assert list(degan.to_frame(faces[0]).expression) == ["happiness"]

    def test_a_table_has_the_columns_and_types_of_read(self, recognizer, faces, examples):
        """Whatever the order of the rows is, and without any."""
        read = degan.read(examples / "smiling/001.jpg")
        empty = Result("wall.png", None, ())
        bad = Result("b.png", None, (), "b.png is damaged")
        some = Result("a.jpg", None, tuple(faces))
        for results in ([empty, bad, some], [some, empty, bad]):
            table = degan.to_frame(results)
            assert list(table) == list(read)
            assert list(table.dtypes) == list(read.dtypes)
        nothing = degan.to_frame([])
        assert list(nothing) == [*BOX, "score", "expression", "unsure"]
        assert list(nothing.dtypes) == list(read[list(nothing)].dtypes)

    def test_a_result_prints_in_one_line(self, faces):
        image = np.zeros((900, 900, 3), np.uint8)
        assert repr(Result("a.jpg", image, (faces[0],))) == "Result('a.jpg', faces=[happiness])"
        frame = Result("v.mp4", image, (), None, 3, 0.12)
        assert repr(frame) == "Result('v.mp4', frame=3, time=0.120, faces=[])"
        assert repr(Result("b.jpg", None, (), "bad")) == "Result('b.jpg', error='bad')"

    def test_a_box_around_a_long_strip_needs_little_memory(self, recognizer):
        strip = np.full((10, 20_000, 3), 90, np.uint8)
        tracemalloc.start()
        (face,) = recognizer.predict_boxes(strip, [(0, 0, 20_000, 10)])
        assert tracemalloc.get_traced_memory()[1] < 2**28
        tracemalloc.stop()
        assert face.face is None

    def test_a_network_has_no_more_threads_than_processors(self):
        """1,000 threads on a few processors would take seconds a face."""
        session = inference_session("face_landmark.onnx", 1000)
        assert session.get_session_options().intra_op_num_threads == num_cpus()

    def test_faces_can_be_compared_and_hashed(self, faces):
        assert faces[0].face == faces[0].face != faces[1].face
        assert len({faces[0].face, faces[1].face}) == 2
