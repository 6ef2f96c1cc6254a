"""Oulu-CASIA as its owner has it: what look-alike copies give, and what is said of their faults."""

import io
from contextlib import suppress

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from degan.data.adapter import AdapterResult, count_differences
from degan.data.datasets.oulu import ADAPTER, EXPRESSIONS
from degan.data.pictures import Location, PictureReader
from degan.data.protocol import Protocol
from degan.errors import DeganError
from sequences import pack, put, reading

read, only = reading(ADAPTER)


def jpeg(mode="RGB"):
    buffer = io.BytesIO()
    Image.new(mode, (16, 12), 128).save(buffer, "jpeg")
    return buffer.getvalue()


COLOUR = jpeg()


def frames(
    subject="P001",
    expression="Anger",
    numbers=range(9),
    top="OriginalImg/VL",
    light="Strong",
    picture=COLOUR,
):
    folder = f"{top}/{light}/{subject}/{expression}"
    return {f"{folder}/{number:03d}.jpeg": picture for number in numbers}


def reasons(found):
    return {row.name: row.reason for row in found.skipped}


def test_the_last_three_frames_of_a_sequence_are_samples(tmp_path):
    recording = only(put(tmp_path, frames()))
    assert [(s.name, s.frame) for s in recording.sources] == [
        (f"OriginalImg/VL/Strong/P001/Anger/00{number}.jpeg", number) for number in (6, 7, 8)
    ]
    assert {(s.expression, s.subject, s.sequence, s.split) for s in recording.sources} == {
        ("anger", "P001", "P001/anger", "")
    }
    assert recording.sources[0].picture == Location(tmp_path / recording.sources[0].name)
    assert len(recording.before) == 3


@pytest.mark.parametrize("expression", EXPRESSIONS)
def test_the_folders_name_is_the_expression(tmp_path, expression):
    recording = only(put(tmp_path, frames(expression=expression.capitalize())))
    assert {s.expression for s in recording.sources} == {expression}


@pytest.mark.parametrize(
    "top",
    ["VL", "OriginalImg/VL", "B_OriginalImg/B_OriginalImg/OriginalImg/VL", "x/y/z/vl", "VL-crop",
     "PreProcessImg/VL_Acropped", "PreProcess_Img/VL_Acropped"],
)  # fmt: skip
def test_the_folders_above_may_have_any_name(tmp_path, top):
    assert len(only(put(tmp_path, frames(top=top))).sources) == 3


@pytest.mark.parametrize("change", [str.lower, str.upper])
def test_case_does_not_matter(tmp_path, change):
    put(tmp_path, {change(name): data for name, data in frames().items()})
    recording = only(tmp_path)
    assert {(s.expression, s.subject) for s in recording.sources} == {("anger", "P001")}


def test_camera_and_light_are_the_protocols(tmp_path):
    for camera in ("VL", "NI"):
        for light in ("Strong", "Weak", "Dark"):
            put(tmp_path, frames(top=f"OriginalImg/{camera}", light=light))
    for camera in ("VL", "NI"):
        for light in ("Strong", "Weak", "Dark"):
            sources = only(tmp_path, camera=camera, light=light).sources
            assert all(f"/{camera}/{light}/" in source.name for source in sources)


def test_a_camera_and_light_that_are_not_there_name_those_that_are(tmp_path):
    put(tmp_path, frames(top="a/NI", light="Weak"), frames(top="a/vl", light="dark"))
    with pytest.raises(
        DeganError, match=r"camera VL and light Strong; choose one of these: NI Weak, VL Dark$"
    ):
        read(tmp_path)
    assert len(only(tmp_path, light="Dark").sources) == 3


def test_a_path_without_a_sequence_says_what_to_give(tmp_path):
    with pytest.raises(
        DeganError, match=r"no Oulu-CASIA sequence .*give the folder that contains VL"
    ):
        read(put(tmp_path, {"P001/Anger/000.jpeg": COLOUR}))
    with pytest.raises(DeganError, match=r"left out: a\.zip: damaged"):
        read(put(tmp_path, {"a.zip": b"PK"}))
    with pytest.raises(DeganError, match="does not exist"):
        read(tmp_path / "gone")


def test_what_systems_leave_behind_is_passed_over_in_silence(tmp_path):
    folder = "OriginalImg/VL/Strong/P001/Anger"
    junk = dict.fromkeys([".DS_Store", f"{folder}/.DS_Store", f"{folder}/Thumbs.db"], b"x")
    junk |= {f"__MACOSX/{folder}/._008.jpeg": b"x", f"{folder}/list.txt": b"x", "readme.txt": b"x"}
    recording = only(put(tmp_path, frames(), junk))
    assert recording.sources[-1].name.endswith("008.jpeg")


def test_gaps_in_the_numbers_do_not_matter_and_order_is_by_number(tmp_path):
    folder = "OriginalImg/VL/Strong/P001/Anger"
    put(tmp_path, {f"{folder}/{number}.jpeg": COLOUR for number in (2, 9, 10, 100)})
    recording = only(tmp_path)
    assert [s.name.rpartition("/")[2] for s in recording.sources] == [
        "9.jpeg", "10.jpeg", "100.jpeg",
    ]  # fmt: skip
    assert [s.frame for s in recording.sources] == [1, 2, 3]


def test_peak_frames_and_the_neutral_first_frame_are_the_protocols(tmp_path):
    put(tmp_path, frames())
    assert len(only(tmp_path, peak_frames=1).sources) == 1
    neutral, peak = read(tmp_path, peak_frames=5, neutral=True).recordings
    assert len(peak.sources) == 5
    (first,) = neutral.sources
    assert (first.expression, first.subject, first.frame) == ("neutral", "P001", 0)
    assert first.name.endswith("000.jpeg")


