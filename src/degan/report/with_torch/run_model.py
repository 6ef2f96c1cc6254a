"""Model of a run directory, opened for the figures of a report. Needs torch."""

from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from degan.evaluation.probes.finished_runs import read_run
from degan.report.opened_model import ModelOutputs, OpenModel

_BATCH = 32  # larger batches exceed the CPU cache and are slower


def open_run(folder: Path) -> OpenModel:
    """Open the model of a run directory of ``degan train``, or of a fold.

    Raises:
        DeganError: the folder is not a run directory, or the run is unfinished or damaged.
    """
    model = read_run(folder).model
    recognition = model.recognition
    recognition.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # faster

    @torch.no_grad()
    def read(crops: NDArray[np.uint8]) -> ModelOutputs:
        parts = [recognition.read_all(batch) for batch in torch.from_numpy(crops).split(_BATCH)]
        return ModelOutputs(
            torch.cat([part.probabilities for part in parts]).double().numpy(),
            torch.cat([part.code for part in parts]).numpy(),
        )

    return OpenModel(
        expressions=model.expressions,
        crop_size=model.crop_size,
        frame=model.frame,
        trained_on=model.trained_on,
        rounds=recognition.encoder.rounded,
        read=read,
    )
