"""Rendered sets: the same bytes whatever happens, true tables, and nothing half-written."""

import csv
import errno
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from dataclasses import replace
from multiprocessing import get_context

import numpy as np
import pytest
from pyarrow import parquet

from degan.config import preset
from degan.data.folds import subject_folds
from degan.data.manifest import read_dataset
from degan.errors import DeganError
from degan.evaluation.exported import evaluate
from degan.evaluation.protocols.crossval import cross_validate
from degan.faces.alignment import FRAME
from degan.labels import EXPRESSIONS
from degan.media import images
from degan.recognition.recognizer import Recognizer
from degan.synthetic import generate
from degan.synthetic.generate import synthesize
from degan.synthetic.plan import FRAMES, PEAK_FRAMES, SynthesisSettings, person_in, shots_of
from degan.synthetic.renderer import prepare_person, render

TINY = SynthesisSettings(people=3, images=6, size=32)


def content(folder):
    """Every file of a folder, hidden ones too."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


def table_of(out):
    return parquet.read_table(out / "factors.parquet").to_pylist()


def interrupt_at(number):
    def progress(done, total):
        if done >= number:
            raise KeyboardInterrupt

    return progress


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    """The bytes of the smallest set, and of the same with another seed."""
    folder = tmp_path_factory.mktemp("tiny")
    for seed in (0, 1):
        synthesize(replace(TINY, seed=seed), folder / f"{seed}", workers=1)
    return [content(folder / f"{seed}") for seed in (0, 1)]


def lay_down(files, folder):
    for name, data in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(data)


# ------------------------------------------------------------------------------ the same bytes


def test_a_picture_alone_is_the_same_as_in_the_set(rendered):
    settings, out = rendered
    for person in (4, 1):
        figure = prepare_person(person_in(settings, person))
        for shot in reversed(list(shots_of(settings, person))):
            alone = render(figure, shot.expression.actions, shot.scene, settings.size)
            stored = images.read_image(out / generate.picture_path(settings, shot))
            assert np.array_equal(alone, stored)


def test_the_set_is_the_same_bytes_for_any_number_of_workers(rendered, tmp_path):
    settings, out = rendered
    synthesize(settings, tmp_path / "people", workers=1)
    assert content(tmp_path / "people") == content(out)


def test_an_interrupted_call_continued_gives_the_same_bytes(rendered, tmp_path):
    settings, out = rendered
    with pytest.raises(KeyboardInterrupt):
        synthesize(settings, tmp_path / "people", workers=1, progress=interrupt_at(30))
    assert not (tmp_path / "people").exists()
    before = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("parts/*.parquet")}
    assert len(before) >= 2
    told = []
    synthesize(
        settings, tmp_path / "people", workers=2, progress=lambda *numbers: told.append(numbers)
    )
    assert told[0] == (16 * len(before), 96), "finished people are not rendered again"
    assert told[-1] == (96, 96)
    assert told == sorted(told)
    assert content(tmp_path / "people") == content(out)
    assert list(tmp_path.iterdir()) == [tmp_path / "people"]


def test_a_killed_call_continued_gives_the_same_bytes(rendered, tmp_path):
    settings, out = rendered
    script = tmp_path / "script.py"
    script.write_text(
        "from pathlib import Path\n"
        "from degan.synthetic.generate import synthesize\n"
        "from degan.synthetic.plan import SynthesisSettings\n"
        f"if __name__ == '__main__':\n    synthesize({settings!r}, Path('set/people'), workers=1)\n"
    )
    call = subprocess.Popen([sys.executable, script], cwd=tmp_path)
    partial = tmp_path / "set/people.partial"
    deadline = time.monotonic() + 60
    while not any(partial.glob("parts/*.parquet")) and time.monotonic() < deadline:
        time.sleep(0.01)
    call.send_signal(signal.SIGKILL)
    call.wait()
    assert not (tmp_path / "set/people").exists()
    (partial / "crops/neutral/.000000.png.12345678.tmp").write_bytes(b"half a picture")
    synthesize(settings, tmp_path / "set/people", workers=1)
    assert content(tmp_path / "set/people") == content(out)
    assert list((tmp_path / "set").iterdir()) == [tmp_path / "set/people"]


def test_a_call_killed_right_before_the_end_is_begun_anew(tiny, tmp_path):
    lay_down(tiny[0], tmp_path / "people.partial")
    synthesize(TINY, tmp_path / "people", workers=1)
    assert content(tmp_path / "people") == tiny[0]


def test_other_settings_after_an_interruption_begin_anew(tiny, tmp_path):
    with pytest.raises(KeyboardInterrupt):
        synthesize(TINY, tmp_path / "people", workers=1, progress=interrupt_at(2))
    synthesize(replace(TINY, seed=1), tmp_path / "people", workers=1)
    assert content(tmp_path / "people") == tiny[1]


def test_another_seed_gives_other_bytes(tiny):
    one, other = tiny
    pictures = [name for name in one if name.endswith(".png")]
    assert len(pictures) == 6
    assert pictures == [name for name in other if name.endswith(".png")]
    assert not any(one[name] == other[name] for name in pictures)


def test_other_people_or_pictures_are_another_data_set(tiny, tmp_path):
    # By the manifest's hash a run knows what it was trained on: nobody may be taken for another.
    synthesize(replace(TINY, difficulty="hard"), tmp_path / "hard", workers=1)
    manifests = {
        *(files["manifest.csv"] for files in tiny),
        (tmp_path / "hard/manifest.csv").read_bytes(),
    }
    assert len(manifests) == 3


def test_the_number_of_threads_of_libraries_changes_nothing(fresh_python, monkeypatch):
    code = (
        "from hashlib import sha256\n"
        "from degan.synthetic.plan import SynthesisSettings, person_in, shots_of\n"
        "from degan.synthetic.renderer import prepare_person, render\n"
        "settings = SynthesisSettings(people=2, images=8, size=48)\n"
        "for person in range(2):\n"
        "    figure = prepare_person(person_in(settings, person))\n"
        "    for shot in shots_of(settings, person):\n"
        "        picture = render(figure, shot.expression.actions, shot.scene, 48)\n"
        "        print(sha256(picture).hexdigest())\n"
    )
    printed = set()
    for threads in ("1", "4"):
        for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS"):
            monkeypatch.setenv(name, threads)
        printed.add(fresh_python(code))
    assert len(printed) == 1


# ------------------------------------------------------------------------------- what it holds


def test_it_is_a_data_set_like_any_other(rendered):
    _, out = rendered
    dataset = read_dataset(out)
    assert (dataset.crop_size, dataset.frame) == (48, FRAME)
    assert dataset.expressions == EXPRESSIONS
    assert dataset.subjects == tuple(f"p{number:04d}" for number in range(6))
    assert Counter((s.subject, s.expression) for s in dataset.samples) == {
        (subject, name): 2 for subject in dataset.subjects for name in EXPRESSIONS
    }
    assert len({sample.sequence for sample in dataset.samples}) == 96, "each by itself"
    crops = {path.relative_to(out).as_posix() for path in (out / "crops").rglob("*.png")}
    assert crops == {sample.file for sample in dataset.samples}
    assert {images.read_image(out / name).shape for name in crops} == {(48, 48, 3)}
    described = json.loads((out / "dataset.json").read_text())["settings"]
    assert (described["seed"], described["people"], described["difficulty"]) == (3, 6, "varied")


def test_nothing_unfinished_is_left(rendered):
    _, out = rendered
    others = {path.name for path in out.iterdir()} - {"crops"}
    assert others == {"manifest.csv", "skipped.csv", "dataset.json", "factors.parquet"}
    assert list(out.parent.iterdir()) == [out]
    assert not [path for path in out.rglob("*") if path.name.startswith(".")]


def test_every_picture_has_one_row_of_what_is_known(rendered):
    settings, out = rendered
    rows = table_of(out)
    samples = {sample.file: sample for sample in read_dataset(out).samples}
    assert [row["number"] for row in rows] == list(range(settings.images))
    assert {row["file"] for row in rows} == set(samples)
    for row in rows:
        sample = samples[row["file"]]
        assert (row["person"], row["expression"]) == (sample.subject, sample.expression)


def test_the_table_of_many_people_is_written_in_parts(tiny, tmp_path, monkeypatch):
    monkeypatch.setattr(generate, "_TOGETHER", 2)  # of three people
    synthesize(TINY, tmp_path / "people", workers=1)
    lay_down({"factors.parquet": tiny[0]["factors.parquet"]}, tmp_path)
    assert table_of(tmp_path / "people") == table_of(tmp_path)
    assert parquet.ParquetFile(tmp_path / "people/factors.parquet").num_row_groups == 2


def test_the_identity_of_a_row_is_the_persons_shape_and_looks(rendered):
    settings, out = rendered
    people = [person_in(settings, number) for number in range(settings.people)]
    for row in table_of(out):
        person = people[int(row["person"][1:])]
        identity = [row[f"identity_{k:02d}"] for k in range(len(person.shape))]
        assert np.array_equal(np.array(identity, np.float32), person.shape)
        assert (row["sex"], row["age"], row["tone"]) == (person.sex, person.age, person.tone)
        assert (row["hair"], row["beard"]) == (person.hair.style, person.beard.kind)
        assert row["glasses"] == (person.glasses is not None)
        ancestry = [row[name] for name in ("african", "asian", "caucasian")]
        assert sum(ancestry) == pytest.approx(1)


def test_the_actions_of_a_row_are_what_the_face_does(rendered):
    rows = table_of(rendered[1])
    names = [name for name in rows[0] if name.startswith("action_")]
    assert len(names) == 52
    actions = np.array([[row[name] for name in names] for row in rows])
    assert actions.min() >= 0
    assert actions.max() <= 1
    smile = actions[:, names.index("action_mouthSmileLeft")]
    happy = np.array([row["expression"] == "happiness" for row in rows])
    assert smile[happy].mean() > smile[~happy].mean() + 0.2


def test_the_scene_of_a_row_is_the_one_that_was_rendered(rendered):
    settings, out = rendered
    rows = table_of(out)
    for shot in shots_of(settings, 2):
        row, scene = rows[shot.number], shot.scene
        assert (row["yaw"], row["pitch"]) == (scene.camera.yaw, scene.camera.pitch)
        assert row["lamps"] == len(scene.light.lamps)
        lamp = (row["light_right"], row["light_up"], row["light_front"])
        assert lamp == scene.light.lamps[0].direction
        assert (row["brightness"], row["contrast"]) == (scene.tone.brightness, scene.tone.contrast)
        assert (row["noise"], row["jpeg"]) == (scene.degradation.noise, scene.degradation.jpeg)
        assert row["covered"] == (scene.degradation.cover is not None)


def test_every_column_is_documented_and_no_other(rendered, root):
    page = (root / "docs/factors.md").read_text(encoding="utf-8")
    cells = re.findall(r"^\| (`.*?) \|", page, re.MULTILINE)
    documented = {name for cell in cells for name in re.findall(r"`([^`]+)`", cell)}
    several = re.compile(r"^(identity|action)_.*")  # of these one row says all
    names = {several.sub(r"\1_...", name) for name in table_of(rendered[1])[0]}
    assert documented == names


def test_shipped_weights_are_measured_on_it_by_recipe(rendered):
    _, out = rendered
    summary = evaluate(read_dataset(out), Recognizer(), by="recipe")
    assert summary["expressions"] == list(EXPRESSIONS)
    assert summary["images"] == 96
    assert summary["left_out"] == {}
    recipes = {row["recipe"] for row in table_of(out) if row["expression"] == "happiness"}
    rows = [row for row in summary["by"]["rows"] if row["expression"] == "happiness"]
    assert {row["value"] for row in rows} - {"all"} == recipes


# ----------------------------------------------------------------------------------- sequences


def test_of_a_sequence_all_frames_are_kept_and_the_last_three_listed(rendered_sequences):
    settings, out = rendered_sequences
    rows, dataset = table_of(out), read_dataset(out)
    files = {path.relative_to(out).as_posix() for path in (out / "crops").rglob("*.png")}
    assert len(rows) == len(files) == settings.images
    assert {row["file"] for row in rows} == files
    frames = Counter(row["sequence"] for row in rows)
    assert set(frames.values()) == {FRAMES}
    listed = Counter(sample.sequence for sample in dataset.samples)
    assert set(listed.values()) == {PEAK_FRAMES}
    assert len(listed) == len(frames) == settings.images // FRAMES
    assert {sample.frame for sample in dataset.samples} == {7, 8, 9}
    assert dataset.expressions == ("happiness", "surprise")


def test_a_sequence_begins_at_rest_and_its_face_moves_to_the_peak(rendered_sequences):
    settings, out = rendered_sequences
    rows = table_of(out)
    for start in range(0, settings.images, FRAMES):
        frames = rows[start : start + FRAMES]
        assert [row["frame"] for row in frames] == list(range(FRAMES))
        assert frames[0]["intensity"] == 0
        assert [row["intensity"] for row in frames] == sorted(row["intensity"] for row in frames)
        first, *_, last = (images.read_image(out / row["file"]).astype(float) for row in frames)
        near = images.read_image(out / frames[-2]["file"]).astype(float)
        assert np.abs(first - last).mean() > np.abs(near - last).mean()


def test_a_vote_over_the_last_three_frames_is_possible(rendered_sequences, tmp_path):
    _, out = rendered_sequences
    settings = preset("tiny")
    dataset = read_dataset(out)
    folds = subject_folds(dataset.samples, 2, settings.seed)
    summary = cross_validate(dataset, tmp_path / "run", settings, folds=folds, jobs=1)
    assert summary["images"] == 36
    assert summary["sequences"] == 12
    assert 0 <= summary["accuracy_sequences"] <= 1
    with (tmp_path / "run/predictions.csv").open(encoding="utf-8") as file:
        assert len(list(csv.DictReader(file))) == 36


# ------------------------------------------------------------------------------ what goes wrong


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ({"settings": "varied"}, "settings must be SynthesisSettings, not .* str"),
        ({"workers": 0}, "workers must be 1 to 1024, not 0"),
        ({"workers": -1}, "workers must be 1 to 1024"),
        ({"workers": 1.5}, "workers must be a whole number"),
        ({"workers": None}, "workers must be a whole number"),
        ({"progress": 5}, "progress must be a function or None"),
        ({"out": "a\0b"}, "out is a path with a NUL character"),
    ],
)
def test_an_argument_that_is_none_is_refused_before_the_folder_is_made(tmp_path, arguments, says):
    proper = {"settings": TINY, "out": tmp_path / "people", "workers": 1}
    with pytest.raises(DeganError, match=says):
        synthesize(**{**proper, **arguments})
    assert not list(tmp_path.iterdir())


def test_one_worker_is_this_process(tiny, tmp_path):
    """So a script needs no main guard, and a worker of multiprocessing.Pool may render."""
    script = tmp_path / "script.py"
    script.write_text(
        "from degan.synthetic import SynthesisSettings, synthesize\n"
        f"synthesize({TINY!r}, 'people', workers=1)\n"
    )
    done = subprocess.run(
        [sys.executable, script], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert content(tmp_path / "people") == tiny[0]
    with get_context("spawn").Pool(1) as pool:
        pool.apply(synthesize, (TINY, tmp_path / "other"), {"workers": 1})
    assert content(tmp_path / "other") == tiny[0]


@pytest.mark.skipif(os.name != "posix", reason="needs signals")
def test_ctrl_c_ends_one_worker_at_once_and_the_same_call_continues(rendered, tmp_path):
    settings, out = rendered
    script = (
        "from degan.synthetic import SynthesisSettings, synthesize\n"
        f"synthesize({settings!r}, 'people', workers=1)\n"
    )
    call = subprocess.Popen(
        [sys.executable, "-c", script], cwd=tmp_path, stderr=subprocess.PIPE, text=True
    )
    deadline = time.monotonic() + 60
    while not any(tmp_path.glob("people.partial/parts/*")) and time.monotonic() < deadline:
        time.sleep(0.01)
    call.send_signal(signal.SIGINT)
    assert call.communicate(timeout=10)[1].endswith("KeyboardInterrupt\n")
    assert not (tmp_path / "people").exists()
    assert not [path for path in tmp_path.rglob("*") if path.name.startswith(".")]
    synthesize(settings, tmp_path / "people", workers=1)
    assert content(tmp_path / "people") == content(out)


def assert_refused(out, message, settings=TINY, workers=1):
    with pytest.raises(DeganError, match=message) as refusal:
        synthesize(settings, out, workers=workers)
    assert "\n" not in str(refusal.value)


def test_a_file_in_the_place_of_the_folder_is_refused(tmp_path):
    (tmp_path / "people").write_text("mine")
    assert_refused(tmp_path / "people", "is a file")
    assert content(tmp_path) == {"people": b"mine"}


def test_a_folder_that_is_taken_is_refused_and_left_alone(tmp_path):
    (tmp_path / "people").mkdir()
    (tmp_path / "people/thesis.tex").write_text("mine")
    assert_refused(tmp_path / "people", "not empty")
    assert content(tmp_path) == {"people/thesis.tex": b"mine"}


def test_an_empty_folder_may_be_given(tmp_path):
    (tmp_path / "people").mkdir()
    synthesize(TINY, tmp_path / "people", workers=1)
    assert len(read_dataset(tmp_path / "people").samples) == 6


@pytest.mark.parametrize("name", ["people.partial", "people.partial/thesis.tex"])
def test_what_degan_did_not_make_is_never_deleted(tmp_path, name):
    (tmp_path / name).parent.mkdir(exist_ok=True)
    (tmp_path / name).write_text("mine")
    assert_refused(tmp_path / "people", "in the way")
    assert content(tmp_path) == {name: b"mine"}


def test_an_unwritable_place_is_said_in_one_sentence(tmp_path):
    (tmp_path / "file").write_text("in the way")
    assert_refused(tmp_path / "file/people", "is a file; name a folder")


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write")
def test_a_folder_without_permission_is_said_in_one_sentence(tmp_path):
    tmp_path.chmod(0o500)
    try:
        assert_refused(tmp_path / "people", "Permission denied")
    finally:
        tmp_path.chmod(0o700)


@pytest.fixture
def small_disk(tmp_path):
    """A disk of 200 KB."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=200k", "tmpfs", str(disk)]
    if (
        shutil.which("mount") is None
        or subprocess.run(mount, capture_output=True, check=False).returncode
    ):
        pytest.skip("no disk can be mounted here")
    yield disk
    subprocess.run(["umount", str(disk)], check=True)


