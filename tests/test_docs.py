"""What the documents say is there: links, commands, options."""

import importlib.util
import re
import shlex
import tomllib

import pytest
from typer.main import get_command
from typer.testing import CliRunner

from degan.cli.app import app
from degan.config import DEFAULT_PRESET, PRESETS, override, preset
from degan.config.no_effect import check_assignments

PAGES = [
    "README.md",
    "CHANGELOG.md",
    "docs/cli.md",
    "docs/datasets.md",
    "docs/expressions.md",
    "docs/factors.md",
    "docs/finetune.md",
    "docs/method.md",
    "docs/predict.md",
    "docs/weights.md",
    "docs/probes.md",
    "docs/report.md",
    "docs/cards/clean.md",
    "docs/cards/likeness.md",
    "docs/cards/start.md",
    "docs/cards/synthetic.md",
    "docs/cards/web.md",
]
COMMAND = re.compile(r"^(?:\$ |## `)degan ([a-z]+)(.*?)(?:`|#|>|$)", re.MULTILINE)


@pytest.mark.parametrize("page", PAGES)
def test_every_link_to_a_file_leads_to_one(root, page):
    text = (root / page).read_text(encoding="utf-8")
    links = re.findall(r"\]\((?!https?://)([^)#]+)", text)
    missing = [link for link in links if not ((root / page).parent / link).exists()]
    assert missing == []


SHOWN = [
    "README.md",
    "docs/cli.md",
    "docs/finetune.md",
    "docs/predict.md",
    "docs/probes.md",
    "docs/report.md",
]


@pytest.mark.parametrize("page", SHOWN)
def test_every_option_of_a_command_shown_exists(root, page):
    shown = COMMAND.findall((root / page).read_text(encoding="utf-8"))
    assert len(shown) >= 3
    for verb, rest in shown:
        result = CliRunner().invoke(app, [*verb.split(), "--help"], env={"COLUMNS": "200"})
        assert result.exit_code == 0, verb
        for option in re.findall(r"--[a-z-]+", rest):
            assert option in result.output, f"degan {verb} has no {option}"


def test_every_verb_is_documented(root):
    text = (root / "docs/cli.md").read_text(encoding="utf-8")
    for verb in get_command(app).commands:
        assert f"## `degan {verb}" in text


def test_every_setting_that_the_method_page_names_exists(root):
    text = (root / "docs/method.md").read_text(encoding="utf-8")
    settings = preset("fast").model_dump()
    for section, name in re.findall(r"`(gan|augment|classifier|network)\.(\w+)", text):
        assert name in settings[section], f"{section}.{name}"


def test_the_factors_that_the_page_on_probes_names_are_those_that_are_measured(root):
    from degan.evaluation.probes.disentanglement import DEFAULT_FACTORS

    text = (root / "docs/probes.md").read_text(encoding="utf-8")
    for group, names in DEFAULT_FACTORS.items():
        (row,) = re.findall(rf"^\| {group} \| (`.*) \|$", text, re.MULTILINE)
        named = set(re.findall(r"`(\w+)`", row))
        if "identity_00" in named:
            named |= {"identity_01"}  # "`identity_00` to `identity_02`"
        assert named == {name.removeprefix("action_") for name in names}


def test_the_presets_that_the_help_names_exist():
    result = CliRunner().invoke(app, ["train", "--help"], env={"COLUMNS": "200"})
    assert all(name in result.output for name in PRESETS)


def test_the_base_install_is_light_and_names_no_training_package(root):
    project = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    base = {re.split(r"[<>=]", name)[0] for name in project["dependencies"]}
    assert base == {
        "defusedxml", "lazy-loader", "numpy", "onnxruntime", "Pillow", "pydantic", "rich",
        "threadpoolctl", "tomli-w", "typer",
    }  # fmt: skip


def settings_of_commands(text):
    """Return the words of every command in a text that gives settings."""
    found = re.findall(r"degan (?:train|crossval|crossdata|ablate) [^`\n|&;]*--set[^`\n|&;]*", text)
    return [shlex.split(re.sub(r"\$\w+", "1", command)) for command in found]


def assignments(words):
    """Return the preset and the assignments of ``--set`` in the words of a command."""
    values = [
        word.removeprefix("--set=") if word.startswith("--set=") else words[place + 1]
        for place, word in enumerate(words)
        if word == "--set" or word.startswith("--set=")
    ]
    name = words[words.index("--preset") + 1] if "--preset" in words else DEFAULT_PRESET
    return name, values


def check_settings(words):
    name, changes = assignments(words)
    check_assignments(override(preset(name), changes), changes)


def test_the_settings_of_commands_in_the_documents_are_accepted(root):
    commands = [
        words
        for page in PAGES
        for words in settings_of_commands((root / page).read_text(encoding="utf-8"))
    ]
    assert len(commands) > 5
    for words in commands:
        check_settings(words)


def test_the_settings_of_the_demo_are_accepted(root, monkeypatch, tmp_path):
    """`make demo` set one setting twice, which is refused: it ended after four minutes."""
    spec = importlib.util.spec_from_file_location("demo", root / "examples" / "demo.py")
    demo = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(demo)
    commands = []
    monkeypatch.setattr(demo, "run", lambda *words: commands.append([str(word) for word in words]))
    monkeypatch.setattr(demo, "draw_sheet", lambda *_: None)
    monkeypatch.setattr(demo.sys, "argv", ["demo.py", str(tmp_path)])
    with pytest.raises(FileNotFoundError):  # nothing ran, so there is no summary to print
        demo.main()
    assert {"synthesize", "crossval", "train", "predict"} <= {words[0] for words in commands}
    for words in commands:
        if words[0] in ("crossval", "train"):
            check_settings(words)
