"""Long work that is stopped goes on: a file is the same as if nothing had happened."""

import io
import json
import shutil
import sys
import time
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from degan.errors import DeganError
from degan.media.images import read_image
from degan.media.video import count_frames
from degan.predict.call_settings import Plan
from degan.predict.inputs import find_inputs
from degan.predict.journal import Journal
from degan.predict.reader import ReadOptions, open_reader
from degan.predict.records import to_record
from degan.predict.run import predict
from degan.system.file_lock import lock
from films import film

ASKED = {"weights": "abc", "smooth": 0.3}


def photo(name, faces=()):
    return {"path": name, "faces": list(faces)}


def frames(name, count):
    return [{"path": name, "frame": n, "time": n / 10, "faces": []} for n in range(count)]


WORK = [photo("a.jpg"), photo("Zoë\n.jpg", [{"score": 0.5}]), *frames("v.mp4", 3), photo("c.jpg")]
ENDS = {4: "v.mp4"}  # after so many records a video ended


def do(journal, log):
    """Read what is not done, as predict() does; note what was read."""
    for number, record in enumerate(WORK):
        if record["path"] in journal.done:
            continue
        log.append(number)
        journal.write(record)
        if number in ENDS:
            journal.end(ENDS[number])


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """The bytes of a journal of all work."""
    out = tmp_path_factory.mktemp("journal") / "t.csv"
    journal = Journal(out, ASKED)
    do(journal, [])
    return (out.parent / "t.csv.partial").read_bytes()


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_cut_off_at_any_byte_it_goes_on_and_is_the_same_in_the_end(tmp_path, whole, data):
    size = data.draw(st.integers(0, len(whole)))
    partial = tmp_path / "t.csv.partial"
    partial.write_bytes(whole[:size])
    done = {number for number, end in enumerate(ends_of(whole)) if end <= size}
    log = []
    with Journal(tmp_path / "t.csv", ASKED) as journal:
        do(journal, log)
        assert list(journal.records()) == WORK
        assert partial.read_bytes() == whole
    assert not done & set(log)  # nothing is read twice
    assert not partial.exists()


def ends_of(whole):
    """Where in the journal each record is safe; those of a video are with its end."""
    ends, place = [], 0
    for line in whole.splitlines(keepends=True):
        place += len(line)
        told = json.loads(line)
        if "degan" in told:
            continue
        if "done" in told:
            ends = [place if end is None else end for end in ends]
        else:
            ends.append(None if "frame" in told else place)
    return ends


@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.binary(max_size=40))
def test_damage_behind_what_is_whole_is_cut_off(tmp_path, whole, rubbish):
    (tmp_path / "t.csv.partial").write_bytes(whole + b"\xff{" + rubbish)
    log = []
    with Journal(tmp_path / "t.csv", ASKED) as journal:
        do(journal, log)
        assert log == []
        assert list(journal.records()) == WORK


def test_a_failure_leaves_it_for_the_next_call(tmp_path):
    with pytest.raises(RuntimeError), Journal(tmp_path / "t.csv", ASKED) as journal:
        journal.write(WORK[0])
        raise RuntimeError
    with Journal(tmp_path / "t.csv", ASKED) as journal:
        assert journal.done == {"a.jpg"}


def test_a_call_that_was_killed_before_the_first_record_can_be_repeated(tmp_path):
    Journal(tmp_path / "t.csv", ASKED)
    assert Journal(tmp_path / "t.csv", ASKED).done == set()


def test_only_one_call_at_a_time_writes_it(tmp_path):
    with Journal(tmp_path / "t.csv", ASKED) as journal:
        journal.write(WORK[0])
        with pytest.raises(DeganError, match=r"another degan command is writing .*t\.csv\.partial"):
            Journal(tmp_path / "t.csv", ASKED)
        Journal(tmp_path / "other.csv", ASKED).close()
        assert list(journal.records()) == WORK[:1]
    with Journal(tmp_path / "t.csv", ASKED) as journal:
        assert journal.done == set()


