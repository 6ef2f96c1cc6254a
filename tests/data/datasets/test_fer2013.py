"""FER2013: pictures in a table, or in folders."""

import zipfile
from contextlib import suppress

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from degan.data.datasets import fer2013
from degan.data.datasets.fer2013 import ADAPTER
from degan.data.pictures import Location, PictureReader, Pixels
from degan.data.protocol import Protocol
from degan.errors import DeganError
from fer_tables import voted, write_pictures, write_votes_table
from stills import differs, make, photos, reasons, sums_up, zipped

HEADER = "emotion,pixels,Usage\n"
GREY = " ".join(["128"] * 2304)


def row(emotion=0, pixels=GREY, usage="Training"):
    return f"{emotion},{pixels},{usage}\n"


def table(root, text, name="fer2013.csv", encoding="utf-8"):
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text.encode(encoding))
    return path


def read(path):
    return ADAPTER.read(path, Protocol())


def test_the_expected_counts_are_those_of_the_competition():
    assert sums_up(ADAPTER)
    assert ADAPTER.expected.recordings == 28_709 + 2 * 3_589


def test_rows_become_pictures_with_the_given_split(tmp_path):
    usages = ["Training"] * 5 + ["PublicTest", "PrivateTest"]
    text = "".join(row(code, usage=usage) for code, usage in enumerate(usages))
    assert photos(read(table(tmp_path, HEADER + text))) == [
        ("fer2013.csv:2", "anger", "", "train"),
        ("fer2013.csv:3", "disgust", "", "train"),
        ("fer2013.csv:4", "fear", "", "train"),
        ("fer2013.csv:5", "happiness", "", "train"),
        ("fer2013.csv:6", "sadness", "", "train"),
        ("fer2013.csv:7", "surprise", "", "validation"),
        ("fer2013.csv:8", "neutral", "", "test"),
    ]


def test_pixels_run_row_by_row(tmp_path):
    values = np.random.default_rng(0).integers(0, 256, (48, 48))
    found = read(table(tmp_path, HEADER + row(pixels=" ".join(map(str, values.ravel())))))
    picture = found.recordings[0].sources[0].picture
    assert isinstance(picture, Pixels)
    (image,) = PictureReader().read([picture])
    assert image.dtype == np.uint8
    assert np.array_equal(image, np.repeat(values[..., None], 3, axis=2))


@pytest.mark.parametrize(
    "text",
    [
        HEADER + row(3),
        HEADER.lower() + row(3, usage="training"),
        f"emotion, Usage, pixels\n3, Training,{GREY}\n",
        f'"emotion","pixels","Usage"\r\n"3","{GREY}","Training"\r\n',
        f"id,emotion,pixels,Usage\n77,3,{GREY} ,Training",
        "\ufeff" + HEADER + row(3) + "\n\n",
    ],
    ids=["official", "lower case", "icml_face_data", "quoted", "more columns", "mark"],
)
def test_columns_may_be_in_any_order_and_case(tmp_path, text):
    assert photos(read(table(tmp_path, text))) == [("fer2013.csv:2", "happiness", "", "train")]


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (row(7), "'7' is not an expression number (0 to 6)"),
        (row(-1), "'-1' is not an expression number (0 to 6)"),
        (row("x" * 99), f"'{'x' * 40}' is not an expression number (0 to 6)"),
        (row(usage="Holiday"), "usage 'Holiday' is not one of Training, PublicTest, PrivateTest"),
        (row(usage=""), "usage '' is not one of"),
        (row(pixels=GREY[4:]), "2,303 pixels instead of 2,304"),
        (row(pixels=GREY + " 0"), "2,305 pixels instead of 2,304"),
        (row(pixels=GREY[:-3] + "256"), "a pixel has the value 256, which is more than 255"),
        (row(pixels=GREY[:-3] + "9" * 30), "which is more than 255"),
        (row(pixels=GREY[:-3] + "-1"), "not whole numbers"),
        (row(pixels=GREY[:-3] + "1.5"), "not whole numbers"),
        (row(pixels=GREY[:-3] + "é"), "not whole numbers"),
        (row(pixels=""), "not whole numbers"),
        (f"0,{GREY[:100]}\n", "incomplete or not valid CSV: 2 cells for 3 columns"),
        (f'0,"{GREY},Training\n', "incomplete or not valid CSV: 0 cells for 3 columns"),
        (f"0,{GREY * 20},Training\n", "longer than 65,536 bytes"),
    ],
)
def test_a_faulty_row_is_left_out_with_its_line_and_the_rest_kept(tmp_path, line, reason):
    found = read(table(tmp_path, HEADER + row(1) + line + row(2)))
    names = [name for name, *_ in photos(found)]
    assert names == ["fer2013.csv:2", "fer2013.csv:4"]
    ((where, why),) = found.skipped
    assert where == "fer2013.csv:3"
    assert reason in why
    assert len(why) < 200


