"""Layouts of own photos: which folders are classes, and which are people."""

import shutil

import pytest

from degan.data.datasets.folder import ADAPTER, read_labelled
from degan.data.label_set import CUSTOM_LABELS, EXPRESSION_LABELS
from degan.data.photo_layout import MANY, Layout
from degan.data.protocol import Protocol
from degan.errors import DeganError
from stills import make, zipped


def found_in(path):
    """Layout, and class and person of each photo; none may be left out."""
    found = read_labelled(path, CUSTOM_LABELS)
    assert not found.skipped
    shown = {(row.expression, row.subject) for part in found.recordings for row in part.sources}
    return Layout(found.layout), shown


def names(people, classes, pattern):
    return [pattern.format(who=who, what=what) for who in people for what in classes]


def faces(examples, folder, pattern, people=6):
    """Photos of real people, resting and grinning, under a pattern of paths."""
    for what, shown in (("resting", "neutral"), ("grinning", "smiling")):
        for photo in sorted((examples / shown).glob("*.jpg"))[:people]:
            path = folder / pattern.format(who=f"p{photo.stem}", what=what)
            path.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(photo, path)
    return folder


class TestNamesDecide:
    def test_photos_in_class_folders_have_the_person_in_their_names(self, tmp_path):
        make(tmp_path, *names("ab", ["happy", "bored"], "{what}/{who}_1.jpg"))
        layout, shown = found_in(tmp_path)
        assert layout is Layout.FLAT
        assert shown == {(what, who) for what in ("happy", "bored") for who in "ab"}

    @pytest.mark.parametrize("pattern", ["{who}/{what}/IMG_1.jpg", "{what}/{who}/IMG_1.jpg"])
    def test_the_level_with_an_expression_is_that_of_the_classes(self, tmp_path, pattern):
        make(tmp_path, *names(["anna", "Joy"], ["Happy", "bored"], pattern))
        layout, shown = found_in(tmp_path)
        assert (layout is Layout.CLASS_INSIDE) == pattern.startswith("{who}")
        assert shown == {(what, who) for what in ("Happy", "bored") for who in ("anna", "Joy")}

    def test_a_portrait_in_a_person_folder_does_not_make_the_person_a_class(self, tmp_path):
        make(tmp_path, *names("abc", ["neutral"], "{who}/{what}/1.jpg"))
        make(tmp_path, *names("abc", ["portrait"], "{who}/{what}_1.jpg"))
        found = read_labelled(tmp_path, CUSTOM_LABELS)
        assert {part.sources[0].expression for part in found.recordings} == {"neutral"}
        assert len(found.skipped) == 3

    def test_names_that_repeat_under_many_folders_are_classes(self, tmp_path):
        people = [f"{number:02d}" for number in range(MANY)]
        make(tmp_path, *names(people, ["bored", "tired"], "{who}/{what}/1.jpg"))
        assert found_in(tmp_path) == (
            Layout.CLASS_INSIDE, {(what, who) for what in ("bored", "tired") for who in people},
        )  # fmt: skip

    def test_what_neither_names_nor_faces_decide_is_refused(self, tmp_path):
        make(tmp_path, *names(["x", "y"], ["bored", "tired"], "{who}/{what}/1.jpg"))
        with pytest.raises(
            DeganError, match=r"not certain whether x, y or bored, tired are the cl"
        ):
            read_labelled(tmp_path, CUSTOM_LABELS)

    def test_expressions_as_file_names_in_folders_of_people_are_refused(self, tmp_path):
        make(tmp_path, *names(["anna", "ben"], ["happy", "sad"], "{who}/{what}.jpg"))
        with pytest.raises(DeganError, match=r"anna, ben are people, not classes \(the names of"):
            read_labelled(tmp_path, CUSTOM_LABELS)

    def test_parts_of_a_data_set_are_neither_classes_nor_people(self, tmp_path):
        make(tmp_path / "flat", "train/a_1.jpg", "test/b_1.jpg")
        with pytest.raises(DeganError, match="train are parts of a data set, not classes"):
            read_labelled(tmp_path / "flat", CUSTOM_LABELS)
        make(tmp_path / "deep", *names("ab", ["bored", "tired"], "train/{what}/{who}_1.jpg"))
        assert found_in(tmp_path / "deep") == (
            Layout.FLAT, {(what, who) for what in ("bored", "tired") for who in "ab"},
        )  # fmt: skip

    @pytest.mark.parametrize(
        ("pattern", "level"), [("{who}/{what}/1.jpg", "outer"), ("{what}/{who}/1.jpg", "inner")]
    )
    def test_folders_that_are_people_are_named(self, tmp_path, pattern, level):
        make(tmp_path, *names("abcd", ["happy", "sad"], pattern))
        for labels in (CUSTOM_LABELS, EXPRESSION_LABELS):
            notes = read_labelled(tmp_path, labels).notes
            assert notes == [f"the {level} folders are 4 people (a, b, c, ...)"]

    def test_photos_deeper_than_the_layout_are_left_out_one_by_one(self, tmp_path):
        make(tmp_path, *names("ab", ["happy", "bored"], "{who}/{what}/1.jpg"), "a/happy/old/1.jpg")
        make(tmp_path, "a/happy/old/2.jpg", "b/me.jpg", "a/notes.txt", "notes.txt")
        found = read_labelled(tmp_path, CUSTOM_LABELS)
        assert [row.name for row in found.skipped] == [
            "a/happy/old/1.jpg", "a/happy/old/2.jpg", "b/me.jpg",
        ]  # fmt: skip

    def test_a_zip_file_has_the_same_layouts(self, tmp_path):
        path = zipped(tmp_path / "a.zip", *names("ab", ["sad", "bored"], "mine/{who}/{what}/1.jpg"))
        assert found_in(path)[0] is Layout.CLASS_INSIDE


