"""Runs of several seeds in a report: one row on their mean."""

import json

import numpy as np
import pytest

from degan.config import override, preset, write_settings
from degan.evaluation.predictions import read_predictions
from degan.report.parts.overview import summary
from degan.report.run_files import read_results
from degan.report.seeds import means_over_seeds
from made_results import make_result


def run(folder, dataset, seed, *, skill=0.8, change=()):
    make_result(folder, dataset, skill=skill, seed=seed)
    write_settings(folder / "settings.toml", override(preset("tiny"), [f"seed={seed}", *change]))
    path = folder / "summary.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "seed": seed}))
    return folder


@pytest.fixture
def three(faces, tmp_path):
    return [run(tmp_path / f"run-{seed}", faces, seed) for seed in range(3)]


def test_runs_that_differ_in_their_seed_alone_get_a_row_with_their_mean(three):
    results = read_results(three)
    (mean,) = means_over_seeds(results)
    correct = np.mean([read_predictions(folder).correct for folder in three], axis=0)
    assert mean.seeds == (0, 1, 2)
    assert mean.accuracy == pytest.approx(correct.mean())
    assert mean.lowest <= mean.accuracy <= mean.highest
    low, high = mean.interval
    assert low < mean.accuracy < high
    *_, row = summary(results).table.rows
    assert row[0] == "mean of 3 seeds"
    assert row[1].startswith("run-0, run-1, run-2: the same but for their seeds 0, 1, 2, each ")


def test_runs_with_other_settings_are_not_averaged(faces, three, tmp_path):
    other = run(tmp_path / "other", faces, 3, change=["classifier.epochs=7"])
    (mean,) = means_over_seeds(read_results([*three, other]))
    assert mean.seeds == (0, 1, 2)


def test_one_run_or_the_same_seed_twice_has_no_mean(faces, three, tmp_path):
    again = run(tmp_path / "again", faces, 0)
    assert means_over_seeds(read_results(three[:1])) == []
    assert means_over_seeds(read_results([three[0], again])) == []
