"""The health probe: asks the database for its own state and that of the views, within a time limit."""

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

PROBE_TIMEOUT = 1.5
"""Seconds that a probe may take."""


class HealthSnapshot(Struct, frozen=True):
    """What the database said of itself and of the views.

    `at`: when, by the monotonic clock. `schema`: the version of the schema, and what to do if this version needs
    another. `log_bytes`: with indexes. `seconds`: how long the answer took.
    """

    at: float
    is_reachable: bool = False
    is_schema_current: bool = False
    schema: str = "unknown"
    views: Sequence[ViewStatus] = ()
    log_events: int = 0
    log_bytes: int = 0
    seconds: float = 0.0

    @property
    def live(self) -> list[ViewStatus]:
        return [each for each in self.views if each.state == "live"]


class HealthProbe:
    """Runs one probe at a time, however many callers wait for it."""

    def __init__(self, reader: ViewsReader) -> None:
        self._reader = reader
        self._probing: asyncio.Task[HealthSnapshot] | None = None
        self._last: HealthSnapshot | None = None
        self._outage = Outage("could not read the state of the views", "reading the state of the views again")

    async def snapshot(self, *, max_age: float = 0.0) -> HealthSnapshot:
        """The current snapshot, or one that is `max_age` seconds old at most. Takes PROBE_TIMEOUT seconds at most: if
        there is no answer by then, the database counts as unreachable."""
        if self._last is not None and time.monotonic() - self._last.at < max_age:
            return self._last
        if self._probing is None or self._probing.done():
            self._probing = asyncio.create_task(self._probe())
        probing = self._probing
        await asyncio.wait((probing,), timeout=PROBE_TIMEOUT)
        if probing.done() and not probing.cancelled():
            self._last = probing.result()
        else:
            probing.cancel()  # not awaited: it may take as long as the database does
            self._last = HealthSnapshot(time.monotonic())
        return self._last

    async def _probe(self) -> HealthSnapshot:
        started = time.monotonic()
        try:
            schema = await self._reader.schema()
            if not schema.is_current:
                return HealthSnapshot(time.monotonic(), is_reachable=True, schema=schema.what)
            views = await self._reader.standing()
            log_events, log_bytes = await self._reader.log_size()
        except Unavailable:
            return HealthSnapshot(time.monotonic())
        except psycopg.Error as error:
            self._outage.failed(message_of(error))
            return HealthSnapshot(time.monotonic(), is_reachable=True)
        self._outage.works()
        return HealthSnapshot(
            time.monotonic(),
            is_reachable=True,
            is_schema_current=True,
            schema=schema.what,
            views=views,
            log_events=log_events,
            log_bytes=log_bytes,
            seconds=time.monotonic() - started,
        )
