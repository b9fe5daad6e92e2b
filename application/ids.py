"""New ids: 24 hexadecimal characters that increase with the log's time, and that nobody can guess."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from secrets import randbits
from uuid import UUID

RANDOM = 40
"""Bits of each id that are new for it alone."""

TICKS = 16
"""In a microsecond: one for each id."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


class Ids:
    """A source of ids for one process.

    13 characters of microseconds, one that counts within the microsecond, and 10 that are random. A batch takes its ids
    from its own time on, or from the last id of the batch before it where that has come further. So ordering by id is
    ordering by what was recorded first: within a process always, and between processes unless a clock is put back.
    """

    def __init__(self, random: Callable[[], int] = lambda: randbits(RANDOM)) -> None:
        """`random`: so many bits for an id."""
        self._random = random
        self._next = 0

    def since(self, recorded_at: datetime) -> Callable[[], str]:
        """The ids of a batch that is recorded at this time."""
        self._next = max(self._next, (recorded_at - _EPOCH) // _MICROSECOND * TICKS)
        return self._new

    def _new(self) -> str:
        tick = self._next
        self._next = tick + 1
        return f"{tick:014x}{self._random():010x}"


def uuid_of(id: str) -> str:
    """The UUID, version 7, that is made of the parts of an id, and orders as it does.

    Of RFC 9562: 48 bits of milliseconds; in `rand_a` the microseconds; in `rand_b` the count and what is random.
    """
    microseconds, tail = int(id[:13], 16), int(id[13:], 16)
    milliseconds, rest = divmod(microseconds, 1000)
    return str(UUID(int=milliseconds << 80 | 0x7 << 76 | rest << 64 | 0b10 << 62 | tail << 18))
