"""Boxes of faces from a file: which photo a row means, and what is refused."""

import csv
import io
import json
import random
import shutil
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import degan.system.parquet
from degan.errors import DeganError
from degan.predict.call_settings import Plan
from degan.predict.inputs import Input, find_inputs
from degan.predict.run import predict
from degan.predict.user_boxes import read_boxes
from films import film, scene

HEAD = "path,x,y,width,height\n"
BOX = (80.0, 90.0, 100.0, 110.0)


@pytest.fixture
def photos(examples, tmp_path, monkeypatch):
    """in/a.jpg and in/deep/b.jpg of one face each; the working folder is above."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "in/deep").mkdir(parents=True)
    shutil.copy(examples / "smiling/001.jpg", "in/a.jpg")
    shutil.copy(examples / "neutral/002.jpg", "in/deep/b.jpg")
    return tmp_path


@pytest.fixture
def boxes_of(photos):
    """A function that reads a file of this content; gives boxes by photo, and what was noted."""

    def read(content, name="boxes.csv", words=("in",)):
        path = photos / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        notes = []
        given = find_inputs([photos.__class__(word) for word in words])
        return dict(read_boxes(path, given, notes.append).by_name), notes

    return read


class TestPaths:
    def test_a_row_means_the_photo_that_is_named_so(self, boxes_of):
        read, notes = boxes_of(HEAD + "in/a.jpg,80,90,100,110\n./in/deep/b.jpg,1,2,3,4\n")
        assert read == {"in/a.jpg": (BOX,), "in/deep/b.jpg": ((1, 2, 3, 4),)}
        assert notes == []

    def test_or_the_one_that_lies_there_as_seen_from_the_file(self, boxes_of, photos):
        rows = HEAD + f"deep/b.jpg,1,2,3,4\n{photos / 'in/a.jpg'},80,90,100,110\n"
        read, notes = boxes_of(rows, "in/boxes.csv")
        assert read == {"in/a.jpg": (BOX,), "in/deep/b.jpg": ((1, 2, 3, 4),)}
        assert notes == []

    def test_as_it_is_named_comes_first(self, boxes_of, photos):
        (photos / "in/in").mkdir()
        shutil.copy("in/a.jpg", "in/in/a.jpg")
        read, _ = boxes_of(HEAD + "in/a.jpg,80,90,100,110\n", "in/boxes.csv")
        assert read == {"in/a.jpg": (BOX,)}

    def test_a_photo_has_all_its_rows_in_order(self, boxes_of):
        read, _ = boxes_of(HEAD + "in/a.jpg,5,6,7,8\nin/deep/b.jpg,1,2,3,4\nin/a.jpg,1,2,3,4\n")
        assert read["in/a.jpg"] == ((5, 6, 7, 8), (1, 2, 3, 4))

    def test_of_very_many_that_are_not_read_no_list_is_kept(self, photos, fresh_python):
        # A new interpreter: what earlier tests left in the tables of CPython would count too.
        code = f"""
import sys, tracemalloc
from pathlib import Path
from degan.predict.inputs import find_inputs
from degan.predict.user_boxes import read_boxes

def peak(names):
    Path("boxes.csv").write_text({HEAD!r} + "".join(f"{{name}},1,2,3,4\\n" for name in names))
    notes = []
    inputs = find_inputs([Path("in")])
    tracemalloc.start()
    read_boxes(Path("boxes.csv"), inputs, notes.append)
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return notes[0], most

