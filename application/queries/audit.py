"""Queries for the audit: who did what and when, and what was known at a time."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, ClassVar

from msgspec import Struct, field

from application.queries.query import Query
from domain.event import Event
from domain.partition import position

CURSOR = "the next of an earlier page"
KNOWN_AT = "a time in the format yyyy-MM-ddTHH:mm:ssZ, or a date, not in the future"
"""The valid values of `after` and `known_at`, for error messages."""


class ListAuditEvents(Query, frozen=True, kw_only=True):
    """The events that match all conditions, oldest first, after a position in each partition (partition → seq, or 0).

    `events` are stored names. `stream` is an id that the API shows, or that of a stream in the log. `subject` is a
    child, or any other id that an event is about. Events were recorded from `start` to before `end`.
    """

    name: ClassVar[str] = "list_audit_events"

    actor_id: str | None = None
    subject: str | None = None
    stream: str | None = None
    events: frozenset[str] | None = None
    request_id: str | None = None
    start: datetime | None = None
    end: datetime | None = None
    places: Mapping[int, int] = field(default_factory=dict)
    limit: int = 100


class ReadStream(Query, frozen=True, kw_only=True):
    """The events of one aggregate, by the id that the API shows."""

    name: ClassVar[str] = "read_stream"

    id: str


class ReadState(ReadStream, frozen=True, kw_only=True):
    """The state of one aggregate at `as_of`, as it was known at `known_at`. None: now."""

    name: ClassVar[str] = "read_state"

    as_of: datetime | None = None
    known_at: datetime | None = None


class AuditRow(Struct, frozen=True):
    """An event without its values. `position` is `<partition>-<seq>`."""

    part: int
    seq: int
    stream: str
    version: int
    name: str
    event: str
    happened_at: datetime
    recorded_at: datetime
    actor_id: str
    actor_role: str
    request_id: str
    cause: str
    subject_id: str
    outcome_id: str | None

    @property
    def position(self) -> str:
        return position(self.part, self.seq)


class Fact(Struct, frozen=True):
    """An event with its members, and the state of its aggregate after it, both as JSON without secrets."""

    part: int
    seq: int
    event: Event
    data: dict[str, Any]
    state: dict[str, Any] | None
