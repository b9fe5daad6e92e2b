"""Tells a database that is slow from one that says nothing, while somebody waits for it."""

import asyncio
import threading
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, suppress
from typing import Any, Protocol
from weakref import WeakSet

import psycopg
from psycopg import AsyncConnection, Connection
from psycopg.pq import TransactionStatus

from adapters.postgres.connections import abort_connection, connect_async, connector
from adapters.postgres.event_store import PostgresEventStore
from application.outage import Outage
from application.writer import Writer
from projections import statements
from projections.database_error import message_of
from projections.projector.projector import Projector

SQL = statements.load(__file__, "watchdog")

CHECK_AFTER = 1.0
"""Seconds for which somebody waits before the database is asked what it does."""

LOST_AFTER = 0.5
"""Seconds for which the server may think that it has answered, before its answer must be lost."""

MIN_SEND_RATE = 4 * 1024 * 1024
"""Bytes a second at which events must get to the server."""

RESPONSE_TIMEOUT = 1.0
"""Seconds in which it has to answer."""

CHECK_INTERVAL = 0.2
"""Seconds between two looks at who waits."""

STUCK_AFTER = 10.0
"""Seconds for which a batch may go on while no session is asked anything. Opening one takes less."""

MAX_SLEEP = 2 * CHECK_INTERVAL
"""Seconds that such a pause may have taken."""


class Watched(Protocol):
    """Those who wait for the database."""

    @property
    def lost_after(self) -> float:
        """Like LOST."""

    @property
    def waiting_for(self) -> float:
        """Seconds for which the first of them has been waiting; 0 where nobody is."""

    @property
    def is_stuck(self) -> bool:
        """Whether they wait for a session that cannot be opened."""

    @property
    def sessions(self) -> Collection[Connection[Any] | AsyncConnection[Any]]:
        """By which they wait."""

    def abort(self, reason: str) -> None:
        """Tell all of them at once, and end their sessions."""


class WatchedWriter:
    """Those who wait for a writer."""

    def __init__(self, writer: Writer, log: PostgresEventStore) -> None:
        self._writer = writer
        self._log = log

    @property
    def lost_after(self) -> float:
        """While the server reads a batch, it seems to wait for its client."""
        return LOST_AFTER + self._log.bytes_being_sent / MIN_SEND_RATE

    @property
    def waiting_for(self) -> float:
        return self._writer.waiting_for

    @property
    def is_stuck(self) -> bool:
        """Not where the queue is long: those who have waited for long may be about to have their turn."""
        return (self._writer.busy_for or 0.0) > STUCK_AFTER and not self.sessions

    @property
    def sessions(self) -> Collection[Connection[Any]]:
        session = self._log.waiting_session
        return () if session is None else (session,)

    def abort(self, reason: str) -> None:
        self._writer.give_up(reason)
        self._log.abort()


class WatchedProjector:
    """A projector that waits, or is at work itself on what it was answered."""

    lost_after = 8.0
    is_stuck = False

    def __init__(self, projector: Projector) -> None:
        self._projector = projector

    @property
    def waiting_for(self) -> float:
        return self._projector.busy_for

    @property
    def sessions(self) -> Collection[Connection[Any]]:
        session = self._projector.session
        return () if session is None else (session,)

    def abort(self, reason: str) -> None:
        for session in self.sessions:
            abort_connection(session)


class WatchedSessions:
    """Sessions of a thread that asks one statement after another: it waits while one of them is answered."""

    lost_after = 2.0
    is_stuck = False

    def __init__(self) -> None:
        self._opened: WeakSet[Connection[Any]] = WeakSet()
        self._since: float | None = None

    def add(self, session: Connection[Any]) -> None:
        self._opened.add(session)

    @property
    def waiting_for(self) -> float:
        """Seconds since it was first seen to wait; it is to be looked at again and again."""
        if not self.sessions:
            self._since = None
            return 0.0
        if self._since is None:
            self._since = time.monotonic()
        return time.monotonic() - self._since

    @property
    def sessions(self) -> Collection[Connection[Any]]:
        return [each for each in list(self._opened) if each.info.transaction_status is TransactionStatus.ACTIVE]

    def abort(self, reason: str) -> None:
        for session in self.sessions:
            abort_connection(session)


