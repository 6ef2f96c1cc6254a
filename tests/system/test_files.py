"""Files of users: only regular ones are read, and nothing is waited for."""

import os
import socket
import sys
import threading
from pathlib import Path

import pytest

from degan.errors import DeganError
from degan.system.files import open_file, read_bytes, read_stream

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="pipes of POSIX")


@pytest.fixture(params=["pipe", "socket", "device", "link"])
def endless(tmp_path, request, monkeypatch):
    """A file that no program can read to its end."""
    monkeypatch.chdir(tmp_path)  # the path of a socket has 107 bytes at most
    path = Path("thing")
    if request.param == "device":
        return Path("/dev/zero")
    if request.param == "socket":
        with socket.socket(socket.AF_UNIX) as made:
            made.bind(str(path))
        return path
    os.mkfifo(path)
    if request.param == "link":
        Path("link").symlink_to(path)
        return Path("link")
    return path


def test_a_pipe_a_socket_or_a_device_is_refused_at_once(endless):
    with pytest.raises(DeganError, match="is a pipe, a socket or a device; save its content"):
        read_bytes(endless, 100, "table")
    with pytest.raises(DeganError, match="is a pipe"), open_file(endless, "table"):
        pass


def test_a_pipe_that_a_user_names_is_read_up_to_the_limit(tmp_path):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    for limit in (5, 4):
        writer = threading.Thread(target=pipe.write_bytes, args=(b"12345",))
        writer.start()
        if limit == 5:
            assert read_stream(pipe, limit, "photo") == b"12345"
        else:
            with pytest.raises(DeganError, match="more than the 4 bytes"):
                read_stream(pipe, limit, "photo")
        writer.join()


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("gone", "does not exist"),
        ("file/below", "does not exist"),
        ("nul\0", "does not exist"),
        ("folder", "is a folder"),
        ("empty", "is empty"),
        ("x" * 300, "cannot read"),
    ],
)
def test_what_cannot_be_read_gets_a_sentence(tmp_path, name, says):
    (tmp_path / "folder").mkdir()
    (tmp_path / "empty").touch()
    (tmp_path / "file").write_text("x")
    for read in (read_bytes, read_stream):
        with pytest.raises(DeganError, match=says):
            read(tmp_path / name, 100, "table")
