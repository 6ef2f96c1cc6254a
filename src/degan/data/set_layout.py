"""Names of the files of a prepared data set."""

from typing import Final

DESCRIPTION_FILE: Final = "dataset.json"
"""Size and frame of the crops, and settings; written last."""

MANIFEST_FILE: Final = "manifest.csv"
"""One row per sample."""

MAX_MANIFEST_BYTES: Final = 2 * 2**30
"""Maximum size of the manifest in bytes."""

SKIPPED_FILE: Final = "skipped.csv"
"""Skipped photos, with the reasons."""

FACTORS_FILE: Final = "factors.parquet"
"""Known factors of rendered pictures."""

FACIAL_ACTIONS_FILE: Final = "facial_actions.parquet"
"""Known facial actions of the rendered pictures in a joined data set."""

ACTION_UNITS_FILE: Final = "action_units.csv"
"""FACS action units of recordings."""

VOTES_FILE: Final = "votes.csv"
"""Votes of several people on each photo, if the manifest has no columns of votes."""

DATA_SET_FILES: Final = frozenset(
    value for name, value in tuple(globals().items()) if name.endswith("_FILE")
)
"""Names of all these files."""