@pytest.mark.skipif(sys.platform == "win32", reason="locks of POSIX")
def test_where_no_file_can_be_locked_work_is_done_all_the_same(tmp_path, monkeypatch):
    def cannot(*_):
        raise OSError(37, "No locks available")

    monkeypatch.setattr("fcntl.flock", cannot)
    with Journal(tmp_path / "t.csv", ASKED) as journal:
        journal.write(WORK[0])
        assert list(journal.records()) == WORK[:1]


@pytest.mark.skipif(sys.platform == "win32", reason="there no open file can be deleted")
def test_a_journal_that_is_deleted_while_it_is_opened_is_made_again(tmp_path, monkeypatch):
    gone = []

    def lock_late(file):
        if not gone:  # the call that had it locked ends now
            gone.append((tmp_path / "t.csv.partial").unlink())
        return lock(file)

    monkeypatch.setattr("degan.predict.journal.lock", lock_late)
    with Journal(tmp_path / "t.csv", ASKED) as journal:
        journal.write(WORK[0])
        assert len((tmp_path / "t.csv.partial").read_bytes().splitlines()) == 2


def test_a_file_that_is_another_one_now_counts_when_it_was_read_anew(tmp_path):
    path = tmp_path / "a.jpg"
    for content in (b"one", b"other"):
        path.write_bytes(content)
        journal = Journal(tmp_path / "t.csv", ASKED)
        assert journal.done == set()
        assert list(journal.records()) == []
        journal.write({"path": str(path), "error": content.decode()})
        journal.close()
    journal = Journal(tmp_path / "t.csv", ASKED)
    assert journal.done == {str(path)}
    assert list(journal.records()) == [{"path": str(path), "error": "other"}]


def test_a_file_that_was_changed_while_work_went_on_is_read_again_by_the_next_call(tmp_path):
    path = tmp_path / "a.jpg"
    with pytest.raises(StoppedError), Journal(tmp_path / "t.csv", ASKED) as journal:
        time.sleep(0.02)  # clocks of files are coarse
        path.write_bytes(b"new")
        journal.write({"path": str(path), "error": "perhaps of what was there before"})
        raise StoppedError
    assert Journal(tmp_path / "t.csv", ASKED).done == set()


def test_of_other_weights_or_options_it_is_begun_anew(tmp_path, whole):
    (tmp_path / "t.csv.partial").write_bytes(whole)
    with Journal(tmp_path / "t.csv", {**ASKED, "smooth": 0}) as journal:
        assert journal.done == set()
        assert list(journal.records()) == []
        assert journal.restarted


def test_records_of_what_is_not_asked_for_now_are_left_out(tmp_path, whole):
    (tmp_path / "t.csv.partial").write_bytes(whole)
    with Journal(tmp_path / "t.csv", ASKED) as journal:
        assert list(journal.records({"c.jpg", "v.mp4"})) == WORK[2:]


@pytest.mark.parametrize("content", [b"mine", b'{"degas": 1}\n', b"\n", b"PK\x03\x04" * 99])
def test_a_file_of_somebody_else_is_in_the_way_and_stays(tmp_path, content):
    (tmp_path / "t.csv.partial").write_bytes(content)
    with pytest.raises(DeganError, match=r"t\.csv\.partial was not made by degan"):
        Journal(tmp_path / "t.csv", ASKED)
    assert (tmp_path / "t.csv.partial").read_bytes() == content


def test_a_place_that_cannot_be_written_is_a_sentence(tmp_path):
    (tmp_path / "file").touch()
    (tmp_path / "t.csv.partial").mkdir()
    for out in (tmp_path / "file/t.csv", tmp_path / "t.csv"):
        with pytest.raises(DeganError, match=r"cannot write .*t\.csv\.partial"):
            Journal(out, ASKED)


