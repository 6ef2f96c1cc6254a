"""``degan predict`` end to end: what is bad is a row or a sentence, nothing is overwritten."""

import csv
import io
import json
import shutil
import struct
import sys
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from degan.media.images import read_image, write_image
from films import film, scene

NAMES = ("neutral", "anger", "contempt", "disgust", "fear", "happiness", "sadness", "surprise")


@pytest.fixture(scope="module")
def smile(examples):
    """A photo as Pillow has it."""
    with Image.open(examples / "smiling/001.jpg") as image:
        return image.convert("RGB")


@pytest.fixture(scope="module")
def kinds(tmp_path_factory, smile):
    """The same face in every kind of file."""
    folder = tmp_path_factory.mktemp("kinds")
    wall = Image.new("RGB", smile.size, (90, 120, 90))
    smile.save(
        folder / "animated.gif", save_all=True, append_images=[wall, wall], duration=100, loop=0
    )
    smile.convert("CMYK").save(folder / "cmyk.jpg", quality=95)
    deep = np.asarray(smile.convert("L")).astype(np.uint16) * 257
    Image.fromarray(deep).save(folder / "deep.png")
    smile.quantize(256).save(folder / "palette.png", transparency=0)
    smile.save(folder / "photo.avif", quality=90)
    smile.save(folder / "photo.webp", quality=90)
    smile.convert("L").save(folder / "grey.jpg", quality=95)
    Image.merge("RGBA", (*smile.split(), Image.new("L", smile.size, 255))).save(
        folder / "alpha.png"
    )
    exif = Image.Exif()
    exif[0x0112] = 6
    smile.transpose(Image.Transpose.ROTATE_90).save(folder / "turned.jpg", exif=exif, quality=95)
    smile.save(folder / "no-suffix", "JPEG", quality=95)
    smile.save(folder / "wrong.png", "JPEG", quality=95)
    return folder


@pytest.mark.parametrize(
    "name",
    ["animated.gif", "cmyk.jpg", "deep.png", "palette.png", "photo.avif", "photo.webp", "grey.jpg",
     "alpha.png", "turned.jpg", "no-suffix", "wrong.png"],
)  # fmt: skip
def test_every_kind_of_photo_is_read_alike(command, kinds, name):
    done = command("predict", kinds / name, "--json")
    assert done.returncode == 0, done.stderr
    (face,) = json.loads(done.stdout)["faces"]
    assert face["expression"] == "happiness"
    assert face["box"] == pytest.approx([81.3, 93.5, 95.3, 108.6], abs=4)
    assert command("predict", "-", "--json", stdin=(kinds / name).read_bytes()).stdout == (
        done.stdout.replace(str(kinds / name), "-")
    )


def test_an_avif_that_first_says_it_is_some_photo_is_read_too(command, kinds, tmp_path):
    data = (kinds / "photo.avif").read_bytes()
    assert data[8:12] == b"avif"
    (tmp_path / "any.avif").write_bytes(data[:8] + b"mif1" + data[12:])
    done = command("predict", tmp_path / "any.avif", "--json")
    (face,) = json.loads(done.stdout)["faces"]
    assert face["expression"] == "happiness"


def png_that_claims(width, height):
    def chunk(kind, data):
        return (
            struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        )

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", b"")


HEIC = b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(200)
BAD = {
    "words.jpg": (b"these are words", "words.jpg is not an image that degan reads"),
    "nothing.jpg": (b"", "nothing.jpg is empty"),
    "huge.png": (png_that_claims(30_000, 30_000), "more than the 128,000,000 pixels"),
    "phone.heic": (HEIC, "phone.heic is HEIC and needs pillow-heif, which is not installed"),
    "other.heic": (HEIC.replace(b"ftypheic", b"ftypmif1"), "other.heic is HEIC and needs"),
    "phone.jpg": (HEIC, "phone.jpg is HEIC and needs pillow-heif, which is not installed"),
    "cut.avif": (b"\0\0\0\x1cftypavif\0\0\0\0avifmif1" + bytes(99), "cut.avif is"),
    "movie.jpg": (film([scene()] * 2), "movie.jpg is not an image"),
}