def test_a_table_that_breaks_off_loses_its_last_row_alone(tmp_path):
    found = read(table(tmp_path, HEADER + row() + row()[:5000]))
    assert len(photos(found)) == 1
    assert "incomplete" in reasons(found)["fer2013.csv:3"]


def test_a_long_line_is_passed_over_without_being_held(tmp_path):
    found = read(table(tmp_path, HEADER + "1" * 3_000_000 + "\n" + row()))
    assert [name for name, *_ in photos(found)] == ["fer2013.csv:3"]
    assert list(reasons(found)) == ["fer2013.csv:2"]


@pytest.mark.parametrize("limit", ["_MAX_BYTES", "_MAX_ROWS"])
def test_a_table_that_is_too_large_is_refused(tmp_path, monkeypatch, limit):
    monkeypatch.setattr(fer2013, limit, 3)
    with pytest.raises(DeganError, match="more than any copy of FER2013"):
        read(table(tmp_path, HEADER + row() * 4))


@pytest.mark.parametrize("text", ["", "\n", "emotion,pixels\n0,1\n", "path,expression,subject\n"])
def test_another_table_is_refused_with_what_it_lacks(tmp_path, text):
    with pytest.raises(DeganError, match=r"fer2013\.csv is not the table.*has no column.*usage"):
        read(table(tmp_path, text))


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-32"])
def test_a_table_in_another_encoding_is_refused(tmp_path, encoding):
    with pytest.raises(DeganError, match="not the table of FER2013 in UTF-8"):
        read(table(tmp_path, HEADER + row(), encoding=encoding))


def test_a_table_without_a_usable_row_names_the_first_fault(tmp_path):
    with pytest.raises(DeganError, match=r"no row with a picture; .*again$"):
        read(table(tmp_path, HEADER))
    with pytest.raises(DeganError, match=r"the first row left out: fer2013\.csv:2 \('9' is not an"):
        read(table(tmp_path, HEADER + row(9) + row(8)))


def test_a_table_is_found_in_a_folder_among_others(tmp_path):
    table(tmp_path, HEADER + row(), name="fer2013/fer2013.csv")
    table(tmp_path, "emotion,pixels\n", name="fer2013/train.csv")
    table(tmp_path, "Usage,Image name,neutral\n", name="fer2013new.csv")
    make(tmp_path, "fer2013/README", "fer2013/fer2013.bib", ".DS_Store", "fer2013/._fer2013.csv")
    found = read(tmp_path)
    assert photos(found) == [("fer2013/fer2013.csv:2", "anger", "", "train")]
    assert found.skipped == []


def test_a_table_is_read_out_of_a_zip_file(tmp_path):
    path = tmp_path / "archive.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("fer2013/FER2013.CSV", HEADER + row() + row(9))
        archive.writestr("__MACOSX/fer2013/._FER2013.CSV", "")
    found = read(path)
    assert photos(found) == [("fer2013/FER2013.CSV:2", "anger", "", "train")]
    assert list(reasons(found)) == ["fer2013/FER2013.CSV:3"]
    assert photos(read(tmp_path)) == [("archive.zip/fer2013/FER2013.CSV:2", "anger", "", "train")]


def test_a_zip_file_that_is_damaged_inside_is_named(tmp_path):
    path = zipped(tmp_path / "archive.zip", **{"fer2013.csv": HEADER + row() * 50})
    data = bytearray(path.read_bytes())
    data[3000] ^= 1
    path.write_bytes(data)
    with pytest.raises(DeganError, match=r"fer2013\.csv is damaged or cannot be read"):
        read(path)


def test_a_zip_file_cut_short_is_not_taken_for_a_table(tmp_path):
    path = zipped(tmp_path / "archive.zip", **{"fer2013.csv": HEADER + row() * 50})
    path.write_bytes(path.read_bytes()[:-40])
    with pytest.raises(DeganError, match=r"archive\.zip is neither a folder nor a zip file"):
        read(path)


def test_two_tables_ask_which(tmp_path):
    for name in ("a/fer2013.csv", "b/icml_face_data.csv"):
        table(tmp_path, HEADER + row(), name=name)
    with pytest.raises(DeganError, match=r"several tables.*a/fer2013\.csv, b/icml_face_data\.csv"):
        read(tmp_path)


def test_folders_of_splits_and_expressions_are_read_where_there_is_no_table(tmp_path):
    make(tmp_path, "train/angry/im0.png", "train/Disgusted/im0.png", "test/happy/im0.png")
    found = read(tmp_path)
    assert photos(found) == [
        ("test/happy/im0.png", "happiness", "", "test"),
        ("train/Disgusted/im0.png", "disgust", "", "train"),
        ("train/angry/im0.png", "anger", "", "train"),
    ]
    place = found.recordings[0].sources[0].picture
    assert place == Location(tmp_path / "test/happy/im0.png")


