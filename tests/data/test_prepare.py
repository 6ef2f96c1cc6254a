"""From photos to a data set: what is cut, what is left out and why, and interruptions."""

import csv
import json
import os
import subprocess
import sys
import zipfile
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from degan.data.adapters import find_adapter
from degan.data.datasets import ckplus, folder
from degan.data.manifest import read_dataset
from degan.data.pictures import Location, Pixels
from degan.data.prepare import PrepareSettings, prepare, prepare_dataset
from degan.data.protocol import Protocol
from degan.data.sample import Recording, Skipped, Source
from degan.errors import DeganError, DeganTypeError
from degan.faces.alignment import FRAME
from degan.media import images

SMALL = PrepareSettings(crop_size=48)
CROPS = PrepareSettings(crop_size=48, crops=True)
GOOD = ["happy/ann_1.jpg", "neutral/ann_1.png", "neutral/bob_1.png"]
BAD = {
    "neutral/dot_1.png": "no face found",
    "neutral/half_1.jpg": "damaged",
    "neutral/text_1.jpg": "not an image",
    "neutral/wall_1.png": "no face found",
}


@pytest.fixture(scope="module")
def tree(tmp_path_factory, astronaut):
    """Three photos of a face and four files that give none."""
    root = tmp_path_factory.mktemp("photos")
    face = astronaut[:256, 96:352]
    images.write_image(root / "happy" / "ann_1.jpg", astronaut)
    images.write_image(root / "neutral" / "ann_1.png", np.ascontiguousarray(face))
    images.write_image(root / "neutral" / "bob_1.png", np.ascontiguousarray(face[:, ::-1]))
    images.write_image(root / "neutral" / "dot_1.png", np.full((1, 1, 3), 9, np.uint8))
    images.write_image(
        root / "neutral" / "wall_1.png", np.full((90, 120, 3), (90, 140, 90), np.uint8)
    )
    (root / "neutral" / "text_1.jpg").write_text("not a photo\n" * 50)
    data = (root / "happy" / "ann_1.jpg").read_bytes()
    (root / "neutral" / "half_1.jpg").write_bytes(data[: len(data) // 2])
    return root


@pytest.fixture(scope="module")
def cut_outs(tmp_path_factory, astronaut):
    """Faces already cut out: two of 32 pixels and more, one without landmarks, two too small."""
    root = tmp_path_factory.mktemp("cut_outs")
    face = Image.fromarray(astronaut[40:190, 150:300])
    (root / "fear").mkdir()
    for name, size in {"ann_1": 150, "ann_2": 32, "tiny_1": 31, "tiny_2": 1}.items():
        face.resize((size, size)).save(root / "fear" / f"{name}.png")
    Image.new("L", (40, 60), 128).save(root / "fear" / "blank_1.png")
    return root


def run(root, out, settings=SMALL, jobs=2, **options):
    return prepare_dataset(folder.ADAPTER, root, out, Protocol(), settings, jobs=jobs, **options)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes here")
def test_a_table_of_pipes_and_missing_photos_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "pipe.jpg")
    rows = "pipe.jpg,fear,ann\n/dev/zero,fear,bob\ngone.jpg,fear,bob\n"
    (tmp_path / "photos.csv").write_text("path,expression,subject\n" + rows)
    with pytest.raises(DeganError, match="none of 3 pictures is a file") as caught:
        run(tmp_path / "photos.csv", tmp_path / "out")
    assert "(pipe.jpg is a pipe, a socket or a device" in str(caught.value)
    assert "--crops" not in str(caught.value)
    assert not (tmp_path / "out").exists()


def test_reasons_do_not_show_the_folder_of_the_photos(tree, tmp_path):
    found = run(tree, tmp_path / "out")
    assert len(found.skipped) == 4
    text = (tmp_path / "out/skipped.csv").read_text()
    assert "neutral/half_1.jpg is damaged" in text
    assert str(tree) not in text


def recordings_of(root):
    return folder.read(root, Protocol()).recordings


def content(folder):
    """Every file of a folder, hidden ones too."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


def interrupt_at(number):
    def progress(done, total):
        if done >= number:
            raise KeyboardInterrupt

    return progress


def touched_copy(tree, root):
    """A copy of the tree that a test may change."""
    import shutil

    return shutil.copytree(tree, root)


@pytest.fixture(scope="module")
def prepared(tree, tmp_path_factory):
    out = tmp_path_factory.mktemp("out") / "data"
    return out, run(tree, out)


def test_every_photo_with_a_face_gives_a_sample(prepared):
    out, result = prepared
    dataset = read_dataset(out)
    assert dataset.samples == result.samples
    assert (dataset.crop_size, dataset.frame) == (48, FRAME)
    assert [(s.source, s.expression, s.subject) for s in dataset.samples] == [
        ("happy/ann_1.jpg", "happiness", "ann"),
        ("neutral/ann_1.png", "neutral", "ann"),
        ("neutral/bob_1.png", "neutral", "bob"),
    ]
    assert {(s.alignment, s.faces) for s in dataset.samples} == {("landmarks", 1)}


def test_crops_are_the_aligned_face_in_the_size_asked_for(prepared):
    out, result = prepared
    crops = [images.read_image(out / sample.file).astype(int) for sample in result.samples]
    assert {crop.shape for crop in crops} == {(48, 48, 3)}
    assert np.abs(crops[0] - crops[1]).mean() < 10  # one face in two photos
    assert np.abs(crops[0] - crops[2]).mean() > np.abs(crops[0] - crops[2][:, ::-1]).mean()


def test_every_file_left_out_is_listed_with_its_reason(prepared):
    out, result = prepared
    reasons = {row.name: row.reason for row in result.skipped}
    assert set(reasons) == set(BAD)
    assert all(BAD[name] in reason for name, reason in reasons.items())
    with (out / "skipped.csv").open(newline="", encoding="utf-8") as file:
        assert {row["source"]: row["reason"] for row in csv.DictReader(file)} == reasons


def test_what_the_adapter_left_out_is_listed_too(tree, tmp_path):
    gone = Skipped("holiday/", "the folder name is not a valid expression")
    result = prepare(recordings_of(tree)[:1], [gone], tmp_path / "data", SMALL, jobs=1)
    assert result.skipped == (gone,)
    assert json.loads((tmp_path / "data" / "dataset.json").read_text())["skipped"] == 1


def test_nothing_unfinished_is_left(prepared):
    out, result = prepared
    crops = {sample.file for sample in result.samples}
    assert set(content(out)) == {"manifest.csv", "skipped.csv", "dataset.json", *crops}
    assert list(out.parent.iterdir()) == [out]


@pytest.mark.parametrize("jobs", [1, 2, 5])
def test_the_data_set_is_the_same_bytes_for_any_number_of_jobs(prepared, tree, tmp_path, jobs):
    run(tree, tmp_path / "data", jobs=jobs)
    assert content(tmp_path / "data") == content(prepared[0])


def test_progress_goes_from_none_to_all(tree, tmp_path):
    told = []
    run(tree, tmp_path / "data", progress=lambda *numbers: told.append(numbers))
    assert told == [(done, 7) for done in range(8)]


@pytest.mark.parametrize("jobs", [1, 2])
def test_an_interrupted_call_continued_gives_the_same_bytes(prepared, tree, tmp_path, jobs):
    out = tmp_path / "data"
    for number in (0, 2, 5, 7):
        with pytest.raises(KeyboardInterrupt):
            run(tree, out, jobs=jobs, progress=interrupt_at(number))
        assert not out.exists()
    run(tree, out, jobs=jobs)
    assert content(out) == content(prepared[0])
    assert list(tmp_path.iterdir()) == [out]


def test_a_continued_call_does_not_do_finished_photos_again(tree, tmp_path):
    out, told = tmp_path / "data", []
    with pytest.raises(KeyboardInterrupt):
        run(tree, out, jobs=1, progress=interrupt_at(2))
    before = {p.name: p.stat() for p in (tmp_path / "data.partial").rglob("*.png")}
    assert before
    run(tree, out, jobs=1, progress=lambda *numbers: told.append(numbers))
    assert told[0][0] >= 2
    for path in out.rglob("*.png"):
        if path.name in before:
            old, new = before[path.name], path.stat()
            assert (new.st_ino, new.st_mtime_ns) == (old.st_ino, old.st_mtime_ns)


@pytest.mark.parametrize("cut", [1, 30])
def test_a_call_killed_while_writing_is_continued(prepared, tree, tmp_path, cut):
    out, partial = tmp_path / "data", tmp_path / "data.partial"
    with pytest.raises(KeyboardInterrupt):
        run(tree, out, jobs=1, progress=interrupt_at(3))
    journal = partial / "progress.jsonl"
    journal.write_bytes(journal.read_bytes()[:-cut])  # the last line, cut short
    (partial / "crops" / "neutral" / ".000001.png.12345678.tmp").write_bytes(b"half a crop")
    run(tree, out)
    assert content(out) == content(prepared[0])


def test_a_damaged_journal_starts_anew(prepared, tree, tmp_path):
    out = tmp_path / "data"
    with pytest.raises(KeyboardInterrupt):
        run(tree, out, jobs=1, progress=interrupt_at(3))
    journal = tmp_path / "data.partial" / "progress.jsonl"
    head, _, rest = journal.read_text().partition("\n")
    journal.write_text(f"{head}\n\0\0\0\0\n{rest}")
    run(tree, out)
    assert content(out) == content(prepared[0])


def test_a_photo_changed_after_the_interruption_starts_anew(tree, tmp_path, astronaut):
    root, out = touched_copy(tree, tmp_path / "photos"), tmp_path / "data"
    with pytest.raises(KeyboardInterrupt):
        run(root, out, jobs=1, progress=interrupt_at(3))
    images.write_image(root / "happy" / "ann_1.jpg", np.ascontiguousarray(astronaut[:, ::-1]))
    run(root, out)
    run(root, tmp_path / "other")
    assert content(out) == content(tmp_path / "other")


def test_other_settings_after_the_interruption_start_anew(tree, tmp_path):
    out = tmp_path / "data"
    with pytest.raises(KeyboardInterrupt):
        run(tree, out, progress=interrupt_at(3))
    run(tree, out, replace(SMALL, crop_size=32))
    dataset = read_dataset(out)
    assert {images.read_image(out / s.file).shape for s in dataset.samples} == {(32, 32, 3)}


def test_a_folder_that_is_taken_is_refused_and_left_alone(tree, tmp_path):
    out = tmp_path / "data"
    out.mkdir()
    (out / "thesis.tex").write_text("mine")
    with pytest.raises(DeganError, match="not empty"):
        run(tree, out)
    assert content(tmp_path) == {"data/thesis.tex": b"mine"}


def test_a_file_in_the_place_of_the_folder_is_refused(tree, tmp_path):
    (tmp_path / "data").write_text("mine")
    with pytest.raises(DeganError, match="is a file"):
        run(tree, tmp_path / "data")


def test_an_empty_folder_may_be_given(prepared, tree, tmp_path):
    (tmp_path / "data").mkdir()
    run(tree, tmp_path / "data")
    assert content(tmp_path / "data") == content(prepared[0])


@pytest.mark.parametrize("name", ["data.partial", "data.partial/thesis.tex"])
def test_what_degan_did_not_make_is_never_deleted(tree, tmp_path, name):
    (tmp_path / name).parent.mkdir(exist_ok=True)
    (tmp_path / name).write_text("mine")
    with pytest.raises(DeganError, match="in the way"):
        run(tree, tmp_path / "data")
    assert content(tmp_path) == {name: b"mine"}


def test_an_unwritable_place_is_said_in_a_sentence(tree, tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(DeganError):
        run(tree, tmp_path / "file" / "data")


def test_photos_that_all_give_no_face_are_an_error_and_leave_no_folder(tree, tmp_path):
    bad = [one for one in recordings_of(tree) if one.sources[0].name in BAD]
    with pytest.raises(DeganError, match=r"no face found in any of 4 pictures.*dot_1.*--crops"):
        prepare(bad, [], tmp_path / "data", SMALL, jobs=2)
    assert not list(tmp_path.iterdir())


def test_a_photo_that_is_gone_or_has_an_impossible_path_is_left_out(tree, tmp_path):
    (good,) = recordings_of(tree)[0].sources
    gone = replace(good, picture=Location(tmp_path / "gone.jpg"), name="gone")
    long = replace(good, picture=Location(tmp_path / ("n" * 300 + ".jpg")), name="long")
    alone = [Recording((source,)) for source in (good, gone, long)]
    result = prepare(alone, [], tmp_path / "data", SMALL, jobs=1)
    assert [row.name for row in result.skipped] == ["gone", "long"]


@pytest.mark.skipif(os.name != "posix", reason="names are Unicode there")
def test_a_file_whose_name_is_not_utf8_is_prepared(tree, tmp_path):
    root = tmp_path / "photos"
    touched_copy(tree / "happy", root / "happy")
    try:
        (root / "happy" / "ann_1.jpg").rename(root / "happy" / os.fsdecode(b"caf\xe9_1.jpg"))
    except OSError:
        pytest.skip("this file system takes no such name")
    run(root, tmp_path / "data")
    assert read_dataset(tmp_path / "data").subjects == ("caf\\udce9",)


def test_faces_already_cut_out_are_taken_from_32_pixels_on(cut_outs, tmp_path):
    result = run(cut_outs, tmp_path / "data", CROPS)
    assert {sample.source: sample.alignment for sample in result.samples} == {
        "fear/ann_1.png": "landmarks",
        "fear/ann_2.png": "landmarks",
        "fear/blank_1.png": "none",
    }
    reasons = {row.name: row.reason for row in result.skipped}
    assert set(reasons) == {"fear/tiny_1.png", "fear/tiny_2.png"}
    assert all("32 x 32" in reason for reason in reasons.values())
    assert {images.read_image(tmp_path / "data" / s.file).shape for s in result.samples} == {
        (48, 48, 3)
    }


def test_a_cut_out_face_gives_nearly_the_crop_of_its_photo(prepared, cut_outs, tmp_path):
    photo = images.read_image(prepared[0] / prepared[1].samples[0].file).astype(int)
    result = run(cut_outs, tmp_path / "data", CROPS)
    cut_out = images.read_image(tmp_path / "data" / result.samples[0].file).astype(int)
    inner = slice(8, 40)  # the cut-out ends near the chin and the ears
    assert np.abs(photo - cut_out)[inner, inner].mean() < 12


def test_whole_cut_outs_are_the_same_bytes_for_any_number_of_jobs(cut_outs, tmp_path):
    for jobs in (1, 2):
        run(cut_outs, tmp_path / f"{jobs}", CROPS, jobs=jobs)
    assert content(tmp_path / "1") == content(tmp_path / "2")


@pytest.fixture(scope="module")
def sequence_tree(tmp_path_factory, astronaut):
    """A CK+ sequence whose face moves: six frames, in the last three none is found."""
    root = tmp_path_factory.mktemp("ck")
    face = np.ascontiguousarray(astronaut[:240, 60:380])
    for number in range(1, 7):
        frame = np.roll(face, 3 * number, 1) if number <= 3 else np.full_like(face, 90)
        images.write_image(root / f"cohn-kanade-images/S005/001/S005_001_{number:08d}.png", frame)
    label = root / "Emotion/S005/001/S005_001_00000006_emotion.txt"
    label.parent.mkdir(parents=True)
    label.write_text("   3.0000000e+00\n")
    return root


def prepare_ck(root, out, **protocol):
    return prepare_dataset(ckplus.ADAPTER, root, out, Protocol(**protocol), SMALL, jobs=1)


def test_where_the_peak_shows_no_face_the_frames_before_it_help(sequence_tree, tmp_path):
    result = prepare_ck(sequence_tree, tmp_path / "data")
    assert [(s.frame, s.expression, s.alignment) for s in result.samples] == [
        (3, "disgust", "neighbour"),
        (4, "disgust", "neighbour"),
        (5, "disgust", "neighbour"),
    ]


def test_the_first_frame_is_a_neutral_sample_of_a_sequence_of_its_own(sequence_tree, tmp_path):
    result = prepare_ck(sequence_tree, tmp_path / "data", peak_frames=1, neutral=True)
    assert [(s.sequence, s.expression, s.frame) for s in result.samples] == [
        ("S005/001/neutral", "neutral", 0),
        ("S005/001", "disgust", 5),
    ]


def test_the_data_set_says_where_it_is_from_and_what_it_lacks(sequence_tree, tmp_path):
    result = prepare_ck(sequence_tree, tmp_path / "data")
    assert "disgust: 1 of 59" in result.differences
    settings = json.loads((tmp_path / "data" / "dataset.json").read_text())["settings"]
    assert settings["dataset"] == "ckplus"
    assert settings["protocol"]["peak_frames"] == 3
    assert settings["differences"] == list(result.differences)


def test_a_choice_that_the_data_set_does_not_have_is_refused(sequence_tree, tmp_path):
    with pytest.raises(DeganError, match="ckplus does not use these options: camera, light;"):
        prepare_ck(sequence_tree, tmp_path / "data", camera="NI", light="Dark")
    with pytest.raises(DeganError, match="ckplus does not use these options: votes;"):
        prepare_ck(sequence_tree, tmp_path / "data", votes="fer2013new.csv")


def test_a_row_of_a_table_is_a_picture_too(astronaut, tmp_path):
    grey = np.asarray(Image.fromarray(astronaut[20:220, 130:330]).convert("L").resize((48, 48)))
    source = Source(Pixels(grey.tobytes(), 48, 48), "fer2013.csv:2", "fear", "", "2", 0, "test")
    result = prepare([Recording((source,))], [], tmp_path / "data", CROPS, jobs=1)
    (sample,) = read_dataset(tmp_path / "data").samples
    assert sample == result.samples[0]
    assert (sample.subject, sample.split, sample.alignment) == ("", "test", "landmarks")
    assert read_dataset(tmp_path / "data").subjects == ()


def test_photos_in_a_zip_file_give_the_same_data_set_as_unpacked_ones(prepared, tree, tmp_path):
    with zipfile.ZipFile(tmp_path / "photos.zip", "w") as archive:
        for path in sorted(tree.rglob("*")):
            archive.write(path, path.relative_to(tree))
    run(tmp_path / "photos.zip", tmp_path / "data")
    plain, packed = content(prepared[0]), content(tmp_path / "data")
    assert {name: data for name, data in plain.items() if name != "skipped.csv"} == {
        name: data for name, data in packed.items() if name != "skipped.csv"
    }


def test_a_photo_under_two_names_is_counted(astronaut, tmp_path):
    for name in ("ann_1.png", "bob_1.png"):
        images.write_image(tmp_path / "photos" / "happy" / name, astronaut)
    result = run(tmp_path / "photos", tmp_path / "data")
    assert result.duplicates == {"two parts": 0, "two people": 1, "two expressions": 0}


def test_a_place_that_is_taken_is_said_before_anything_is_searched(tmp_path):
    (tmp_path / "data").write_text("mine")
    with pytest.raises(DeganError, match="is a file; give the name of a new folder"):
        run(tmp_path / "nowhere", tmp_path / "data")


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"crop_size": 5000}, "crop_size must be 1 to 4096, not 5000"),
        ({"crop_size": 0}, "crop_size must be 1 to 4096, not 0"),
        ({"crop_size": 48.5}, "crop_size must be a whole number, not an object of type float"),
        ({"crop_size": "96"}, "crop_size must be a whole number, not an object of type str"),
        ({"crops": "no"}, "crops must be True or False, not an object of type str"),
    ],
)
def test_settings_are_checked_when_they_are_made(change, says):
    with pytest.raises(DeganError, match=says):
        PrepareSettings(**change)
    assert PrepareSettings(crop_size=np.int64(48)) == SMALL
    assert type(PrepareSettings(crop_size=np.int64(48)).crop_size) is int


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"peak_frames": 0}, "peak_frames must be 1 to 1000, not 0"),
        ({"peak_frames": "3"}, "peak_frames must be a whole number"),
        ({"neutral": "no"}, "neutral must be True or False, not an object of type str"),
        ({"camera": "UV"}, "camera is 'UV'; choose one of VL, NI"),
        ({"votes": 5}, "votes must be a path"),
        ({"votes": "v.csv", "labels": "mine"}, "is 'mine'; choose one of majority, original"),
        ({"labels": "majority"}, "labels has no effect without votes; give votes, or leave it out"),
    ],
)
def test_choices_are_checked_when_they_are_made(change, says):
    with pytest.raises(DeganError, match=says):
        Protocol(**change)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"adapter": "folder"}, "adapter must be an adapter of find_adapter, not .* str"),
        ({"protocol": None}, "protocol must be a Protocol, not"),
        ({"settings": {"crops": True}}, "settings must be PrepareSettings, not .* dict"),
        ({"jobs": 0}, "jobs must be 1 to 1024, not 0"),
        ({"jobs": None}, "jobs must be a whole number, not an object of type NoneType"),
        ({"jobs": 1.5}, "jobs must be a whole number, not an object of type float"),
        ({"progress": 5}, "progress must be a function or None, not an object of type int"),
    ],
)
def test_a_wrong_argument_is_found_before_any_photo_is_read(tree, tmp_path, change, says):
    right = {"adapter": folder.ADAPTER, "protocol": Protocol(), "settings": SMALL, "jobs": 1}
    with pytest.raises(DeganError, match=says):
        prepare_dataset(path=tree, out=tmp_path / "data", **{**right, **change})
    assert not any(tmp_path.iterdir())


def test_an_adapter_has_a_name():
    with pytest.raises(DeganTypeError, match="name must be the name of a data set, not"):
        find_adapter(None)


def test_two_commands_on_one_output_do_not_mix(tmp_path, examples):
    """Once, crops of the second were stored under the labels of the first."""
    words = [sys.executable, "-m", "degan", "prepare", "folder"]
    calls = [
        subprocess.Popen(
            [*words, examples, tmp_path / "out", "--jobs", "1", "--size", "64"],
            stderr=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            text=True,
        )
        for _ in range(2)
    ]
    said = [call.communicate(timeout=120)[1] for call in calls]
    assert sorted(call.returncode for call in calls) == [0, 2]
    refused = next(text for call, text in zip(calls, said, strict=True) if call.returncode)
    assert "another degan command is writing" in refused or "exists and is not empty" in refused
    assert len(read_dataset(tmp_path / "out").samples) == 24
    assert [path.name for path in tmp_path.iterdir()] == ["out"]
