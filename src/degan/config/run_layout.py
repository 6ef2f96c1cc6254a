"""Names of the files and folders that commands write: run directories and results.

They are here, below all that writes them (``training``, ``evaluation``, ``tuning``) and all that
reads them without torch (``report``).
"""

from pathlib import Path
from typing import Final

SETTINGS_FILE: Final = "settings.toml"
"""Settings of a run, written before the first step."""

RECORD_FILE: Final = "run.json"
"""Kind of a run, data set and other facts that determine the result."""

LOG_FILE: Final = "log.jsonl"
"""Loss terms and times, one line per epoch."""

STAGE1_FILE: Final = "gan.safetensors"
"""Checkpoint of stage 1: networks and optimizers."""

STAGE2_FILE: Final = "classifier.safetensors"
"""Checkpoint of stage 2; it is removed when the training is complete."""

MODEL_FILE: Final = "model.safetensors"
"""Networks of a finished training."""

FINETUNE_FILE: Final = "finetune.json"
"""Source of the photos, in the folder that fine-tuning writes beside a weights file."""

FOLDS_FILE: Final = "folds.json"
"""Test and validation subjects of each fold."""

TEST_FILE: Final = "test.json"
"""Result of one fold."""

PREDICTIONS_FILE: Final = "predictions.csv"
"""Probabilities of each test sample."""

SUMMARY_FILE: Final = "summary.json"
"""Metrics of a whole run or evaluation."""

SUBJECTS_FILE: Final = "subjects.csv"
"""Correct results of each person."""

MISTAKES_FILE: Final = "mistakes.jpg"
"""Picture of the most confident mistakes."""

ELAPSED_FILE: Final = "elapsed.json"
"""Run time of several folds."""

RUN_FILES: Final = frozenset(
    value for name, value in tuple(globals().items()) if name.endswith("_FILE")
)
"""Names of all these files."""

SAMPLES_WITH_ACTIONS: Final = "samples_with_actions"
"""Key in ``run.json``: number of training samples with facial actions, if others have none."""

TEACHERS_DIR: Final = "teachers"
"""Folder of the teachers of a run."""

INNER_DIR: Final = "inner"
"""Folder of the inner folds that choose the blend."""

FULL_ARM: Final = "full"
"""Folder of the reference arm of an ablation."""

TRAINING: Final = "training"
"""``kind`` in the record of ``degan train``."""

CROSS_VALIDATION: Final = "cross-validation"
"""``kind`` in the record of ``degan crossval``."""

FINE_TUNING: Final = "fine-tuning"
"""``kind`` in ``summary.json`` of ``degan finetune``, which has no record."""

ABLATION: Final = "ablation"
"""``kind`` in the record of ``degan ablate``."""

STAGE1: Final = "stage 1"
"""``kind`` in the record of a stage 1 that several arms of an ablation share."""


def fold_folder(run: Path, number: int) -> Path:
    """Return the folder of a fold; that of fold 0 is ``fold-01``.

    Args:
        run: run directory, or folder of an arm of an ablation.
        number: number of the fold, from 0.
    """
    return run / f"fold-{number + 1:02d}"
