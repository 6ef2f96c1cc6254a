"""A user's own photos: a tree of folders, or a CSV file that lists them."""

import unicodedata
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from degan.data import photo_table
from degan.data.datasets.folder import ADAPTER
from degan.data.pictures import Location
from degan.data.protocol import Protocol
from degan.errors import DeganError
from stills import make, zipped


def table(root, text, name="photos.csv", encoding="utf-8"):
    path = root / name
    path.write_bytes(text.encode(encoding))
    return path


def read(path):
    """The sources of all recordings, and what was left out."""
    found = ADAPTER.read(path, Protocol())
    assert not any(recording.before for recording in found.recordings)
    return [s for recording in found.recordings for s in recording.sources], found.skipped


def runs(path):
    """The names of each recording's frames."""
    found = ADAPTER.read(path, Protocol())
    return [[s.name for s in recording.sources] for recording in found.recordings]


def only(path):
    sources, skipped = read(path)
    assert not skipped
    (source,) = sources
    return source


def reasons(skipped):
    return {row.name: row.reason for row in skipped}


def test_a_tree_gives_one_labelled_photo_a_file_in_a_fixed_order(tmp_path):
    make(tmp_path, "neutral/bob_2.jpg", "happiness/ann_1.jpg", "neutral/ann_1.png")
    sources, skipped = read(tmp_path)
    assert [(s.name, s.expression, s.subject) for s in sources] == [
        ("happiness/ann_1.jpg", "happiness", "ann"),
        ("neutral/ann_1.png", "neutral", "ann"),
        ("neutral/bob_2.jpg", "neutral", "bob"),
    ]
    assert [s.picture for s in sources] == [Location(tmp_path / s.name) for s in sources]
    assert skipped == []


@pytest.mark.parametrize(
    ("folder", "expression"),
    [("Happy", "happiness"), ("SMILING", "happiness"), ("angry", "anger"), ("Sad", "sadness")],
)
def test_a_folder_may_be_named_by_a_synonym_in_any_case(tmp_path, folder, expression):
    source = only(make(tmp_path, f"{folder}/ann_1.JPG"))
    assert source.expression == expression
    assert source.name == f"{folder}/ann_1.JPG"


@pytest.mark.parametrize(
    ("name", "subject", "sequence", "frame"),
    [
        ("ann", "ann", "neutral/ann", 0),
        ("001", "001", "neutral/001", 0),
        ("ann_7", "ann", "neutral/ann", 7),
        ("ann_0012", "ann", "neutral/ann", 12),
        ("ann_walk_3", "ann", "neutral/ann/walk", 3),
        ("ann_walk 3", "ann", "neutral/ann/walk", 3),
        ("ann_walk3", "ann", "neutral/ann/walk", 3),
        ("ann_walk", "ann", "neutral/ann/walk", 0),
        ("ann_take2_0005", "ann", "neutral/ann/take2", 5),
        ("Ann Lee_1", "Ann Lee", "neutral/Ann Lee", 1),
        ("anna-1", "anna-1", "neutral/anna-1", 0),
    ],
)
def test_subject_sequence_and_frame_are_read_from_the_name(
    tmp_path, name, subject, sequence, frame
):
    source = only(make(tmp_path, f"neutral/{name}.jpg"))
    assert (source.subject, source.sequence, source.frame) == (subject, sequence, frame)


def test_names_that_differ_in_their_last_number_are_one_sequence(tmp_path):
    make(tmp_path, "fear/ann_a_1.jpg", "fear/ann_a_2.jpg", "fear/ann_b_1.jpg", "fear/bob_a_1.jpg")
    make(tmp_path, "anger/ann_a_1.jpg")
    sources, _ = read(tmp_path)
    assert len({s.sequence for s in sources}) == 4
    assert len({s.sequence for s in sources if s.name.startswith("fear/ann_a")}) == 1
    # They need not follow each other closely, so a face is looked for in each.
    assert all(len(names) == 1 for names in runs(tmp_path))


def test_what_the_system_hides_is_passed_over_in_silence(tmp_path):
    make(tmp_path, "neutral/ann_1.jpg", "neutral/.DS_Store", "neutral/._ann_1.jpg", ".DS_Store")
    make(tmp_path, ".Trashes/x.jpg")
    assert only(tmp_path).name == "neutral/ann_1.jpg"


