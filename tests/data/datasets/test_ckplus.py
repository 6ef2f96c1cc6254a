"""CK+ as its owner has it: what look-alike copies give, and what is said of their faults."""

import zipfile
from contextlib import suppress

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from degan.data.adapter import AdapterResult, count_differences
from degan.data.datasets.ckplus import ADAPTER
from degan.data.pictures import Location, PictureReader
from degan.data.protocol import Protocol
from degan.errors import DeganError
from made_ckplus import GREY, IMAGES, frames, label, png
from sequences import pack, put, reading

read, only = reading(ADAPTER)
CODES = ("neutral", "anger", "contempt", "disgust", "fear", "happiness", "sadness", "surprise")


def names(recording):
    return [source.name.rpartition("/")[2] for source in recording.sources]


def reasons(found):
    return {row.name: row.reason for row in found.skipped}


def test_the_last_three_frames_of_a_labelled_sequence_are_samples(tmp_path):
    recording = only(put(tmp_path, frames(), label(3)))
    assert [(s.name, s.frame) for s in recording.sources] == [
        (f"{IMAGES}/S005/001/S005_001_{number:08d}.png", number - 1) for number in (9, 10, 11)
    ]
    assert {s.expression for s in recording.sources} == {"disgust"}
    assert {s.subject for s in recording.sources} == {"S005"}
    assert {s.sequence for s in recording.sources} == {"S005/001"}
    assert {s.split for s in recording.sources} == {""}
    assert recording.sources[0].picture == Location(tmp_path / recording.sources[0].name)
    assert [str(p)[-7:] for p in recording.before] == ["006.png", "007.png", "008.png"]


@pytest.mark.parametrize(("code", "expression"), [*enumerate(CODES)])
def test_codes_are_those_of_the_makers(tmp_path, code, expression):
    (recording,) = read(put(tmp_path, frames(), label(code))).recordings
    assert {s.expression for s in recording.sources} == {expression}


@pytest.mark.parametrize("top", ["Emotion", "Emotion_labels", "emotion_labels/Emotion", "x"])
def test_the_folder_of_labels_may_have_any_name(tmp_path, top):
    assert len(only(put(tmp_path, frames(), label(5, top=top))).sources) == 3


def test_sequences_of_one_person_have_one_subject_and_stay_apart(tmp_path):
    put(tmp_path, frames(), label(1), frames(take="002"), label(5, take="002"))
    put(tmp_path, frames("S999"), label(7, "S999"))
    found = read(tmp_path)
    assert found.skipped == []
    assert [(r.sources[0].sequence, r.sources[0].subject) for r in found.recordings] == [
        ("S005/001", "S005"), ("S005/002", "S005"), ("S999/001", "S999"),
    ]  # fmt: skip


def test_gaps_in_the_numbers_do_not_matter(tmp_path):
    recording = only(put(tmp_path, frames(numbers=(1, 2, 5, 9, 20)), label(3, peak=20)))
    assert [name[-6:] for name in names(recording)] == ["05.png", "09.png", "20.png"]
    assert [s.frame for s in recording.sources] == [2, 3, 4]


def test_case_does_not_matter(tmp_path):
    mixed = {name.replace(".png", ".PNG").lower(): data for name, data in frames().items()}
    recording = only(put(tmp_path, mixed, label(3)))
    assert recording.sources[0].subject == "S005"


def test_what_systems_and_makers_leave_between_is_passed_over_in_silence(tmp_path):
    put(tmp_path, frames(), label(3))
    junk = {".DS_Store": b"x", f"{IMAGES}/.DS_Store": b"x", "Emotion/S005/001/.DS_Store": b"x"}
    junk |= {f"__MACOSX/{IMAGES}/S005/001/._S005_001_00000011.png": b"x", "ReadMe.txt": b"x"}
    junk |= {"FACS/S005/001/S005_001_00000011_facs.txt": b"   9.0000000e+00   4.0000000e+00"}
    junk |= {"Landmarks/S005/001/S005_001_00000011_landmarks.txt": b"1 2"}
    put(tmp_path, junk)
    assert names(only(tmp_path))[-1] == "S005_001_00000011.png"


def test_peak_frames_and_the_neutral_first_frame_are_the_protocols(tmp_path):
    put(tmp_path, frames(), label(3))
    assert len(only(tmp_path, peak_frames=1).sources) == 1
    neutral, peak = read(tmp_path, peak_frames=5, neutral=True).recordings
    assert len(peak.sources) == 5
    (first,) = neutral.sources
    assert (first.expression, first.subject, first.frame) == ("neutral", "S005", 0)
    assert first.name.endswith("S005_001_00000001.png")
    assert first.sequence != peak.sources[0].sequence


@pytest.mark.parametrize("count", [1, 2, 3])
def test_a_sequence_shorter_than_the_peak_is_taken_whole_and_has_no_neutral(tmp_path, count):
    put(tmp_path, frames(numbers=range(1, count + 1)), label(3, peak=count))
    assert len(only(tmp_path, neutral=True).sources) == count