@pytest.fixture(scope="module")
def bad(tmp_path_factory, smile):
    """A folder of what cannot be read, of what shows nobody, and one good photo."""
    folder = tmp_path_factory.mktemp("bad")
    for name, (content, _) in BAD.items():
        (folder / name).write_bytes(content)
    smile.save(folder / "good.jpg", quality=95)
    (folder / "truncated.jpg").write_bytes((folder / "good.jpg").read_bytes()[:4000])
    Image.new("RGB", (1, 1)).save(folder / "pixel.png")
    Image.new("RGB", (2000, 1)).save(folder / "line.png")
    return folder


EMPTY = ("pixel.png", "line.png")
UNREAD = {**{name: why for name, (_, why) in BAD.items()}, "truncated.jpg": "is damaged"}


class TestBadInput:
    @pytest.fixture(autouse=True)
    def _without_pillow_heif(self, monkeypatch):
        monkeypatch.setitem(sys.modules, "pillow_heif", None)

    @pytest.mark.parametrize("name", [*UNREAD, *EMPTY, "gone.jpg"])
    def test_alone_it_is_one_sentence(self, refuses, bad, name):
        why = UNREAD.get(name, "no face found" if name in EMPTY else "does not exist")
        refuses("predict", bad / name, says=[name, why])

    @pytest.mark.parametrize(
        "name", [name for name in UNREAD if name not in ("nothing.jpg", "movie.jpg")]
    )
    def test_on_standard_input_too(self, refuses, bad, name):
        why = UNREAD[name].removeprefix(f"{name} ")
        refuses(
            "predict", "-", says=f"- {why}" if "is" in why else why, stdin=(bad / name).read_bytes()
        )

    def test_nothing_on_standard_input_is_a_sentence(self, refuses):
        refuses("predict", "-", says="standard input is empty")

    def test_among_others_it_is_a_row(self, command, bad, tmp_path):
        done = command("predict", bad, "--json", "--annotate", tmp_path / "out")
        assert done.returncode == 0
        rows = {
            row["path"].removeprefix(f"{bad}/"): row
            for row in map(json.loads, done.stdout.splitlines())
        }
        assert list(rows) == sorted([*UNREAD, *EMPTY, "good.jpg"])
        for name, why in UNREAD.items():
            assert why in rows[name]["error"]
            assert name in rows[name]["error"]
        assert [rows[name]["faces"] for name in EMPTY] == [[], []]
        assert len(rows["good.jpg"]["faces"]) == 1
        assert (
            f"{len(rows)} photos: {len(UNREAD)} could not be read, 2 without a face" in done.stderr
        )
        written = {path.name for path in (tmp_path / "out").iterdir()}
        assert written == {*(f"{name}.jpg" for name in EMPTY), "good.jpg"}

    def test_csv_has_a_row_of_each_too(self, command, bad):
        rows = list(csv.DictReader(io.StringIO(command("predict", bad, "--csv").stdout)))
        told = {row["path"].removeprefix(f"{bad}/"): row["error"] for row in rows}
        assert told["good.jpg"] == ""
        assert told["pixel.png"] == "no face found"
        assert "is damaged" in told["truncated.jpg"]

    def test_where_nothing_can_be_read_all_reasons_are_told(self, command, bad):
        done = command("predict", bad / "words.jpg", bad / "nothing.jpg")
        assert done.returncode == 2
        lines = [line for line in done.stderr.splitlines() if line.startswith("degan: ")]
        assert "words.jpg is not an image" in lines[0]
        assert "nothing.jpg is empty" in lines[1]
        assert lines[-1] == "degan: none of the 2 photos could be read; the reasons are above"

    def test_of_very_many_reasons_some_are_told(self, command, tmp_path):
        for number in range(30):
            (tmp_path / f"{number}.jpg").write_bytes(b"words")
        done = command("predict", tmp_path)
        assert done.stderr.count("is not an image") == 20
        assert "and 10 more" in done.stderr


@pytest.fixture
def photo(smile, tmp_path, monkeypatch):
    """a.png of one face in the working folder."""
    monkeypatch.chdir(tmp_path)
    smile.save("a.png")
    return tmp_path / "a.png"


