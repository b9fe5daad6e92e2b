"""Measures for how long a view has been behind, by the monotonic clock: wall clocks differ and are set back."""

import math
import time
from collections.abc import Callable, Collection, Sequence

from msgspec import Struct

MAX_OBSERVATIONS = 64
"""Observations that are remembered, at most. Beyond that, every second one is dropped."""

Seqs = Sequence[int]
"""One seq for each partition."""


class _Observation(Struct, frozen=True):
    """`at`: time of the monotonic clock. `ends`: the last seq of each partition."""

    at: float
    ends: Seqs


class LagTracker:
    """Remembers where the log ended at which time.

    An event that a view has not applied is at least as old as the first observation that includes it, and younger than
    the observation before that. Its time of recording counts only between these two bounds.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._observations: list[_Observation] = []

    def observe(self, ends: Seqs, checkpoints: Collection[Seqs]) -> None:
        """Remember where the partitions end now. Drop observations that all views have passed."""
        self._observations.append(_Observation(self._clock(), ends))
        while len(self._observations) > 1 and all(_covers(each, self._observations[1].ends) for each in checkpoints):
            del self._observations[0]
        if len(self._observations) > MAX_OBSERVATIONS:
            del self._observations[2:-1:2]

    def seconds(self, checkpoints: Seqs, age: float) -> float:
        """For how long there has been an event after these checkpoints. `age`: seconds since the oldest of these events
        was recorded, by the clock of the database."""
        now = self._clock()
        before = math.inf
        for observation in self._observations:
            if not _covers(checkpoints, observation.ends):
                return min(max(age, now - observation.at), before)
            before = now - observation.at
        return 0.0


def _covers(checkpoints: Seqs, ends: Seqs) -> bool:
    return all(checkpoint >= end for checkpoint, end in zip(checkpoints, ends, strict=True))
