"""KDEF: people from five sides, in two sessions."""

import pytest

from degan.data.datasets.kdef import ADAPTER, CODES
from degan.data.protocol import Protocol
from degan.errors import DeganError
from stills import differs, make, photos, reasons, sums_up, zipped

SIDES = ("S", "HL", "HR", "FL", "FR")


def complete(sides=SIDES):
    people = [f"{session}{sex}{n:02d}" for session in "AB" for sex in "FM" for n in range(1, 36)]
    return [f"KDEF/{p}/{p}{code}{side}.JPG" for p in people for code in CODES for side in sides]


def read(path, **choices):
    return ADAPTER.read(path, Protocol(**choices))


def names(found):
    return [name for name, *_ in photos(found)]


def test_a_complete_copy_differs_in_nothing(tmp_path):
    path = zipped(tmp_path / "KDEF_and_AKDEF.zip", *complete())
    assert differs(ADAPTER, path) == []
    assert len(photos(read(path, angle="half"))) == 3 * 980
    assert len(photos(read(path, angle="all"))) == 4900
    assert differs(ADAPTER, path, angle="all") == []
    assert sums_up(ADAPTER)


@pytest.mark.parametrize(
    ("name", "expression", "subject"),
    [
        ("AF01AFS.JPG", "fear", "F01"),
        ("BF01ANS.JPG", "anger", "F01"),
        ("AM35DIS.JPG", "disgust", "M35"),
        ("BM10HAS.JPG", "happiness", "M10"),
        ("AF01NES.JPG", "neutral", "F01"),
        ("AF01SAS.JPG", "sadness", "F01"),
        ("am01sus.jpg", "surprise", "M01"),
    ],
)
def test_a_name_says_who_shows_what(tmp_path, name, expression, subject):
    path = f"KDEF/{name[:4]}/{name}"
    assert photos(read(make(tmp_path, path))) == [(path, expression, subject, "")]


def test_the_two_sessions_show_the_same_people(tmp_path):
    found = read(make(tmp_path, "AF01/AF01ANS.JPG", "BF01/BF01ANS.JPG", "AM01/AM01ANS.JPG"))
    assert [subject for _, _, subject, _ in photos(found)] == ["F01", "M01", "F01"]


@pytest.mark.parametrize(
    ("angle", "sides"), [("frontal", ("S",)), ("half", ("HL", "HR", "S")), ("all", sorted(SIDES))]
)
def test_the_angle_chooses_the_sides(tmp_path, angle, sides):
    make(tmp_path, *(f"AF01AN{side}.JPG" for side in SIDES))
    found = read(tmp_path, angle=angle)
    assert names(found) == sorted(f"AF01AN{side}.JPG" for side in sides)
    assert found.skipped == []  # what was not asked for is no fault


@pytest.mark.parametrize(
    "name", ["AF31V.JPG", "AM31H.JPG", "AF36ANS.JPG", "AF00ANS.JPG", "CF01ANS.JPG", "AF01XXS.JPG",
             "AF01AN.JPG", "AF11NES FULL RIGHT.JPG", "AF01ANSS.JPG"],
)  # fmt: skip
def test_a_photo_of_another_name_is_reported(tmp_path, name):
    found = read(make(tmp_path, "AF01ANS.JPG", name), angle="all")
    assert names(found) == ["AF01ANS.JPG"]
    assert reasons(found) == {name: "the file name is not like AF01ANS (KDEF)"}


def test_average_faces_are_no_people(tmp_path):
    found = read(make(tmp_path, "KDEF/AF01/AF01ANS.JPG", "AKDEF/FANS.JPG", "AKDEF/MHAFL.JPG"))
    assert names(found) == ["KDEF/AF01/AF01ANS.JPG"]
    assert reasons(found) == dict.fromkeys(
        ["AKDEF/FANS.JPG", "AKDEF/MHAFL.JPG"], "an average of many faces (AKDEF), not a person"
    )


def test_what_is_no_photo_is_passed_over(tmp_path):
    make(tmp_path, "AF01ANS.JPG", ".DS_Store", "AF01/.DS_Store", "ReadThis/KDEF.doc", "Thumbs.db")
    found = read(tmp_path)
    assert names(found) == ["AF01ANS.JPG"]
    assert found.skipped == []


def test_a_second_copy_is_left_out(tmp_path):
    zipped(tmp_path / "KDEF.zip", "KDEF/AF01/AF01ANS.JPG", "KDEF/AF01/AF01HAS.JPG")
    make(tmp_path, "AF01/af01ans.jpg")
    found = read(tmp_path)
    assert names(found) == ["AF01/af01ans.jpg", "KDEF.zip/KDEF/AF01/AF01HAS.JPG"]
    second = "KDEF.zip/KDEF/AF01/AF01ANS.JPG"
    assert reasons(found) == {second: "a second copy of AF01/af01ans.jpg"}


def test_missing_photos_are_seen_in_the_counts(tmp_path):
    make(tmp_path, *(name for name in complete(["S"]) if "/AF01/" not in name))
    few = ["recordings: 973 of 980", *(f"{name}: 139 of 140" for name in CODES.values())]
    assert differs(ADAPTER, tmp_path) == few


def test_a_folder_without_kdef_says_what_was_looked_for(tmp_path):
    with pytest.raises(DeganError, match=r"no photo of KDEF \(.*AF01ANS\.JPG\); give the folder"):
        read(make(tmp_path, "AF31V.JPG"))


def test_photos_at_other_angles_alone_say_what_to_choose(tmp_path):
    make(tmp_path, "AF01ANHL.JPG", "AF01ANFR.JPG")
    with pytest.raises(
        DeganError, match=r"holds photos of KDEF but none at .*'frontal' \(S\); choose"
    ):
        read(tmp_path)
    assert names(read(tmp_path, angle="half")) == ["AF01ANHL.JPG"]
