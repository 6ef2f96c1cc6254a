"""What the benchmark of peers makes of their answers; nothing is installed."""

import json
import subprocess
import sys
import time
from pathlib import Path

import pytest

sys.path.append(str(Path(__file__).resolve().parent.parent / "benchmarks"))

from peers.catalog import NOT_MEASURED, PEERS
from peers.summary import Photo, accuracies, answer, figures, named, parse_result, reason, tables

LABELS = {
    "fer": "angry disgust fear happy sad surprise neutral",
    "facex": "anger disgust fear happy neutral sadness surprised",
    "face-api": "neutral happy sad angry fearful disgusted surprised",
}
PHOTOS = [
    Photo("a", "neutral", "1"),
    Photo("b", "happiness", "1"),
    Photo("c", "neutral", "2"),
    Photo("d", "contempt", "2"),
]


@pytest.mark.parametrize("peer", LABELS)
def test_labels_of_peers_are_seven_expressions(peer):
    read = named(dict.fromkeys(LABELS[peer].split(), 0.1))
    assert set(read) == {
        "neutral", "anger", "disgust", "fear", "happiness", "sadness", "surprise"
    }  # fmt: skip


def test_a_tie_is_no_answer():
    assert answer({"neutral": 0.2, "happiness": 0.7}, ["neutral", "happiness"]) == "happiness"
    assert answer({"sadness": 0.99}, ["neutral", "happiness"]) is None


def test_no_face_is_wrong_and_what_a_peer_does_not_know_is_left_out():
    reads = [
        {"neutral": 0.4, "happy": 0.1, "sad": 0.5},
        {"neutral": 0.2, "happy": 0.7, "sad": 0.1},
        None,
        {"neutral": 0.2, "happy": 0.7, "sad": 0.1},
    ]
    judged = accuracies(reads, PHOTOS)
    assert judged["expressions"] == ("neutral", "happiness", "sadness")
    assert judged["shared"] == ("neutral", "happiness")
    assert judged["judged"] == 3
    assert judged["all"]["right"] == pytest.approx(1 / 3)  # sad, happy, no face
    assert judged["shared_only"]["right"] == pytest.approx(2 / 3)
    assert judged["shared_only"]["low"] <= 2 / 3 <= judged["shared_only"]["high"]


def test_a_peer_that_finds_no_face_has_figures():
    assert accuracies([None] * 4, PHOTOS)["judged"] == 0


@pytest.mark.parametrize("output", ["", "loading...\n", '{"photos": []}\n', "[1]\n"])
def test_output_without_a_result_is_refused(output):
    with pytest.raises(ValueError, match="result"):
        parse_result(output)


def test_a_failure_is_told_by_its_last_error():
    assert reason("ValueError: broken\n\n  at line 3\n", 1) == "ValueError: broken"
    assert reason("no such file\n", 127) == "no such file"
    assert reason("", 2) == "exit status 2"


def test_scripts_exist_and_versions_are_pinned(root):
    assert len({peer.name for peer in PEERS}) == len(PEERS)
    for peer in PEERS:
        assert (root / "benchmarks" / "peers" / peer.script).is_file()
        for package in peer.environment.packages:
            assert package == str(root) or "@" in package[1:] or "==" in package
    assert not {peer.environment.name for peer in PEERS} & NOT_MEASURED.keys()


def test_degans_own_script_measures_it(root):
    photos = [
        Photo(str(path), "happiness", path.stem)
        for path in sorted((root / "examples" / "london" / "smiling").glob("*.jpg"))[:2]
    ]
    job = {"photos": [photo.path for photo in photos], "variant": "web", "started": time.time()}
    done = subprocess.run(
        [sys.executable, root / "benchmarks" / "peers" / "degan_peer.py"],
        input=json.dumps(job),
        capture_output=True,
        text=True,
        check=True,
    )
    found = figures([parse_result("a line before\n" + done.stdout)] * 2, photos)
    assert found["faces"] == found["photos_with_a_face"] == 2
    assert found["batch_cpu_ms"]["median"] < found["photo_cpu_ms"]["median"]
    printed = tables({"degan": {"figures": found, "added_mb": 300.0}}, len(photos))
    assert "2/2" in printed
    assert max(map(len, printed.splitlines())) <= 80