def test_folders_and_files_that_are_not_understood_are_reported(tmp_path):
    make(tmp_path, "neutral/ann_1.jpg", "holiday/a.jpg", "neutral/more/b.jpg", "neutral/list.txt")
    make(tmp_path, "neutral/_1.jpg", "me.jpg", "notes.txt", "holiday/b.jpg")
    sources, skipped = read(tmp_path)
    assert [s.name for s in sources] == ["neutral/ann_1.jpg"]
    found = reasons(skipped)
    assert len(found) == len(skipped)
    assert set(found) == {
        "holiday/a.jpg", "holiday/b.jpg", "neutral/more/b.jpg", "neutral/list.txt",
        "neutral/_1.jpg", "me.jpg",
    }  # fmt: skip
    assert "not a valid expression" in found["holiday/a.jpg"]
    assert "folder inside" in found["neutral/more/b.jpg"]
    assert "suffix" in found["neutral/list.txt"]
    assert "subject" in found["neutral/_1.jpg"]
    assert "not in an expression folder" in found["me.jpg"]


def test_an_empty_folder_says_what_degan_reads(tmp_path):
    with pytest.raises(DeganError, match=r"no labelled photo.*<expression>/<subject>_.*CSV"):
        read(tmp_path)


def test_a_folder_of_nothing_usable_names_the_first_file_left_out(tmp_path):
    with pytest.raises(
        DeganError, match=r"holiday/ann_1.jpg \(the folder name is not a valid expression\)"
    ):
        read(make(tmp_path, "holiday/ann_1.jpg"))


@pytest.mark.parametrize("name", ["gone", "n" * 300])
def test_a_path_that_is_not_there_is_refused(tmp_path, name):
    with pytest.raises(DeganError):
        read(tmp_path / name)


def test_a_csv_gives_its_rows_with_paths_relative_to_it(tmp_path):
    path = table(tmp_path, "path,expression,subject\nshots/1.jpg,Happy,ann\n/abs/2.jpg,fear,bob\n")
    first, second = read(path)[0]
    assert (first.picture, first.name) == (Location(tmp_path / "shots/1.jpg"), "shots/1.jpg")
    assert (first.expression, first.subject, first.frame) == ("happiness", "ann", 0)
    assert second.picture == Location(Path("/abs/2.jpg"))


def test_a_csv_may_name_sequence_and_frame_and_have_columns_in_any_order(tmp_path):
    path = table(
        tmp_path,
        "Frame, Subject ,note,EXPRESSION,sequence,path\n"
        "3,ann,x,fear,take,1.jpg\n4,ann,x,fear,take,2.jpg\n,bob,x,fear,,3.jpg\n",
    )
    one, two, three = read(path)[0]
    assert (one.frame, two.frame, three.frame) == (3, 4, 0)
    assert one.sequence == two.sequence != three.sequence


def test_photos_without_a_sequence_are_each_their_own(tmp_path):
    names = ["1.jpg", "2.jpg", "a/1.jpg"]
    rows = "".join(f"{name},fear,ann\n" for name in names)
    path = table(tmp_path, f"path,expression,subject\n{rows}")
    assert len({s.sequence for s in read(path)[0]}) == 3
    assert runs(path) == [[name] for name in names]


def test_a_sequence_that_a_csv_names_is_one_recording_in_the_order_of_its_frames(tmp_path):
    path = table(
        tmp_path,
        "path,expression,subject,sequence,frame\n"
        "c.jpg,fear,ann,take,10\na.jpg,fear,ann,take,2\nx.jpg,fear,ann,,1\n"
        "b.jpg,fear,ann,take,9\nd.jpg,anger,ann,take,1\ne.jpg,fear,bob,take,1\n",
    )
    assert runs(path) == [["a.jpg", "b.jpg", "c.jpg"], ["x.jpg"], ["d.jpg"], ["e.jpg"]]
    assert len({s.sequence for s in read(path)[0]}) == 4


def test_frames_without_a_number_stay_in_the_order_of_the_rows(tmp_path):
    text = "path,expression,subject,sequence\nb.jpg,fear,ann,take\na.jpg,fear,ann,take\n"
    assert runs(table(tmp_path, text)) == [["b.jpg", "a.jpg"]]


