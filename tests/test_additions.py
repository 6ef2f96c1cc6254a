"""What CONTRIBUTING adds with one file each: an adapter, a backbone, a format, a figure, a verb."""

import json
import re
import shutil
import subprocess
import sys
from importlib import import_module

import numpy as np
import pytest

import degan
import degan.data
from degan.config import override, preset


@pytest.fixture(scope="module")
def examples_of(root):
    """Return name -> code of the Python examples in CONTRIBUTING.md."""
    text = (root / "CONTRIBUTING.md").read_text(encoding="utf-8")
    blocks = re.findall(r"```python\n# (?:in )?(\S+)\n(.*?)```", text, re.DOTALL)
    return {path.rpartition("/")[2]: code for path, code in blocks}


@pytest.fixture(scope="module")
def people(rendered):
    return degan.data.read_dataset(rendered[1])


@pytest.fixture
def add(examples_of, tmp_path, monkeypatch):
    """Put the example with a file name into a package, as a new file there would be."""

    def add_to(package, name):
        folder = tmp_path / package
        folder.mkdir()
        (folder / name).write_text(examples_of[name], encoding="utf-8")
        module = import_module(package)
        monkeypatch.setattr(module, "__path__", [*module.__path__, str(folder)])
        monkeypatch.delitem(sys.modules, f"{package}.{name.removesuffix('.py')}", raising=False)
        return folder

    return add_to


def test_every_example_is_of_good_style(examples_of, tmp_path):
    for name, code in examples_of.items():
        if name != "writers.py":  # a part of a file
            (tmp_path / name).write_text(code, encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-m", "ruff", "check", "--line-length=100", "--select=E,F,W", tmp_path],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout


def test_a_data_set(add, examples, tmp_path, command):
    add("degan.data.datasets", "mine.py")
    photos = tmp_path / "photos"
    photos.mkdir()
    for kind, word in (("smiling", "happy"), ("neutral", "neutral")):
        for number in ("001", "002"):
            shutil.copy(examples / kind / f"{number}.jpg", photos / f"{number}_{word}.jpg")
    shutil.copy(examples / "neutral/004.jpg", photos / "004_what.jpg")
    done = command("prepare", "mine", photos, tmp_path / "data", "--jobs", 1)
    assert done.returncode == 0, done.stderr
    assert "4 faces of 2 subjects, 1 skipped" in done.stdout
    assert "My data set" in command("datasets").stdout
    assert "mine" in command("prepare", "nothing", photos, tmp_path / "x").stderr


def test_a_backbone(add, people, tmp_path):
    from degan.training import train
    from degan.tuning import export

    add("degan.networks.backbones", "plain.py")
    settings = override(preset("tiny"), ['network.backbone="plain"', "network.image_size=48"])
    model = train(people, range(len(people.samples)), settings, tmp_path / "run")
    names = model.recognition.encoder.stage1.state_dict().keys()
    assert not any("shortcut" in name for name in names)
    export(model, tmp_path / "plain.onnx")
    recognizer = degan.Recognizer(tmp_path / "plain.onnx")
    crops = [np.full((people.crop_size, people.crop_size, 3), 90, np.uint8)]
    assert recognizer.probabilities(crops).sum() == pytest.approx(1, abs=1e-5)
    wrong = override(preset("tiny"), ['network.backbone="resnet900"', "network.image_size=48"])
    with pytest.raises(degan.DeganError, match=r"network\.backbone to one of .*plain"):
        train(people, range(len(people.samples)), wrong, tmp_path / "other")
    assert not (tmp_path / "other").exists()


def test_weights_of_another_backbone_are_no_start(add, people, tmp_path):
    from degan.training import train

    add("degan.networks.backbones", "plain.py")
    settings = override(preset("fast"), ['network.backbone="plain"'])
    with pytest.raises(degan.DeganError, match=r"network\.backbone = residual"):
        train(people, range(len(people.samples)), settings, tmp_path / "run")


def test_a_format_of_predict(examples_of, examples, tmp_path, command, monkeypatch):
    from degan.predict import writers

    space = dict(vars(writers))
    exec(compile(examples_of["writers.py"], "writers.py", "exec"), space)
    monkeypatch.setattr(writers, "FORMATS", space["FORMATS"])
    out = tmp_path / "faces.names"
    done = command("predict", examples / "smiling/001.jpg", "-o", out)
    assert done.returncode == 0, done.stderr
    assert out.read_text() == f"{examples / 'smiling/001.jpg'}\n"
    done = command("predict", examples / "smiling/001.jpg", "-o", tmp_path / "faces.xyz")
    assert ".names" in done.stderr


def test_a_figure_of_the_report(add, people, tmp_path, command):
    from made_results import make_result

    add("degan.report.parts", "sizes.py")
    make_result(tmp_path / "run", people)
    done = command("report", tmp_path / "run", "-o", tmp_path / "report.html")
    assert done.returncode == 0, done.stderr
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert page.index('id="summary"') < page.index('id="sizes"') < page.index("Number of results")


def test_a_verb(examples_of, people, tmp_path, fresh_python):
    (tmp_path / "count.py").write_text(examples_of["count.py"], encoding="utf-8")
    code = (
        "import sys, degan.cli.verbs as verbs\n"
        "verbs.__path__.append(sys.argv.pop(1))\n"
        "from degan.cli.app import main\n"
        "main()"
    )
    printed = fresh_python(code, tmp_path, "count", people.folder)
    assert json.loads(printed) == len(people.samples)
    assert "Print the number of samples" in fresh_python(code, tmp_path, "-h")