def test_grey_and_colour_pictures_are_both_read(tmp_path):
    put(tmp_path, frames(numbers=(1, 2)), frames(numbers=(3,), picture=png("RGB")), label(3))
    put(tmp_path, label(3, peak=3))
    (tmp_path / "Emotion/S005/001/S005_001_00000011_emotion.txt").unlink()
    pictures = [source.picture for source in only(tmp_path).sources]
    assert [image.shape for image in PictureReader().read(pictures)] == [(12, 16, 3)] * 3


def test_the_zip_files_as_downloaded_are_read_in_place(tmp_path):
    pack(tmp_path / "extended-cohn-kanade-images.zip", frames(), {"__MACOSX/._x": b""})
    pack(tmp_path / "Emotion_labels.zip", label(3), {"Emotion/.DS_Store": b""})
    recording = only(tmp_path)
    pictures = [source.picture for source in recording.sources]
    assert all(picture.member for picture in pictures)
    assert [image.shape for image in PictureReader().read(pictures)] == [(12, 16, 3)] * 3


def test_zip_files_may_lie_beside_unpacked_folders(tmp_path):
    put(tmp_path, frames())
    pack(tmp_path / "Emotion_labels.zip", label(3))
    assert names(only(tmp_path))[-1] == "S005_001_00000011.png"


def test_one_zip_file_of_everything_may_be_the_path(tmp_path):
    assert len(only(pack(tmp_path / "all.zip", frames(), label(3))).sources) == 3


def test_an_unpacked_zip_that_still_lies_there_is_one_row_and_gives_nothing_twice(tmp_path):
    both = [
        *(frames(take=f"00{n}") for n in range(1, 5)),
        *(label(3, take=f"00{n}") for n in range(1, 5)),
    ]
    put(tmp_path, *both)
    pack(tmp_path / "all.zip", *both)
    found = read(tmp_path)
    assert len(found.recordings) == 4
    ((name, reason),) = reasons(found).items()
    assert name == f"all.zip/{IMAGES}"
    assert reason == f"4 of its 4 sequences are a second copy; the one in {IMAGES} is used"


def test_frames_of_two_copies_are_never_mixed(tmp_path):
    put(tmp_path, frames(), label(3))
    put(tmp_path, frames(top="cropped", numbers=range(1, 15)))
    found = read(tmp_path)
    assert [name[-6:] for name in names(found.recordings[0])] == ["09.png", "10.png", "11.png"]
    assert reasons(found)["cropped"].startswith("cropped or aligned pictures; the originals")


def test_a_second_file_of_one_frame_is_reported(tmp_path):
    put(tmp_path, frames(), label(3), {f"{IMAGES}/S005/001/S005_001_00000011.tiff": GREY})
    found = read(tmp_path)
    assert names(found.recordings[0])[-1] == "S005_001_00000011.png"
    assert reasons(found) == {
        f"{IMAGES}/S005/001/S005_001_00000011.tiff": "a second copy of this frame"
    }


def test_unlabelled_sequences_are_left_out_with_the_reason(tmp_path):
    put(tmp_path, frames(), label(3), frames("S010"), {"Emotion/S010/001/x.txt": b""})
    found = read(tmp_path)
    assert len(found.recordings) == 1
    assert reasons(found) == {"S010/001": "no expression label"}


def test_labels_without_frames_are_reported(tmp_path):
    found = read(put(tmp_path, frames(), label(3), label(3, "S010")))
    assert len(found.recordings) == 1
    assert reasons(found) == {"S010/001": "labelled, but its frames are missing"}


def test_a_sequence_that_ends_before_its_labelled_peak_is_left_out(tmp_path):
    found = read(put(tmp_path, frames(numbers=range(1, 9)), label(3)))
    assert found.recordings == []
    assert reasons(found) == {"S005/001": "ends with frame 8, before the peak frame 11"}


@pytest.mark.parametrize(
    "text", [b"8.0000000e+00", b"-1", b"2.5", b"nan", b"inf", b"happy", b"3.0000000e+", b"   \n",
             b"3 4", b"\x00\x01", b"\xff\xfe\xff", b"3\x00.\x000\x00"],
)  # fmt: skip
def test_a_label_that_is_no_code_is_left_out_and_quoted_harmlessly(tmp_path, text):
    found = read(put(tmp_path, frames(), label(text)))
    assert found.recordings == []
    (reason,) = reasons(found).values()
    assert "emotion.txt contains" in reason
    assert "not a number from 0 to 7" in reason
    assert reason.isprintable()


def test_an_empty_label_file_says_so(tmp_path):
    found = read(put(tmp_path, frames(), label(b"")))
    assert found.recordings == []
    assert "is empty" in reasons(found)["S005/001"]


