"""Output paths: no output replaces what the command reads, or part of a data set or run."""

import os
import sys
from pathlib import Path

import pytest

from degan.data.outputs import check_different, check_output_file, check_output_folder
from degan.errors import DeganError


@pytest.fixture
def there(tmp_path, monkeypatch):
    """Folder with a data set, a run, the result of an evaluation, and a photo."""
    monkeypatch.chdir(tmp_path)
    for name in (
        "data/dataset.json",
        "data/manifest.csv",
        "data/crops/fear/1.png",
        "run/run.json",
        "run/settings.toml",
        "run/cnn/predictions.csv",
        "run/fold-01/run.json",
        "run/mine/summary.json",
        "result/summary.json",
        "result/predictions.csv",
        "m.finetune/finetune.json",
        "m.finetune/summary.json",
        "photo.jpg",
    ):
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        Path(name).write_text("old")
    return tmp_path


@pytest.mark.parametrize(
    "out",
    [
        "data/manifest.csv",
        "data/../data/manifest.csv",
        "data/Manifest.CSV",
        "data/votes.csv",  # it would be read as votes
        "data/crops/fear/1.png",
        "run/predictions.csv",
        "run/folds.json",
        "run/cnn/predictions.csv",
        "run/fold-01/run.json",
        "result/predictions.csv",
        "m.finetune/summary.json",
    ],
)
def test_part_of_a_data_set_or_run_is_never_an_output(there, out):
    with pytest.raises(DeganError, match="a data set or a run, whose files are not replaced"):
        check_output_file(Path(out))


@pytest.mark.parametrize(
    "out",
    [
        "data/look.html",
        "data/faces.csv",
        "run/report.html",
        "run/report/page.html",
        "run/mine.onnx",
        "result/report.html",
        "new/predictions.csv",
        "data/../faces.csv",
    ],
)
def test_other_files_in_these_folders_are_outputs(there, out):
    for _ in range(2):
        check_output_file(Path(out))
        Path(out).parent.mkdir(exist_ok=True)
        Path(out).write_text("page")


@pytest.mark.skipif(sys.platform == "win32", reason="links need rights on Windows")
@pytest.mark.parametrize(
    "other", ["photo.jpg", "run/../photo.jpg", "link.jpg", "hard.jpg", "f/photo.jpg"]
)
def test_a_file_that_is_read_is_never_an_output_by_any_name(there, other):
    Path("link.jpg").symlink_to("photo.jpg")
    os.link("photo.jpg", "hard.jpg")
    Path("f").symlink_to(".")
    for out, read in (("photo.jpg", other), (other, "photo.jpg")):
        with pytest.raises(DeganError, match=r"would be written over .*, which is read"):
            check_output_file(Path(out), [Path("data"), Path(read)])


@pytest.mark.skipif(sys.platform == "win32", reason="links need rights on Windows")
def test_a_link_into_a_data_set_is_part_of_it(there):
    Path("harmless.csv").symlink_to("data/manifest.csv")
    with pytest.raises(DeganError, match="are not replaced"):
        check_output_file(Path("harmless.csv"))


def test_the_shipped_weights_are_never_an_output(there):
    import degan

    with pytest.raises(DeganError, match="among the files of degan itself"):
        check_output_file(Path(degan.__file__).parent / "assets/web.onnx")


@pytest.mark.parametrize(
    "out", ["data", "run", "run/.", "run/cnn", "run/fold-01", "data/crops", "m.finetune"]
)
def test_a_folder_of_a_data_set_or_run_gets_no_results(there, out):
    with pytest.raises(DeganError, match=r"would be replaced|are not replaced"):
        check_output_folder(Path(out), ["summary.json"])


@pytest.mark.parametrize("out", ["new", "result", "run/mine", "run/other", "."])
def test_results_may_replace_earlier_ones(there, out):
    check_output_folder(Path(out), ["summary.json"])


def test_a_table_that_is_read_is_not_replaced_by_the_results(there):
    with pytest.raises(DeganError, match=r"predictions\.csv is read, but would be replaced"):
        check_output_folder(Path("result"), ["predictions.csv"], [Path("./result/predictions.csv")])


def test_two_outputs_are_two_files(there):
    check_different({"the table": Path("a.csv"), "the sheet": Path("b.csv")})
    for other in ("a.csv", "data/../a.csv", "A.csv", str(Path("a.csv").absolute())):
        with pytest.raises(DeganError, match="the table and the sheet would both be written to"):
            check_different({"the table": Path("a.csv"), "the sheet": Path(other)})