def test_a_full_disk_is_said_in_one_sentence_and_the_work_can_go_on(small_disk):
    out = small_disk / "people"
    settings = replace(TINY, people=2, images=200)
    assert_refused(out, r"cannot write .*No space left.*free space", settings, workers=2)
    assert not out.exists()
    subprocess.run(["mount", "-o", "remount,size=4m", str(small_disk)], check=True)
    synthesize(settings, out, workers=1)
    assert len(read_dataset(out).samples) == 200
    assert list(small_disk.iterdir()) == [out]


def test_a_disk_that_a_worker_finds_full_is_said_in_one_sentence(tmp_path):
    """A limit of files' size holds in workers too, and needs no rights."""
    resource = pytest.importorskip("resource")
    larger = SynthesisSettings(people=3, images=6, size=96)  # than the check before all work writes
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (6000, before[1]))
    try:
        assert_refused(tmp_path / "people", r"cannot write .*\.png", larger, workers=2)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert not (tmp_path / "people").exists()


def test_a_disk_that_fills_up_at_the_end_is_said_in_one_sentence(tmp_path, monkeypatch):
    def full(*_, **__):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patch:
        patch.setattr(generate.parquet.ParquetWriter, "write_table", full)
        message = r"cannot write .*factors\.parquet.*No space left"
        # The parts are written elsewhere, in processes.
        assert_refused(tmp_path / "people", message, workers=2)
    assert not (tmp_path / "people").exists()
    synthesize(TINY, tmp_path / "people", workers=1)
    assert len(table_of(tmp_path / "people")) == 6


def test_a_damaged_part_is_said_in_one_sentence(tmp_path):
    with pytest.raises(KeyboardInterrupt):
        synthesize(TINY, tmp_path / "people", workers=1, progress=interrupt_at(6))
    part = tmp_path / "people.partial/parts/000001.parquet"
    part.write_bytes(part.read_bytes()[:-20])
    assert_refused(tmp_path / "people", r"000001\.parquet is damaged; delete it")
    part.unlink()
    synthesize(TINY, tmp_path / "people", workers=1)
    assert len(table_of(tmp_path / "people")) == 6