def test_a_csv_may_say_the_split_and_then_leave_the_subject_out(tmp_path):
    path = table(
        tmp_path,
        "path,expression,subject,split\n"
        "1.jpg,fear,ann,train\n2.jpg,fear,,Validation\n3.jpg,fear,,test\n4.jpg,fear,bob,\n"
        "5.jpg,fear,,\n6.jpg,fear,bob,dev\n",
    )
    sources, skipped = read(path)
    assert [(s.subject, s.split) for s in sources] == [
        ("ann", "train"), ("", "validation"), ("", "test"), ("bob", ""),
    ]  # fmt: skip
    assert reasons(skipped) == {
        "5.jpg": "the row has no subject",
        "6.jpg": "split 'dev' is not one of train, validation, test",
    }


def test_a_csv_with_a_split_needs_no_column_of_subjects(tmp_path):
    source = only(table(tmp_path, "path,expression,split\n1.jpg,fear,test\n"))
    assert (source.subject, source.split, source.sequence) == ("", "test", "fear/?/test/1.jpg")


def test_a_sequence_is_in_one_split_alone(tmp_path):
    path = table(
        tmp_path,
        "path,expression,subject,sequence,split\n"
        "1.jpg,fear,ann,take,train\n2.jpg,fear,ann,take,test\n3.jpg,fear,ann,take,\n",
    )
    sources, skipped = read(path)
    assert [s.name for s in sources] == ["1.jpg"]
    assert reasons(skipped) == dict.fromkeys(
        ["2.jpg", "3.jpg"], "the other frames of its sequence are in train"
    )


def test_a_csv_may_begin_with_a_byte_order_mark_and_end_lines_as_windows_does(tmp_path):
    path = table(tmp_path, "path,expression,subject\r\n1.jpg,fear,Zoë\r\n", encoding="utf-8-sig")
    assert only(path).subject == "Zoë"


def test_quoted_fields_may_hold_commas_quotes_and_line_ends(tmp_path):
    path = table(tmp_path, 'path,expression,subject\n"a, ""b""\nc.jpg",fear,"Lee, Ann"\n')
    source = only(path)
    assert source.name == 'a, "b"\nc.jpg'
    assert source.subject == "Lee, Ann"


def test_missing_columns_are_named(tmp_path):
    with pytest.raises(DeganError, match="lacks the columns expression, subject;"):
        read(table(tmp_path, "path,label\n1.jpg,fear\n"))
    with pytest.raises(DeganError, match="lacks the column subject;"):
        read(table(tmp_path, "path,expression\n1.jpg,fear\n"))


def test_bad_rows_are_reported_with_their_reason_and_good_ones_kept(tmp_path):
    path = table(
        tmp_path,
        "path,expression,subject,frame\n"
        "good.jpg,fear,ann,1\n"
        "bored.jpg,bored,ann,1\n"
        "nobody.jpg,fear,,1\n"
        ",fear,ann,1\n"
        "\n"
        "frame.jpg,fear,ann,-1\n"
        "short.jpg\n"
        "nul\0.jpg,fear,ann,1\n",
    )
    sources, skipped = read(path)
    assert [s.name for s in sources] == ["good.jpg"]
    found = reasons(skipped)
    assert "'bored' is not a valid expression" in found["bored.jpg"]
    assert "no subject" in found["nobody.jpg"]
    assert "no path" in found["line 5"]
    assert "'-1'" in found["frame.jpg"]
    assert "'' is not a valid expression" in found["short.jpg"]
    assert "character" in found["nul\0.jpg"]
    assert len(skipped) == 6


def test_a_csv_that_is_not_utf8_says_how_to_mend_it(tmp_path):
    with pytest.raises(DeganError, match="UTF-8"):
        read(table(tmp_path, "path,expression,subject\n1.jpg,fear,Zoë\n", encoding="latin-1"))


@pytest.mark.parametrize("text", ["", "path,expression,subject\n", "\n\n", 'path,"a\nb'])
def test_a_csv_without_rows_or_with_an_open_quote_is_refused(tmp_path, text):
    with pytest.raises(DeganError, match=r"photos\.csv"):
        read(table(tmp_path, text))


