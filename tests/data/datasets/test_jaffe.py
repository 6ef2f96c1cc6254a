"""JAFFE: photos whose names say everything."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from degan.data.datasets.jaffe import ADAPTER, CODES
from degan.data.pictures import Location
from degan.data.protocol import Protocol
from degan.errors import DeganError
from stills import differs, make, photos, reasons, sums_up, zipped

# How many photos each person has of each expression where it is not three.
UNUSUAL = {
    "KA.FE": 4, "KA.HA": 4, "KL.DI": 4, "KM.DI": 2, "KM.HA": 4, "KM.SA": 4, "KR.HA": 2,
    "NM.DI": 2, "YM.FE": 4,
}  # fmt: skip
PEOPLE = ("KA", "KL", "KM", "KR", "MK", "NA", "NM", "TM", "UY", "YM")


def complete():
    shown = [f"{person}.{code}" for person in PEOPLE for code in CODES]
    takes = [(name, take + 1) for name in shown for take in range(UNUSUAL.get(name, 3))]
    return [f"{name}{take}.{number}.tiff" for number, (name, take) in enumerate(takes, start=1)]


def read(path):
    return ADAPTER.read(path, Protocol())


def test_a_complete_copy_differs_in_nothing(tmp_path):
    make(tmp_path, *(f"jaffe/{name}" for name in complete()), "jaffe/README", "jaffe/a_names.dat")
    found = read(tmp_path)
    assert len(photos(found)) == 213
    assert found.skipped == []
    assert differs(ADAPTER, tmp_path) == []
    assert sums_up(ADAPTER)


def test_a_missing_photo_is_seen_in_the_counts(tmp_path):
    make(tmp_path, *(name for name in complete() if not name.startswith("KA.AN1")))
    assert differs(ADAPTER, tmp_path) == ["recordings: 212 of 213", "anger: 29 of 30"]


@pytest.mark.parametrize(
    ("name", "expression", "subject"),
    [
        ("KA.AN1.39.tiff", "anger", "KA"),
        ("KL.DI4.173.tiff", "disgust", "KL"),
        ("YM.FE4.70.tiff", "fear", "YM"),
        ("KM.HA1.4.tiff", "happiness", "KM"),
        ("KM.NE1.1.tiff", "neutral", "KM"),
        ("KM.SA5.13.tiff", "sadness", "KM"),
        ("uy.su3.145.TIF", "surprise", "UY"),
        ("KA.AN1.39.jpg", "anger", "KA"),
    ],
)
def test_a_name_says_who_shows_what(tmp_path, name, expression, subject):
    found = read(make(tmp_path, f"jaffedbase/{name}"))
    assert photos(found) == [(f"jaffedbase/{name}", expression, subject, "")]
    assert found.recordings[0].sources[0].picture == Location(tmp_path / "jaffedbase" / name)


def test_takes_are_photos_of_their_own(tmp_path):
    found = read(make(tmp_path, "KA.AN1.39.tiff", "KA.AN2.40.tiff"))
    assert [r.sources[0].sequence for r in found.recordings] == ["KA.AN1.39", "KA.AN2.40"]


def test_a_zip_file_is_read_in_place(tmp_path):
    path = zipped(tmp_path / "jaffedbase.zip", "jaffedbase/KA.AN1.39.tiff", "jaffedbase/.DS_Store")
    found = read(path)
    assert photos(found) == [("jaffedbase/KA.AN1.39.tiff", "anger", "KA", "")]
    assert found.recordings[0].sources[0].picture == Location(path, "jaffedbase/KA.AN1.39.tiff")
    assert photos(read(tmp_path)) == [
        ("jaffedbase.zip/jaffedbase/KA.AN1.39.tiff", "anger", "KA", "")
    ]


@pytest.mark.parametrize(
    "name",
    ["KA.XX1.39.tiff", "KA.AN.39.tiff", "KA.AN1.tiff", "K.AN1.39.tiff", "me.jpg", "KA-AN1-39.tiff"],
)
def test_a_photo_of_another_name_is_reported(tmp_path, name):
    found = read(make(tmp_path, "KA.AN1.39.tiff", name))
    assert len(photos(found)) == 1
    assert reasons(found) == {name: "the file name is not like KA.AN1.39 (JAFFE)"}


def test_what_is_no_photo_is_passed_over(tmp_path):
    make(tmp_path, "KA.AN1.39.tiff", ".DS_Store", "._KA.AN1.39.tiff", "README", "KA.AN1.39.txt")
    make(tmp_path, "__MACOSX/KA.AN2.40.tiff", "Thumbs.db")
    found = read(tmp_path)
    assert len(photos(found)) == 1
    assert found.skipped == []


def test_a_second_copy_is_left_out(tmp_path):
    found = read(make(tmp_path, "a/KA.AN1.39.tiff", "b/ka.an1.39.tiff", "c/KA.AN1.39.jpg"))
    assert [name for name, *_ in photos(found)] == ["a/KA.AN1.39.tiff"]
    assert reasons(found) == dict.fromkeys(
        ["b/ka.an1.39.tiff", "c/KA.AN1.39.jpg"], "a second copy of a/KA.AN1.39.tiff"
    )


@pytest.mark.parametrize("names", [[], ["me.jpg"], ["KA.AN1.39.txt"]])
def test_a_folder_without_jaffe_says_what_was_looked_for(tmp_path, names):
    with pytest.raises(DeganError, match=r"no photo of JAFFE \(.*KA\.AN1\.39\.tiff\); give the"):
        read(make(tmp_path, *names))


def test_a_damaged_zip_file_is_named_where_photos_are_missed(tmp_path):
    (tmp_path / "jaffedbase.zip").write_bytes(b"PK\3\4 cut short")
    with pytest.raises(DeganError, match=r"no photo of JAFFE.*jaffedbase\.zip: damaged"):
        read(tmp_path)


def test_a_path_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(DeganError, match="does not exist"):
        read(tmp_path / "gone")
    with pytest.raises(DeganError, match="neither a folder nor a zip file"):
        read(make(tmp_path, "KA.AN1.39.tiff") / "KA.AN1.39.tiff")


PARTS = st.sampled_from(
    ["KA", "an1", "SU3", "\u017fu2", "39", "\u0663", ".", "..", "tiff", "/", "é"]
)


@given(st.lists(st.lists(PARTS, min_size=1, max_size=8).map("".join), max_size=5, unique=True))
def test_any_names_give_photos_or_a_sentence(tmp_path_factory, names):
    path = zipped(tmp_path_factory.mktemp("any") / "a.zip", *names, "x/KA.AN1.39.tiff")
    found = read(path)
    assert Counter(e for _, e, *_ in photos(found)).keys() <= set(CODES.values())
