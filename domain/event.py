"""Events, and the facts from which the processor makes them."""

from datetime import UTC, datetime
from typing import ClassVar

from msgspec import Struct


class Origin(Struct, frozen=True, gc=False):
    """When a command was recorded, and who sent it in which request: the same for all events of the command."""

    recorded_at: datetime
    actor_id: str
    actor_role: str
    request_id: str


NO_TIME = datetime.max.replace(tzinfo=UTC)
NO_ORIGIN = Origin(NO_TIME, "", "", "")
"""In an event that has no envelope yet."""


class Event(Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """Something that has happened: never changed once it is stored. Its stored name is permanent and has a version.

    The envelope is the same for all events. `originator_id` is the stream, `originator_version` counts in it from 1.
    `happened_at` is the time in the world, `origin.recorded_at` the time in the log. `cause` is the name of the
    command, or the event (`<stream>:<version>`) from which this one follows. A decision leaves the envelope out: it
    returns a Fact, and the processor fills it in.
    """

    stored_name: ClassVar[str]

    originator_id: str = ""
    originator_version: int = 0
    happened_at: datetime = NO_TIME
    origin: Origin = NO_ORIGIN
    cause: str = ""

    @property
    def has_envelope(self) -> bool:
        return (
            self.originator_version > 0
            and self.origin is not NO_ORIGIN
            and self.happened_at is not NO_TIME
            and self.originator_id != ""
            and self.cause != ""
        )


class Fact(Struct, frozen=True, gc=False):
    """What a decision returns: an event without its envelope, and the stream that it belongs to.

    `happened_at` is None if the fact happens when it is recorded. A decision returns at most one fact of a stream. The
    command causes the first, and the first causes the others.
    """

    stream: str
    event: Event
    happened_at: datetime | None = None