def test_a_quote_left_open_swallows_no_rows(tmp_path):
    text = 'path,expression,subject\n1.jpg,fear,ann\n2.jpg,fear,"bob\n3.jpg,fear,carl\n'
    with pytest.raises(DeganError, match="not a valid CSV"):
        read(table(tmp_path, text))


def test_a_folder_with_one_csv_inside_is_read_through_it(tmp_path):
    table(tmp_path, "path,expression,subject\nimages/1.jpg,fear,ann\n")
    table(tmp_path, "name,age\nann,30\n", name="people.csv")
    table(tmp_path, "old\rmac", name="mac.csv")
    make(tmp_path, "images/1.jpg", "._photos.csv", "empty.csv")
    (tmp_path / "folder.csv").mkdir()
    assert only(tmp_path).picture == Location(tmp_path / "images/1.jpg")


def test_a_csv_further_inside_is_not_read(tmp_path):
    table(make(tmp_path, "old/1.jpg") / "old", "path,expression,subject\n1.jpg,fear,ann\n")
    with pytest.raises(DeganError, match=r"no labelled photo.*old/1.jpg \(the folder name"):
        read(tmp_path)


def test_a_folder_with_two_such_csvs_asks_which(tmp_path):
    for name in ("a.csv", "b.csv"):
        table(tmp_path, "path,expression,subject\n1.jpg,fear,ann\n", name=name)
    with pytest.raises(DeganError, match=r"a\.csv, b\.csv"):
        read(tmp_path)


def test_expression_folders_go_before_a_csv(tmp_path):
    table(tmp_path, "path,expression,subject\n1.jpg,fear,ann\n")
    assert only(make(tmp_path, "anger/bob_1.jpg")).expression == "anger"


def test_a_zip_file_is_read_in_place(tmp_path):
    path = zipped(
        tmp_path / "mine.zip", "neutral/ann_1.jpg", "Happy/ann_1.jpg", "neutral/.DS_Store"
    )
    assert [s.name for s in read(path)[0]] == ["Happy/ann_1.jpg", "neutral/ann_1.jpg"]
    assert read(path)[0][1].picture == Location(path, "neutral/ann_1.jpg")
    assert read(path)[1] == []


@pytest.mark.parametrize("top", ["photos/", "photos/mine/"])
def test_a_zip_file_may_hold_it_all_in_one_folder(tmp_path, top):
    path = zipped(tmp_path / "in" / "mine.zip", f"{top}neutral/ann_1.jpg", f"{top}fear/ann_2.jpg",
                  f"{top}holiday/x.jpg", "__MACOSX/x")  # fmt: skip
    for root, prefix in ((path, ""), (path.parent, "mine.zip/")):
        sources, skipped = read(root)
        assert [(s.name, s.expression) for s in sources] == [
            (f"{prefix}{top}fear/ann_2.jpg", "fear"),
            (f"{prefix}{top}neutral/ann_1.jpg", "neutral"),
        ]
        assert list(reasons(skipped)) == [f"{prefix}{top}holiday/x.jpg"]


def test_a_zip_file_of_one_expression_is_not_taken_for_a_folder_around_it(tmp_path):
    assert only(zipped(tmp_path / "mine.zip", "neutral/ann_1.jpg")).expression == "neutral"


@pytest.mark.parametrize("top", ["", "photos/"])
def test_a_csv_in_a_zip_file_lists_files_beside_it(tmp_path, top):
    text = "path,expression,subject\nshots/1.jpg,fear,ann\n./shots/../2.jpg,anger,ann\n"
    text += "gone.jpg,fear,ann\n/etc/passwd,fear,ann\n../../x.jpg,fear,ann\n"
    path = zipped(tmp_path / "mine.zip", f"{top}shots/1.jpg", f"{top}2.jpg",
                  **{f"{top}photos.csv": text})  # fmt: skip
    sources, skipped = read(path)
    assert [s.picture for s in sources] == [
        Location(path, f"{top}shots/1.jpg"), Location(path, f"{top}2.jpg"),
    ]  # fmt: skip
    assert reasons(skipped) == dict.fromkeys(
        ["gone.jpg", "/etc/passwd", "../../x.jpg"],
        "the zip file with the CSV file contains no such file",
    )


