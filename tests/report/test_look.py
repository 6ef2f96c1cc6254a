"""The page of ``degan look``: its content, no external resources, and names shown as text."""

import json
import re
from html.parser import HTMLParser

import numpy as np
import pytest

from degan.data.manifest import read_dataset, write_dataset
from degan.data.sample import Sample, Skipped
from degan.errors import DeganError, DeganTypeError
from degan.media import images
from degan.report.dataset_page import look

EVIL = "<script>alert(1)</script>"


class Page(HTMLParser):
    """Text, tags and pictures of a page."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.words, self.pictures = [], [], []
        self.feed(text)
        self.text = " ".join(" ".join(self.words).split())

    def handle_starttag(self, tag, attributes):
        self.tags.append(tag)
        if tag == "img":
            self.pictures.append(dict(attributes))

    def handle_data(self, data):
        self.words.append(data)


@pytest.fixture(scope="module")
def page(faces, tmp_path_factory):
    out = tmp_path_factory.mktemp("look") / "page.html"
    look(faces, out)
    return Page(out.read_text(encoding="utf-8"))


@pytest.fixture
def odd(tmp_path, faces):
    """Two copies of a face, names that are code, another frame's landmarks, files left out."""
    crop = images.read_image(faces.folder / faces.samples[0].file)
    samples = []
    for number, alignment in enumerate(("landmarks", "neighbour")):
        file = f"crops/{number}.png"
        images.write_image(tmp_path / file, crop)
        samples.append(
            Sample(file, "fear", f"{EVIL}{number}", f"{number}", 0, EVIL, alignment, 1, "train")
        )
    skipped = [Skipped(f"{EVIL}/{n}.jpg", f"/tmp/{n}.jpg is damaged") for n in range(600)]
    write_dataset(
        tmp_path,
        samples,
        skipped,
        crop_size=64,
        frame="f",
        settings={"differences": ["fear: 2 of 9"]},
    )
    return read_dataset(tmp_path)


def test_it_counts_faces_people_and_expressions(page):
    assert "24 faces of 12 people in 24 recordings; crops of 64 px" in page.text
    assert "neutral 12 12 12" in page.text
    assert "happiness 12 12 12" in page.text
    assert "No pairs of two people" in page.text
    assert "Files left out None." in page.text


def test_it_shows_faces_and_an_average_of_every_expression(page):
    assert len(page.pictures) == 4
    for picture in page.pictures:
        assert picture["src"].startswith("data:image/webp;base64,")
        assert picture["alt"]


def test_it_needs_nothing_from_elsewhere_and_holds_no_code(faces, tmp_path):
    look(faces, tmp_path / "page.html")
    text = (tmp_path / "page.html").read_text(encoding="utf-8")
    assert "http" not in re.sub(r"http-equiv", "", text)
    assert not {"script", "link", "iframe"} & set(Page(text).tags)


@pytest.mark.parametrize(
    "options",
    [{}, {"color_scheme": "dark"}, {"viewport": {"width": 390, "height": 844}}],
    ids=["light", "dark", "narrow"],
)
def test_an_audit_for_those_who_cannot_see_it_finds_nothing(odd, tmp_path, audit, options):
    look(odd, tmp_path / "page.html")
    assert audit(tmp_path / "page.html", **options) == []


def test_names_of_a_data_set_are_text(odd, tmp_path):
    look(odd, tmp_path / "page.html")
    page = Page((tmp_path / "page.html").read_text(encoding="utf-8"))
    assert "script" not in page.tags
    assert EVIL in page.text


@pytest.mark.parametrize("differences", [3, 0.5, True, "text", {"a": 1}, [None, 3], [[]], None])
def test_a_description_of_another_shape_is_still_a_page(odd, tmp_path, differences):
    path = tmp_path / "dataset.json"
    description = json.loads(path.read_text())
    path.write_text(json.dumps(description | {"settings": {"differences": differences}}))
    look(read_dataset(tmp_path), tmp_path / "page.html")
    assert "Differences from" not in (tmp_path / "page.html").read_text()


def test_it_says_what_to_look_at(odd, tmp_path):
    pairs = look(odd, tmp_path / "page.html")
    page = Page((tmp_path / "page.html").read_text(encoding="utf-8"))
    assert pairs == {"two parts": 0, "two people": 1, "two expressions": 0}
    assert "1 pair." in page.text
    assert "Differences from a complete copy: fear: 2 of 9" in page.text
    assert "1 aligned by the landmarks of another frame" in page.text
    assert "2 train" in page.text


def test_files_left_out_are_counted_by_reason_and_listed_up_to_a_limit(odd, tmp_path):
    look(odd, tmp_path / "page.html")
    page = Page((tmp_path / "page.html").read_text(encoding="utf-8"))
    assert "is damaged 600" in page.text
    assert "600 in total, the first 500 are listed here" in page.text
    assert page.tags.count("tr") < 520


def test_a_page_that_cannot_be_written_is_an_error(faces, tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(DeganError, match="cannot write"):
        look(faces, tmp_path / "file" / "page.html")


def test_an_average_is_the_mean_of_the_faces(faces, tmp_path):
    import base64
    import io

    from PIL import Image

    look(faces, tmp_path / "page.html")
    picture = Page((tmp_path / "page.html").read_text(encoding="utf-8")).pictures[0]
    data = base64.b64decode(picture["src"].partition(",")[2])
    shown = np.asarray(Image.open(io.BytesIO(data)), dtype=float)
    own = [s for s in faces.samples if s.expression == "neutral"]
    mean = np.mean([images.read_image(faces.folder / s.file) for s in own], axis=0)
    assert np.abs(shown - mean).mean() < 4


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"dataset": "data"}, "dataset must be a data set of read_dataset, not .* str"),
        ({"progress": 5}, "progress must be a function or None"),
    ],
)
def test_a_wrong_argument_gets_a_sentence(faces, tmp_path, change, says):
    with pytest.raises(DeganTypeError, match=says):
        look(**{"dataset": faces, "out": tmp_path / "x.html", **change})
