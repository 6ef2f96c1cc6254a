"""CSV tables of spreadsheets are read whatever they use, and every text survives a round trip."""

import io
import zipfile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from degan.errors import DeganError
from degan.system import csv_rows
from degan.system.csv_rows import CsvTable, csv_text, guarded, unguarded

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)


def table(data, expected=("path", "x"), limit=10_000):
    content = data if isinstance(data, bytes) else data.encode()
    return CsvTable(io.BytesIO(content), "t.csv", expected=expected, limit=limit)


def content(data, **options):
    read = table(data, **options)
    return [read.header, *read]


@pytest.mark.parametrize(
    "data",
    [
        b"path,x\na,1\nb,2\n",
        b"path;x\na;1\nb;2\n",
        b"path\tx\na\t1\nb\t2\n",
        b"sep=;\r\npath;x\r\na;1\r\nb;2\r\n",
        b'"sep=,"\r\npath,x\r\na,1\r\nb,2\r\n',
        b"path,x\r\na,1\r\nb,2",
        b"path,x\ra,1\rb,2\r",
        b"\n\n path , x \n\na,1\n,\n  \nb,2\n;\n"[:-2],
        b"path,x,,\na,1,,\nb,2,,\n",
        b"path,x\na,1,,,\nb,2, ,\n",
        b'"path","x"\n"a","1"\n"b","2"\n',
        "path,x\na,1\nb,2\n".encode("utf-8-sig"),
        "path\tx\r\na\t1\r\nb\t2\r\n".encode("utf-16"),
        b"\xfe\xff" + "path;x\na;1\nb;2\n".encode("utf-16-be"),
    ],
)
def test_a_table_reads_the_same_whatever_program_wrote_it(data):
    assert content(data) == [["path", "x"], ["a", "1"], ["b", "2"]]


def test_the_expected_columns_decide_between_two_separators():
    assert content("path,x;y;z\na,1\n")[0] == ["path", "x;y;z"]
    assert content("path;x,y,z\na;1\n", expected=["path"])[0] == ["path", "x,y,z"]


@pytest.mark.parametrize(
    ("text", "cell", "number"),
    [
        ("path;x", "163,9", "163.9"),
        ("path;x", "-0,5", "-0.5"),
        ("path;x", "1,639", "1.639"),
        ("path;x", "163.9", "163.9"),
        ("path;x", "a,b", "a,b"),
        ("path;x", "1.639,5", "1.639,5"),
        ("path\tx", "163,9", "163.9"),
        ("path\tx", "1,639", "1,639"),  # one thousand, or one: not guessed
        ("path,x", "163,9", "163,9"),
    ],
)
def test_a_decimal_comma_is_read_where_the_separator_is_another(text, cell, number):
    assert table(text).number(cell) == number


@pytest.mark.parametrize(
    "data", ["path,x\nZoë,1\n".encode("cp1252"), "path,x\na,1\n".encode("utf-16-le")]
)
def test_another_encoding_gets_a_sentence_on_what_to_do(data):
    with pytest.raises(DeganError, match=r"not a CSV table in UTF-8; save it as UTF-8 \(in Excel"):
        content(data)


@given(st.lists(st.lists(TEXT, min_size=3, max_size=3), max_size=4))
def test_what_is_written_is_read_back_whatever_the_text(rows):
    written = csv_text([["path", "x", "y"], *rows])
    read = table(written)
    filled = [row for row in rows if any(cell and not cell.isspace() for cell in row)]
    assert [row + [""] * (3 - len(row)) for row in read] == filled


@given(st.binary(max_size=80))
def test_any_bytes_are_rows_or_a_sentence(data):
    try:
        content(data)
    except DeganError as error:
        assert "t.csv" in str(error)


@given(st.text("'=+-@\t\ra1", max_size=5))
def test_a_guarded_text_begins_no_formula_and_can_be_read_back(text):
    cell = guarded(text)
    assert unguarded(cell) == text
    assert cell[:1] not in ("=", "@", "\t", "\r")
    assert cell[:1] not in ("+", "-") or float(cell) is not None


@pytest.mark.parametrize("number", [-0.5, 3, None, True, "-0.5", "+3", "-1e-05", ".5"])
def test_a_number_is_not_guarded(number):
    assert guarded(number) == number


class TestLimits:
    """Of what a small file unpacks to, not of the file."""

    def read(self, text, **options):
        packed = io.BytesIO()
        with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("t.csv", text)
        with zipfile.ZipFile(packed) as archive, archive.open("t.csv") as file:
            return list(CsvTable(file, "t.csv", **options))

    def test_a_row_without_an_end(self):
        for text in ("," * 2**21, 'path,x\n"' + '\n","' * 2**20):
            with pytest.raises(DeganError, match=r"line \d+ of t\.csv is longer than 1,048,576"):
                self.read(text, limit=2**30)

    def test_a_table_of_too_many_characters_or_lines(self, monkeypatch):
        with pytest.raises(DeganError, match="more than 100 characters"):
            self.read("path,x\n" * 20, limit=100)
        monkeypatch.setattr(csv_rows, "MAX_LINES", 10)
        with pytest.raises(DeganError, match="or 10 lines"):
            self.read("path,x\n" + "\n" * 20, limit=100)
