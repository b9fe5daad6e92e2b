"""Moving windows in this process: who was counted when, for as long as that matters."""

import time
from collections import OrderedDict, deque
from collections.abc import Callable

from msgspec import Struct


class Limit(Struct, frozen=True):
    """At most so many of each in any so many seconds, counted under a name: the same name is the same count."""

    name: str
    most: int
    seconds: int


class Window:
    """Counts each for itself, in about 1 µs."""

    def __init__(self, limit: Limit, clock: Callable[[], float] = time.monotonic) -> None:
        """`clock`: seconds since some moment, never going back."""
        self._limit = limit
        self._clock = clock
        self._counted: OrderedDict[str, deque[float]] = OrderedDict()

    def __len__(self) -> int:
        """How many it remembers somebody of."""
        return len(self._counted)

    def count(self, who: str) -> float:
        """Count one of theirs: 0. Or the seconds until there may be another, where the window is full; that does not
        count."""
        now = self._clock()
        self._forget(now)
        times = self._counted.get(who)
        if times is None:
            times = self._counted[who] = deque(maxlen=self._limit.most)  # the oldest falls off by itself
        elif len(times) == self._limit.most and (wait := times[0] + self._limit.seconds - now) > 0:
            return wait
        times.append(now)
        self._counted.move_to_end(who)
        return 0.0

    def _forget(self, now: float) -> None:
        """Who was counted last the longest ago stands first."""
        while self._counted:
            first = next(iter(self._counted))
            if self._counted[first][-1] + self._limit.seconds > now:
                return
            del self._counted[first]
