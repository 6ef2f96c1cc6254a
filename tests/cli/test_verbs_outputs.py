"""Outputs of every verb: what is read is never replaced; what cannot be written is said first."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from degan.data.manifest import read_dataset


@pytest.fixture(scope="module")
def evaluated(faces, tmp_path_factory, degan):
    """Folder of ``degan evaluate --out``."""
    out = tmp_path_factory.mktemp("evaluated") / "result"
    done = degan("evaluate", "--data", faces.folder, "--out", out)
    assert done.returncode == 0, done.stderr
    return out


@pytest.fixture
def there(faces, evaluated, examples, tmp_path, monkeypatch):
    """Folder with a data set whose crops are missing, so that any work would fail, and more."""
    monkeypatch.chdir(tmp_path)
    shutil.copytree(faces.folder, "d", ignore=shutil.ignore_patterns("*.png"))
    shutil.copytree(evaluated, "a")
    shutil.copytree(evaluated, "b")
    Path("run").mkdir()
    Path("run/run.json").write_text(json.dumps({"degan": "0.1.0", "kind": "training"}))
    Path("run/predictions.csv").write_text("old")
    shutil.copytree(examples, "photos", ignore=shutil.ignore_patterns("*.md", "*.csv"))
    for name in ("n.jpg", "p.jpg"):
        shutil.copy(examples / "neutral/001.jpg", name)
    people = ["subject,gender", *(f"{who},f" for who in read_dataset("d").subjects)]
    Path("people.csv").write_text("\n".join(people))
    Path("boxes.csv").write_text("path,x,y,width,height\np.jpg,1,2,30,40\n")
    Path("file").write_text("mine")
    if sys.platform != "win32":
        Path("link.jpg").symlink_to("p.jpg")
        os.link("p.jpg", "hard.jpg")
        Path("linked").symlink_to("d")
    return tmp_path


def state(folder):
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.skipif(sys.platform == "win32", reason="links need rights on Windows")
@pytest.mark.parametrize(
    "line",
    [
        "predict p.jpg --neutral n.jpg --sheet n.jpg",
        "predict p.jpg --neutral n.jpg --annotate n.jpg",
        "predict p.jpg --sheet link.jpg",
        "predict p.jpg --annotate hard.jpg",
        "predict p.jpg --boxes boxes.csv -o boxes.csv",
        "predict p.jpg --boxes boxes.csv -o d/../boxes.csv",
        "predict p.jpg n.jpg -o d/manifest.csv",
        "predict p.jpg n.jpg -o linked/votes.csv",
        "predict photos --annotate photos/../x.jpg --sheet x.jpg",
        "predict p.jpg --annotate x.jpg --sheet x.jpg",
        "predict p.jpg --annotate x.jpg --sheet X.jpg",
        "look d -o d/dataset.json",
        "look d -o d/manifest.csv",
        "folds d d/manifest.csv",
        "folds d linked/manifest.csv",
        "folds d run/predictions.csv",
        "report a -o a/predictions.csv",
        "report a --data d --people people.csv -o people.csv",
        "compare a b --out run/.",
        "compare a b --out d",
        "evaluate --data d --out d",
        "evaluate --data d --out d/crops",
        "evaluate --data d --out run",
        "evaluate --data d --people a/predictions.csv --by subject --out a",
        "evaluate --photos photos --out run",
        "evaluate --photos photos --out d/crops",
        "probe run --data d --out d",
        "probe run --data d --out run",
    ],
)
def test_nothing_that_is_read_and_no_part_of_it_is_replaced(refuses, there, line):
    before = state(there)
    refuses(*line.split(), says="")
    assert state(there) == before


@pytest.mark.parametrize(
    "line",
    [
        "predict photos -o file/x.csv",
        "predict photos --sheet file/x.jpg",
        "predict photos --annotate file",
        "predict photos --annotate file/x",
        "prepare folder photos file",
        "prepare folder photos file/x",
        "join file/x d d2",
        "synthesize file/x",
        "look d -o file/x.html",
        "folds d file/x.json",
        "report a -o file/x.html",
        "compare a b --out file",
        "compare a b --out file/x",
        "evaluate --data d --out file",
        "evaluate --data d --out file/x",
        "evaluate --photos photos --out file/x",
        "probe run --data d --out file/x",
        "train file --data d --preset tiny",
        "train file/x --data d --preset tiny",
        "crossval file/x --data d --folds 2 --preset tiny",
        "ablate file/x --data d --folds 2 --preset tiny",
        "finetune photos file/x.onnx",
        "export run file/x.onnx",
    ],
)
def test_what_cannot_be_written_is_said_before_any_work(refuses, there, line):
    shutil.copytree("d", "d2")
    before = state(there)
    sentence = refuses(*line.split(), says="file")
    assert "folder" in sentence or "Not a directory" in sentence or "not a run" in sentence
    assert state(there) == before


@pytest.mark.skipif(shutil.which("unshare") is None, reason="needs unshare of Linux")
class TestDisks:
    @pytest.fixture
    def on_disk(self, there, examples):
        """Function that runs the command with a disk of its own at ``disk``."""

        def run(line, size="20m", before="true", after="ls -A disk"):
            Path("disk").mkdir(exist_ok=True)
            degan = f"{sys.executable} -m degan"
            script = (
                f"mount -t tmpfs -o size={size} none disk && {before} && {degan} {line} >out.txt "
                f"2>err.txt; echo $?; {after}"
            )
            done = subprocess.run(
                ["unshare", "-rm", "sh", "-c", script], capture_output=True, text=True, check=False
            )
            if "mount:" in done.stderr or "unshare" in done.stderr:
                pytest.skip("nothing can be mounted here")
            code, *names = done.stdout.split()
            return int(code), sorted(names), Path("err.txt").read_text()

        return run

    def test_a_data_set_is_made_in_a_mount_point(self, on_disk):
        code, names, said = on_disk("prepare folder photos disk --size 48")
        assert code == 0, said
        assert names == ["crops", "dataset.json", "manifest.csv", "skipped.csv"]

    def test_a_data_set_is_made_behind_a_link_to_another_disk(self, on_disk):
        Path("out").symlink_to("disk")
        code, names, said = on_disk("synthesize out --people 2 --images 16 --size 48 --workers 1")
        assert code == 0, said
        assert "dataset.json" in names

    def test_a_disk_that_becomes_full_leaves_nothing_half_written(self, on_disk):
        code, names, said = on_disk("predict photos -o disk/x.csv", size="12k")
        assert code == 2
        assert said.splitlines()[-1].startswith("degan: cannot write disk/x.csv")
        assert names == ["x.csv.partial"]

    @pytest.mark.parametrize(
        "line",
        [
            "predict photos -o disk/x.csv",
            "predict photos --annotate disk/x",
            "evaluate --data d --out disk/x",
            "train disk/x --data d --preset tiny",
            "finetune photos disk/x.onnx",
        ],
    )
    def test_a_full_disk_is_found_before_any_work(self, on_disk, line):
        fill = "(dd if=/dev/zero of=disk/fill bs=1k count=99 2>/dev/null || true)"
        code, names, said = on_disk(line, size="40k", before=fill)
        assert code == 2
        assert "No space left on device" in said.splitlines()[-1]
        assert names == ["fill"]

    def test_a_file_that_is_a_mount_point_is_refused(self, on_disk):
        Path("x.csv").write_text("")
        bound = "touch disk/x.csv && mount --bind disk/x.csv x.csv"
        code, _, said = on_disk("predict photos -o x.csv", before=bound)
        assert code == 2
        assert "x.csv is a mount point, which cannot be replaced" in said

    def test_a_disk_that_is_read_only_is_refused(self, on_disk):
        code, _, said = on_disk("prepare folder photos disk/x", before="mount -o remount,ro disk")
        assert code == 2
        assert "Read-only file system" in said
