"""Shared fixtures: real and rendered faces, and functions that run the command."""

from pathlib import Path

import pytest
from hypothesis import settings

# No deadlines: the first call of a compiled loop takes seconds.
settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def root():
    """Folder of the repository."""
    return ROOT


@pytest.fixture(scope="session")
def london():
    """Folder of the whole London set, if it is next to the repository."""
    folder = ROOT.parent / "shared" / "data" / "london"
    if not folder.is_dir():
        pytest.skip("the London set is not on this machine")
    return folder


@pytest.fixture(scope="session", autouse=True)
def ctrl_c_is_heard():
    """Enable Ctrl-C, also if a script started the tests in the background."""
    import signal

    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session")
def astronaut():
    """Real photo of one smiling face, RGB uint8 (512, 512, 3)."""
    from skimage.data import astronaut

    return astronaut()


@pytest.fixture(scope="session")
def examples():
    """Folder of twelve people, neutral and smiling."""
    return ROOT / "examples" / "london"


@pytest.fixture(scope="session")
def faces(examples, tmp_path_factory):
    """The examples as a prepared data set, crops of 64 px."""
    from degan.data.datasets.folder import ADAPTER
    from degan.data.manifest import read_dataset
    from degan.data.prepare import PrepareSettings, prepare_dataset
    from degan.data.protocol import Protocol

    out = tmp_path_factory.mktemp("faces") / "data"
    prepare_dataset(ADAPTER, examples, out, Protocol(), PrepareSettings(crop_size=64), jobs=2)
    return read_dataset(out)


@pytest.fixture(scope="session")
def resized(faces):
    """Function that writes the examples to a folder, with crops of another size."""
    from PIL import Image

    from degan.data.manifest import read_dataset, write_dataset
    from degan.media import images

    def write(folder, side):
        for sample in faces.samples:
            (folder / sample.file).parent.mkdir(parents=True, exist_ok=True)
            crop = Image.fromarray(images.read_image(faces.folder / sample.file))
            crop.resize((side, side)).save(folder / sample.file)
        rest = {"crop_size": side, "frame": faces.frame, "settings": {}}
        write_dataset(folder, faces.samples, [], **rest)
        return read_dataset(folder)

    return write


@pytest.fixture(scope="session")
def fresh_python():
    """Function that runs code in a new interpreter and returns its standard output."""
    import os
    import subprocess
    import sys

    def run(code, *arguments):
        done = subprocess.run(
            [sys.executable, "-c", code, *map(str, arguments)],
            env={**os.environ, "PYTHONPATH": str(ROOT / "src")},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    return run


@pytest.fixture(scope="session")
def rendered(tmp_path_factory):
    """Settings and folder of six synthetic people, each with every expression twice."""
    from degan.synthetic.plan import SynthesisSettings

    return _rendered(tmp_path_factory, SynthesisSettings(people=6, images=96, size=48, seed=3))


@pytest.fixture(scope="session")
def rendered_sequences(tmp_path_factory):
    """Settings and folder of six synthetic people with sequences of happiness and surprise."""
    from degan.synthetic.plan import SynthesisSettings

    shown = ("neutral", "happiness", "surprise")
    return _rendered(
        tmp_path_factory,
        SynthesisSettings(people=6, images=120, size=64, expressions=shown, sequences=True),
    )


def _rendered(tmp_path_factory, plan):
    from degan.synthetic.generate import synthesize

    out = tmp_path_factory.mktemp("rendered") / "people"
    synthesize(plan, out, workers=2)
    return plan, out


@pytest.fixture(scope="session")
def chromium():
    """Chromium or Chrome; CI requires one with DEGAN_BROWSER=1."""
    import os
    import shutil

    playwright = pytest.importorskip("playwright.sync_api")
    names = ("chromium", "chromium-browser", "google-chrome", "chrome")
    found = next(filter(None, map(shutil.which, names)), None)
    if found is None and not os.environ.get("DEGAN_BROWSER"):
        pytest.skip("no Chromium on this machine; with DEGAN_BROWSER=1 that is an error")
    flags = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
    with playwright.sync_playwright() as engine:
        browser = engine.chromium.launch(executable_path=found, args=flags)
        yield browser
        browser.close()


@pytest.fixture
def audit(chromium):
    """Function that returns the violations of accessibility rules in a page, by axe-core."""
    from axe_playwright_python.sync_playwright import Axe

    def run(page_file, **options):
        size = {"width": 1280, "height": 900}
        # The page only allows its own scripts, so axe-core needs this bypass.
        context = chromium.new_context(**{"viewport": size, **options}, bypass_csp=True)
        page = context.new_page()
        page.goto(page_file.as_uri())
        for part in page.locator(".card").all():  # figures are drawn when they become visible
            part.scroll_into_view_if_needed()
        wrong = Axe().run(page).response["violations"]
        context.close()
        return [f"{rule['id']}: {node['html']}" for rule in wrong for node in rule["nodes"]]

    return run


@pytest.fixture(scope="session")
def degan():
    """Function that runs the command in its own process."""
    import subprocess
    import sys

    def run(*arguments):
        return subprocess.run(
            [sys.executable, "-m", "degan", *map(str, arguments)],
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )

    return run


@pytest.fixture
def command(monkeypatch, capsys):
    """Function that runs the command in this process, like main()."""
    import io
    import sys
    from types import SimpleNamespace

    from degan.cli.app import main

    def run(*arguments, stdin=b""):
        monkeypatch.setattr(sys, "argv", ["degan", *map(str, arguments)])
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin)))
        capsys.readouterr()
        code = 0
        try:
            main()
        except SystemExit as stop:
            code = stop.code
        printed = capsys.readouterr()
        return SimpleNamespace(returncode=code, stdout=printed.out, stderr=printed.err)

    return run


@pytest.fixture
def refuses(command):
    """Function that runs the command and checks that it ends with one error with some words."""

    def run(*arguments, says, **choices):
        done = command(*arguments, **choices)
        sentences = [line for line in done.stderr.splitlines() if line.startswith("degan: ")]
        assert done.returncode == 2, done.stderr
        assert len(sentences) == 1, done.stderr
        for words in [says] if isinstance(says, str) else says:
            assert words in sentences[0], sentences[0]
        return sentences[0]

    return run
