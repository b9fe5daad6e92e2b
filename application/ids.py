"""New ids: 24 hexadecimal characters that increase with the log's time."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from itertools import count
from secrets import token_hex
from uuid import UUID

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


def ids_from(recorded_at: datetime, salt: str | None = None) -> Callable[[], str]:
    """A source of ids for one group of commands.

    13 characters of microseconds, then 5 of a counter, then 6 that keep apart what two partitions record in one
    microsecond. Since the log's time increases with every group of a partition, so do the ids: ordering by id is
    ordering by what was recorded first.
    """
    head = f"{(recorded_at - _EPOCH) // _MICROSECOND:013x}"
    tail = salt or token_hex(3)
    counter = count()
    return lambda: f"{head}{next(counter):05x}{tail}"


def uuid_of(id: str) -> str:
    """The UUID, version 7, that is made of the parts of an id, and orders as it does.

    Of RFC 9562: 48 bits of milliseconds; in `rand_a` the microseconds; in `rand_b` counter and salt.
    """
    microseconds, tail = int(id[:13], 16), int(id[13:], 16)
    milliseconds, rest = divmod(microseconds, 1000)
    return str(UUID(int=milliseconds << 80 | 0x7 << 76 | rest << 64 | 0b10 << 62 | tail << 18))
