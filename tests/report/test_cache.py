"""The cache of a report: two reports at once, and files that are no cache."""

import io
import os
import zipfile
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from degan.report.cache import cache_path, read_cache, write_cache
from degan.report.measurements import Stored


def stored(number):
    return Stored({"number": number}, {"values": np.full((200, 200), number)})


def test_reports_that_write_at_once_leave_one_whole_measurement(tmp_path):
    path = cache_path(tmp_path, "figure")
    write_cache(path, {"key": 1}, stored(0))

    def work(number):
        write_cache(path, {"key": 1}, stored(number))
        found = read_cache(path, {"key": 1})
        return found is not None and (found.arrays["values"] == found.facts["number"]).all()

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(work, range(100)))
    assert [file.name for file in path.parent.iterdir()] == [path.name]


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes here")
def test_a_pipe_is_not_waited_for(tmp_path):
    path = cache_path(tmp_path, "figure")
    path.parent.mkdir()
    os.mkfifo(path)
    assert read_cache(path, {"key": 1}) is None
    write_cache(path, {"key": 1}, stored(3))  # replaces it
    assert read_cache(path, {"key": 1}).facts == {"number": 3}


def test_a_small_file_that_unpacks_to_much_is_measured_again(tmp_path):
    path = cache_path(tmp_path, "figure")
    path.parent.mkdir()
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for number in range(3):
            archive.writestr(f"{number}.npy", bytes(30 * 2**20))
    path.write_bytes(packed.getvalue())
    assert path.stat().st_size < 2**20
    assert read_cache(path, {"key": 1}) is None
