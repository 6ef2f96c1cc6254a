"""Random numbers that depend on seed, stage and epoch only."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch


@contextmanager
def seeded(seed: int, stage: int, epoch: int) -> Iterator[None]:
    """Seed torch's default generator within the block, from seed, stage and epoch only.

    So an epoch gives the same result after an interruption, and checkpoints do not need the state
    of the generator.
    """
    with torch.random.fork_rng(devices=[]):
        # The large odd factor gives neighbouring seeds and epochs different random streams.
        torch.manual_seed((seed * 1_000_003 + stage * 100_003 + epoch) * 2_654_435_761 % 2**63)
        yield
