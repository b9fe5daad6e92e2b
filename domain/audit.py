"""Reads of the audit: each read of measured values through it is itself recorded.

Events · decisions.
"""

from datetime import datetime
from typing import ClassVar

from domain.event import Event, Fact
from domain.partition import stream


class AuditRead(Event, frozen=True, kw_only=True):
    """A user has read the events of a stream, or its state at `as_of` as it was known at `known_at`."""

    stored_name: ClassVar[str] = "audit.read.v1"

    read: str
    as_of: datetime | None = None
    known_at: datetime | None = None


def read(read: str, *, reader_id: str, reading_id: str, as_of: datetime | None, known_at: datetime | None) -> Fact:
    """Record the read of a stream, in the partition of its reader."""
    return Fact(stream(reader_id, reading_id), AuditRead(read=read, as_of=as_of, known_at=known_at))
