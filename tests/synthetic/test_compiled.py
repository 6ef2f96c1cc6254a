"""The cache of compiled functions: code of an earlier version of the package is never used."""

import pytest

CALLER = """
from typing import NamedTuple
from degan.synthetic.compiled import compiled
from {package}.callee import part

class {name}(NamedTuple):
    value: float

@compiled
def whole(one):
    return part(one.value) + 1

def result():
    return whole({name}(2.0)), whole.stats.cache_hits
"""
CALLEE = """
from degan.synthetic.compiled import compiled

@compiled
def part(value):
    return {factor} * value
"""


@pytest.fixture
def package(tmp_path, fresh_python):
    """Function that writes a package and returns its result and cache hits in a new process."""
    folder = tmp_path / "renderer"
    folder.mkdir()

    def write_and_run(name="Scene", factor=3):
        files = {
            "__init__": "",
            "caller": CALLER.format(package="renderer", name=name),
            "callee": CALLEE.format(factor=factor),
        }
        for module, code in files.items():
            path = folder / f"{module}.py"
            if not path.exists() or path.read_text() != code:
                path.write_text(code)
        run = "import sys; sys.path.insert(0, sys.argv[1]); from renderer.caller import result; "
        printed = fresh_python(
            f"{run}value, hits = result(); print(value, sum(hits.values()))", tmp_path
        )
        value, hits = printed.split()
        return float(value), int(hits)

    return write_and_run


def test_a_second_process_uses_the_cache(package):
    assert package() == (7.0, 0)
    assert package() == (7.0, 1)


def test_a_change_in_a_called_module_is_seen(package):
    assert package(factor=3) == (7.0, 0)
    assert package(factor=10) == (21.0, 0)


def test_a_renamed_type_is_compiled_again(package):
    assert package(name="Scene") == (7.0, 0)
    assert package(name="Frame") == (7.0, 0)
    assert package(name="Frame") == (7.0, 1)
