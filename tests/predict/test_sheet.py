"""The sheet of faces: which are shown, where, and how they are cut out."""

import os
from pathlib import Path

import numpy as np
import pytest

from degan.errors import DeganError
from degan.media.images import read_image, write_image
from degan.predict.face_sheet import Sheet
from films import film, scene

SIDE, LABEL, GAP, CAPTION = 96, 110, 6, 28
PAPER = (250, 250, 248)
COLOURS = {"red": (200, 30, 30), "green": (30, 200, 30), "blue": (30, 30, 200)}


@pytest.fixture(autouse=True)
def _in_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def face(expression, share, box=(40, 40, 40, 40), **more):
    return {
        "box": list(box),
        "expression": expression,
        "unsure": False,
        "probabilities": {expression: share},
        **more,
    }


def picture(name, colour="red", size=(120, 120)):
    """A record of a photo of one colour, which is written."""
    write_image(Path(f"{name}.png"), np.full((*size, 3), COLOURS[colour], np.uint8))
    return f"{name}.png"


def shown(sheet, *names):
    """The middles of the faces: rows of colour names, "" where paper is."""
    sheet.write(Path("s.png"), {name: Path(name) for name in names})
    image = read_image(Path("s.png")).astype(int)
    rows, columns = (
        (image.shape[0] - GAP) // (SIDE + CAPTION + GAP),
        (image.shape[1] - LABEL - GAP) // (SIDE + GAP),
    )
    return [[named(cell(image, row, column)) for column in range(columns)] for row in range(rows)]


def cell(image, row, column):
    top, left = GAP + row * (SIDE + CAPTION + GAP), LABEL + column * (SIDE + GAP)
    return image[top : top + SIDE, left : left + SIDE]


