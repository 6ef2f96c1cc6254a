"""Files of a folder that are read whatever their names are, and those that are left out."""

import os
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import degan
from degan.errors import DeganError
from degan.media.file_kinds import kind_of_file
from degan.media.images import find_photos, read_image, write_image
from degan.media.video_writer import write_video
from degan.media.written import MARK, is_written_by_degan
from degan.predict.drawing import annotated_path, annotated_video_path, write_annotated
from degan.predict.inputs import find_inputs
from degan.system import files
from films import film

GREY = np.full((40, 60, 3), 120, np.uint8)
FILM = film([GREY] * 2)


def photo(path, form="JPEG"):
    path.parent.mkdir(parents=True, exist_ok=True)
    image = Image.fromarray(GREY)
    image.convert("L" if path.suffix == ".pgm" else "RGB").save(path, form)


PHOTOS = {
    "a.png": "PNG",
    "b.jfif": "JPEG",
    "c.jpe": "JPEG",
    "d.pgm": "PPM",
    "e.ppm": "PPM",
    "f.mpo": "JPEG",
    "g.jpg_large": "JPEG",
    "h": "JPEG",
    "i.jpg.download": "JPEG",
    "j.JP2": "JPEG2000",
    "k.tga": "TGA",
    "l.JPG": "JPEG",
    "m.webp_0": "WEBP",
    "n.bin": "BMP",
    "o.avif": "AVIF",
}
FILMS = ("v.mp4", "w.mp4_large", "x")
SIDECARS = ("faces.csv", "faces.json", "Thumbs.db", "desktop.ini", ".DS_Store", "a.xmp", "b.aae")
OTHERS = {
    "notes.txt": b"words",
    "more.txt": b"words",
    "talk.pdf": b"%PDF",
    "code.ts": b"export const a = 1;\n" * 50,
    "song.m4a": b"\0\0\0\x20ftypM4A " + bytes(300),
    "raw.CR2": b"II*\0\x10\0\0\0CR" + bytes(300),
    "BMI": b"BMI of 20 people\n" * 30,
    "table": b"P2P and others\n" * 30,
}


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name, form in PHOTOS.items():
        photo(tmp_path / "p" / name, form)
    for name in FILMS:
        (tmp_path / "p" / name).write_bytes(FILM)
    for name in SIDECARS:
        (tmp_path / "p" / name).write_bytes(b"x")
    for name, content in OTHERS.items():
        (tmp_path / "p" / name).write_bytes(content)
    return tmp_path / "p"


@pytest.mark.parametrize("word", ["p", "p/*", "**"])
@pytest.mark.usefixtures("folder")
def test_photos_and_videos_are_found_by_content_if_the_ending_is_unknown(word):
    notes = []
    found = {one.path.name: one.kind for one in find_inputs([word], notes.append)}
    assert found == {**dict.fromkeys(PHOTOS, "photo"), **dict.fromkeys(FILMS, "video")}
    (note,) = notes
    assert note.startswith("8 files are neither photos nor videos: .txt 2, no ending 2, ")
    for suffix in (".pdf 1", ".ts 1", ".m4a 1", ".cr2 1"):
        assert suffix in note


def test_each_of_the_photos_can_be_read(folder):
    for name in PHOTOS:
        assert read_image(folder / name).shape == GREY.shape
    assert [path.name for path in find_photos(folder)] == sorted(PHOTOS, key=os.path.normcase)


def test_a_folder_with_sidecars_alone_beside_photos_has_no_note(tmp_path):
    photo(tmp_path / "a.jpg")
    for name in SIDECARS:
        (tmp_path / name).write_bytes(b"x")
    notes = []
    find_inputs([tmp_path], notes.append)
    assert notes == []


def test_a_folder_without_photos_says_what_it_holds(tmp_path):
    for name, content in OTHERS.items():
        (tmp_path / name).write_bytes(content)
    with pytest.raises(DeganError, match=r"no photo or video \(8 files are neither .*\.txt 2"):
        find_inputs([tmp_path])


