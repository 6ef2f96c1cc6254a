"""``degan evaluate --identity``: which outputs of a recogniser name the person."""

import json
import subprocess
import sys

import numpy as np
import pytest

from degan.data.sample import Sample
from degan.errors import DeganError
from degan.evaluation.exported import evaluate
from degan.evaluation.identity import identity_figures
from degan.recognition.prediction import Readings
from degan.recognition.recognizer import Recognizer

PEOPLE, EXPRESSIONS = 30, ("neutral", "happiness")


def samples_of(people=PEOPLE, subject="p{}"):
    return [
        Sample(f"{n}.png", name, subject.format(n), f"{n}/{name}", 1, f"{n}.png", "", 1)
        for n in range(people)
        for name in EXPRESSIONS
    ]


def readings(code, actions=None, probabilities=None):
    rng = np.random.default_rng(1)
    if probabilities is None:
        probabilities = rng.dirichlet(np.ones(2), len(code))
    return Readings(
        np.float32(probabilities),
        np.float32(code),
        None if actions is None else np.float32(actions),
    )


def faint_trace(rng, people=PEOPLE):
    """Return codes whose rounded values are free of identity, but not the values before."""
    person = np.repeat(rng.uniform(-0.3, 0.3, (people, 16)), 2, axis=0)
    expression = np.tile(rng.integers(-2, 3, (2, 16)), (people, 1))
    return expression + person + rng.normal(0, 0.02, person.shape)


def test_a_trace_of_the_person_below_half_a_step_is_in_the_code_and_not_in_the_rounded_code():
    rng = np.random.default_rng(0)
    found = identity_figures(samples_of(), readings(faint_trace(rng)), seed=0)
    assert list(found) == ["code", "code, rounded", "probabilities"]
    assert found["code"]["top1"] > 0.9
    assert found["code"]["auc"] > 0.9
    assert found["code"]["median_rank"] == 1
    rounded = found["code, rounded"]
    assert rounded["auc"] == pytest.approx(0.5, abs=0.05)
    assert rounded["interval"][0] <= rounded["chance"] <= rounded["interval"][1]
    assert rounded["people"] == PEOPLE


def test_facial_actions_are_measured_if_the_weights_read_them():
    rng = np.random.default_rng(0)
    person = np.repeat(rng.random((PEOPLE, 52)), 2, axis=0)
    made = readings(rng.normal(size=(2 * PEOPLE, 16)), actions=person)
    found = identity_figures(samples_of(), made, seed=0)
    assert found["actions"]["top1"] == 1
    assert found["code"]["top1"] < 0.3


def test_chance_is_that_of_permutations():
    rng = np.random.default_rng(0)
    found = identity_figures(samples_of(), readings(rng.normal(size=(2 * PEOPLE, 16))), seed=0)
    low, high = found["code"]["chance_interval"]
    assert low <= 1 / PEOPLE <= high
    assert found["code"]["chance"] == pytest.approx(1 / PEOPLE, rel=0.2)


@pytest.mark.parametrize(
    ("samples", "says"),
    [
        (samples_of(subject=""), "60 of 60 images have no subject name"),
        (samples_of()[::2], "no subject has images with two expressions"),
    ],
)
def test_where_nobody_can_be_identified_one_sentence_says_so(samples, says):
    code = np.random.default_rng(0).normal(size=(len(samples), 16))
    with pytest.raises(DeganError, match=says):
        identity_figures(samples, readings(code), seed=0)


def test_the_summary_of_shipped_weights_has_every_served_output(faces, tmp_path):
    command = ["evaluate", "--data", faces.folder, "--identity", "--out", tmp_path / "out"]
    done = subprocess.run(
        [sys.executable, "-m", "degan", *map(str, command)],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    written = json.loads((tmp_path / "out" / "summary.json").read_text())["identity"]
    assert list(written) == ["code", "code, rounded", "probabilities", "actions"]
    assert all(row["people"] == 12 and row["queries"] == 24 for row in written.values())
    assert "Identification of 12 people across expressions" in done.stdout
    for name, row in written.items():
        (line,) = [text for text in done.stdout.splitlines() if text.split("  ")[1:2] == [name]]
        assert f"{row['top1']:.1%}" in line


def test_without_the_option_nothing_is_measured(faces):
    assert "identity" not in evaluate(faces, Recognizer())
