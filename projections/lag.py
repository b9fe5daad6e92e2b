"""How long a view has been behind, by time that passes: clocks differ, and are put forward and back."""

import math
import time
from collections.abc import Callable, Collection, Sequence

from msgspec import Struct

MAX_OBSERVATIONS = 64
"""Looks that are remembered, at most: beyond that, every second one is forgotten."""

Seqs = Sequence[int]
"""A seq of each partition."""


class _Observation(Struct, frozen=True):
    """`at`: by the monotonic clock. `ends`: the last event of each partition."""

    at: float
    ends: Seqs


class LagTracker:
    """Remembers when the log was seen to have which events. An event that a view has not seen is at least as old as the
    first look that found it, and younger than the look before that: what clocks say counts between the two alone."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._observations: list[_Observation] = []

    def observe(self, ends: Seqs, checkpoints: Collection[Seqs]) -> None:
        """Remember where the partitions end now, and forget what tells nothing of views that are at these places."""
        self._observations.append(_Observation(self._clock(), ends))
        while len(self._observations) > 1 and all(_covers(each, self._observations[1].ends) for each in checkpoints):
            del self._observations[0]
        if len(self._observations) > MAX_OBSERVATIONS:
            del self._observations[2:-1:2]

    def seconds(self, checkpoints: Seqs, age: float) -> float:
        """Since when there has been an event that a view at these places has not seen. `age`: of the oldest of these,
        by the clock of the database."""
        now = self._clock()
        before = math.inf
        for observation in self._observations:
            if not _covers(checkpoints, observation.ends):
                return min(max(age, now - observation.at), before)
            before = now - observation.at
        return 0.0


def _covers(checkpoints: Seqs, ends: Seqs) -> bool:
    return all(checkpoint >= end for checkpoint, end in zip(checkpoints, ends, strict=True))