@pytest.mark.parametrize("names", [[], ["holiday.jpg"], ["photos.csv"], ["a/b/c.jpg"]])
def test_a_zip_file_of_nothing_usable_says_what_degan_reads(tmp_path, names):
    with pytest.raises(DeganError, match="no labelled photo"):
        read(zipped(tmp_path / "mine.zip", *names))


def test_a_zip_file_cut_short_is_not_taken_for_a_csv(tmp_path):
    path = zipped(tmp_path / "mine.zip", "neutral/ann_1.jpg")
    path.write_bytes(path.read_bytes()[:-30])
    with pytest.raises(DeganError, match="neither a folder nor a zip file"):
        read(path)


def test_a_damaged_zip_file_beside_the_folders_is_reported(tmp_path):
    (make(tmp_path, "neutral/ann_1.jpg") / "more.zip").write_bytes(b"no zip file")
    sources, skipped = read(tmp_path)
    assert len(sources) == 1
    assert "damaged" in reasons(skipped)["more.zip"]


WORDS = [
    "path",
    "expression",
    "subject",
    "frame",
    "sequence",
    "split",
    "test",
    "fear",
    "1.jpg",
    "ann",
    "7",
]
SIGNS = [*',,,\n\n"\r\0 é\u2028²/\xff\ufeff', ".."]
CELLS = st.sampled_from([*WORDS, *SIGNS])
ROW = st.lists(CELLS, max_size=12).map("".join)
CSV_BYTES = st.one_of(
    st.binary(max_size=200),
    ROW.map(lambda text: text.encode()),
    ROW.map(lambda text: f"path,expression,subject,frame\n{text}\n".encode()),
    ROW.map(lambda text: f"path,expression,split\n{text}\n".encode()),
    st.binary(max_size=60).map(lambda data: b"path,expression,subject,sequence\n" + data),
)


@settings(
    deadline=None, max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(CSV_BYTES, st.sampled_from(["file", "folder", "zip"]))
def test_any_bytes_as_a_csv_give_rows_or_a_sentence(tmp_path, data, way):
    folder = tmp_path / way
    folder.mkdir(exist_ok=True)
    path = folder / "photos.csv"
    if way == "zip":
        path = zipped(folder / "a.zip", "1.jpg", **{"photos.csv": data})
    else:
        path.write_bytes(data)
    with suppress(DeganError):
        sources, _ = read(folder if way == "folder" else path)
        assert all((s.subject or s.split) and s.name and s.frame >= 0 for s in sources)


def test_photos_of_nobody_and_of_somebody_are_never_one_sequence(tmp_path):
    text = "path,expression,subject,split\n1.jpg,happy,ann,\nann/1.jpg,happy,,train\n"
    text += "2.jpg,happy,bob,train\n2.png,happy,bob,train\n"
    sources, _ = read(table(tmp_path, text))
    assert len({source.sequence for source in sources}) == len(sources) == 4


def test_one_name_in_two_spellings_of_unicode_is_one_person(tmp_path):
    names = [unicodedata.normalize(form, "Jos\u00e9") for form in ("NFC", "NFD")]
    rows = "".join(f"{number}.jpg,fear,{name}\n" for number, name in enumerate(names))
    text = f"path,expression,subject\n{rows}"
    sources, _ = read(table(tmp_path, text))
    assert {source.subject for source in sources} == {names[0]}


HEAD = "path,expression,subject\n"


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        ("path;expression;subject\r\nshots/1.jpg;fear;Zoë\r\n", "utf-8-sig"),
        ("Path\tEXPRESSION\tSubject \nshots/1.jpg\tfear\tZoë\n", "utf-16"),
        ("path,expression,subject,\r\rshots/1.jpg,fear,Zoë,\r,,,\r", "utf-8"),
        ("path,expression,subject\nshots\\1.jpg,fear,Zoë\n", "utf-8"),
    ],
)
@pytest.mark.parametrize("way", ["file", "folder", "zip"])
def test_a_csv_of_any_spreadsheet_is_read(tmp_path, text, encoding, way):
    if way == "zip":
        path = zipped(tmp_path / "a.zip", "shots/1.jpg", **{"p.csv": text.encode(encoding)})
    else:
        make(tmp_path, "shots/1.jpg")
        path = table(tmp_path, text, encoding=encoding)
        path = path if way == "file" else tmp_path
    source = only(path)
    assert (source.expression, source.subject) == ("fear", "Zoë")
    place = Location(path, "shots/1.jpg") if way == "zip" else Location(tmp_path / "shots/1.jpg")
    assert source.picture == place