def test_the_command_and_python_say_what_is_left_out(command, tmp_path):
    shutil.copy("examples/london/smiling/001.jpg", tmp_path / "a.jpg_large")
    (tmp_path / "notes.txt").write_text("words")
    done = command("predict", tmp_path, "--csv")
    assert "happiness" in done.stdout
    assert "1 file is neither a photo nor a video: .txt 1" in done.stderr
    with pytest.warns(
        UserWarning, match=r"1 file is neither a photo nor a video: \.txt 1"
    ) as found:
        table = degan.read(tmp_path)
    assert table["expression"].tolist() == ["happiness"]
    assert found[0].filename == __file__


def test_files_with_known_endings_are_not_opened(tmp_path):
    # None of these files exists.
    assert kind_of_file(tmp_path / "a.JPG") == "photo"
    assert kind_of_file(tmp_path / "a.mp4") == "video"
    assert kind_of_file(tmp_path / "a.csv") is None
    assert kind_of_file(tmp_path / "a.nef") is None
    assert kind_of_file(tmp_path / "a.unknown") is None


class TestWrittenByDegan:
    @pytest.mark.parametrize("name", ["a.jpg", "a.png", "a.webp"])
    def test_annotated_copies_and_sheets_are_marked(self, tmp_path, name):
        write_annotated(tmp_path / name, GREY, [])
        assert is_written_by_degan(tmp_path / name)
        write_image(tmp_path / name, GREY)
        assert not is_written_by_degan(tmp_path / name)

    @pytest.mark.parametrize("name", ["a.mp4", "a.mkv", "a.mov", "a.avi"])
    def test_annotated_videos_are_marked(self, tmp_path, name):
        rng = np.random.default_rng(0)
        for comment in ("", MARK):
            with write_video(tmp_path / name, 25, comment) as video:
                for _ in range(30):
                    video.write(rng.integers(0, 255, (96, 128, 3), dtype=np.uint8))
            assert is_written_by_degan(tmp_path / name) == bool(comment)

    def test_outputs_in_the_folder_that_is_read_are_not_read_next_time(self, command, tmp_path):
        shutil.copy("examples/london/smiling/001.jpg", tmp_path / "a.jpg")
        (tmp_path / "b.mp4").write_bytes(FILM)
        words = (
            *("predict", tmp_path, "--annotate", tmp_path / "read"),
            *("--sheet", tmp_path / "faces.jpg", "-o", tmp_path / "faces.csv"),
        )
        first = command(*words)
        assert first.returncode == 0, first.stderr
        table = (tmp_path / "faces.csv").read_text()
        again = command(*words)
        assert again.returncode == 0, again.stderr
        assert (tmp_path / "faces.csv").read_text() == table
        assert "3 files with drawn expressions were left out, because degan wrote them" in (
            again.stderr
        )
        named = command("predict", tmp_path / "read/a.jpg", "--json")
        assert '"faces": [{' in named.stdout

    def test_a_folder_of_copies_alone_says_so(self, tmp_path):
        write_annotated(tmp_path / "a.jpg", GREY, [])
        with pytest.raises(DeganError, match=r"no photo or video \(1 file with drawn expressions"):
            find_inputs([tmp_path])


