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


class Counted(Struct, frozen=True):
    """`wait`: seconds until there may be another, where the window is full and this one did not count, else 0. `seen`:
    how many are in the window now."""

    wait: float
    seen: int


class _Times(Struct):
    """`mine`: when this process has counted one. `others`: how many more were in the window of all processes when that
    was last known, which may matter until then."""

    mine: deque[float]
    others: int = 0
    until: float = 0.0


class Window:
    """Counts each for itself, in about 1 µs."""

    def __init__(self, limit: Limit, clock: Callable[[], float] = time.monotonic) -> None:
        """`clock`: seconds since some moment, never going back."""
        self._limit = limit
        self._clock = clock
        self._counted: OrderedDict[str, _Times] = OrderedDict()

    def __len__(self) -> int:
        """How many it remembers somebody of."""
        return len(self._counted)

    def count(self, who: str) -> Counted:
        """Count one of theirs, unless the window is full."""
        now = self._clock()
        times = self._times(who, now)
        others = times.others if times.until > now else 0
        seen = len(times.mine) + others
        if seen >= self._limit.most:
            ends = [times.mine[0] + self._limit.seconds] if times.mine else []
            return Counted(min([*ends, times.until] if others else ends) - now, seen)
        times.mine.append(now)
        return Counted(0.0, seen + 1)

    def learn(self, who: str, counted: Counted) -> None:
        """Take in what the window of all processes has said, so that this one knows when it has to count alone."""
        now = self._clock()
        times = self._times(who, now)
        if counted.wait == 0:
            times.mine.append(now)
        times.others = max(0, counted.seen - len(times.mine))
        times.until = now + self._limit.seconds

    def uncount(self, who: str) -> None:
        """Forget the last that was counted of theirs."""
        times = self._counted.get(who)
        if times is not None and times.mine:
            times.mine.pop()

    def _times(self, who: str, now: float) -> _Times:
        """Theirs, without what has left the window."""
        self._forget(now)
        times = self._counted.get(who)
        if times is None:
            times = self._counted[who] = _Times(deque())
        self._counted.move_to_end(who)
        while times.mine and times.mine[0] + self._limit.seconds <= now:
            times.mine.popleft()
        return times

    def _forget(self, now: float) -> None:
        """Who was looked at the longest ago stands first."""
        while self._counted:
            first, times = next(iter(self._counted.items()))
            last = max(times.until, times.mine[-1] + self._limit.seconds if times.mine else 0.0)
            if last > now:
                return
            del self._counted[first]
