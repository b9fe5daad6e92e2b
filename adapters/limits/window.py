"""Sliding windows of this process."""

import time
from collections import OrderedDict, deque
from collections.abc import Callable

from msgspec import Struct


class Limit(Struct, frozen=True):
    """At most `most` requests in any `seconds`; limits with the same name share their counts."""

    name: str
    most: int
    seconds: int


class Counted(Struct, frozen=True):
    """`wait`: seconds until the next request is allowed, 0 when this one is. `seen`: the number in the window
    now."""

    wait: float
    seen: int


class _Times(Struct):
    """`mine`: the times that this process has counted. `others`: how many more the shared window had when it was last
    read; they count until `until`."""

    mine: deque[float]
    others: int = 0
    until: float = 0.0


class Window:
    """Counts each client separately, in about 1 µs."""

    def __init__(self, limit: Limit, clock: Callable[[], float] = time.monotonic) -> None:
        """`clock`: monotonic, in seconds."""
        self._limit = limit
        self._clock = clock
        self._counted: OrderedDict[str, _Times] = OrderedDict()

    def __len__(self) -> int:
        """The number of clients in the window."""
        return len(self._counted)

    def count(self, who: str) -> Counted:
        """Count one request of `who`, unless the window is full."""
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
        """Store the count of the shared window, so that this process can go on alone when Redis fails."""
        now = self._clock()
        times = self._times(who, now)
        if counted.wait == 0:
            times.mine.append(now)
        times.others = max(0, counted.seen - len(times.mine))
        times.until = now + self._limit.seconds

    def uncount(self, who: str) -> None:
        """Undo the last count of `who`."""
        times = self._counted.get(who)
        if times is not None and times.mine:
            times.mine.pop()

    def _times(self, who: str, now: float) -> _Times:
        """The times of `who` that are still in the window."""
        self._forget(now)
        times = self._counted.get(who)
        if times is None:
            times = self._counted[who] = _Times(deque())
        self._counted.move_to_end(who)
        while times.mine and times.mine[0] + self._limit.seconds <= now:
            times.mine.popleft()
        return times

    def _forget(self, now: float) -> None:
        """The least recently used client is the first."""
        while self._counted:
            first, times = next(iter(self._counted.items()))
            last = max(times.until, times.mine[-1] + self._limit.seconds if times.mine else 0.0)
            if last > now:
                return
            del self._counted[first]