def test_a_backslash_in_the_name_of_a_file_is_part_of_it(tmp_path):
    make(tmp_path, "a\\1.jpg", "a/1.jpg")
    source = only(table(tmp_path, HEAD + "a\\1.jpg,fear,ann\n"))
    assert source.picture == Location(tmp_path / "a\\1.jpg")


def test_a_row_given_twice_counts_once_and_is_told(tmp_path):
    text = HEAD + "1.jpg,fear,ann\n2.jpg,fear,bob\n./1.jpg,Fear,ann\n"
    sources, skipped = read(table(tmp_path, text))
    assert [source.name for source in sources] == ["1.jpg", "2.jpg"]
    assert reasons(skipped) == {"./1.jpg": "line 4 repeats line 2"}


@pytest.mark.parametrize(
    ("other", "column"), [("1.jpg,happy,ann", "expression"), ("1.jpg,fear,bob", "subject")]
)
def test_a_photo_with_two_labels_is_left_out(tmp_path, other, column):
    text = HEAD + f"1.jpg,fear,ann\n2.jpg,fear,bob\n{other}\n1.jpg,fear,ann\n"
    sources, skipped = read(table(tmp_path, text))
    assert [source.name for source in sources] == ["2.jpg"]
    assert f"line 2 has the {column} " in skipped[-1].reason
    assert "but line 4 has" in skipped[-1].reason


def test_a_row_with_more_cells_than_columns_is_not_understood(tmp_path):
    _, skipped = read(table(tmp_path, HEAD + "a,1.jpg,fear,ann\n2.jpg,fear,bob\n"))
    assert "the row has 4 cells, but the table has 3 columns" in skipped[0].reason


def test_a_column_twice_is_refused(tmp_path):
    with pytest.raises(DeganError, match="has the column path twice"):
        read(table(tmp_path, "path,expression,subject,Path\n1.jpg,fear,ann,2.jpg\n"))


def test_missing_columns_are_named_beside_those_there(tmp_path):
    with pytest.raises(DeganError, match=r"first row is 'path\|expression\|subject'"):
        read(table(tmp_path, "path|expression|subject\n1.jpg|fear|ann\n"))


def test_no_name_in_a_data_set_shows_a_home_folder(tmp_path):
    rows = [
        f"{tmp_path}/in/1.jpg,fear,ann\n",
        "/home/me/a/2.jpg,fear,ann\n",
        "/home/me/b/2.jpg,fear,ann\n",
        "/disk/a/2.jpg,fear,ann\n",
        "/disk/b/2.jpg,fear,ann\n",
        "C:\\Users\\me\\3.jpg,bored,ann\n",
    ]
    sources, skipped = read(table(tmp_path, HEAD + "".join(rows)))
    names = [source.name for source in sources]
    assert names == ["in/1.jpg", "a/2.jpg", "b/2.jpg", "3/a/2.jpg", "3/b/2.jpg"]
    assert [row.name for row in skipped] == ["3.jpg"]
    assert len({source.sequence for source in sources}) == 5  # names stay different
    assert [source.picture.path for source in sources][1] == Path("/home/me/a/2.jpg")


def test_a_table_of_too_many_rows_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(photo_table, "_MAX_ROWS", 3)
    rows = "".join(f"{number}.jpg,fear,ann\n" for number in range(3))
    assert len(read(table(tmp_path, HEAD + rows + "\n" * 9))[0]) == 3
    with pytest.raises(DeganError, match=r"has more than 3 rows; divide it"):
        read(table(tmp_path, HEAD + rows + "x\n"))


def test_a_cell_longer_than_any_path_is_left_out(tmp_path):
    _, skipped = read(table(tmp_path, HEAD + f"{'x' * 5000},fear,ann\n2.jpg,fear,ann\n"))
    assert skipped[0].reason == "a cell has more than 4,096 characters"
    assert len(skipped[0].name) == 4096
