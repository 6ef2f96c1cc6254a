"""The table of FER+: what is read, what is refused, and the expression that most people chose."""

import zipfile
from contextlib import suppress

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from degan.data import fer_plus
from degan.data.fer_plus import majority, read_vote_table
from degan.data.vote_columns import VOTE_NAMES
from degan.errors import DeganError
from fer_tables import HEADER, voted, write_votes_table

LINE = ",".join(HEADER) + "\n"
ROW = "Training,fer0000000.png,4,0,0,1,3,2,0,0,0,0\n"


def written(root, data, name="fer2013new.csv"):
    path = root / name
    path.write_bytes(data if isinstance(data, bytes) else data.encode())
    return path


def rule_of_fer_plus(votes):
    """The lines of FERPlusReader._process_data (mode "majority") and of load_folders.

    Microsoft's FERPlus, src/ferplus.py, MIT licence; without the float arithmetic.
    """
    raw = [0 if count <= 1 else count for count in votes]
    if max(raw) <= 0.5 * sum(raw):
        return None
    place = raw.index(max(raw))
    return VOTE_NAMES[place] if place < 8 else None


class TestMajority:
    @pytest.mark.parametrize(
        ("votes", "chosen"),
        [
            ({"neutral": 10}, "neutral"),
            ({"neutral": 6, "sadness": 4}, "neutral"),
            ({"neutral": 5, "sadness": 5}, None),
            ({"neutral": 5, "sadness": 3, "fear": 1, "anger": 1}, "neutral"),  # 5 of 8
            ({"neutral": 4, "sadness": 4, "fear": 1, "anger": 1}, None),
            ({"contempt": 2, **dict.fromkeys(VOTE_NAMES[3:8], 1)}, "contempt"),
            (dict.fromkeys(VOTE_NAMES, 1), None),
            ({}, None),
            ({"neutral": 4, "unknown": 6}, "unknown"),
            ({"neutral": 5, "unknown": 5}, None),
            ({"neutral": 1, "no_face": 2}, "no_face"),
        ],
    )
    def test_it_needs_more_than_half_of_the_votes_that_are_not_single(self, votes, chosen):
        assert majority(votes) == chosen

    @given(st.lists(st.integers(0, 10), min_size=10, max_size=10))
    def test_it_is_the_rule_of_the_code_of_fer_plus(self, counts):
        chosen = majority(dict(zip(VOTE_NAMES, counts, strict=True)))
        expression = chosen if chosen in VOTE_NAMES[:8] else None
        assert expression == rule_of_fer_plus(counts)


class TestTable:
    def test_each_row_has_its_part_and_its_votes(self, tmp_path):
        path = write_votes_table(
            tmp_path / "fer2013new.csv",
            voted(neutral=4, sadness=1, anger=3, disgust=2),
            voted("PublicTest", "", NF=10),
            voted("PrivateTest", contempt=9, unknown=1),
        )
        rows = read_vote_table(path).rows
        assert [row.line for row in rows] == [2, 3, 4]
        assert [row.split for row in rows] == ["train", "validation", "test"]
        assert [row.is_removed for row in rows] == [False, True, False]
        chosen = [{name: n for name, n in row.votes.items() if n} for row in rows]
        assert chosen == [
            {"neutral": 4, "sadness": 1, "anger": 3, "disgust": 2},
            {"no_face": 10},
            {"contempt": 9, "unknown": 1},
        ]
        assert all(tuple(row.votes) == VOTE_NAMES for row in rows)

    @pytest.mark.parametrize(
        "data",
        [
            (LINE + ROW).encode("utf-8-sig"),
            (LINE + ROW).encode("utf-16"),
            (LINE + ROW).replace("\n", "\r\n").encode(),
            (LINE + ROW).replace(",", ";").encode() + b"\n;;;;;;;;;;;\n",
            (LINE + ROW).replace(",", "\t").encode(),
            ("sep=;\n" + (LINE + ROW).replace(",", ";")).encode(),
            (LINE.lower() + ROW.replace("Training", " training ")).encode(),
            (LINE.replace("\n", ",note\n") + ROW.replace("\n", ",seen\n")).encode(),
            (LINE.replace("Usage", "usage ") + ROW.replace("4", '"4"')).encode(),
        ],
        ids=["mark", "utf-16", "crlf", "semicolons", "tabs", "sep", "case", "column", "quoted"],
    )
    def test_a_table_of_any_spreadsheet_is_read(self, tmp_path, data):
        (row,) = read_vote_table(written(tmp_path, data)).rows
        assert (row.split, row.is_removed, row.votes["neutral"]) == ("train", False, 4)

    def test_columns_may_be_in_any_order(self, tmp_path):
        text = "NF,neutral,Image name,happiness,surprise,sadness,anger,disgust,fear,contempt"
        path = written(tmp_path, f"{text},unknown,Usage\n2,0,a.png,8,0,0,0,0,0,0,0,Training\n")
        (row,) = read_vote_table(path).rows
        assert {name: n for name, n in row.votes.items() if n} == {"happiness": 8, "no_face": 2}

    @pytest.mark.parametrize("way", ["folder", "zip", "zip in a folder"])
    def test_it_is_found_as_it_was_downloaded(self, tmp_path, way):
        inside = tmp_path / "FERPlus-master"
        (inside / "data").mkdir(parents=True)
        (inside / "data" / "label.csv").write_text('fer0000000.png,"(0, 0, 48, 48)",4,0\n')
        (inside / "fer2013.csv").write_text("emotion,pixels,Usage\n")
        write_votes_table(inside / "fer2013new.csv", voted(fear=10))
        path = inside
        if way != "folder":
            (tmp_path / "got").mkdir()
            archive = tmp_path / "got" / "FERPlus-master.zip"
            with zipfile.ZipFile(archive, "w") as packed:
                for file in sorted(inside.rglob("*")):
                    packed.write(file, file.relative_to(tmp_path))
            path = archive if way == "zip" else tmp_path / "got"
        assert read_vote_table(path).rows[0].votes["fear"] == 10


