"""Learning rate of each step."""

import math


def one_cycle(step: int, total: int, peak: float, least: float = 0.0) -> float:
    """Return the learning rate of a step: linear increase for 30 % of the steps, then cosine to 0.

    Args:
        step: index of the step, from 0.
        total: number of steps.
        peak: the highest learning rate.
        least: minimum of the rate after the peak, relative to the peak, in [0, 1].

    Source: Smith & Topin 2018; not in the paper.
    """
    position = (step + 0.5) / total
    if position < 0.3:
        return peak * (0.04 + 0.96 * position / 0.3)
    return peak * max(least, 0.5 * (1 + math.cos((position - 0.3) / 0.7 * math.pi)))