def named(square):
    middle = square[SIDE // 2, SIDE // 2]
    for name, colour in COLOURS.items():
        if np.abs(middle - colour).max() < 6:
            return name
    assert np.abs(middle - PAPER).max() < 6
    return ""


class TestRows:
    def test_a_row_an_expression_in_the_order_given_the_most_probable_first(self):
        names = [picture(name, name) for name in COLOURS]
        sheet = Sheet(["fear", "anger", "joy"])
        sheet.add({"path": names[0], "faces": [face("joy", 0.5), face("joy", 0.4)]})
        sheet.add({"path": names[1], "faces": [face("joy", 0.9)]})
        sheet.add({"path": names[2], "faces": [face("fear", 0.3)]})
        assert shown(sheet, *names) == [["blue", "", ""], ["green", "red", "red"]]

    def test_of_equals_the_first_comes_first_and_only_so_many_are_shown(self):
        names = [picture(name, name) for name in COLOURS]
        sheet = Sheet(["joy"], count=2)
        for name in names:
            sheet.add({"path": name, "faces": [face("joy", 0.5)]})
        assert shown(sheet, *names) == [["red", "green"]]

    def test_of_many_the_best_are_kept_whenever_they_come(self):
        dice = np.random.default_rng(0)
        names = [picture(name, name) for name in COLOURS]
        sheet = Sheet(["joy"], count=3)
        best = sorted(zip([0.999, 0.998, 0.997], names, strict=True), key=lambda _: dice.random())
        places = sorted(dice.choice(300, 3, replace=False))
        for number in range(300):
            if number in places:
                share, name = best[places.index(number)]
                sheet.add({"path": name, "faces": [face("joy", share)]})
            sheet.add({"path": names[0], "faces": [face("joy", dice.random() * 0.9)]})
        assert shown(sheet, *names) == [list(COLOURS)]

    def test_what_could_not_be_read_or_shows_nobody_is_passed_over(self):
        name = picture("red")
        sheet = Sheet(["joy"])
        sheet.add({"path": "gone.png", "error": "it does not exist"})
        sheet.add({"path": "wall.png", "faces": []})
        sheet.add({"path": name, "faces": [face("joy", 0.5)]})
        assert shown(sheet, name) == [["red"]]

    def test_nobody_at_all_is_a_sentence(self):
        with pytest.raises(DeganError, match=r"no face was found, so s\.png was not written"):
            shown(Sheet(["joy"]))
        assert not Path("s.png").exists()


class TestVideos:
    def test_of_a_person_the_best_frame_of_each_expression(self):
        frames = [np.full((120, 120, 3), colour, np.uint8) for colour in COLOURS.values()]
        Path("v.avi").write_bytes(film(frames, codec="png", kind="avi"))
        sheet = Sheet(["joy", "fear"])
        for number, (share, other) in enumerate([(0.5, 0.2), (0.9, 0.3), (0.7, 0.8)]):
            people = [face("joy", share, person=1), face("joy", other, person=2)]
            sheet.add({"path": "v.avi", "frame": number, "time": number, "faces": people})
        sheet.add({"path": "v.avi", "frame": 0, "time": 3, "faces": [face("fear", 0.1, person=1)]})
        assert shown(sheet, "v.avi") == [["green", "blue"], ["red", ""]]

    def test_people_of_two_videos_are_different_though_their_numbers_are_not(self):
        for name, colour in list(COLOURS.items())[:2]:
            frame = np.full((120, 120, 3), colour, np.uint8)
            Path(f"{name}.avi").write_bytes(film([frame], codec="png", kind="avi"))
        sheet = Sheet(["joy"])
        for name in ("red.avi", "green.avi"):
            faces = [face("joy", 0.5, person=1)]
            sheet.add({"path": name, "frame": 0, "time": 0.0, "faces": faces})
        assert shown(sheet, "red.avi", "green.avi") == [["red", "green"]]

    def test_a_video_that_changed_meanwhile_is_a_sentence(self):
        Path("v.avi").write_bytes(film([scene()], codec="png", kind="avi"))
        sheet = Sheet(["joy"])
        faces = [face("joy", 0.5, person=1)]
        sheet.add({"path": "v.avi", "frame": 7, "time": 0.7, "faces": faces})
        with pytest.raises(DeganError, match=r"v\.avi was changed during the command"):
            shown(sheet, "v.avi")


class TestCut:
    @pytest.mark.parametrize(
        ("box", "paper"),
        [
            ((40, 40, 40, 40), ""),
            ((0, 40, 40, 40), "left"),
            ((80, 40, 40, 40), "right"),
            ((40, 0, 40, 40), "top"),
            ((40, 80, 40, 40), "bottom"),
            ((0, 0, 120, 120), "left right top bottom"),
        ],
    )
    def test_beyond_the_border_of_the_photo_there_is_paper(self, box, paper):
        name = picture("red")
        sheet = Sheet(["joy"])
        sheet.add({"path": name, "faces": [face("joy", 0.5, box)]})
        assert shown(sheet, name) == [["red"]]
        square = cell(read_image(Path("s.png")).astype(int), 0, 0)
        edges = {
            "left": square[48, 2],
            "right": square[48, -3],
            "top": square[2, 48],
            "bottom": square[-3, 48],
        }
        for name, pixel in edges.items():
            assert (np.abs(pixel - PAPER).max() < 12) == (name in paper), name

    @pytest.mark.parametrize("box", [(60.3, 60.2, 0.4, 0.3), (10, 50, 100, 4), (119.5, 0, 0.5, 9)])
    def test_boxes_of_any_shape(self, box):
        name = picture("red")
        sheet = Sheet(["joy"])
        sheet.add({"path": name, "faces": [face("joy", 0.5, box)]})
        sheet.write(Path("s.png"), {name: Path(name)})
        assert read_image(Path("s.png")).shape == (
            SIDE + CAPTION + 2 * GAP,
            LABEL + SIDE + 2 * GAP,
            3,
        )


class TestCommand:
    def test_faces_of_photos_and_videos_are_on_it(self, command, examples):
        smile, rest = (
            read_image(examples / "smiling/001.jpg"),
            read_image(examples / "neutral/001.jpg"),
        )
        Path("in").mkdir()
        write_image(Path("in/a.png"), smile)
        write_image(Path("in/b.png"), rest)
        Path("in/c.mp4").write_bytes(film([smile] * 4))
        done = command("predict", "in", "--sheet", "s.jpg", "--json")
        assert done.returncode == 0, done.stderr
        # neutral and happiness, two faces at most
        assert read_image(Path("s.jpg")).shape == (2 * 130 + GAP, LABEL + 2 * 102 + GAP, 3)

    @pytest.mark.skipif(os.name == "nt", reason="names are text there")
    def test_files_whose_names_are_no_text_are_found_again(self, command, examples):
        folder = Path("in")
        folder.mkdir()
        (folder / os.fsdecode(b"\xff.jpg")).write_bytes((examples / "smiling/001.jpg").read_bytes())
        done = command("predict", "in", "--sheet", "s.png", "--csv")
        assert done.returncode == 0, done.stderr
        assert "\\udcff.jpg" in done.stdout
        assert read_image(Path("s.png")).shape[1] == LABEL + 102 + GAP

    def test_what_cannot_be_is_refused_before_anything_is_read(self, refuses, examples):
        photo = examples / "smiling/001.jpg"
        for name in ("s.txt", "s", "s.gif"):
            refuses("predict", photo, "-o", "t.csv", "--sheet", name, says="must end in .png")
        refuses("predict", "-", "--sheet", "s.png", says="--sheet needs files", stdin=b"x")
        refuses("predict", "--camera", 0, "--sheet", "s.png", says="--sheet needs files")
        copy = Path("in.png")
        write_image(copy, read_image(photo))
        before = copy.read_bytes()
        refuses("predict", copy, "--sheet", copy, says="would be written over")
        assert copy.read_bytes() == before
        assert [path.name for path in Path().iterdir()] == ["in.png"]
