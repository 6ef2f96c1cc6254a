"""RAF-DB: a list of labels, and aligned photos."""

from contextlib import suppress

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from degan.data.datasets.rafdb import ADAPTER, CODES
from degan.data.pictures import Location
from degan.data.protocol import Protocol
from degan.errors import DeganError
from stills import differs, make, photos, reasons, sums_up, zipped

LIST = "EmoLabel/list_patition_label.txt"
# Photos to train with and to test with, from 1 surprise to 7 neutral.
TRAIN = (1290, 281, 717, 4772, 1982, 705, 2524)
TEST = (329, 74, 160, 1185, 478, 162, 680)


def listed(root, text, name=LIST, encoding="utf-8"):
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text.encode(encoding))
    return root


def copy(root, text="train_00001.jpg 5\n", names=("train_00001",)):
    make(root, *(f"Image/aligned/{name}_aligned.jpg" for name in names))
    return listed(root, text)


def read(path):
    return ADAPTER.read(path, Protocol())


def names(found):
    return [name for name, *_ in photos(found)]


def test_a_complete_copy_differs_in_nothing(tmp_path):
    labels = [
        f"{part}_{number:05d} {code}"
        for part, counts in (("train", TRAIN), ("test", TEST))
        for number, code in enumerate((c for c, n in enumerate(counts, 1) for _ in range(n)), 1)
    ]
    text = "".join(f"{line.replace(' ', '.jpg ')}\n" for line in labels)
    aligned = [f"aligned/{line.split()[0]}_aligned.jpg" for line in labels]
    zipped(tmp_path / "basic" / "Image" / "aligned.zip", *aligned)
    listed(tmp_path, text, name=f"basic/{LIST}")
    assert differs(ADAPTER, tmp_path) == []
    assert sums_up(ADAPTER)
    splits = [split for *_, split in photos(read(tmp_path))]
    assert (splits.count("train"), splits.count("test")) == (12_271, 3_068)


@pytest.mark.parametrize(
    ("code", "expression"),
    [(1, "surprise"), (2, "fear"), (3, "disgust"), (4, "happiness"), (5, "sadness"), (6, "anger"),
     (7, "neutral")],
)  # fmt: skip
def test_each_number_is_an_expression(tmp_path, code, expression):
    found = read(copy(tmp_path, f"train_00001.jpg {code}\n"))
    assert photos(found) == [("Image/aligned/train_00001_aligned.jpg", expression, "", "train")]
    place = tmp_path / "Image/aligned/train_00001_aligned.jpg"
    assert found.recordings[0].sources[0].picture == Location(place)


def test_the_split_is_in_the_name(tmp_path):
    text = "train_00001.jpg 5\ntest_0001.jpg 5\n"
    found = read(copy(tmp_path, text, ["train_00001", "test_0001"]))
    assert [split for *_, split in photos(found)] == ["test", "train"]


@pytest.mark.parametrize(
    "text",
    [
        "train_00001.jpg 5",
        "\ufefftrain_00001.jpg 5\r\n\r\n",
        "TRAIN_00001.JPG\t5\n",
        "  train_00001_aligned.jpg   5  \n\n",
        "train_00001.jpg 5\ntrain_00001.jpg 5\n",
    ],
)
def test_lines_may_be_written_in_several_ways(tmp_path, text):
    found = read(copy(tmp_path, text))
    assert len(photos(found)) == 1
    assert found.skipped == []


def test_the_list_may_be_spelled_as_meant_and_be_in_utf16(tmp_path):
    make(tmp_path, "train_00001_aligned.jpg")
    listed(tmp_path, "train_00001.jpg 5\n", name="List_Partition_Label.txt", encoding="utf-16")
    assert len(photos(read(tmp_path))) == 1


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("train_00009.jpg 0", "'0' is not an expression number (1 to 7)"),
        ("train_00009.jpg 8", "'8' is not an expression number (1 to 7)"),
        ("train_00009.jpg -1", "'-1' is not an expression number"),
        ("train_00009.jpg 5.0", "'5.0' is not an expression number"),
        ("train_00009.jpg sad", "'sad' is not an expression number"),
        ("train_00009.jpg", "'train_00009.jpg' is not a file name and a number"),
        ("train_00009.jpg 5 6", "is not a file name and a number"),
        ("holiday.jpg 5", "'holiday.jpg' is not the name of a RAF-DB photo"),
        ("train_00009.txt 5", "'train_00009.txt' is not the name"),
        ("te\u017ft_00009.jpg 5", "'te\u017ft_00009.jpg' is not the name"),
        ("val_00009.jpg 5", "'val_00009.jpg' is not the name"),
        ("x" * 1000, f"'{'x' * 40}' is not"),
    ],
)
def test_a_faulty_line_is_left_out_with_its_number_and_the_rest_kept(tmp_path, line, reason):
    found = read(copy(tmp_path, f"train_00001.jpg 5\n{line}\ntrain_00002.jpg 4\n",
                      ["train_00001", "train_00002"]))  # fmt: skip
    assert len(photos(found)) == 2
    assert reason in reasons(found)[f"{LIST}:2"]
    assert len(found.skipped) == 1


def test_photos_and_labels_that_lack_the_other_are_reported(tmp_path):
    found = read(copy(tmp_path, "train_00001.jpg 5\ntrain_00002.jpg 5\n",
                      ["train_00001", "train_00003"]))  # fmt: skip
    assert names(found) == ["Image/aligned/train_00001_aligned.jpg"]
    assert reasons(found) == {
        "train_00002": "labelled, but its photo is missing",
        "Image/aligned/train_00003_aligned.jpg": f"no label in {LIST}",
    }


