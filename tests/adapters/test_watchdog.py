"""The watchdog aborts writers that are stuck waiting for the database, and keeps running whatever happens."""

import asyncio
from collections.abc import Collection
from typing import Any

import pytest
from psycopg import Connection

from adapters.postgres import watchdog
from adapters.postgres.event_store import PostgresEventStore
from adapters.postgres.watchdog import CHECK_AFTER, STUCK_AFTER, WatchedWriter
from application.writer import Writer

NOBODY = "host=127.0.0.1 port=1"
"""An address where no database is, which says so at once."""


class Looked(Exception):
    """An error of a look."""


class Stuck:
    """Implements `watchdog.Watched`: the first look at it fails."""

    lost_after = 1.0
    is_stuck = True
    sessions: Collection[Connection[Any]] = ()

    def __init__(self) -> None:
        self.looks = 0
        self.aborted = asyncio.Event()

    @property
    def waiting_for(self) -> float:
        self.looks += 1
        if self.looks == 1:
            raise Looked
        return 2 * CHECK_AFTER

    def abort(self, reason: str) -> None:
        self.aborted.set()


async def test_a_look_that_fails_does_not_end_the_watch_over_those_who_wait_for_the_database() -> None:
    stuck = Stuck()
    keeping = asyncio.create_task(watchdog.watch(NOBODY, [stuck]))
    async with asyncio.timeout(60):
        await stuck.aborted.wait()
    assert stuck.looks > 1
    keeping.cancel()


class BusyWriter(Writer):
    def __init__(self, busy_for: float | None) -> None:
        self._busy_for = busy_for

    @property
    def busy_for(self) -> float | None:
        return self._busy_for

    @property
    def waiting_for(self) -> float:
        return 10 * STUCK_AFTER


class WaitingStore(PostgresEventStore):
    def __init__(self, session: Connection[Any] | None) -> None:
        self._session = session

    @property
    def waiting_session(self) -> Connection[Any] | None:
        return self._session


@pytest.mark.parametrize(
    ("busy_for", "session", "is_stuck"),
    [
        (None, None, False),
        (STUCK_AFTER - 1, None, False),  # the queue is long, and the writer is at its next batch
        (STUCK_AFTER + 1, object(), False),  # what becomes of the answer is looked at by others
        (STUCK_AFTER + 1, None, True),
    ],
)
def test_a_writer_is_stuck_by_one_batch_and_not_by_a_long_queue(
    busy_for: float | None, session: Any, is_stuck: bool
) -> None:
    assert is_stuck is WatchedWriter(BusyWriter(busy_for), WaitingStore(session)).is_stuck
