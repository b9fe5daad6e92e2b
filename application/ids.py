"""New ids: 24 hexadecimal characters that increase with the time of the log and cannot be guessed."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from secrets import randbits
from uuid import UUID

RANDOM = 40
"""The number of random bits of each id."""

TICKS = 16
"""Ids per microsecond, at most."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


class Ids:
    """A source of ids for one process.

    An id has 13 characters for the microseconds since 1970, one that counts within a microsecond, and 10 random ones.
    The ids of a batch begin at its time, or after the last id of the batch before it if that is later. So the order of
    ids is the order of recording: within a process always, between processes unless a clock is set back.
    """

    def __init__(self, random: Callable[[], int] = lambda: randbits(RANDOM)) -> None:
        """`random` returns the random bits of an id."""
        self._random = random
        self._next = 0

    def since(self, recorded_at: datetime) -> Callable[[], str]:
        """The source of ids for a batch that is recorded at this time."""
        self._next = max(self._next, (recorded_at - _EPOCH) // _MICROSECOND * TICKS)
        return self._new

    def _new(self) -> str:
        tick = self._next
        self._next = tick + 1
        return f"{tick:014x}{self._random():010x}"


def uuid_of(id: str) -> str:
    """The UUID of version 7 (RFC 9562) that is made of the parts of an id, in the same order as ids.

    It has 48 bits of milliseconds, the microseconds in `rand_a`, and the counter and the random bits in `rand_b`.
    """
    microseconds, tail = int(id[:13], 16), int(id[13:], 16)
    milliseconds, rest = divmod(microseconds, 1000)
    return str(UUID(int=milliseconds << 80 | 0x7 << 76 | rest << 64 | 0b10 << 62 | tail << 18))
