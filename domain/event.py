"""What every event carries, and how the events of one aggregate are named."""

from datetime import datetime
from typing import ClassVar

from msgspec import Struct


class Origin(Struct, frozen=True, gc=False):
    """Who asked, in which request, and when the log took it: shared by all events of a command."""

    recorded_at: datetime
    actor_id: str
    actor_role: str
    request_id: str


class Event(Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """A fact that is never changed. Its name in the log is permanent and carries a version.

    `happened_at` is the time in the world, `origin.recorded_at` the time in the log. `cause` names the command, or
    the event (`<stream>:<version>`) that brought this one about.
    """

    stored_name: ClassVar[str]

    originator_id: str
    originator_version: int
    happened_at: datetime
    origin: Origin
    cause: str