def test_a_photo_with_two_labels_is_left_out(tmp_path):
    found = read(copy(tmp_path, "train_00001.jpg 5\ntrain_00002.jpg 5\ntrain_00002.jpg 6\n",
                      ["train_00001", "train_00002"]))  # fmt: skip
    assert len(photos(found)) == 1
    assert reasons(found) == {"train_00002": f"labelled as anger and sadness in {LIST}"}


def test_stray_files_are_passed_over_or_reported(tmp_path):
    copy(tmp_path)
    make(tmp_path, ".DS_Store", "Image/.DS_Store", "readme.txt", "Image/original/train_00001.jpg")
    make(tmp_path, "Annotation/auto/train_00001_auto_attri.txt", "cover.jpg")
    make(tmp_path, "Image/aligned2/TRAIN_00001_aligned.jpg")
    found = read(tmp_path)
    assert names(found) == ["Image/aligned/train_00001_aligned.jpg"]
    assert reasons(found) == {
        "cover.jpg": "the file name is not like train_00001_aligned",
        "Image/aligned2/TRAIN_00001_aligned.jpg":
            "a second copy of Image/aligned/train_00001_aligned.jpg",
    }  # fmt: skip


def test_a_zip_file_of_all_is_read_in_place(tmp_path):
    path = zipped(tmp_path / "basic.zip", "basic/Image/aligned/test_0001_aligned.jpg",
                  **{f"basic/{LIST}": "test_0001.jpg 4\n"})  # fmt: skip
    name = "basic/Image/aligned/test_0001_aligned.jpg"
    assert photos(read(path)) == [(name, "happiness", "", "test")]


def test_a_zip_file_within_a_zip_file_says_what_to_unpack(tmp_path):
    path = zipped(tmp_path / "basic.zip", "basic/Image/aligned.zip",
                  **{f"basic/{LIST}": "test_0001.jpg 4\n"})  # fmt: skip
    with pytest.raises(DeganError, match=r"basic/Image/aligned\.zip is a zip file within a zip"):
        read(path)


def test_without_a_list_it_says_where_one_belongs(tmp_path):
    with pytest.raises(DeganError, match=r"no list of RAF-DB's labels \(EmoLabel/list_patition"):
        read(make(tmp_path, "Image/aligned/train_00001_aligned.jpg"))


def test_without_aligned_photos_it_says_where_they_belong(tmp_path):
    listed(tmp_path, "train_00001.jpg 5\n")
    with pytest.raises(DeganError, match=r"no aligned photo of RAF-DB.*; put Image/aligned\.zip"):
        read(tmp_path)
    make(tmp_path, "Image/original/train_00001.jpg")
    with pytest.raises(DeganError, match=r", only original ones, which degan does not read; put"):
        read(tmp_path)


def test_two_lists_ask_which(tmp_path):
    listed(copy(tmp_path), "train_00001.jpg 4\n", name="old/list_partition_label.txt")
    with pytest.raises(DeganError, match=r"several lists of labels.*old/list_partition_label"):
        read(tmp_path)


def test_compound_expressions_of_the_same_names_are_kept_apart(tmp_path):
    copy(tmp_path / "basic")
    copy(tmp_path / "compound", "train_00001.jpg 2\n")
    found = read(tmp_path)
    assert photos(found) == [
        ("basic/Image/aligned/train_00001_aligned.jpg", "sadness", "", "train")
    ]
    assert found.skipped == []


@pytest.mark.parametrize("folder", ["", "compound"])
def test_compound_expressions_alone_are_refused(tmp_path, folder):
    text = "".join(f"train_{code:04d}.jpg {code}\n" for code in range(1, 12))
    copy(tmp_path / folder, text, [f"train_{code:04d}" for code in range(1, 12)])
    with pytest.raises(DeganError, match="holds RAF-DB's compound expressions"):
        read(tmp_path)


@pytest.mark.parametrize(
    ("text", "detail"),
    [
        ("\n\n", "it is empty"),
        ("image,label\n", "its first line: 'image,label' is not a file name and a number"),
        ("train_00001.jpg 9\n", "its first line: '9' is not an expression number"),
    ],
)
def test_a_list_without_a_label_is_refused(tmp_path, text, detail):
    with pytest.raises(DeganError, match=r"has no line like 'train_00001\.jpg 5'") as error:
        read(copy(tmp_path, text))
    assert detail in str(error.value)


def test_labels_of_other_photos_alone_are_refused(tmp_path):
    with pytest.raises(DeganError, match=f"no photo listed in {LIST}"):
        read(copy(tmp_path, "train_00002.jpg 5\n"))


def test_the_pictures_are_taken_as_cut_out_faces_of_nobody_known():
    assert ADAPTER.cut_out
    assert not ADAPTER.people


WORDS = st.sampled_from(
    ["train_00001.jpg", "test_1.jpg", "te\u017ft_\u0663.jpg", "5", "11", "0", *" \n\r\t\0é/"]
)
TEXTS = st.one_of(
    st.binary(max_size=120),
    st.lists(WORDS, max_size=20).map(lambda words: " ".join(words).encode()),
    st.binary(max_size=60).map(lambda data: b"train_00001.jpg 5\n" + data),
)


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(TEXTS, st.booleans())
def test_any_bytes_as_a_list_give_photos_or_a_sentence(tmp_path, data, in_zip):
    if in_zip:
        root = zipped(tmp_path / "a.zip", "x/train_00001_aligned.jpg", **{LIST: data})
    else:
        root = copy(tmp_path / "a")
        (root / LIST).write_bytes(data)
    with suppress(DeganError):
        found = read(root)
        assert {expression for _, expression, *_ in photos(found)} <= set(CODES)
