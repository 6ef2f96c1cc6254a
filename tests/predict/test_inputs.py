"""What the words of a command mean: photos, videos, folders, patterns, standard input."""

import io
import json
import os
import sys
import threading
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from degan.errors import DeganError
from degan.media import images
from degan.predict.inputs import Input, find_inputs, find_media, read_stdin
from films import film

GREY = np.full((48, 64, 3), 120, np.uint8)


def encoded(form="JPEG"):
    buffer = io.BytesIO()
    Image.fromarray(GREY).save(buffer, form)
    return buffer.getvalue()


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A folder of files that are called like photos and videos, and others; the working folder."""
    monkeypatch.chdir(tmp_path)
    for name in (
        "p/b.JPG",
        "p/a.png",
        "p/talk.mp4",
        "p/notes.txt",
        "p/.hidden.jpg",
        "p/.cache/x.jpg",
        "p/deep/er/c.webp",
        "p/deep/.er/d.webp",
        "p/deep/words.txt",
        "q/a.png",
    ):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x")
    (tmp_path / "empty").mkdir()
    return tmp_path


def paths(*words):
    return [str(one.path) for one in find_inputs([Path(word) for word in words])]


MEDIA = ["p/a.png", "p/b.JPG", "p/deep/er/c.webp", "p/talk.mp4"]


@pytest.mark.usefixtures("folder")
class TestWords:
    def test_a_folder_means_all_below_it_but_what_is_hidden(self):
        assert paths("p") == MEDIA
        assert [str(one.path) for one in find_media(Path("p"))] == MEDIA

    def test_a_folder_that_is_hidden_itself_may_be_named(self):
        assert paths("p/.cache") == ["p/.cache/x.jpg"]
        assert paths("p/.hidden.jpg") == ["p/.hidden.jpg"]

    @pytest.mark.skipif(sys.platform == "win32", reason="links need rights there")
    def test_folders_that_links_lead_to_are_left_out_and_a_circle_ends(self, folder):
        (folder / "p/circle").symlink_to(folder / "p")
        (folder / "p/link.jpg").symlink_to(folder / "q/a.png")
        (folder / "p/gone.jpg").symlink_to(folder / "gone.jpg")
        assert paths("p") == [*MEDIA[:3], "p/link.jpg", "p/talk.mp4"]

    @pytest.mark.skipif(sys.platform == "win32", reason="links need rights there")
    def test_links_in_a_circle_are_told_when_they_are_read(self, folder):
        (folder / "p/loop.jpg").symlink_to(folder / "p/loop.jpg")
        assert "p/loop.jpg" in paths("p")

    def test_folders_may_be_nested_deeper_than_python_calls_itself(self):
        deep = "/".join("d" * 1200)
        for depth in range(1, 1201):
            Path(deep[: 2 * depth - 1]).mkdir()
        Path(deep, "a.jpg").write_bytes(b"x")
        found = paths("d")
        Path(deep, "a.jpg").unlink()
        for depth in range(1200, 0, -1):  # what clears old folders of tests calls itself
            Path(deep[: 2 * depth - 1]).rmdir()
        assert found == [f"{deep}/a.jpg"]

    def test_kinds_and_what_was_named_are_known(self):
        found = find_inputs([Path("p/deep"), Path("p/talk.mp4")])
        assert found == [
            Input(Path("p/deep/er/c.webp"), Path("p/deep"), "photo"),
            Input(Path("p/talk.mp4"), Path("p/talk.mp4"), "video"),
        ]

    def test_words_keep_their_order_and_each_file_comes_once(self, folder):
        assert paths("q", "p/b.JPG", "p", "q/a.png") == [
            "q/a.png",
            "p/b.JPG",
            *(path for path in MEDIA if path != "p/b.JPG"),
        ]
        assert paths("./q/a.png", "q/a.png", folder / "q/a.png") == ["q/a.png"]

    @pytest.mark.parametrize(
        ("pattern", "found"),
        [
            ("p/*.png", ["p/a.png"]),
            ("?/a.png", ["p/a.png", "q/a.png"]),
            ("p/[ab].*", ["p/a.png", "p/b.JPG"]),
            ("p/*", MEDIA),  # of folders all below them, of other files nothing
            ("**", [*MEDIA, "q/a.png"]),
            ("**/*.png", ["p/a.png", "q/a.png"]),
            ("p/**/*.webp", ["p/deep/er/c.webp"]),
            ("*", [*MEDIA, "q/a.png"]),  # empty/ is among them
        ],
    )
    def test_a_pattern_means_all_that_it_matches(self, pattern, found):
        assert sorted(paths(pattern)) == found

    @pytest.mark.parametrize(
        ("pattern", "root"), [("p/**/*.webp", "p"), ("p/deep/*/c.*", "p/deep"), ("**/c.webp", ".")]
    )
    def test_of_a_pattern_the_folder_before_it_was_named(self, pattern, root):
        (one,) = find_inputs([Path(pattern)])
        assert one.root == Path(root)

    def test_a_file_with_a_name_like_a_pattern_is_a_file(self, folder):
        (folder / "a[1].jpg").touch()
        (folder / "a1.jpg").touch()
        assert paths("a[1].jpg") == ["a[1].jpg"]

    @pytest.mark.parametrize(
        ("word", "why"),
        [
            ("gone.jpg", "gone.jpg does not exist"),
            ("p/gone/*.jpg", "no file matches"),
            ("p/*.txt", "matches no photo or video"),
            ("empty*", "matches no photo or video"),
            ("empty", "has no photo or video"),
            ("x" * 300, "a photo or folder is a path with a name of more than 255 bytes"),
        ],
    )
    def test_what_means_nothing_is_a_sentence(self, word, why):
        with pytest.raises(DeganError, match=why) as caught:
            paths("p", word)
        assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (encoded(), "photo"),
        (encoded("PNG"), "photo"),
        (encoded("WEBP"), "photo"),
        (encoded("AVIF"), "photo"),
        (encoded("TIFF"), "photo"),
        (b"\0\0\0\x18ftypheic\0\0\0\0mif1heic", "photo"),
        (b"\0\0\0\x1cftypmif1\0\0\0\0mif1avifmiaf", "photo"),
        (film([GREY]), "video"),
        (film([GREY], kind="avi"), "video"),
        (film([GREY], kind="matroska"), "video"),
        (film([GREY], kind="mpeg", codec="mpeg1video", rate=25), "video"),
        (film([GREY], kind="mpegts", codec="mpeg1video", rate=25), "video"),
        (b"these are words", "photo"),  # reading it says what it is not
        (b"", "photo"),
    ],
)
class TestContent:
    def test_a_file_whose_name_does_not_say_it_is_what_it_begins_like(
        self, tmp_path, content, kind
    ):
        for name in ("any", "any.part"):
            (tmp_path / name).write_bytes(content)
            (one,) = find_inputs([tmp_path / name])
            assert one.kind == kind

    def test_so_is_standard_input(self, monkeypatch, content, kind):
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(content)))
        if content:
            assert read_stdin() == (content, kind)
        else:
            with pytest.raises(DeganError, match="standard input is empty"):
                read_stdin()


def test_a_name_counts_more_than_the_content(tmp_path):
    (tmp_path / "a.mp4").write_bytes(encoded())
    (one,) = find_inputs([tmp_path / "a.mp4"])
    assert one.kind == "video"


def test_a_file_without_suffix_that_may_not_be_read_is_left_to_be_read_as_a_photo(
    tmp_path, monkeypatch
):
    def refuse(*_, **__):
        raise PermissionError(13, "Permission denied")

    (tmp_path / "any").write_bytes(film([GREY]))
    monkeypatch.setattr(Path, "open", refuse)
    (one,) = find_inputs([tmp_path / "any"])
    assert one.kind == "photo"


def test_more_than_a_photo_may_have_is_not_taken_from_standard_input(monkeypatch):
    monkeypatch.setattr(images, "MAX_BYTES", 100)
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(bytes(100))))
    assert len(read_stdin()[0]) == 100
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(bytes(101))))
    with pytest.raises(DeganError, match="standard input has more than 100 bytes"):
        read_stdin()


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no named pipes here")
def test_a_pipe_is_read_as_a_photo_is(command, examples, tmp_path):
    """As `degan predict <(curl ...)` of a shell."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    data = (examples / "smiling/001.jpg").read_bytes()
    writer = threading.Thread(target=pipe.write_bytes, args=(data,))
    writer.start()
    result = command("predict", pipe, "--json")
    writer.join()
    assert json.loads(result.stdout)["faces"][0]["expression"] == "happiness"