def test_a_folder_of_both_tests_is_told_apart_by_the_names(tmp_path):
    make(tmp_path, "train/sad/Training_1.jpg", "test/sad/PublicTest_2.jpg")
    make(tmp_path, "test/sad/PrivateTest_3.jpg", "validation/sad/4.jpg")
    assert [(name[-5:], split) for name, _, _, split in photos(read(tmp_path))] == [
        ("3.jpg", "test"), ("2.jpg", "validation"), ("1.jpg", "train"), ("4.jpg", "validation"),
    ]  # fmt: skip


def test_what_does_not_fit_into_the_folders_is_reported(tmp_path):
    make(tmp_path, "train/angry/im0.png", "train/bored/im1.png", "train/contempt/im2.png")
    make(tmp_path, "cover.png", "train/angry/.DS_Store", "notes.txt")
    zipped(tmp_path / "copy.zip", "TRAIN/Angry/im0.png", "train/angry/im9.png")
    found = read(tmp_path)
    assert [name for name, *_ in photos(found)] == [
        "copy.zip/TRAIN/Angry/im0.png", "copy.zip/train/angry/im9.png",
    ]  # fmt: skip
    assert reasons(found) == {
        "cover.png": "not in a folder like train/angry",
        "train/angry/im0.png": "a second copy of copy.zip/TRAIN/Angry/im0.png",
        "train/bored/im1.png": "'bored' is not an expression of FER2013",
        "train/contempt/im2.png": "'contempt' is not an expression of FER2013",
    }


def test_a_table_goes_before_folders(tmp_path):
    table(make(tmp_path, "train/angry/im0.png"), HEADER + row(6))
    assert [expression for _, expression, *_ in photos(read(tmp_path))] == ["neutral"]


def test_a_folder_without_fer2013_says_what_was_looked_for(tmp_path):
    with pytest.raises(DeganError, match=r"neither fer2013\.csv .*nor folders like train/angry"):
        read(make(tmp_path, "cover.png"))
    with pytest.raises(DeganError, match="does not exist"):
        read(tmp_path / "gone.csv")


def test_the_pictures_are_taken_as_cut_out_faces_of_nobody_known():
    assert ADAPTER.cut_out
    assert not ADAPTER.people


