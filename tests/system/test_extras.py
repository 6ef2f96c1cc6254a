"""Optional packages: one that is missing or broken is one sentence."""

import pytest

from degan.errors import DeganError
from degan.system.extras import import_extra, import_package


@pytest.fixture
def package(tmp_path, monkeypatch):
    """Function that writes a package ``name`` with some code."""
    monkeypatch.syspath_prepend(tmp_path)

    def write(name, code):
        (tmp_path / f"{name}.py").write_text(code)
        return name

    return write


def test_a_missing_package_is_to_be_installed():
    with pytest.raises(DeganError) as caught:
        import_package("not_there", "degan[video]", needs="videos need PyAV")
    assert str(caught.value) == (
        "videos need PyAV, which is not installed; pip install 'degan[video]'"
    )


def test_a_broken_package_is_to_be_installed_again(package):
    """A shared library is missing, or of another machine."""
    name = package("broken", "raise ImportError('libx.so: cannot open shared object file')")
    with pytest.raises(DeganError, match=r"cannot be loaded .*libx\.so") as caught:
        import_package(name, "degan[tables]", needs="Parquet needs pyarrow", instead="write .csv")
    assert str(caught.value).endswith(
        "pip install --force-reinstall 'degan[tables]', or write .csv"
    )


def test_a_module_that_needs_a_missing_package_names_it(package):
    name = package("uses_other", "import not_there")
    with pytest.raises(DeganError, match="training needs not_there, which is not installed"):
        import_extra(name, "train", asking="training")


def test_a_fault_of_degan_itself_is_no_missing_package(package):
    name = package("uses_degan", "import degan.not_there")
    with pytest.raises(ModuleNotFoundError, match=r"degan\.not_there"):
        import_extra(name, "train")
