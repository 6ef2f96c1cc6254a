"""A camera: one that is not there, and one that FFmpeg draws."""

import json
import signal
import subprocess
import sys

import pytest

from degan.media import container
from degan.media.video import play

DRAWN = "testsrc=size=320x240:rate=10"
ENDLESS = f"""
import sys
from degan.media import container
container._CAMERAS[sys.platform] = ("lavfi", "{DRAWN}")
from degan.cli.app import main
main()
"""


@pytest.fixture
def camera(monkeypatch):
    """Camera 0 shows a test picture for a second."""
    monkeypatch.setitem(container._CAMERAS, sys.platform, ("lavfi", f"{DRAWN}:duration=1"))


def test_no_camera_is_one_sentence(refuses):
    refuses("predict", "--camera", 93, says=["camera 93 cannot be opened", "plugged in"])


def test_a_camera_is_asked_for_alone(refuses):
    for words in (["--camera", 0, "a.jpg"], ["--camera", 0, "-"], []):
        refuses("predict", *words, says="name photos, videos or folders")


@pytest.mark.usefixtures("camera")
class TestCamera:
    def test_frames_come_until_it_ends(self):
        with play(0, "camera 0") as playing:
            frames = list(playing.frames())
        assert [frame.number for frame in frames] == list(range(10))
        assert frames[0].image.shape == (240, 320, 3)
        assert frames[3].time == pytest.approx(0.3)

    def test_the_command_reads_it_in_every_form(self, command, tmp_path):
        done = command("predict", "--camera", 0, "--json")
        assert done.returncode == 0, done.stderr
        records = [json.loads(line) for line in done.stdout.splitlines()]
        assert [record["frame"] for record in records] == list(range(10))
        assert {record["path"] for record in records} == {"camera 0"}
        assert "no face was found in any frame" in done.stderr
        out, drawn = tmp_path / "t.csv", tmp_path / "t.mp4"
        done = command("predict", "--camera", 0, "-o", out, "--annotate", drawn)
        assert done.returncode == 0, done.stderr
        assert "0 faces in 10 frames" in done.stdout
        assert out.read_text().startswith("path,frame,time,person,")
        assert drawn.exists()


@pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")
def test_ctrl_c_ends_it_as_the_end_of_a_video_does(tmp_path):
    out, drawn = tmp_path / "t.jsonl", tmp_path / "t.mp4"
    words = "-o", str(out), "--annotate", str(drawn)
    process = subprocess.Popen(
        [sys.executable, "-c", ENDLESS, "predict", "--camera", "0", *words],
        stderr=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        process.stderr.readline()  # it has begun
        process.send_signal(signal.SIGINT)
        stdout, stderr = process.communicate(timeout=60)
    finally:
        process.kill()
    assert process.returncode == 0, stderr
    assert "0 faces in" in stdout
    records = [json.loads(line) for line in out.read_text().splitlines()]
    assert records[0] == {"path": "camera 0", "frame": 0, "time": 0.0, "faces": []}
    assert sorted(path.name for path in tmp_path.iterdir()) == ["t.jsonl", "t.mp4"]
