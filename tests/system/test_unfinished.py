"""Folders that appear when they are whole: which names are free, what is cleared, what is not."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from degan.errors import DeganError
from degan.system.partial_folder import clear, finish, open_partial, partial_dir


def tree(folder):
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*")}


def test_work_goes_on_beside_the_folder(tmp_path):
    assert partial_dir(tmp_path / "out") == tmp_path / "out.partial"
    assert partial_dir(tmp_path / "deep/er/out.v2") == tmp_path / "deep/er/out.v2.partial"
    assert not tree(tmp_path)


def test_a_file_and_a_folder_with_content_are_refused(tmp_path):
    (tmp_path / "file").write_text("mine")
    (tmp_path / "empty").mkdir()
    with pytest.raises(DeganError, match="is a file"):
        partial_dir(tmp_path / "file")
    with pytest.raises(DeganError, match="not empty"):
        partial_dir(tmp_path)
    partial_dir(tmp_path / "empty")


@pytest.mark.parametrize("name", [".", "..", "/"])
def test_a_folder_that_cannot_be_replaced_is_refused(tmp_path, monkeypatch, name):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(DeganError, match="is an existing folder; give the name of a new folder"):
        partial_dir(Path(name))


@pytest.mark.skipif(os.name != "posix", reason="names may be longer elsewhere")
@pytest.mark.parametrize("length", [250, 300])
def test_a_name_that_is_too_long_is_refused_in_one_sentence(tmp_path, length):
    with pytest.raises(DeganError, match=r"cannot make .* give another name"):
        partial_dir(tmp_path / ("n" * length))


def test_what_an_earlier_call_left_is_cleared(tmp_path):
    partial = tmp_path / "out.partial"
    clear(partial, ("mark",))  # there is nothing yet
    (partial / "deep").mkdir(parents=True)
    (partial / "mark").write_text("degan was here")
    clear(partial, ("other", "mark"))
    assert not tree(tmp_path)
    partial.mkdir()
    clear(partial, ("mark",))
    assert not tree(tmp_path)


@pytest.mark.parametrize("name", ["out.partial", "out.partial/thesis.tex", "out.partial/mark/x"])
def test_what_degan_did_not_make_is_never_cleared(tmp_path, name):
    (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
    (tmp_path / name).write_text("mine")
    before = tree(tmp_path)
    with pytest.raises(DeganError, match="in the way"):
        clear(tmp_path / "out.partial", ("mark",))
    assert tree(tmp_path) == before


@pytest.mark.parametrize("exists", [False, True])
def test_a_finished_folder_gets_its_name(tmp_path, exists):
    (tmp_path / "out.partial").mkdir()
    (tmp_path / "out.partial/crop").write_text("")
    if exists:
        (tmp_path / "out").mkdir()
    finish(tmp_path / "out.partial", tmp_path / "out")
    assert tree(tmp_path) == {"out", "out/crop"}


def test_a_folder_that_was_filled_meanwhile_is_left_alone(tmp_path):
    for name in ("out.partial", "out"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "crop").write_text("")
    with pytest.raises(DeganError, match="rename it yourself"):
        finish(tmp_path / "out.partial", tmp_path / "out")
    assert tree(tmp_path) == {"out.partial", "out.partial/crop", "out", "out/crop"}


def test_what_a_killed_worker_left_half_written_is_not_part_of_what_is_whole(tmp_path):
    """Such a worker outlives its parent for a moment: the file may come while others work."""
    partial = tmp_path / "out.partial"
    (partial / "crops/fear").mkdir(parents=True)
    (partial / "crops/fear/000019.png").write_bytes(b"whole")
    (partial / "crops/fear/.000020.png.bba5ec51.tmp").write_bytes(b"")
    finish(partial, tmp_path / "out")
    assert tree(tmp_path / "out") == {"crops", "crops/fear", "crops/fear/000019.png"}


def test_a_call_killed_while_it_clears_does_not_block_the_next(tmp_path, monkeypatch):
    """The files of a folder are removed in any order: the mark may go first."""
    partial = tmp_path / "out.partial"
    partial.mkdir()
    (partial / "mark").write_text("degan was here")
    (partial / "rest").write_text("x")

    def killed(folder, **_):
        (Path(folder) / "mark").unlink()
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr("shutil.rmtree", killed)
        with pytest.raises(KeyboardInterrupt):
            clear(partial, ("mark",))
    clear(partial, ("mark",))
    assert not tree(tmp_path)


def test_a_second_call_on_one_folder_is_refused(tmp_path):
    with open_partial(tmp_path / "deep/out") as partial:
        partial.mkdir()
        with (
            pytest.raises(DeganError, match=r"another degan command is writing .*out\.partial"),
            open_partial(tmp_path / "deep/out"),
        ):
            pass
        finish(partial, tmp_path / "deep/out")
    assert tree(tmp_path) == {"deep", "deep/out"}


class TestExistingFolder:
    """The volume of a container, or a link to another disk: it cannot be renamed."""

    def made(self, out, name="dataset.json"):
        with open_partial(out) as partial:
            (partial / "crops").mkdir(parents=True)
            (partial / "crops/1.png").write_text("")
            (partial / name).write_text("{}")
            finish(partial, out)

    def test_the_work_is_done_inside_and_moved_up(self, tmp_path):
        (tmp_path / "out").mkdir()
        number = (tmp_path / "out").stat().st_ino
        assert partial_dir(tmp_path / "out") == tmp_path / "out/unfinished.partial"
        self.made(tmp_path / "out")
        assert tree(tmp_path) == {"out", "out/crops", "out/crops/1.png", "out/dataset.json"}
        assert (tmp_path / "out").stat().st_ino == number

    @pytest.mark.skipif(os.name != "posix", reason="links need rights on Windows")
    @pytest.mark.parametrize("exists", [False, True])
    def test_a_link_is_followed(self, tmp_path, exists):
        (tmp_path / "disk").mkdir()
        if exists:
            (tmp_path / "disk/real").mkdir()
        (tmp_path / "out").symlink_to("disk/real")
        self.made(tmp_path / "out")
        assert (tmp_path / "out").is_symlink()
        assert tree(tmp_path / "disk") == {
            *("real", "real/crops", "real/crops/1.png", "real/dataset.json")
        }

    @pytest.mark.skipif(shutil.which("unshare") is None, reason="needs unshare of Linux")
    def test_a_mount_point_is_filled(self, tmp_path):
        (tmp_path / "out").mkdir()
        code = (
            "import sys\n"
            "from pathlib import Path\n"
            "sys.path.insert(0, sys.argv[2])\n"
            "import test_unfinished as test\n"
            "test.TestExistingFolder().made(Path(sys.argv[1]))\n"
            "print(*sorted(test.tree(Path(sys.argv[1]))))\n"
        )
        mounted = 'mount -t tmpfs none "$3" && exec "$0" -c "$1" "$3" "$2"'
        done = subprocess.run(
            [
                *("unshare", "-rm", "sh", "-c", mounted, sys.executable, code),
                *(Path(__file__).parent, tmp_path / "out"),
            ],
            capture_output=True,
            text=True,
            check=False,
        )
        if "unshare" in done.stderr or "mount:" in done.stderr:
            pytest.skip("nothing can be mounted here")
        assert done.stdout == "crops crops/1.png dataset.json\n", done.stderr

    def test_the_folder_of_a_new_disk_counts_as_empty(self, tmp_path):
        (tmp_path / "out/lost+found").mkdir(parents=True)
        self.made(tmp_path / "out")
        assert (tmp_path / "out/dataset.json").exists()

    def test_unfinished_work_is_continued(self, tmp_path):
        (tmp_path / "out").mkdir()
        with open_partial(tmp_path / "out") as partial:
            partial.mkdir()
            (partial / "progress.jsonl").write_text("1")
        with open_partial(tmp_path / "out") as partial:
            assert (partial / "progress.jsonl").read_text() == "1"

    def test_a_call_killed_while_it_moves_is_completed_by_the_next(self, tmp_path, monkeypatch):
        (tmp_path / "out").mkdir()
        rename = Path.rename

        def killed(path, target):
            if path.name == "dataset.json":
                raise KeyboardInterrupt
            return rename(path, target)

        with monkeypatch.context() as patched:
            patched.setattr(Path, "rename", killed)
            with pytest.raises(KeyboardInterrupt):
                self.made(tmp_path / "out")
        assert not (tmp_path / "out/dataset.json").exists()
        with pytest.raises(DeganError, match="exists and is not empty"):
            partial_dir(tmp_path / "out")
        assert tree(tmp_path / "out") == {"crops", "crops/1.png", "dataset.json"}

    def test_a_file_that_came_meanwhile_is_not_replaced(self, tmp_path):
        (tmp_path / "out").mkdir()
        with open_partial(tmp_path / "out") as partial:
            partial.mkdir()
            (partial / "crops").write_text("new")
            (tmp_path / "out/crops").write_text("mine")
            with pytest.raises(DeganError, match="crops is in the way"):
                finish(partial, tmp_path / "out")
        assert (tmp_path / "out/crops").read_text() == "mine"


def test_a_call_killed_before_its_first_file_does_not_block_the_next(tmp_path):
    """Its temporary file is all that there is."""
    partial = tmp_path / "out.partial"
    partial.mkdir()
    (partial / ".degan-1234abcd.tmp").touch()
    clear(partial, ("mark",))
    assert not tree(tmp_path)


def test_temporary_files_of_other_programs_are_work_of_others(tmp_path):
    partial = tmp_path / "out.partial"
    partial.mkdir()
    (partial / ".thesis.tmp").touch()
    with pytest.raises(DeganError, match="in the way"):
        clear(partial, ("mark",))


@pytest.mark.skipif(sys.platform == "win32" or not os.geteuid(), reason="root may write anywhere")
def test_a_folder_that_cannot_be_written_is_refused_before_any_work(tmp_path):
    tmp_path.chmod(0o500)
    with pytest.raises(DeganError, match="Permission denied"), open_partial(tmp_path / "out"):
        pass
    tmp_path.chmod(0o700)