class TestOptions:
    @pytest.mark.parametrize(
        ("words", "why"),
        [
            ((), "name photos, videos or folders"),
            (("a.png", "--json", "--csv"), "exclude each other"),
            (("a.png", "--json", "-o", "t.csv"), "exclude each other"),
            (("a.png", "--weights", "."), ". is a folder; a weights file is needed"),
            (("a.png", "--weights", "a.png"), "a.png is not a weights file"),
            (("a.png", "--weights", "gone.onnx"), "gone.onnx does not exist"),
            (("a.png", "-o", "x.txt"), "must end in .csv, .jsonl, .ndjson, .parquet"),
            (("a.png", "-o", "x"), "must end in .csv"),
            (("a.png", "-o", "a.png/x.csv"), "cannot write a.png/x.csv"),
            (("a.png", "--annotate", "x.gif"), "must end in .png"),
            (("a.png", "--annotate", "a.png/x.jpg"), "cannot write a.png/x.jpg"),
            (("a.png", "--group", "bad"), "NAME=CLASS,CLASS"),
            (("a.png", "--group", "bad=rage"), "'rage'"),
            (("a.png", "--group", "a\nb=fear"), "a group cannot have this name"),
            (("a.png", "--fps", "inf"), "finite"),
            (("a.png", "--smooth", "inf"), "finite"),
            (("--camera", 0, "--crops"), "camera 0 is not a photo"),
            (("a.png", "--neutral", "gone.jpg"), "gone.jpg does not exist"),
        ],
    )
    def test_a_mistake_is_one_sentence_and_leaves_nothing(self, refuses, photo, words, why):
        before = photo.read_bytes()
        refuses("predict", *words, says=why)
        assert [path.name for path in photo.parent.iterdir()] == ["a.png"]
        assert photo.read_bytes() == before

    def test_groups_are_columns(self, command, photo):
        groups = "--group", "bad=anger, disgust", "--group", "unsure=fear,contempt"
        (row,) = csv.DictReader(io.StringIO(command("predict", photo, "--csv", *groups).stdout))
        assert float(row["bad"]) + float(row["unsure_"]) < 0.2
        assert row["unsure"] == "0"
        assert "anger" not in row
        assert list(row)[-3:] == ["bad", "unsure_", "error"]

    def test_other_weights_have_other_answers(self, command, photo):
        web, clean = (
            json.loads(command("predict", photo, "--json", "--weights", name).stdout)["faces"][0]
            for name in ("web", "clean")
        )
        assert tuple(web["probabilities"]) == tuple(clean["probabilities"]) == NAMES
        assert web["probabilities"] != clean["probabilities"]
        assert web["box"] == clean["box"]

    def test_actions_are_in_every_form(self, command, photo):
        (face,) = json.loads(command("predict", photo, "--json", "--actions").stdout)["faces"]
        (row,) = csv.DictReader(io.StringIO(command("predict", photo, "--csv", "--actions").stdout))
        assert float(row["AU12"]) == face["action_units"]["AU12"] > 0.2
        assert "AU12" in command("predict", photo, "--actions").stdout

    def test_a_neutral_photo_changes_what_is_read(self, command, photo, examples):
        rest = examples / "neutral/001.jpg"
        plain, beside = (
            json.loads(command("predict", photo, "--json", *words).stdout)["faces"][0]
            for words in ((), ("--neutral", rest))
        )
        assert plain["box"] == beside["box"]
        assert plain["probabilities"] != beside["probabilities"]

    def test_turned_faces_beside_upright_ones_are_found_on_demand(
        self, command, tmp_path, astronaut
    ):
        upright = astronaut[:240, 60:380]
        write_image(tmp_path / "both.png", np.concatenate([upright, np.rot90(upright, 2)], axis=1))
        counts = []
        for words in ((), ("--turned",)):
            done = command("predict", tmp_path / "both.png", "--json", *words)
            counts.append(len(json.loads(done.stdout)["faces"]))
        assert counts == [1, 2]