@contextmanager
def watched_connector(url: str) -> Iterator[Callable[[str], Connection[Any]]]:
    """A function that opens sessions, like `connector`; until the block ends, none of them waits for ever."""
    asking, connect = WatchedSessions(), connector(url)

    def open_watched(name: str) -> Connection[Any]:
        session = connect(name)
        asking.add(session)
        return session

    with running_watchdog(url, asking):
        yield open_watched


@contextmanager
def running_watchdog(url: str, waiting: Watched) -> Iterator[None]:
    """Let `watch` run in a thread of its own while the block runs."""
    loop = asyncio.new_event_loop()
    keeping = loop.create_task(watch(url, [waiting]))

    def run() -> None:
        with closing(loop), suppress(asyncio.CancelledError):
            loop.run_until_complete(keeping)

    thread = threading.Thread(target=run, name="watchdog")
    thread.start()
    try:
        yield
    finally:
        loop.call_soon_threadsafe(keeping.cancel)
        thread.join()


async def watch(url: str, all_waiting: Sequence[Watched]) -> None:
    """Give up whatever waits for a database that says nothing, until cancelled: a stopped server, or a net that loses
    everything, would have it wait for ever."""
    silent = Outage("database does not respond, its connections are closed", "database responds again")
    without_session = Outage("somebody waits for the database, but has no session with it")
    unknown = Outage("cannot check whether the database responds", "can check again whether the database responds")
    while True:
        asleep = time.monotonic()
        await asyncio.sleep(CHECK_INTERVAL)
        if time.monotonic() - asleep > MAX_SLEEP:
            continue  # it is we who were busy, and may have answers that nobody has looked at
        try:
            waiting = [each for each in all_waiting if each.waiting_for > CHECK_AFTER]
            if stuck := [each for each in waiting if each.is_stuck]:
                _abort_all(stuck, without_session)
            if waiting or silent.is_on:
                await _check_server(url, waiting, all_waiting, silent)
        except Exception as error:  # as when other threads open or close sessions meanwhile: the next look tells
            unknown.failed(message_of(error), error=error)
        else:
            unknown.works()


async def _check_server(url: str, waiting: Sequence[Watched], all_waiting: Sequence[Watched], silent: Outage) -> None:
    """Give up those whose answers are lost; all, where the server does not answer."""
    connection: AsyncConnection[Any] | None = None
    are_lost = False
    try:
        async with asyncio.timeout(RESPONSE_TIMEOUT):
            connection = await connect_async(url, "is it there")
            asking = asyncio.create_task(_abort_lost(connection, waiting, silent))
            asking.add_done_callback(lambda asked: asked.exception())  # nobody may be left to be told
            are_lost = await asyncio.shield(asking)
    except (TimeoutError, psycopg.errors.ConnectionTimeout):
        are_lost = True
        _abort_all(all_waiting, silent)
    except psycopg.Error:
        pass  # who refuses is there, and says so to the others too
    finally:
        if connection is not None:
            abort_connection(connection)
    if not are_lost:
        silent.works()
        await asyncio.sleep(CHECK_AFTER)


async def _abort_lost(connection: AsyncConnection[Any], waiting: Sequence[Watched], silent: Outage) -> bool:
    """Give up those whose answers are lost, and end their sessions; whether there are any."""
    async with connection:
        pids = [pid for each in waiting for pid in _pids(each)]
        idle = dict(await (await connection.execute(SQL["idle_sessions"], {"pids": pids})).fetchall())
        lost = {each: pids for each in waiting if (pids := _lost_pids(each, idle))}
        if lost:
            _abort_all(lost, silent)
            await connection.execute(
                SQL["terminate_sessions"], {"pids": [pid for pids in lost.values() for pid in pids]}
            )
        return bool(lost)


def _abort_all(lost: Collection[Watched], outage: Outage) -> None:
    outage.failed("no answer", to=[type(each).__name__.lower() for each in lost])
    for each in lost:
        each.abort("the database says nothing")


def _lost_pids(waiting: Watched, idle: Mapping[int, float]) -> list[int]:
    return [pid for pid in _pids(waiting) if idle.get(pid, 0.0) > waiting.lost_after]


def _pids(waiting: Watched) -> list[int]:
    return [each.info.backend_pid for each in waiting.sessions if not each.closed]