class TestRefusal:
    @pytest.mark.parametrize(
        ("text", "said"),
        [
            ("", "fer2013new.csv is empty"),
            ("\0\1\2", "not a CSV table in UTF-8"),
            (LINE, "has no rows with votes"),
            ("emotion,pixels,Usage\n0,1 2,Training\n", "must have the column image name, neutral"),
            (LINE.replace(",NF", "") + ROW, "must have the column nf once"),
            (LINE.replace("unknown", "neutral") + ROW, "the column neutral, unknown once"),
            (LINE + ROW.replace(",0\n", "\n"), "line 2 of .*csv has 11 cells, .* 12 columns"),
            (LINE + ROW + ROW.replace(",0\n", ",0,0\n"), "line 3 of .* has 13 cells"),
            (LINE + ROW.replace("4", "-1"), "line 2 of .*'-1' is not a number from 0 to 1,000"),
            (LINE + ROW.replace("4", "4.5"), "line 2 of .*'4.5' is not a number"),
            (LINE + ROW.replace("4", "4.0"), "line 2 of .*'4.0' is not a number"),
            (LINE + ROW.replace("4", "1001"), "'1001' is not a number from 0 to 1,000"),
            (LINE + ROW.replace("4", "9" * 6000), "'9{40}' is not a number"),
            (LINE + ROW.replace("4", "٤"), "is not a number"),
            (LINE + ROW.replace("4", ""), "'' is not a number"),
            (LINE + ROW.replace("4", "nan"), "'nan' is not a number"),
            (LINE + ROW.replace("Training", "Holiday"), "line 2 of .* the usage 'Holiday', which"),
            (LINE + ROW.replace("Training", ""), "the usage '', which"),
            (LINE + '"' + ROW, "line 2 .*csv is not a valid CSV row|not a CSV table"),
        ],
    )
    def test_a_damaged_table_is_refused_with_its_line(self, tmp_path, text, said):
        with pytest.raises(DeganError, match=said) as caught:
            read_vote_table(written(tmp_path, text))
        assert "fer2013new.csv" in str(caught.value)
        assert len(str(caught.value)) < 400 + len(str(tmp_path))

    @pytest.mark.parametrize(("limit", "most"), [("_MAX_ROWS", 3), ("_MAX_BYTES", 200)])
    def test_a_table_larger_than_fer_plus_is_refused(self, tmp_path, monkeypatch, limit, most):
        path = written(tmp_path, LINE + ROW * 3)
        monkeypatch.setattr(fer_plus, "_MAX_BYTES", 1000)
        assert len(read_vote_table(path).rows) == 3
        monkeypatch.setattr(fer_plus, limit, most)
        with pytest.raises(DeganError, match="has more than"):
            read_vote_table(written(tmp_path, LINE + ROW * 4))

    def test_a_path_without_the_table_says_what_to_give(self, tmp_path):
        with pytest.raises(DeganError, match=r"gone\.csv does not exist; give the table of FER\+"):
            read_vote_table(tmp_path / "gone.csv")
        with pytest.raises(DeganError, match=r"has no table of FER\+; give .*fer2013new\.csv"):
            read_vote_table(tmp_path)
        for name in ("a.csv", "b.csv"):
            written(tmp_path, LINE + ROW, name)
        with pytest.raises(DeganError, match=r"several tables of FER\+ \(a\.csv, b\.csv\); give"):
            read_vote_table(tmp_path)

    CELLS = st.sampled_from(["Training", "fer.png", "0", "4", "-1", *',,,,;\n\n\r"\0 é\ufeff'])
    BYTES = st.one_of(
        st.binary(max_size=200),
        st.lists(CELLS, max_size=40).map(lambda cells: (LINE + "".join(cells)).encode()),
        st.binary(max_size=60).map(lambda data: (LINE + ROW).encode() + data),
        st.lists(st.lists(st.integers(-2, 1002), min_size=10, max_size=10), max_size=3).map(
            lambda rows: (
                LINE + "".join(f"Training,x,{','.join(map(str, row))}\n" for row in rows)
            ).encode()
        ),
    )

    @settings(max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture])
    @given(BYTES)
    def test_any_bytes_give_votes_or_a_sentence(self, tmp_path, data):
        path = written(tmp_path, data)
        with suppress(DeganError):
            rows = read_vote_table(path).rows
            assert rows
            assert all(0 <= count <= 1000 for row in rows for count in row.votes.values())