@pytest.mark.parametrize("count", [1, 2, 3])
def test_a_sequence_shorter_than_the_peak_is_taken_whole_and_has_no_neutral(tmp_path, count):
    put(tmp_path, frames(numbers=range(count)))
    assert len(only(tmp_path, neutral=True).sources) == count


def test_grey_and_colour_pictures_are_both_read(tmp_path):
    put(tmp_path, frames(numbers=(0, 1)), frames(numbers=(2,), picture=jpeg("L")))
    pictures = [source.picture for source in only(tmp_path).sources]
    assert [image.shape for image in PictureReader().read(pictures)] == [(12, 16, 3)] * 3


@pytest.mark.parametrize("root", [False, True])
def test_zip_files_are_read_in_place(tmp_path, root):
    path = pack(tmp_path / "B_OriginalImg.zip", frames(), {"__MACOSX/._x": b""})
    pictures = [source.picture for source in only(path if root else tmp_path).sources]
    assert all(picture.member for picture in pictures)
    assert [image.shape for image in PictureReader().read(pictures)] == [(12, 16, 3)] * 3


@pytest.mark.parametrize("cropped", ["PreProcessImg/VL_Acropped", "A/VL_Acropped", "crop.zip/VL"])
def test_of_original_and_cropped_the_original_is_used_and_the_other_is_one_row(tmp_path, cropped):
    # The cropped release has more frames, more sequences and a name that sorts first.
    both = [frames(top=cropped, numbers=range(30), expression=e) for e in ("Anger", "Fear")]
    if ".zip/" in cropped:
        inside = [{k.removeprefix("crop.zip/"): v for k, v in part.items()} for part in both]
        pack(tmp_path / "crop.zip", *inside)
    else:
        put(tmp_path, *both)
    put(tmp_path, frames())
    found = read(tmp_path)
    (recording,) = found.recordings
    assert all(source.name.startswith("OriginalImg/VL/") for source in recording.sources)
    assert all("OriginalImg" in str(picture) for picture in recording.before)
    assert reasons(found) == {
        cropped: "cropped or aligned pictures; the originals in OriginalImg/VL are used"
    }


def test_a_cropped_release_alone_is_used(tmp_path):
    assert len(only(put(tmp_path, frames(top="PreProcessImg/VL_Acropped"))).sources) == 3


def test_an_unpacked_zip_that_still_lies_there_is_one_row_and_the_folder_is_used(tmp_path):
    both = [frames(subject=f"P00{n}") for n in range(1, 5)]
    put(tmp_path, *both)
    pack(tmp_path / "A.zip", *both)
    found = read(tmp_path)
    assert len(found.recordings) == 4
    assert all(source.picture.member == "" for r in found.recordings for source in r.sources)
    assert reasons(found) == {
        "A.zip/OriginalImg/VL": "4 of its 4 sequences are a second copy; the one in OriginalImg/VL "
        "is used"
    }


def test_a_release_that_lies_in_parts_is_put_together(tmp_path):
    put(tmp_path, frames(top="part 1/VL"), frames("P002", top="part 2/VL"))
    found = read(tmp_path)
    assert [r.sources[0].subject for r in found.recordings] == ["P001", "P002"]
    assert found.skipped == []


def test_a_second_file_of_one_frame_is_reported(tmp_path):
    double = {"OriginalImg/VL/Strong/P001/Anger/8.png": COLOUR}
    found = read(put(tmp_path, frames(), double))
    assert len(found.recordings[0].sources) == 3
    assert reasons(found) == dict.fromkeys(double, "a second copy of this frame")


def test_a_folder_that_is_no_expression_is_one_row(tmp_path):
    found = read(put(tmp_path, frames(), frames(expression="Yawning")))
    assert len(found.recordings) == 1
    ((name, reason),) = reasons(found).items()
    assert name == "OriginalImg/VL/Strong/P001/Yawning"
    assert "not one of the expressions anger, disgust" in reason


def test_a_complete_copy_differs_in_nothing_and_another_in_what_it_lacks(tmp_path):
    parts = [
        frames(f"P{subject:03d}", expression, range(4), picture=b"")
        for subject in range(1, 81)
        for expression in ("Anger", "Disgust", "Fear", "Happiness", "Sadness", "Surprise")
    ]
    found = read(pack(tmp_path / "all.zip", *parts), neutral=True)
    assert found.skipped == []
    assert count_differences(found, ADAPTER, Protocol()) == []
    del found.recordings[:12]  # of P001
    assert count_differences(found, ADAPTER, Protocol()) == [
        "recordings: 474 of 480", "subjects: 79 of 80",
        *(f"{expression}: 79 of 80" for expression in EXPRESSIONS),
    ]  # fmt: skip


PARTS = ["VL", "NI_Acropped", "Strong", "weak", "P001", "Anger", "happy", "000.jpeg", "1.png"]
PATHS = st.lists(st.sampled_from([*PARTS, "..", "é", "9" * 30]), min_size=1, max_size=7)


@settings(
    max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.sets(PATHS.map("/".join), max_size=6))
def test_any_names_give_what_is_found_or_a_sentence(tmp_path, some):
    path = pack(tmp_path / "names.zip", dict.fromkeys(sorted(some), b"x"))
    with suppress(DeganError):
        assert isinstance(read(path), AdapterResult)
    found = read(pack(path, dict.fromkeys(some, b"x"), frames()))
    assert "P001/anger" in {r.sources[0].sequence for r in found.recordings}