def test_a_label_file_that_is_far_too_long_is_not_read(tmp_path):
    found = read(put(tmp_path, frames(), label(b"3" * 100_000)))
    assert "100,000 bytes" in reasons(found)["S005/001"]


@pytest.mark.parametrize(
    "text",
    ["   3.0000000e+00\n".encode(code) for code in ("utf-8-sig", "utf-16", "latin-1")]
    + [b"3", b"3.0\r\n", b"\t3.0000000e+00 \n\n"],
)
def test_labels_in_other_encodings_and_line_ends_are_read(tmp_path, text):
    assert only(put(tmp_path, frames(), label(text))).sources[0].expression == "disgust"


def test_labels_that_differ_are_reported_and_equal_ones_are_one(tmp_path):
    put(tmp_path, frames(), label(3), label(3, top="Emotion_labels"))
    assert only(tmp_path).sources[0].expression == "disgust"
    put(tmp_path, label(5, top="Emotion_labels"))
    found = read(tmp_path)
    assert reasons(found) == {"S005/001": "several labels that differ (disgust, happiness)"}


def test_frames_alone_and_labels_alone_say_what_is_missing(tmp_path):
    with pytest.raises(DeganError, match=r"frames of CK\+ but no label.*Emotion_labels\.zip"):
        read(put(tmp_path / "a", frames()))
    with pytest.raises(DeganError, match=r"no CK\+ sequence .*give the folder"):
        read(put(tmp_path / "b", label(3)))


def test_an_encrypted_zip_is_what_the_message_says(tmp_path):
    path = pack(tmp_path / "extended-cohn-kanade-images.zip", frames())
    data = bytearray(path.read_bytes())
    at = data.find(b"PK\x01\x02")
    while at >= 0:
        data[at + 8] |= 1
        at = data.find(b"PK\x01\x02", at + 4)
    path.write_bytes(bytes(data))
    with pytest.raises(DeganError, match=r"no CK\+ sequence.*11 of its files are encrypted"):
        read(put(tmp_path, label(3)))


def test_a_damaged_zip_is_reported_beside_what_is_found(tmp_path):
    put(tmp_path, frames(), label(3), {"Landmarks.zip": b"PK\x03\x04 cut"})
    found = read(tmp_path)
    assert len(found.recordings) == 1
    assert "damaged" in reasons(found)["Landmarks.zip"]


def test_a_path_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(DeganError, match="does not exist"):
        read(tmp_path / "gone")


def test_a_complete_copy_differs_in_nothing_and_another_in_what_it_lacks(tmp_path):
    complete = {"anger": 45, "contempt": 18, "disgust": 59, "fear": 25, "happiness": 69,
                "sadness": 28, "surprise": 83}  # fmt: skip
    codes = [CODES.index(name) for name, count in complete.items() for _ in range(count)]
    path = tmp_path / "all.zip"
    with zipfile.ZipFile(path, "w") as file:
        for number, code in enumerate(codes):
            subject, take = f"S{number % 118 + 5:03d}", f"{number // 118 + 1:03d}"
            parts = frames(subject, take, range(1, 5), picture=b"") | label(code, subject, take, 4)
            for name, data in parts.items():
                file.writestr(name, data)
    found = read(path, neutral=True)
    assert found.skipped == []
    assert count_differences(found, ADAPTER, Protocol()) == []
    del found.recordings[:2]  # a neutral frame and a peak
    assert count_differences(found, ADAPTER, Protocol()) == [
        "recordings: 326 of 327",
        "anger: 44 of 45",
    ]


@settings(
    max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.one_of(st.binary(max_size=60), st.text("0123456789.e+- \n\t\0", max_size=20)))
def test_any_label_gives_an_expression_or_a_reason(tmp_path, text):
    if not (tmp_path / IMAGES).exists():
        put(tmp_path, frames(numbers=(9, 10, 11)))
    put(tmp_path, label(text if isinstance(text, bytes) else text.encode()))
    with suppress(DeganError):
        found = read(tmp_path)
        assert isinstance(found, AdapterResult)
        assert len(found.recordings) + len(found.skipped) == 1
        for recording in found.recordings:
            assert recording.sources[0].expression in CODES


PARTS = ["S005", "s005", "001", "S005_001_00000011", "_emotion", ".txt", ".png", "Emotion"]
PATHS = st.lists(st.sampled_from([*PARTS, "/", "/", "_", "S010", "9" * 30]), max_size=9)


@settings(max_examples=80, deadline=None)
@given(st.sets(PATHS.map("".join).filter(bool), max_size=6))
def test_any_names_give_what_is_found_or_a_sentence(tmp_path_factory, some):
    path = pack(tmp_path_factory.getbasetemp() / "names.zip", dict.fromkeys(sorted(some), b"3"))
    with suppress(DeganError):
        assert isinstance(read(path), AdapterResult)
    assert isinstance(
        read(pack(path, dict.fromkeys(some, b"3"), frames(), label(3))), AdapterResult
    )