class TestCopies:
    @pytest.mark.parametrize(
        ("name", "copy"),
        [
            ("001.jpg", "001.jpg"),
            ("001.JPG", "001.JPG"),
            ("001.png", "001.png.jpg"),
            ("001.jpeg", "001.jpeg.jpg"),
            ("001.png.jpg", "001.png.jpg.jpg"),
            ("2024.05.jpg", "2024.05.jpg"),
            ("001", "001.copy.jpg"),
            ("001.copy.jpg", "001.copy.jpg.jpg"),
        ],
    )
    def test_a_copy_has_the_name_of_the_photo_if_it_can(self, name, copy):
        assert annotated_path(Path("in/b", name), Path("in"), Path("out")) == Path("out/b", copy)

    def test_copies_of_videos_have_the_name_of_the_video_if_they_can(self):
        names = {"a.mp4": "a.mp4", "a.avi": "a.avi.mp4", "a": "a.copy.mp4"}
        for name, copy in names.items():
            path = annotated_video_path(Path("in", name), Path("in"), Path("out"))
            assert path == Path("out", copy)

    def test_no_two_photos_have_the_same_copy(self):
        parts = ("a", "a.jpg", "a.png", "a.copy", "a.x")
        names = {f"{part}{end}" for part in parts for end in ("", ".jpg", ".png", ".copy.jpg")}
        copies = {annotated_path(Path("in", name), Path("in"), Path("out")) for name in names}
        assert len(copies) == len(names)

    @pytest.mark.parametrize("name", ["n" * 251 + ".png", "n" * 251 + ".jpg", "ä" * 127 + "b"])
    def test_a_photo_with_the_longest_name_has_a_copy(self, command, tmp_path, name):
        (tmp_path / "in").mkdir()
        shutil.copy("examples/london/smiling/001.jpg", tmp_path / "in" / name)
        shutil.copy("examples/london/smiling/001.jpg", tmp_path / "in/b.jpg")
        done = command("predict", tmp_path / "in", "--annotate", tmp_path / "out", "--json")
        assert done.returncode == 0, done.stderr
        assert len(list((tmp_path / "out").iterdir())) == 2

    def test_a_photo_too_wide_for_its_copy_is_an_error_of_its_own(self, command, tmp_path):
        shutil.copy("examples/london/smiling/001.jpg", tmp_path / "b.jpg")
        Image.new("L", (70_000, 40)).save(tmp_path / "a.png")
        done = command("predict", tmp_path, "--annotate", tmp_path / "out", "--json")
        assert done.returncode == 0, done.stderr
        wide, other = done.stdout.splitlines()
        assert "the image has a side of 70,000 pixels" in wide
        assert "happiness" in other
        assert [path.name for path in (tmp_path / "out").iterdir()] == ["b.jpg"]


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes here")
@pytest.mark.parametrize("word", ["", "*"])
def test_pipes_are_counted_and_not_waited_for(tmp_path, word):
    photo(tmp_path / "a.jpg")
    os.mkfifo(tmp_path / "b.jpg")
    os.mkfifo(tmp_path / "c")
    (tmp_path / "link").symlink_to(tmp_path)
    notes = []
    found = find_inputs([tmp_path / word if word else tmp_path], notes.append)
    assert [one.path.name for one in found if "link" not in one.path.parts] == ["a.jpg"]
    assert f"are pipes, sockets or devices, the first is {tmp_path / 'b.jpg'}" in notes[0]


def test_folders_that_cannot_be_read_are_told(tmp_path, monkeypatch):
    photo(tmp_path / "a.jpg")
    photo(tmp_path / "closed/b.jpg")
    listed = os.scandir

    def scandir(folder):
        if Path(folder).name == "closed":
            raise PermissionError(13, "Permission denied")
        return listed(folder)

    monkeypatch.setattr(files.os, "scandir", scandir)
    notes = []
    assert [one.path.name for one in find_inputs([tmp_path], notes.append)] == ["a.jpg"]
    (note,) = notes
    assert note == (
        f"1 folder cannot be read, the first is {tmp_path / 'closed'}; check its permissions"
    )
    with pytest.raises(DeganError, match=r"has no photo or video \(1 folder cannot be read"):
        find_inputs([tmp_path / "closed"])


@pytest.mark.parametrize(
    ("words", "before"),
    [
        (["predict", ""], "degan predict"),
        (["predict", "a.jpg", "-o", ""], "degan predict a.jpg -o"),
        (["predict", "a.jpg", "--weights="], "--weights"),
        (["prepare", "folder", "", "out"], "degan prepare folder"),
        (["finetune", "", "a.onnx"], "degan finetune"),
        (["look", ""], "degan look"),
    ],
)
def test_an_empty_name_is_a_sentence(command, words, before):
    done = command(*words)
    assert done.returncode == 2
    assert f"the name after '{before}' is empty" in done.stderr
    assert "Traceback" not in done.stderr


def test_an_empty_path_in_python_is_a_sentence():
    for call in (degan.read, degan.read_image, find_photos):
        with pytest.raises(DeganError, match="is an empty path"):
            call("")
    with pytest.raises(DeganError, match="is an empty path"):
        find_inputs([""])