class StoppedError(Exception):
    """What happens to a call in these tests."""


@pytest.fixture
def work(examples, tmp_path):
    """Photos and a video of three frames, in a folder."""
    folder = tmp_path / "in"
    folder.mkdir()
    for number in (1, 2):
        shutil.copy(examples / f"smiling/{number:03d}.jpg", folder / f"{number}.jpg")
    (folder / "3.mp4").write_bytes(film([read_image(folder / "1.jpg")] * 3))
    (folder / "4.jpg").write_bytes(b"words")
    return folder


@pytest.fixture
def stop_after(monkeypatch):
    """A function that has the call stopped when so many pictures were read, and counts them."""
    seen = []

    def to_record_or_stop(result, **choices):
        if len(seen) == limit[0]:
            raise StoppedError
        seen.append((result.path, result.frame))
        return to_record(result, **choices)

    limit = [None]
    monkeypatch.setattr("degan.predict.reader.to_record", to_record_or_stop)
    monkeypatch.setattr("degan.predict.photos._CHUNK", 1)

    def after(count):
        seen.clear()
        limit[0] = count
        return seen

    return after


def run(folder, out, options=None, note=None, **choices):
    plan = Plan(find_inputs([folder]), reader=open_reader(options), **choices)
    return predict(plan, lambda record: None, out=out, note=note)