class TestFacesDecide:
    @pytest.mark.parametrize("pattern", ["{who}/{what}/1.jpg", "{what}/{who}/1.jpg"])
    def test_the_folders_whose_photos_show_one_person_are_people(self, examples, tmp_path, pattern):
        layout, shown = found_in(faces(examples, tmp_path, pattern, people=3))
        assert (layout is Layout.CLASS_INSIDE) == pattern.startswith("{who}")
        assert {what for what, _ in shown} == {"resting", "grinning"}
        assert len(shown) == 6

    def test_folders_of_one_person_each_are_no_classes(self, examples, tmp_path):
        faces(examples, tmp_path, "{who}/IMG_{what}.jpg", people=3)
        with pytest.raises(
            DeganError, match=r"are people, not classes .*show one person"
        ) as raised:
            read_labelled(tmp_path, CUSTOM_LABELS)
        assert "\n" not in str(raised.value)

    def test_folders_of_several_people_are_classes(self, examples, tmp_path):
        assert found_in(faces(examples, tmp_path, "{what}/{who}.jpg"))[0] is Layout.FLAT


def test_a_csv_file_has_the_labels_even_if_any_folder_could_be_a_class(tmp_path):
    make(tmp_path, *names("ab", "12", "{who}/{what}.jpg"))
    rows = "".join(f"{who}/{n}.jpg,class {n},{who}\n" for who in "ab" for n in "12")
    (tmp_path / "photos.csv").write_text(f"path,expression,subject\n{rows}")
    found = read_labelled(tmp_path, CUSTOM_LABELS)
    assert {part.sources[0].expression for part in found.recordings} == {"class 1", "class 2"}


@pytest.mark.parametrize("pattern", ["{who}/{what}/1.jpg", "{what}/{who}/1.jpg"])
def test_prepare_reads_the_same_layouts_of_expressions(tmp_path, pattern):
    make(tmp_path, *names(["anna", "ben"], ["Happy", "sad"], pattern))
    found = ADAPTER.read(tmp_path, Protocol())
    shown = {(part.sources[0].expression, part.sources[0].subject) for part in found.recordings}
    assert shown == {(e, who) for e in ("happiness", "sadness") for who in ("anna", "ben")}
