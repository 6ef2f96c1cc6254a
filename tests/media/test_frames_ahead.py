"""Frames decoded ahead: few, of few bytes, and no thread waits for ever."""

import gc
import threading

import numpy as np
import pytest

from degan.errors import DeganError
from degan.media import container, video
from degan.media.frames_ahead import FramesAhead
from degan.media.video import play
from films import film, scene

av = pytest.importorskip("av")


def filled(ahead, sizes):
    """Fill a queue from a thread; return the thread and the list of what it has put."""
    put = []

    def fill():
        for number, size in enumerate(sizes):
            if not ahead.wait_for_room(size):
                return
            ahead.put(number, size)
            put.append(number)
        ahead.end()

    thread = threading.Thread(target=fill, daemon=True)
    thread.start()
    thread.join(0.2)
    return thread, put


def test_items_come_in_order_and_end():
    ahead = FramesAhead(8, 100)
    thread, _ = filled(ahead, [1, 2, 3])
    assert [ahead.get() for _ in range(4)] == [0, 1, 2, None]
    thread.join(5)
    assert not thread.is_alive()


@pytest.mark.parametrize(
    ("most", "size", "count"), [(3, 1, 3), (8, 40, 2), (8, 101, 1)], ids=["few", "large", "huge"]
)
def test_no_more_are_held_than_number_and_bytes_allow(most, size, count):
    ahead = FramesAhead(most, 100)
    thread, put = filled(ahead, [size] * 20)
    assert len(put) == count
    ahead.stop()
    thread.join(5)
    assert not thread.is_alive()
    assert ahead.get() is None


def test_a_waiting_reader_is_woken():
    ahead = FramesAhead(3, 100)
    got = []
    thread = threading.Thread(target=lambda: got.append(ahead.get()), daemon=True)
    thread.start()
    ahead.stop()
    thread.join(5)
    assert got == [None]


def test_large_frames_of_a_video_are_not_decoded_far_ahead(monkeypatch):
    shown = []
    real = video.Screen.show

    def show(self, frame):
        shown.append(frame.pts)
        return real(self, frame)

    monkeypatch.setattr(video.Screen, "show", show)
    data = film([scene(size=(48, 64), grey=grey) for grey in range(20, 200, 10)])
    for most_bytes, count in ((10**9, 9), (2 * 48 * 64 * 3, 3)):
        monkeypatch.setattr(video, "_BYTES_AHEAD", most_bytes)
        shown.clear()
        with play(data, "v") as playing:
            frames = playing.frames()
            next(frames)
            threading.Event().wait(0.3)
            assert len(shown) == count
            frames.close()


def test_decoded_frames_do_not_wait_for_the_garbage_collector(monkeypatch):
    """PyAV's side data and its frame refer to each other; a 4K frame has 12 MB."""
    alive = []
    real = video.Screen.show

    def show(self, frame):
        alive.append(sum(isinstance(one, av.VideoFrame) for one in gc.get_objects()))
        return real(self, frame)

    monkeypatch.setattr(video.Screen, "show", show)
    data = film([scene(size=(48, 64), grey=grey) for grey in range(20, 220, 4)])
    gc.collect()
    gc.disable()
    try:
        with play(data, "v") as playing:
            for frame in playing.frames():
                assert isinstance(frame.image, np.ndarray)
    finally:
        gc.enable()
    assert max(alive) < 10


@pytest.mark.parametrize("codec", ["mjpeg", "png"])
def test_frames_above_the_limit_are_one_sentence(monkeypatch, refuses, tmp_path, codec):
    monkeypatch.setattr(container, "MAX_PIXELS", 1000)
    pixels = {"mjpeg": "yuvj420p", "png": "rgb24"}[codec]
    path = tmp_path / "v.avi"
    with av.open(str(path), "w") as opened:
        stream = opened.add_stream(codec, rate=10)
        stream.width, stream.height, stream.pix_fmt = 64, 48, pixels
        frame = av.VideoFrame.from_ndarray(scene(size=(48, 64)), format="rgb24")
        opened.mux(stream.encode(frame))
        opened.mux(stream.encode())
    refuses("predict", path, says="v.avi has frames of more than 1,000 pixels, the maximum")
    with pytest.raises(DeganError, match="more than 1,000 pixels"), play(path):
        pass
