"""RaFD: people seen by five cameras, looking three ways."""

import pytest

from degan.data.datasets.rafd import ADAPTER, CODES
from degan.data.protocol import Protocol
from degan.errors import DeganError
from stills import differs, make, photos, reasons, sums_up, zipped

CAMERAS = ("000", "045", "090", "135", "180")
ONE = "Rafd090_01_Caucasian_female_angry_frontal.jpg"


def complete(cameras=CAMERAS):
    models = [n for n in range(1, 74) if n not in (6, 13, 17, 34, 62, 66)]  # gaps as there are
    return [
        f"Rafd{camera}_{model:02d}_Caucasian_male_{word}_{gaze}.jpg"
        for camera in cameras
        for model in models
        for word in CODES
        for gaze in ("frontal", "left", "right")
    ]


def read(path, **choices):
    return ADAPTER.read(path, Protocol(**choices))


def names(found):
    return [name for name, *_ in photos(found)]


def test_a_complete_copy_differs_in_nothing(tmp_path):
    path = zipped(tmp_path / "RafD.zip", *complete())
    assert differs(ADAPTER, path) == []
    assert len(photos(read(path, angle="half"))) == 3 * 1608
    assert len(photos(read(path, angle="all"))) == 8040
    assert sums_up(ADAPTER)


@pytest.mark.parametrize(
    ("name", "expression", "subject"),
    [
        (ONE, "anger", "01"),
        ("Rafd090_10_Caucasian_male_contemptuous_left.jpg", "contempt", "10"),
        ("Rafd090_29_Moroccan_male_disgusted_right.jpg", "disgust", "29"),
        ("Rafd090_40_Kid_female_fearful_frontal.jpg", "fear", "40"),
        ("Rafd090_73_Moroccan_male_happy_frontal.jpg", "happiness", "73"),
        ("RaFD090_01_caucasian_FEMALE_Neutral_frontal.JPG", "neutral", "01"),
        ("Rafd090_01_Caucasian_female_sad_frontal.png", "sadness", "01"),
        ("Rafd090_01_Caucasian_female_surprised_frontal.jpg", "surprise", "01"),
    ],
)
def test_a_name_says_who_shows_what(tmp_path, name, expression, subject):
    assert photos(read(make(tmp_path, name))) == [(name, expression, subject, "")]


def test_all_gazes_are_taken(tmp_path):
    gazes = [ONE.replace("frontal", gaze) for gaze in ("frontal", "left", "right")]
    assert names(read(make(tmp_path, *gazes))) == gazes


@pytest.mark.parametrize(
    ("angle", "cameras"),
    [("frontal", ["090"]), ("half", ["045", "090", "135"]), ("all", list(CAMERAS))],
)
def test_the_angle_chooses_the_cameras(tmp_path, angle, cameras):
    make(tmp_path, *(ONE.replace("090", camera) for camera in CAMERAS))
    found = read(tmp_path, angle=angle)
    assert [name[4:7] for name in names(found)] == cameras
    assert found.skipped == []


@pytest.mark.parametrize(
    "name",
    [
        "Rafd090_01_Caucasian_female_bored_frontal.jpg",
        "Rafd060_01_Caucasian_female_angry_frontal.jpg",
        "Rafd090_01_Caucasian_female_angry_up.jpg",
        "Rafd090_01_Caucasian_female_angry.jpg",
        "Rafd090_01_Caucasian_female_angry_frontal (1).jpg",
        "holiday.jpg",
    ],
)
def test_a_photo_of_another_name_is_reported(tmp_path, name):
    found = read(make(tmp_path, ONE, name))
    assert names(found) == [ONE]
    assert reasons(found)[name].startswith("the file name is not like Rafd090_01")


def test_letters_that_only_look_like_it_are_another_name(tmp_path):
    found = read(make(tmp_path, ONE, ONE.replace("angry", "\u017fad")))
    assert names(found) == [ONE]
    assert len(found.skipped) == 1


def test_a_second_copy_is_left_out_and_what_is_no_photo_passed_over(tmp_path):
    make(tmp_path, f"a/{ONE}", f"b/{ONE.lower()}", ".DS_Store", "readme.txt")
    found = read(tmp_path)
    assert names(found) == [f"a/{ONE}"]
    assert reasons(found) == {f"b/{ONE.lower()}": f"a second copy of a/{ONE}"}


def test_one_zip_file_a_camera_is_read_in_place(tmp_path):
    zipped(tmp_path / "090.zip", ONE, "__MACOSX/._" + ONE)
    zipped(tmp_path / "045.zip", ONE.replace("090", "045"))
    assert names(read(tmp_path)) == [f"090.zip/{ONE}"]
    assert len(photos(read(tmp_path, angle="half"))) == 2


def test_a_folder_without_rafd_says_what_was_looked_for(tmp_path):
    with pytest.raises(DeganError, match=r"no photo of RaFD \(.*angry_frontal\.jpg\); give the"):
        read(make(tmp_path, "holiday.jpg"))


def test_photos_of_other_cameras_alone_say_what_to_choose(tmp_path):
    make(tmp_path, ONE.replace("090", "180"))
    with pytest.raises(
        DeganError, match=r"holds photos of RaFD but none at .*camera 090\); choose"
    ):
        read(tmp_path)
