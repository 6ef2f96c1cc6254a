"""The model of a run directory, opened as a page's figures read it. Needs torch."""

from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from degan.evaluation.runs import read_run
from degan.report.model import Opened, Said

_BATCH = 32  # more at a time leave the cache, and take longer


def open_run(folder: Path) -> Opened:
    """Open the model of a run directory of ``degan train``, or of a fold.

    Raises:
        DeganError: it is none, is not finished, or is damaged.
    """
    model = read_run(folder).model
    recognition = model.recognition
    recognition.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # quicker

    @torch.no_grad()
    def read(crops: NDArray[np.uint8]) -> Said:
        parts = [recognition.read_all(batch) for batch in torch.from_numpy(crops).split(_BATCH)]
        return Said(
            torch.cat([part.probabilities for part in parts]).double().numpy(),
            torch.cat([part.code for part in parts]).numpy(),
        )

    return Opened(
        expressions=model.expressions,
        crop_size=model.crop_size,
        frame=model.frame,
        trained_on=model.trained_on,
        rounds=recognition.encoder.rounded,
        read=read,
    )
