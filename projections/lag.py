"""How long a view has been behind, by time that passes: clocks differ, and are put forward and back."""

import math
import time
from collections.abc import Callable, Collection, Sequence

from msgspec import Struct

LOOKS = 64
"""Looks that are remembered, at most: beyond that, every second one is forgotten."""

Places = Sequence[int]
"""A seq of each partition."""


class _Look(Struct, frozen=True):
    """`at`: by the monotonic clock. `heads`: the last event of each partition."""

    at: float
    heads: Places


class Lags:
    """Remembers when the log was seen to have which events. An event that a view has not seen is at least as old as the
    first look that found it, and younger than the look before that: what clocks say counts between the two alone."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._looks: list[_Look] = []

    def look(self, heads: Places, places: Collection[Places]) -> None:
        """Remember where the partitions end now, and forget what tells nothing of views that are at these places."""
        self._looks.append(_Look(self._clock(), heads))
        while len(self._looks) > 1 and all(_covers(each, self._looks[1].heads) for each in places):
            del self._looks[0]
        if len(self._looks) > LOOKS:
            del self._looks[2:-1:2]

    def seconds(self, places: Places, age: float) -> float:
        """Since when there has been an event that a view at these places has not seen. `age`: of the oldest of these,
        by the clock of the database."""
        now = self._clock()
        before = math.inf
        for look in self._looks:
            if not _covers(places, look.heads):
                return min(max(age, now - look.at), before)
            before = now - look.at
        return 0.0


def _covers(places: Places, heads: Places) -> bool:
    return all(place >= head for place, head in zip(places, heads, strict=True))
