"""The files of a data set wherever they lie: folders, zip files, and what attacks hide in them."""

import io
import os
import random
import struct
import tracemalloc
import zipfile
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from degan.data.tree import Tree, choose_copies
from degan.errors import DeganError

LIGHT = settings(
    max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


def make(root, *names, content=b"x"):
    for name in names:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return root


def archive(path, files, compression=zipfile.ZIP_DEFLATED):
    path.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(path, "w", compression) as file:
        for name, data in files.items():
            file.writestr(name, data)
    return path


def renamed(path, names):
    """Put names into a zip file that zipfile itself would not write; lengths stay."""
    data = path.read_bytes()
    for old, new in names.items():
        assert len(old) == len(new)
        data = data.replace(old, new)
    path.write_bytes(data)
    return path


def patched(path, offset, value):
    """Overwrite a field of every entry in the central directory of a zip file."""
    data = bytearray(path.read_bytes())
    at = data.find(b"PK\x01\x02")
    while at >= 0:
        data[at + offset : at + offset + len(value)] = value
        at = data.find(b"PK\x01\x02", at + 4)
    path.write_bytes(bytes(data))
    return path


def reasons(tree):
    return {row.name: row.reason for row in tree.skipped}


def test_files_of_folders_and_of_zip_files_have_one_kind_of_name(tmp_path):
    make(tmp_path, "b/2.png", "a.txt", content=b"folder")
    archive(tmp_path / "b" / "more.ZIP", {"deep/1.png": b"zip"})
    tree = Tree(tmp_path)
    assert tree.names == ("a.txt", "b/2.png", "b/more.ZIP/deep/1.png")
    assert tree.read("a.txt", 10) == b"folder"
    assert tree.read("b/more.ZIP/deep/1.png", 10) == b"zip"
    assert "a.txt" in tree
    assert "c.txt" not in tree
    assert tree.skipped == []
    assert tree.refused() == ""


def test_the_root_may_be_a_zip_file_of_any_name(tmp_path):
    tree = Tree(archive(tmp_path / "download", {"deep/1.png": b"zip"}))
    assert tree.names == ("deep/1.png",)
    assert tree.read("deep/1.png", 10) == b"zip"


def test_what_systems_leave_behind_is_not_there(tmp_path):
    make(tmp_path, ".DS_Store", "a/._1.png", "a/Thumbs.db", "__MACOSX/1.png", ".git/x", "a/1.png")
    archive(tmp_path / "z.zip", {"__MACOSX/a/._1.png": b"", "a/.DS_Store": b"", "a/1.png": b""})
    tree = Tree(tmp_path)
    assert tree.names == ("a/1.png", "z.zip/a/1.png")
    assert tree.skipped == []


def test_folders_of_a_zip_file_that_are_written_with_backslashes_are_folders(tmp_path):
    path = renamed(archive(tmp_path / "z.zip", {"a/1.png": b"in"}), {b"a/1.png": b"a\\1.png"})
    tree = Tree(path)
    assert tree.names == ("a/1.png",)
    assert tree.read("a/1.png", 10) == b"in"


@pytest.mark.parametrize(
    "name", ["../out.png", "a/../../out.png", "/etc/out", "C:/out.png", "c:out.png", "//host/s/x",
             "..\\out.png", "a\\..\\out.png", "\\\\host\\share\\out", "C:\\out.png"],
)  # fmt: skip
def test_a_member_that_leads_out_of_its_archive_is_refused_and_reported(tmp_path, name):
    path = archive(tmp_path / "z.zip", {name: b"evil", "good.png": b"good"})
    tree = Tree(path)
    assert tree.names == ("good.png",)
    assert [row.reason for row in tree.skipped] == ["its name leads out of the archive"]
    assert "leads out" in tree.refused()


@pytest.mark.parametrize("name", [b"new\nline", b"esc\x1b[1m.", b"bell\x07..."])
def test_a_name_that_would_garble_a_table_or_terminal_is_refused_and_shown_harmless(tmp_path, name):
    path = archive(tmp_path / "z.zip", {"x" * len(name): b"", "good.png": b""})
    tree = Tree(renamed(path, {b"x" * len(name): name}))
    assert tree.names == ("good.png",)
    (row,) = tree.skipped
    assert row.name.isprintable()
    assert "rename" in row.reason


@pytest.mark.skipif(os.name == "nt", reason="names are text there")
def test_a_file_whose_name_is_no_text_is_read_and_its_faults_can_be_printed(tmp_path):
    names = [os.fsencode(tmp_path) + name for name in (b"/\xff.png", b"/\xff.zip")]
    try:
        for name in names:
            Path(os.fsdecode(name)).write_bytes(b"x")
    except OSError:
        pytest.skip("no such names on this file system")
    tree = Tree(tmp_path)
    assert [tree.read(name, 10) for name in tree.names] == [b"x"]
    assert [row.name for row in tree.skipped] == ["\\udcff.zip"]
    tree.refused().encode()


def test_encrypted_members_are_one_row_an_archive_that_says_what_to_do(tmp_path):
    path = archive(tmp_path / "in" / "z.zip", {"1.png": b"", "2.png": b"", "3.png": b""})
    patched(path, 8, b"\x01\x00")
    tree = Tree(tmp_path)
    assert tree.names == ()
    assert reasons(tree) == {"in/z.zip": "3 of its files are encrypted; unpack it first"}
    assert tree.refused() == (
        " (left out: in/z.zip: 3 of its files are encrypted; unpack it first)"
    )


def test_members_compressed_in_an_unknown_way_are_reported(tmp_path):
    path = patched(archive(tmp_path / "z.zip", {"1.png": b"1"}), 10, struct.pack("<H", 9))
    tree = Tree(path)
    assert tree.names == ()
    assert "compressed in a way that degan does not read; unpack" in reasons(tree)["z.zip"]


def test_a_bomb_is_read_no_further_than_the_limit(tmp_path):
    tree = Tree(archive(tmp_path / "z.zip", {"bomb.png": bytes(50_000_000)}))
    tracemalloc.start()
    try:
        with pytest.raises(DeganError, match=r"bomb\.png has more than 1,000 bytes"):
            tree.read("bomb.png", 1000)
        most = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert most < 5_000_000


def test_a_size_that_lies_does_not_get_past_the_limit(tmp_path):
    path = archive(tmp_path / "z.zip", {"bomb.png": bytes(5_000_000)})
    tree = Tree(patched(path, 24, struct.pack("<I", 10)))  # says that it has 10 bytes
    with suppress(DeganError):
        assert len(tree.read("bomb.png", 1000)) <= 1000


def test_of_two_members_of_one_name_the_first_counts_and_the_second_is_reported(tmp_path):
    path = archive(tmp_path / "z.zip", {"1.png": b"", "2.png": b""})
    tree = Tree(renamed(path, {b"2.png": b"1.png"}))
    assert tree.names == ("1.png",)
    assert "second file" in reasons(tree)["1.png"]


def test_damaged_zips_are_reported_and_the_rest_is_read(tmp_path):
    whole = archive(tmp_path / "cut.zip", {f"{n}.png": b"12345" for n in range(9)}).read_bytes()
    make(tmp_path, "cut.zip", content=whole[: len(whole) // 2])
    make(tmp_path, "empty.zip", content=b"")
    make(tmp_path, "good.png", "text.zip")
    tree = Tree(tmp_path)
    assert tree.names == ("good.png",)
    assert set(reasons(tree)) == {"cut.zip", "empty.zip", "text.zip"}
    assert all(
        "damaged" in reason and "download it again" in reason for reason in reasons(tree).values()
    )
    assert "2 more" in tree.refused()


def test_a_member_whose_bytes_are_damaged_is_a_sentence(tmp_path):
    path = archive(tmp_path / "z.zip", {"1.txt": b"a" * 1000})
    data = bytearray(path.read_bytes())
    data[40:44] = b"\xff\xff\xff\xff"
    path.write_bytes(bytes(data))
    with pytest.raises(DeganError, match=r"1\.txt is damaged and cannot be unpacked"):
        Tree(path).read("1.txt", 10_000)


def test_links_that_lead_in_circles_end_and_what_they_reach_counts_once(tmp_path):
    make(tmp_path, "a/1.png")
    (tmp_path / "a" / "up").symlink_to(tmp_path)
    (tmp_path / "self").symlink_to(tmp_path / "self")
    (tmp_path / "gone.png").symlink_to(tmp_path / "nowhere")
    tree = Tree(tmp_path)
    assert tree.names == ("a/1.png",)
    assert set(reasons(tree)) == {"gone.png", "self"}


def test_a_link_to_a_folder_elsewhere_is_followed(tmp_path):
    make(tmp_path / "elsewhere", "1.png")
    (tmp_path / "root").mkdir()
    (tmp_path / "root" / "link").symlink_to(tmp_path / "elsewhere")
    assert Tree(tmp_path / "root").names == ("link/1.png",)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes here")
@pytest.mark.parametrize("name", ["pipe.avi", "pipe.zip"])
def test_a_pipe_is_not_waited_for(tmp_path, name):
    os.mkfifo(tmp_path / name)
    assert Tree(tmp_path).names == ()
    with pytest.raises(DeganError, match="neither a folder nor a zip file"):
        Tree(tmp_path / name)


def test_a_folder_that_may_not_be_read_is_reported(tmp_path, monkeypatch):
    make(tmp_path, "a/1.png", "b/1.png")
    scan = os.scandir

    def refuse(path):
        if str(path).endswith("a"):
            raise PermissionError(13, "Permission denied", str(path))
        return scan(path)

    monkeypatch.setattr(os, "scandir", refuse)
    tree = Tree(tmp_path)
    assert tree.names == ("b/1.png",)
    assert "permissions" in reasons(tree)["a"]


def test_a_path_that_is_nothing_or_no_zip_says_so(tmp_path):
    with pytest.raises(DeganError, match="does not exist; check"):
        Tree(tmp_path / "gone")
    with pytest.raises(DeganError, match="neither a folder nor a zip file"):
        Tree(make(tmp_path, "a.txt") / "a.txt")
    with pytest.raises(DeganError):
        Tree(tmp_path / ("n" * 300))


def test_a_root_that_is_a_damaged_zip_says_so(tmp_path):
    path = archive(tmp_path / "z.zip", {"1.png": b""})
    data = path.read_bytes()
    path.write_bytes(data[:40] + data[60:])
    with pytest.raises(DeganError, match=r"z\.zip is damaged.*download it again"):
        Tree(path)


def test_too_many_files_are_refused(tmp_path, monkeypatch):
    monkeypatch.setattr("degan.data.tree.MAX_FILES", 3)
    make(tmp_path, "1", "2", "3")
    assert len(Tree(tmp_path).names) == 3
    make(tmp_path, "4")
    with pytest.raises(DeganError, match="more than 3 files; give a part"):
        Tree(tmp_path)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "latin-1"])
def test_text_is_read_in_the_encodings_that_data_sets_have(tmp_path, encoding):
    make(tmp_path, "a.txt", content="café 3.0".encode(encoding))
    assert Tree(tmp_path).text("a.txt") == "café 3.0"


def test_text_over_the_limit_and_empty_text_are_sentences(tmp_path):
    make(tmp_path, "long.txt", content=b"1" * 2000)
    make(tmp_path, "empty.txt", content=b"")
    with pytest.raises(DeganError, match=r"long\.txt has 2,000 bytes, more than the 1,000"):
        Tree(tmp_path).text("long.txt", 1000)
    with pytest.raises(DeganError, match=r"empty\.txt is empty"):
        Tree(tmp_path).text("empty.txt")


PART = st.text(
    st.characters(exclude_characters="/\\:", exclude_categories=("Cc", "Cs")), max_size=8
)
NAMES = st.lists(PART.filter(lambda s: s.strip(". ") == s != ""), min_size=1, max_size=4).map(
    "/".join
)


@LIGHT
@given(st.sets(NAMES, min_size=1, max_size=5))
def test_every_sane_name_of_a_zip_file_is_found_and_read(tmp_path, names):
    path = archive(tmp_path / "any.zip", {name: name.encode() for name in sorted(names)})
    tree = Tree(path)
    hidden = {n for n in names if {"__MACOSX", "Thumbs.db", "desktop.ini"} & {*n.split("/")}}
    assert set(tree.names) == names - hidden
    for name in tree.names:
        assert tree.read(name, 1000) == name.encode()


EVIL = st.lists(
    st.sampled_from(["..", ".", "/", "\\", "C:", "a", "b.png", "\0", "\n", "é", "con"]), max_size=8
).map("".join)


@LIGHT
@given(st.lists(EVIL, min_size=1, max_size=4))
@example(["./C:"])
@example([".\\C:/a/b.png"])
@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_no_name_of_a_zip_file_leads_out(tmp_path, names):
    path = tmp_path / "evil.zip"
    with zipfile.ZipFile(path, "w") as file:
        for name in names:
            member = zipfile.ZipInfo("x")
            member.filename = name  # even none at all
            with file.open(member, "w"):
                pass
    for name in Tree(path).names:
        parts = name.split("/")
        assert not {"..", ".", ""} & {*parts}
        assert "\\" not in name
        assert ":" not in parts[0] or len(parts[0]) > 2


def sample_zip():
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("S001/1.txt", b"3.0000" * 20)
        file.writestr("S001/2.txt", b"1")
    return buffer.getvalue()


SAMPLE = sample_zip()


@LIGHT
@given(st.randoms(use_true_random=False), st.integers(1, 12), st.booleans())
def test_any_damage_to_a_zip_file_is_a_sentence_or_nothing(tmp_path, dice: random.Random, n, root):
    data = bytearray(SAMPLE)
    for _ in range(n):
        data[dice.randrange(len(data))] = dice.randrange(256)
    if dice.random() < 0.2:
        del data[dice.randrange(len(data)) :]
    path = tmp_path / "any.zip"
    path.write_bytes(bytes(data))
    try:
        tree = Tree(path if root else tmp_path)
    except DeganError as error:
        assert "\n" not in str(error)
        return
    for name in tree.names:
        with suppress(DeganError):
            assert len(tree.read(name, 200)) <= 200


@LIGHT
@given(st.binary(max_size=300))
def test_any_bytes_as_a_zip_file_are_a_sentence_or_nothing(tmp_path, data):
    path = tmp_path / "any.zip"
    path.write_bytes(data)
    assert Tree(tmp_path).names == ()
    with pytest.raises(DeganError):
        Tree(path)


def frames(*numbers, folder=""):
    return {number: f"{folder}{number}.png" for number in numbers}


def test_one_copy_takes_each_sequence_from_one_place():
    full = {"a": frames(1, 2, folder="x/"), "b": frames(1, folder="x/")}
    part = {"b": frames(1, 2, 3, folder="y/"), "c": frames(1, folder="y/")}
    chosen, skipped = choose_copies(
        {"y.zip/": {"b": part["b"]}, "x/": full, "z/": {"c": part["c"]}}
    )
    assert chosen == {"a": full["a"], "b": full["b"], "c": part["c"]}
    assert [(row.name, row.reason) for row in skipped] == [
        ("y.zip", "1 of its 1 sequences are a second copy; the one in x is used")
    ]


def test_one_copy_prefers_more_sequences_then_more_frames():
    wide = {"a": frames(1), "b": frames(1)}
    deep = {"a": frames(1, 2, 3, 4)}
    assert choose_copies({"deep/": deep, "wide/": wide})[0] == wide
    assert choose_copies({"a/": {"a": frames(1)}, "deep/": deep})[0] == deep


def test_one_copy_prefers_originals_however_few():
    few = {"a": frames(1)}
    many = {"a": frames(1, 2), "b": frames(1)}
    for processed in ("VL_Acropped/", "PreProcess Img/", "aligned/"):
        chosen, skipped = choose_copies({processed: many, "Original/": few})
        assert chosen == few
        assert [row.name for row in skipped] == [processed.strip("/")]
        assert "originals in Original are used" in skipped[0].reason
        assert choose_copies({processed: many}) == (many, [])