peak(["100000"])  # what is loaded once
_, one_name = peak(["100000"] * 100_000)
noted, many_names = peak(range(100_000, 200_000))
print((many_names - one_name) / 100_000, noted)
"""
        bytes_a_name, _, noted = fresh_python(code).partition(" ")
        assert (
            "names more than 10,000 photos that are not read (100000, 100001, 100002 and" in noted
        )
        assert float(bytes_a_name) < 100  # 46 to 65; 144 if all are kept

    def test_photos_that_are_not_read_are_told_in_one_note(self, boxes_of):
        rows = "".join(f"gone{number}.jpg,1,2,3,4\n" * 2 for number in range(5))
        read, (told,) = boxes_of(HEAD + rows)
        assert read == {}
        assert "names 5 photos that are not read (gone0.jpg, gone1.jpg, gone2.jpg and oth" in told


class TestForms:
    def test_columns_stand_in_any_order_and_others_do_not_matter(self, boxes_of):
        head = "\ufeffScore, Height ,width,y,x,Path,note\n"
        read, _ = boxes_of(head + '0.9,110,100,90,80,in/a.jpg,"a, b"\n\n')
        assert read == {"in/a.jpg": (BOX,)}

    def test_a_row_without_a_box_says_that_there_is_no_face(self, boxes_of):
        assert boxes_of(HEAD + "in/a.jpg,,,,\n") == ({}, [])

    @pytest.mark.parametrize("name", ["boxes.jsonl", "boxes.ndjson"])
    def test_json_lines_have_the_same_keys(self, boxes_of, name):
        row = dict(zip(("x", "y", "width", "height"), BOX, strict=True))
        read, _ = boxes_of(json.dumps({"path": "in/a.jpg", "mine": [], **row}) + "\n\n", name)
        assert read == {"in/a.jpg": (BOX,)}

    @pytest.mark.parametrize("ending", ["csv", "jsonl", "parquet"])
    def test_what_predict_wrote_gives_its_faces_again(self, photos, ending):
        (photos / "in/broken.jpg").write_bytes(b"words")
        (photos / "in/empty.png").write_bytes((photos / "in/broken.jpg").read_bytes())
        inputs = find_inputs([photos.__class__("in")])
        records = []
        predict(Plan(inputs), records.append)
        expected = {
            record["path"]: tuple(tuple(face["box"]) for face in record["faces"])
            for record in records
            if record.get("faces")
        }
        assert len(expected) == 2
        out = photos / f"first.{ending}"
        predict(Plan(inputs), records.append, out=out)
        notes = []
        assert read_boxes(out, inputs, notes.append).by_name == expected
        assert notes == []


BAD = {
    "": "is empty",
    "path,x,y,width\n": "no column 'height'",
    "path,x,x,y,width,height\n": "no column 'x', or several",
    HEAD + "in/a.jpg,1,2,3\n": "line 2 of boxes.csv has 4 cells, but the table has 5 columns",
    HEAD + "in/a.jpg,1,2,3,4\nin/a.jpg,1,2,wide,4\n": "line 3 of boxes.csv: width must be a number "
    "of pixels, not 'wide'",
    HEAD + "in/a.jpg,nan,2,3,4\n": "x must be a number of pixels, not 'nan'",
    HEAD + "in/a.jpg,1,1e300,3,4\n": "y must be a number of pixels",
    HEAD + "in/a.jpg,1,2,3,\n": "height must be a number of pixels, not nothing",
    HEAD + "in/a.jpg,1,2,0,4\n": "line 2 of boxes.csv: width and height must be 1 or more",
    HEAD + ",1,2,3,4\n": "line 2 of boxes.csv has no path",
    HEAD + '"in/a.jpg,1,2,3,4\n': "is not a CSV table",
    HEAD.encode() + b"\xff,1,2,3,4\n": "is not a CSV table in UTF-8",
}
BAD_LINES = {
    "words": "line 1 of boxes.jsonl is not JSON",
    "[" * 100_000: "line 1 of boxes.jsonl is not JSON",
    "3": "line 1 of boxes.jsonl is not a JSON object",
    '{"x": 1, "y": 2, "width": 3, "height": 4}': "has no path",
    '{"path": 7, "x": 1, "y": 2, "width": 3, "height": 4}': "has no path",
    '{"path": "a.jpg", "x": 1, "y": 2, "width": true, "height": 4}': "width must be a number",
    '{"path": "a.jpg", "x": 1, "y": [2], "width": 3, "height": 4}': "y must be a number",
    '{"path": "a.jpg", "faces": 3}': "'faces' must be a list",
    '{"path": "a.jpg", "faces": [3]}': "'faces' must be a list",
    '{"path": "a.jpg", "faces": [{"box": [1, 2, 3]}]}': "not 3 numbers",
}


class TestRefused:
    @pytest.mark.parametrize("content", BAD)
    def test_a_malformed_table_is_a_sentence_that_names_the_row(self, refuses, photos, content):
        (photos / "boxes.csv").write_bytes(
            content if isinstance(content, bytes) else content.encode()
        )
        refuses("predict", "in", "--boxes", "boxes.csv", says=["boxes.csv", BAD[content]])

    @pytest.mark.parametrize("line", BAD_LINES)
    def test_so_are_malformed_json_lines(self, refuses, photos, line):
        (photos / "boxes.jsonl").write_text(line + "\n")
        refuses("predict", "in", "--boxes", "boxes.jsonl", says=BAD_LINES[line])

    @pytest.mark.parametrize(
        ("words", "why"),
        [
            (("in", "--boxes", "gone.csv"), "gone.csv does not exist"),
            (("in", "--boxes", "in"), "its name must end in .csv"),
            (("in", "--boxes", "table.parquet"), "table.parquet is not a Parquet table"),
            (("in", "--boxes", "b.csv", "--crops"), "leave --crops and --turned out"),
            (("in", "--boxes", "b.csv", "--turned"), "leave --crops and --turned out"),
            (("-", "--boxes", "b.csv"), "--boxes needs files"),
            (("--camera", 0, "--boxes", "b.csv"), "--boxes needs files"),
            (("in", "v.mp4", "--boxes", "b.csv"), "--boxes is for photos, and v.mp4 is a video"),
            (("in", "--boxes", "b.csv", "-o", "in/../b.csv"), "would be written over b.csv"),
        ],
    )
    def test_a_mistake_is_one_sentence(self, refuses, photos, words, why):
        (photos / "b.csv").write_text(HEAD)
        (photos / "table.parquet").write_bytes(b"PAR1 words PAR1")
        (photos / "v.mp4").write_bytes(film([scene()]))
        refuses("predict", *words, says=why)

    def test_a_very_large_file_is_not_read(self, refuses, photos):
        with (photos / "b.csv").open("wb") as file:
            file.truncate(2**28 + 1)
        refuses("predict", "in", "--boxes", "b.csv", says="more than the 268,435,456")

    @settings(max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture])
    @given(
        st.sampled_from(["b.csv", "b.jsonl", "b.parquet"]),
        st.one_of(
            st.binary(max_size=200),
            st.text(max_size=200).map(lambda text: (HEAD + text).encode("utf-8", "replace")),
            st.lists(
                st.sampled_from(["in/a.jpg", "1", "-2", ",", "\n", '"', "1e9", "\0", "é", "{"])
            ).map(lambda parts: (HEAD + "".join(parts)).encode()),
            st.recursive(
                st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=5),
                lambda inner: (
                    st.lists(inner, max_size=4)
                    | st.dictionaries(
                        st.sampled_from(["path", "x", "y", "width", "height", "faces", "box"]),
                        inner,
                    )
                ),
            ).map(lambda told: json.dumps(told).encode()),
        ),
    )
    def test_whatever_it_holds_it_is_read_or_refused_in_a_sentence(self, boxes_of, name, content):
        try:
            read, _ = boxes_of(content, name)
        except DeganError as error:
            assert name in str(error)
        else:
            assert all(len(box) == 4 for boxes in read.values() for box in boxes)


@pytest.mark.parametrize(
    "text",
    [
        "Path;X;Y;Width;Height\r\nin/a.jpg;80;90,0;1e2;110\r\n;;;;\r\n",
        "sep=;\npath;x;y;width;height;\nin/a.jpg;80;90;100;110;\n",
        "path\tx\ty\twidth\theight\rin/a.jpg\t80,0\t90\t100\t110\r",
        "path,x,y,width,height\nin\\a.jpg,80,90,100,110,,\n",
        "path,x,y,width,height\n in/a.jpg ,80, 90,100,110\n",
    ],
)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_a_table_of_any_spreadsheet_is_read(boxes_of, text, encoding):
    read, notes = boxes_of(text.encode(encoding))
    assert read == {"in/a.jpg": (BOX,)}
    assert notes == []


def test_repeated_boxes_are_told(boxes_of):
    read, notes = boxes_of(HEAD + "in/a.jpg,80,90,100,110\n" * 3)
    assert read == {"in/a.jpg": (BOX,)}
    (note,) = notes
    assert "boxes.csv gives 2 boxes again" in note


class TestSmallFilesThatUnpackToMuch:
    def parquet(self, photos, paths):
        arrow = pytest.importorskip("pyarrow")
        from pyarrow import parquet

        numbers = {name: arrow.nulls(len(paths), arrow.float64()) for name in HEAD[5:-1].split(",")}
        table = arrow.table({"path": paths, **numbers})
        parquet.write_table(table, photos / "b.parquet", compression="zstd")
        assert (photos / "b.parquet").stat().st_size < 100_000

    def test_a_text_longer_than_any_path_is_not_copied_into_rows(self, refuses, photos):
        self.parquet(photos, ["in/a.jpg", *["p" * 10**6] * 5000])
        says = "the column 'path' of b.parquet has a text of 1,000,000 bytes"
        refuses("predict", "in", "--boxes", "b.parquet", says=says)

    def test_nor_are_more_rows_read_than_a_table_may_have(self, photos, monkeypatch):
        self.parquet(photos, ["in/a.jpg"] * 100)
        monkeypatch.setattr(degan.system.parquet, "_MAX_ROWS", 99)
        with pytest.raises(DeganError, match="more than 99 rows"):
            read_boxes(photos / "b.parquet", [])

    def test_a_column_is_measured_before_it_is_unpacked(self, photos, monkeypatch):
        self.parquet(photos, ["in/a.jpg"] * 100)
        monkeypatch.setattr(degan.system.parquet, "_MAX_UNPACKED", 20)
        with pytest.raises(DeganError, match="unpacks to more than 20 bytes"):
            read_boxes(photos / "b.parquet", [])

    def test_a_line_of_json_is_that_of_one_photo(self, refuses, photos):
        (photos / "b.jsonl").write_text('{"path": "a.jpg", "faces": [' + "[]," * 6_000_000 + "[]]}")
        refuses("predict", "in", "--boxes", "b.jsonl", says="line 1 of b.jsonl is longer than")


class TestPredict:
    def test_faces_are_read_where_the_boxes_are_and_nowhere_else(self, command, photos):
        (photos / "b.csv").write_text(HEAD + "in/a.jpg,80,90,100,110\nin/a.jpg,0,0,30,40\n")
        done = command("predict", "in", "--json", "--boxes", "b.csv")
        assert done.returncode == 0, done.stderr
        first, second = map(json.loads, done.stdout.splitlines())
        assert [face["box"] for face in first["faces"]] == [list(BOX), [0, 0, 30, 40]]
        assert first["faces"][0]["expression"] == "happiness"
        assert second == {"path": "in/deep/b.jpg", "faces": []}

    def test_a_box_outside_its_photo_is_an_error_of_that_photo(self, command, photos):
        (photos / "b.csv").write_text(
            HEAD + "in/a.jpg,8000,90,100,110\nin/deep/b.jpg,80,90,99,99\n"
        )
        done = command("predict", "in", "--csv", "--boxes", "b.csv")
        first, second = csv.DictReader(io.StringIO(done.stdout))
        assert "in/a.jpg: the box (8000.0, 90.0, 100.0, 110.0) has no area" in first["error"]
        assert second["expression"]
        assert "1 could not be read" in done.stderr

    @pytest.mark.parametrize("box", ["-1e8,-1e8,1e9,1e9", "0,0,1300,1", "0,0,1,1e9"])
    def test_so_is_one_that_is_far_larger_than_the_photo(self, command, photos, box):
        (photos / "b.csv").write_text(f"{HEAD}in/a.jpg,{box}\nin/deep/b.jpg,250,250,1,1\n")
        drawn = "--annotate", "drawn", "--sheet", "sheet.png"
        done = command("predict", "in", "--json", "--boxes", "b.csv", *drawn)
        assert done.returncode == 0, done.stderr
        first, second = map(json.loads, done.stdout.splitlines())
        assert "is far larger than the photo of" in first["error"]
        assert len(second["faces"]) == 1
        assert (photos / "sheet.png").is_file()
        assert (photos / "drawn/deep/b.jpg").is_file()

    def test_a_box_may_reach_out_of_the_photo_and_still_be_drawn(self, command, photos):
        (photos / "b.csv").write_text(f"{HEAD}in/a.jpg,-900,-900,1000,1000\n")
        drawn = "--annotate", "drawn", "--sheet", "sheet.png"
        done = command("predict", "in/a.jpg", "--json", "--boxes", "b.csv", *drawn)
        assert done.returncode == 0, done.stderr
        assert (photos / "sheet.png").is_file()

    def test_a_neutral_photo_counts_for_boxes_too(self, command, photos, examples):
        (photos / "b.csv").write_text(HEAD + "in/a.jpg,80,90,100,110\n")
        shares = []
        for words in ((), ("--neutral", examples / "neutral/001.jpg")):
            done = command("predict", "in/a.jpg", "--json", "--boxes", "b.csv", *words)
            shares.append(json.loads(done.stdout)["faces"][0]["probabilities"])
        assert shares[0] != shares[1]

    def test_results_do_not_depend_on_the_processes(self, command, photos):
        lines = [HEAD]
        for number in range(48):
            shutil.copy("in/a.jpg", f"in/{number:02d}.jpg")
            lines += [
                f"{number:02d}.jpg,{80 + again},{60 + number},100,110\n"
                for again in range(number % 3)
            ]
        (photos / "in/b.csv").write_text("".join(lines))
        one, two = (
            command("predict", "in", "--json", "--boxes", "in/b.csv", "--jobs", jobs).stdout
            for jobs in (1, 2)
        )
        assert one == two
        counts = [len(json.loads(line)["faces"]) for line in one.splitlines()]
        assert counts == [number % 3 for number in range(48)] + [0, 0]

    def test_other_boxes_begin_stopped_work_anew(self, photos):
        inputs = find_inputs([photos.__class__("in")])
        out = photos / "b.csv"
        asked = []
        for rows in ("", "", "in/a.jpg,80,90,100,110\n"):
            out.write_text(HEAD + rows)
            asked.append(Plan(inputs, boxes=read_boxes(out, inputs)).journal_key)
        assert asked[0] == asked[1] != asked[2]
        assert asked[0] != Plan(inputs).journal_key


def test_a_table_that_pandas_wrote_of_degans_own_is_read(tmp_path):
    """Its rows have a key ``error`` that says nothing."""
    photo = tmp_path / "a.jpg"
    row = {"path": "a.jpg", "x": 1, "y": 2, "width": 30, "height": 40, "error": None}
    (tmp_path / "b.jsonl").write_text(json.dumps(row))
    found = read_boxes(tmp_path / "b.jsonl", [Input(photo, photo, "photo")], lambda sentence: None)
    assert list(found.by_name.values()) == [((1.0, 2.0, 30.0, 40.0),)]


def test_a_photo_may_be_named_by_the_folder_above(tmp_path, monkeypatch):
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")
    (tmp_path / "b.csv").write_text("path,x,y,width,height\na.jpg,1,2,30,40\na.jpg,1,2,30,40\n")
    photo = Path("../a.jpg")
    found = read_boxes(Path("../b.csv"), [Input(photo, photo, "photo")], lambda sentence: None)
    assert list(found.by_name.values()) == [((1.0, 2.0, 30.0, 40.0),)]  # given twice, one face


@pytest.mark.parametrize("seed", range(40))
def test_a_damaged_parquet_file_is_read_or_refused_in_a_sentence(tmp_path, seed):
    arrow = pytest.importorskip("pyarrow")
    from pyarrow import parquet

    numbers = {name: [10.0] * 50 for name in HEAD[5:-1].split(",")}
    path = tmp_path / "b.parquet"
    parquet.write_table(arrow.table({"path": ["a.jpg"] * 50, **numbers}), path, compression="zstd")
    rng = random.Random(seed)
    data = bytearray(path.read_bytes())
    for _ in range(5):
        place = rng.randrange(len(data) - 900, len(data))  # where the sizes are
        before, data[place] = data[place], rng.randrange(256)
        path.write_bytes(data)
        with suppress(DeganError):
            read_boxes(path, [])
        data[place] = before
