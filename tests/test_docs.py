"""What the documents say is there: links, commands, options."""

import re
import tomllib

import pytest
from typer.main import get_command
from typer.testing import CliRunner

from degan.cli.app import app
from degan.config import PRESETS, preset

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
