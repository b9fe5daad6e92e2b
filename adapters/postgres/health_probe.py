"""A lookout: what the database says of itself and of the views, and that it says nothing, told in time."""

import asyncio
import time
from collections.abc import Sequence

import psycopg
from msgspec import Struct

from adapters.postgres.readers.views import ViewsReader
from application.outage import Outage
from application.queries.views import ViewStatus
from application.unavailable import Unavailable
from projections.database_error import message_of

LOOK_TIME = 1.5
"""Seconds that a look may take."""


class Seen(Struct, frozen=True):
    """`reached`: the database answers; `current`: its schema is the one that this version knows; `schema`: what there
    is to say of it; `views`: every generation; the log has so many events and bytes. `at`, by the monotonic clock;
    `seconds` that it took."""

    at: float
    reached: bool = False
    current: bool = False
    schema: str = "unknown"
    views: Sequence[ViewStatus] = ()
    log_events: int = 0
    log_bytes: int = 0
    seconds: float = 0.0

    @property
    def live(self) -> list[ViewStatus]:
        return [each for each in self.views if each.state == "live"]


class Lookout:
    """Asks the database one question at a time, however many want to know."""

    def __init__(self, reader: ViewsReader) -> None:
        self._reader = reader
        self._asking: asyncio.Task[Seen] | None = None
        self._seen: Seen | None = None
        self._outage = Outage("the database does not say how views stand", "the database says again how views stand")

    async def look(self, *, not_older_than: float = 0.0) -> Seen:
        """What is to be seen now, or was seen so many seconds ago at most. Within LOOK_TIME, whatever the database
        does: what it has not said by then it does not say."""
        if self._seen is not None and time.monotonic() - self._seen.at < not_older_than:
            return self._seen
        if self._asking is None or self._asking.done():
            self._asking = asyncio.create_task(self._ask())
        asking = self._asking
        await asyncio.wait((asking,), timeout=LOOK_TIME)
        if asking.done() and not asking.cancelled():
            self._seen = asking.result()
        else:
            asking.cancel()  # which may take as long as the database likes: nobody waits for it
            self._seen = Seen(time.monotonic())
        return self._seen

    async def _ask(self) -> Seen:
        began = time.monotonic()
        try:
            schema = await self._reader.schema()
            if not schema.is_current:
                return Seen(time.monotonic(), reached=True, schema=schema.what)
            views = await self._reader.standing()
            log_events, log_bytes = await self._reader.log_size()
        except Unavailable:
            return Seen(time.monotonic())
        except psycopg.Error as error:
            self._outage.failed(message_of(error))
            return Seen(time.monotonic(), reached=True)
        self._outage.works()
        return Seen(
            time.monotonic(),
            reached=True,
            current=True,
            schema=schema.what,
            views=views,
            log_events=log_events,
            log_bytes=log_bytes,
            seconds=time.monotonic() - began,
        )
