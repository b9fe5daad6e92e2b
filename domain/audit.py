"""Readings of the audit: whoever looks at measured values through it leaves a fact as well.

Events · decisions.
"""

from datetime import datetime
from typing import ClassVar

from domain.event import Event, Fact
from domain.partition import stream


class AuditRead(Event, frozen=True, kw_only=True):
    """Somebody has read the facts of a stream, or its state at a time as it was known at another."""

    stored_name: ClassVar[str] = "audit.read.v1"

    read: str
    as_of: datetime | None = None
    known_at: datetime | None = None


def read(read: str, *, reader_id: str, reading_id: str, as_of: datetime | None, known_at: datetime | None) -> Fact:
    """Note the reading of a stream, in the partition of the one who reads."""
    return Fact(stream(reader_id, reading_id), AuditRead(read=read, as_of=as_of, known_at=known_at))