class TestPredict:
    def test_it_goes_on_wherever_it_was_stopped(self, work, tmp_path, stop_after):
        again, out = stop_after(None), tmp_path / "t.jsonl"
        run(work, out)
        everything, pictures = out.read_bytes(), list(again)
        assert len(pictures) == 6
        assert not (tmp_path / "t.jsonl.partial").exists()
        for count in range(6):
            out.unlink()
            stop_after(count)
            with pytest.raises(StoppedError):
                run(work, out)
            assert not out.exists()
            again = stop_after(None)
            run(work, out)
            assert out.read_bytes() == everything
            # Photos are not read again; a video that was stopped within is, from its beginning.
            safe = count if count <= 2 or count > 4 else 2
            assert again == pictures[safe:]

    def test_what_is_there_already_stays_until_the_new_file_is_whole(
        self, work, tmp_path, stop_after
    ):
        out = tmp_path / "t.csv"
        out.write_text("old")
        stop_after(2)
        with pytest.raises(StoppedError):
            run(work, out)
        assert out.read_text() == "old"
        stop_after(None)
        run(work, out)
        assert out.read_text().startswith("path,frame,time,person,x,")

    def test_other_weights_options_or_a_changed_neutral_photo_begin_anew(
        self, work, tmp_path, stop_after, examples
    ):
        calm = tmp_path / "calm.jpg"
        shutil.copy(examples / "neutral/001.jpg", calm)
        plans = [
            {},
            {"options": ReadOptions(weights=Path("clean"))},
            {"options": ReadOptions(actions=True)},
            {"smooth": 0.0},
            {"rate": 1.0},
            {"options": ReadOptions(neutral=calm)},
            {"options": ReadOptions(neutral=calm)},
        ]
        for number, plan in enumerate(plans):
            if number == 6:
                shutil.copy(examples / "neutral/002.jpg", calm)
            again, said = stop_after(1), []
            with pytest.raises(StoppedError):
                run(work, tmp_path / "t.csv", note=said.append, **plan)
            assert again == [(str(work / "1.jpg"), None)]
            dropped = [f"{tmp_path / 't.csv.partial'} had records of other settings"]
            assert [line.partition(" or of")[0] for line in said] == dropped * (number > 0)

    def test_the_same_words_in_another_folder_are_other_photos(
        self, work, tmp_path, stop_after, monkeypatch
    ):
        other = tmp_path / "elsewhere"
        shutil.copytree(work, other / "in")
        for folder in (tmp_path, other):
            monkeypatch.chdir(folder)
            again = stop_after(1)
            with pytest.raises(StoppedError):
                run(Path("in"), tmp_path / "t.csv")
            assert again == [("in/1.jpg", None)]

    def test_another_folder_gets_no_rows_of_the_first(self, work, tmp_path, stop_after):
        stop_after(2)
        with pytest.raises(StoppedError):
            run(work, tmp_path / "t.jsonl")
        stop_after(None)
        other = tmp_path / "other"
        other.mkdir()
        shutil.copy(work / "2.jpg", other / "2.jpg")
        count = run(other, tmp_path / "t.jsonl")
        assert count.photos == count.faces == 1
        (line,) = (tmp_path / "t.jsonl").read_text().splitlines()
        assert json.loads(line)["path"] == str(other / "2.jpg")

    def test_a_stream_is_not_continued(self, work, tmp_path, stop_after, monkeypatch):
        data = (work / "1.jpg").read_bytes()
        stop_after(None)
        for fails in (True, False):
            monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(data)))
            with monkeypatch.context() as patch:
                if fails:
                    patch.setattr("degan.predict.run.write_file", broken)
                    with pytest.raises(StoppedError):
                        predict(Plan(stdin=True), print, out=tmp_path / "t.jsonl")
                    assert (tmp_path / "t.jsonl.partial").exists()
                else:
                    predict(Plan(stdin=True), print, out=tmp_path / "t.jsonl")
        assert len((tmp_path / "t.jsonl").read_text().splitlines()) == 1

    @pytest.mark.parametrize(
        ("changed", "names"),
        [
            ("1.jpg", ["2.jpg", "3.mp4", "3.mp4", "3.mp4", "1.jpg", "4.jpg"]),
            ("3.mp4", ["1.jpg", "2.jpg", "3.mp4", "3.mp4", "4.jpg"]),
        ],
    )
    def test_what_has_changed_since_is_read_again(
        self, work, tmp_path, stop_after, examples, changed, names
    ):
        out = tmp_path / "t.jsonl"
        stop_after(5)  # the video is done, 4.jpg is not
        with pytest.raises(StoppedError):
            run(work, out)
        if changed == "1.jpg":
            shutil.copy(examples / "neutral/002.jpg", work / changed)
        else:
            (work / changed).write_bytes(film([read_image(work / "2.jpg")] * 2))
        again = stop_after(None)
        count = run(work, out)
        assert {path for path, _ in again} == {str(work / changed), str(work / "4.jpg")}
        assert count.photos == 3
        records = [json.loads(line) for line in out.read_text().splitlines()]
        assert [Path(record["path"]).name for record in records] == names
        assert not any("stamp" in record for record in records)

    def test_what_was_continued_counts_in_full_and_is_on_the_sheet(
        self, work, tmp_path, stop_after
    ):
        stop_after(4)
        with pytest.raises(StoppedError):
            run(work, tmp_path / "t.csv")
        stop_after(None)
        plan = Plan(find_inputs([work]))
        count = predict(plan, print, out=tmp_path / "t.csv", sheet=tmp_path / "s.png")
        assert (count.photos, count.frames, count.faces, count.num_bad) == (3, 3, 5, 1)
        assert (
            read_image(tmp_path / "s.png").shape[1] == 110 + 3 * 102 + 6
        )  # 1.jpg, 2.jpg, the video


def broken(*_, **__):
    raise StoppedError


def test_annotated_videos_are_whole_after_going_on(work, tmp_path, stop_after):
    target = tmp_path / "drawn"
    stop_after(3)
    with pytest.raises(StoppedError):
        run(work, tmp_path / "t.csv", annotate=target)
    assert [path.name for path in target.iterdir()] == ["1.jpg", "2.jpg"]
    stop_after(None)
    run(work, tmp_path / "t.csv", annotate=target)
    assert count_frames(target / "3.mp4", "v") == 3
    assert sorted(path.name for path in target.iterdir()) == ["1.jpg", "2.jpg", "3.mp4"]