class TestVotes:
    """The table of FER+ next to the table of pictures."""

    PICTURES = ((0, "Training"), (6, "Training"), (2, "PublicTest"), (4, "PrivateTest"))

    def tables(self, root, *votes):
        pictures = write_pictures(root / "fer2013.csv", *self.PICTURES)
        return pictures, write_votes_table(root / "fer2013new.csv", *votes)

    @pytest.fixture
    def both(self, tmp_path):
        return self.tables(
            tmp_path,
            voted(contempt=5, anger=3, fear=1, sadness=1),
            voted(neutral=5, sadness=5),
            voted("PublicTest", unknown=6, fear=4),
            voted("PrivateTest", NF=7, sadness=3),
        )

    def test_the_majority_sets_the_labels(self, both):
        found = ADAPTER.read(both[0], Protocol(votes=both[1]))
        assert photos(found) == [("fer2013.csv:2", "contempt", "", "train")]
        assert reasons(found) == {
            "fer2013.csv:3": "no expression has the majority of the votes",
            "fer2013.csv:4": "most people recognised no expression",
            "fer2013.csv:5": "most people saw no face",
        }
        assert found.notes == [
            "the votes leave out 3 of 4 pictures: 1 (most people saw no face), 1 (most people "
            "recognised no expression), 1 (no expression has the majority of the votes)"
        ]

    def test_with_original_labels_only_what_is_no_face_is_left_out(self, both):
        found = ADAPTER.read(both[0], Protocol(votes=both[1], labels="original"))
        assert photos(found) == [
            ("fer2013.csv:2", "anger", "", "train"),
            ("fer2013.csv:3", "neutral", "", "train"),
            ("fer2013.csv:4", "fear", "", "validation"),
        ]
        assert reasons(found) == {"fer2013.csv:5": "most people saw no face"}

    @pytest.mark.parametrize("labels", [None, "majority", "original"])
    def test_every_picture_has_all_of_its_votes(self, both, labels):
        found = ADAPTER.read(both[0], Protocol(votes=both[1], labels=labels))
        names = [name for name, *_ in photos(found)]
        assert list(found.votes) == names
        single = {name: n for name, n in found.votes["fer2013.csv:2"].items() if n}
        assert single == {"contempt": 5, "anger": 3, "fear": 1, "sadness": 1}

    @pytest.mark.parametrize("labels", ["majority", "original"])
    def test_a_picture_that_fer_plus_removed_is_left_out(self, tmp_path, labels):
        paths = self.tables(
            tmp_path,
            voted(anger=9),
            voted(image=" ", neutral=10),
            voted("PublicTest", fear=9),
            voted("PrivateTest", image="", NF=10),
        )
        found = ADAPTER.read(paths[0], Protocol(votes=paths[1], labels=labels))
        assert reasons(found) == dict.fromkeys(
            ("fer2013.csv:3", "fer2013.csv:5"), "FER+ removed this picture"
        )

    @pytest.mark.parametrize("labels", ["majority", "original"])
    def test_a_copy_is_compared_by_the_labels_of_fer2013(self, both, labels):
        plain = differs(ADAPTER, both[0])
        assert "anger: 1 of 4953" in plain
        assert differs(ADAPTER, both[0], votes=both[1], labels=labels) == plain

    def test_rows_belong_together_by_their_order_not_by_their_lines(self, tmp_path):
        rows = [row(0), "\n", row(9), row(6), row(2, usage="PublicTest")]
        pictures = table(tmp_path, HEADER + "".join(rows))
        votes = write_votes_table(
            tmp_path / "fer2013new.csv",
            voted(anger=10),
            voted(disgust=10),
            voted(sadness=10),
            voted("PublicTest", fear=10),
        )
        found = ADAPTER.read(pictures, Protocol(votes=votes))
        assert [expression for _, expression, *_ in photos(found)] == ["anger", "sadness", "fear"]
        assert list(reasons(found)) == ["fer2013.csv:4"]

    def test_both_tables_may_be_in_a_zip_file(self, both, tmp_path):
        archive = tmp_path / "all.zip"
        with zipfile.ZipFile(archive, "w") as packed:
            for path in both:
                packed.write(path, f"fer/{path.name}")
        found = ADAPTER.read(archive, Protocol(votes=archive))
        assert photos(found) == [("fer/fer2013.csv:2", "contempt", "", "train")]

    @pytest.mark.parametrize(
        ("rows", "said"),
        [
            (["Training"] * 2 + ["PublicTest"], r"has votes on 3 pictures, but there are more"),
            (
                ["Training"] * 2 + ["PublicTest"] + ["PrivateTest"] * 2,
                r"has votes on 5 pictures, but .*fer2013\.csv has only 4 rows",
            ),
            (
                ["Training", "PublicTest", "PublicTest", "PrivateTest"],
                r"line 3 of .*fer2013new\.csv has the usage of the part validation, but its "
                r"picture fer2013\.csv:3 is in the part train",
            ),
        ],
    )
    @pytest.mark.parametrize("labels", ["majority", "original"])
    def test_a_table_of_other_pictures_is_refused(self, tmp_path, rows, said, labels):
        paths = self.tables(tmp_path, *(voted(usage, fear=9) for usage in rows))
        with pytest.raises(DeganError, match=said + r".*; use complete copies of fer2013\.csv"):
            ADAPTER.read(paths[0], Protocol(votes=paths[1], labels=labels))

    def test_votes_that_leave_nothing_say_so(self, tmp_path):
        usages = [usage for _, usage in self.PICTURES]
        paths = self.tables(tmp_path, *(voted(usage, unknown=10) for usage in usages))
        with pytest.raises(DeganError, match=r"leave out every picture of .*fer2013\.csv"):
            ADAPTER.read(paths[0], Protocol(votes=paths[1]))

    def test_pictures_in_folders_have_no_rows_and_are_refused(self, both, tmp_path):
        folders = make(tmp_path / "folders", "train/angry/Training_1.png")
        with pytest.raises(DeganError, match="votes belong to the rows of this table; give"):
            ADAPTER.read(folders, Protocol(votes=both[1]))


CELLS = st.sampled_from(
    ["0", "6", "7", GREY, "1 2", "Training", "PublicTest", *',,,\n"\r\0 é\ufeff']
)
ROWS = st.lists(CELLS, max_size=12).map("".join)
BYTES = st.one_of(
    st.binary(max_size=200),
    ROWS.map(lambda text: (HEADER + text).encode()),
    st.binary(max_size=60).map(lambda data: (HEADER + row()).encode() + data),
)


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(BYTES, st.sampled_from(["file", "folder", "zip"]))
def test_any_bytes_as_a_table_give_pictures_or_a_sentence(tmp_path, data, way):
    folder = tmp_path / way
    folder.mkdir(exist_ok=True)
    path = folder / "fer2013.csv"
    if way == "zip":
        path = zipped(folder / "a.zip", **{"fer2013.csv": data})
    else:
        path.write_bytes(data)
    with suppress(DeganError):
        found = read(folder if way == "folder" else path)
        assert found.recordings
        assert all(len(r.sources[0].picture.values) == 2304 for r in found.recordings)