class TestFiles:
    def test_every_form_has_the_same_rows(self, command, bad, tmp_path):
        import pyarrow.parquet as pq

        done = command("predict", bad, "-o", tmp_path / "new/t.csv")
        assert done.returncode == 0
        assert "t.csv: 1 faces in 12 photos" in done.stdout.replace("\n", "")
        assert (tmp_path / "new/t.csv").read_text() == command("predict", bad, "--csv").stdout
        command("predict", bad, "-o", tmp_path / "t.jsonl")
        assert (tmp_path / "t.jsonl").read_text() == command("predict", bad, "--json").stdout
        command("predict", bad, "-o", tmp_path / "t.parquet")
        rows = pq.read_table(tmp_path / "t.parquet").to_pylist()
        lines = list(csv.DictReader((tmp_path / "new/t.csv").open()))
        assert [row["path"] for row in rows] == [line["path"] for line in lines]
        assert [row["error"] or "" for row in rows] == [line["error"] for line in lines]

    def test_the_annotated_photo_shows_a_box(self, command, photo, tmp_path):
        done = command("predict", photo, "--annotate", "deep/read.png")
        assert done.returncode == 0, done.stderr
        changed = (
            np.abs(read_image(photo).astype(int) - read_image(tmp_path / "deep/read.png")).max(
                axis=2
            )
            > 60
        )
        assert 0.005 < changed.mean() < 0.2

    def test_annotated_copies_keep_the_folders_below_what_was_named(self, command, photo, tmp_path):
        (tmp_path / "in/deep").mkdir(parents=True)
        for name in ("in/a.png", "in/a.jpg", "in/deep/a.png"):
            shutil.copy(photo, name)
        expected = {"a.png.jpg", "a.jpg", "deep/a.png.jpg"}
        for number, word in enumerate(("in", "in/**/*.*")):
            out = tmp_path / str(number)
            assert command("predict", word, "--annotate", out).returncode == 0
            files = [path for path in out.rglob("*") if path.is_file()]
            assert {path.relative_to(out).as_posix() for path in files} == expected

    @pytest.mark.parametrize(
        ("words", "out"),
        [(("a.png", "b/a.png"), "out"), (("a.png", "b/a.png"), "o.jpg"), (("b", "c"), "out")],
    )
    def test_two_are_never_written_to_one_place(self, refuses, photo, words, out):
        for folder in ("b", "c"):
            Path(folder).mkdir()
            shutil.copy(photo, folder)
        refuses("predict", *words, "--annotate", out, says="would both be written to")

    @pytest.mark.parametrize("out", ["a.png", ".", "b/..", "b/../a.png"])
    def test_originals_are_never_written_over(self, refuses, photo, out):
        Path("b").mkdir()
        shutil.copy("a.png", "a.jpg")
        photo.unlink()
        before = (photo.parent / "a.jpg").read_bytes()
        out = out.replace("a.png", "a.jpg")
        refuses("predict", "a.jpg", "--annotate", out, says="would be written over")
        assert (photo.parent / "a.jpg").read_bytes() == before

    def test_nor_is_a_video(self, refuses, photo):
        (photo.parent / "v.mp4").write_bytes(film([scene()]))
        refuses("predict", "v.mp4", "--annotate", ".", says="would be written over")


class TestTable:
    def test_photos_of_several_words_are_one_table(self, command, photo, tmp_path, examples):
        (tmp_path / "in").mkdir()
        shutil.copy(photo, "in/b.png")
        done = command("predict", "in", "a.png", examples / "neutral/*1.jpg")
        rows = [line.split() for line in done.stdout.splitlines() if "%" in line]
        assert [row[0] for row in rows[:2]] == ["b.png", "a.png"]
        assert rows[0][1:] == rows[1][1:]
        assert "happiness" in rows[0]
        assert done.stdout.count("box x, y, w, h") == 1

    def test_very_long_tables_come_in_parts(self, command, photo, monkeypatch, tmp_path):
        monkeypatch.setattr("degan.cli.print_faces._ROWS", 2)
        for name in "bcde":
            shutil.copy(photo, f"{name}.png")
        done = command("predict", tmp_path)
        assert done.stdout.count("box x, y, w, h") == 3
        assert done.stdout.count("happiness") == 5
