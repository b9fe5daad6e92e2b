"""Tells a database that is slow from one that says nothing, while somebody waits for it."""

import asyncio
import time
from collections.abc import Collection, Mapping, Sequence
from typing import Any, Protocol

import psycopg
import structlog
from psycopg import AsyncConnection, Connection

from adapters.postgres.connections import connect_async, hang_up
from adapters.postgres.log import PostgresLog
from application.writer import Writer
from projections.projector import Projector

logger = structlog.get_logger()

PATIENCE = 1.0
"""Seconds for which somebody waits before the database is asked what it does."""

LOST = 0.5
"""Seconds for which the server may think that it has answered, before its answer must be lost."""

ANSWER_TIME = 1.0
"""Seconds in which it has to answer."""

PAUSE = 0.2
"""Seconds between two looks at who waits."""

LATE = 2 * PAUSE
"""Seconds that such a pause may have taken."""

IDLE = """
select pid, extract(epoch from clock_timestamp() - state_change)::float8
from pg_stat_activity where pid = any(%(pids)s) and state <> 'active'
"""
"""Which sessions have nothing to do, as the server sees it, and for how many seconds."""


class Waiting(Protocol):
    """Those who wait for the database. `lost_after`: like LOST."""

    lost_after: float

    @property
    def waiting_for(self) -> float:
        """Seconds for which the first of them has been waiting; 0 where nobody is."""

    @property
    def sessions(self) -> Collection[Connection[Any] | AsyncConnection[Any]]:
        """By which they wait."""

    def give_up(self, reason: str) -> None:
        """Tell all of them at once, and end their sessions."""


class Writing:
    """Those who wait for a writer."""

    lost_after = LOST

    def __init__(self, writer: Writer, log: PostgresLog) -> None:
        self._writer = writer
        self._log = log

    @property
    def waiting_for(self) -> float:
        return self._writer.waiting_for

    @property
    def sessions(self) -> Collection[Connection[Any]]:
        session = self._log.asked
        return () if session is None else (session,)

    def give_up(self, reason: str) -> None:
        self._writer.give_up(reason)
        self._log.hang_up()


class Projecting:
    """A projector that waits, or is at work itself on what it was answered."""

    lost_after = 8.0

    def __init__(self, projector: Projector) -> None:
        self._projector = projector

    @property
    def waiting_for(self) -> float:
        return self._projector.busy_for

    @property
    def sessions(self) -> Collection[Connection[Any]]:
        session = self._projector.session
        return () if session is None else (session,)

    def give_up(self, reason: str) -> None:
        for session in self.sessions:
            hang_up(session)


async def keep(url: str, all_waiting: Sequence[Waiting]) -> None:
    """Give up whatever waits for a database that says nothing, until cancelled: a stopped server, or a net that loses
    everything, would have it wait for ever."""
    while True:
        asleep = time.monotonic()
        await asyncio.sleep(PAUSE)
        if time.monotonic() - asleep > LATE:
            continue  # it is we who were busy, and may have answers that nobody has looked at
        waiting = [each for each in all_waiting if each.waiting_for > PATIENCE]
        if not waiting:
            continue
        try:
            await _listen(url, waiting, all_waiting)
        except Exception:  # as when a session is closed by others while it is looked at: the next look tells
            logger.exception("the database was not listened to")


async def _listen(url: str, waiting: Sequence[Waiting], all_waiting: Sequence[Waiting]) -> None:
    idle = await _idle(url, [pid for each in waiting for pid in _pids(each)])
    lost = all_waiting if idle is None else [each for each in waiting if _is_lost(each, idle)]
    if not lost:
        await asyncio.sleep(PATIENCE)
        return
    logger.warning("the database says nothing", to=[type(each).__name__.lower() for each in lost])
    for each in lost:
        each.give_up("the database says nothing")


def _is_lost(waiting: Waiting, idle: Mapping[int, float]) -> bool:
    return any(idle.get(pid, 0.0) > waiting.lost_after for pid in _pids(waiting))


def _pids(waiting: Waiting) -> list[int]:
    return [each.info.backend_pid for each in waiting.sessions if not each.closed]


async def _idle(url: str, pids: Sequence[int]) -> dict[int, float] | None:
    """For how many seconds sessions have had nothing to do; None where the server does not answer."""
    connection: AsyncConnection[Any] | None = None
    try:
        async with asyncio.timeout(ANSWER_TIME):
            connection = await connect_async(url, "is it there")
            asking = asyncio.create_task(_ask(connection, pids))
            asking.add_done_callback(lambda asked: asked.exception())  # nobody may be left to be told
            return await asyncio.shield(asking)
    except TimeoutError:
        return None
    except psycopg.Error:
        return {}  # who refuses is there, and says so to the others too
    finally:
        if connection is not None:
            hang_up(connection)


async def _ask(connection: AsyncConnection[Any], pids: Sequence[int]) -> dict[int, float]:
    async with connection:
        return dict(await (await connection.execute(IDLE, {"pids": list(pids)})).fetchall())
