"""Closes the connections of a database that does not respond; one that is only slow is left alone."""

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
"""Seconds of waiting after which a second connection checks whether the database responds."""

LOST_AFTER = 0.5
"""Seconds for which the server may consider a session idle while we wait for it: then its answer must be lost."""

MIN_SEND_RATE = 4 * 1024 * 1024
"""Bytes a second at which a batch must reach the server."""

RESPONSE_TIMEOUT = 1.0
"""Seconds in which the server has to answer the check."""

CHECK_INTERVAL = 0.2
"""Seconds between two looks at how long each has been waiting."""

STUCK_AFTER = 10.0
"""Seconds that a batch may run without a statement in progress. Opening a session takes less."""

MAX_SLEEP = 2 * CHECK_INTERVAL
"""If the pause took longer than these seconds, this process was busy, and answers may wait for it to read them."""


class Watched(Protocol):
    """A part of this process that waits for answers of the database."""

    @property
    def lost_after(self) -> float:
        """Seconds after which the answer to a session that the server considers idle must be lost."""

    @property
    def waiting_for(self) -> float:
        """Seconds of the longest wait that is in progress; 0 if there is none."""

    @property
    def is_stuck(self) -> bool:
        """Whether it waits for a session that cannot be opened."""

    @property
    def sessions(self) -> Collection[Connection[Any] | AsyncConnection[Any]]:
        """The sessions that it waits for."""

    def abort(self, reason: str) -> None:
        """End every wait with an error at once, and close its session."""


class WatchedWriter:
    """The writer of this process, for which commands wait."""

    def __init__(self, writer: Writer, log: PostgresEventStore) -> None:
        self._writer = writer
        self._log = log

    @property
    def lost_after(self) -> float:
        """A server that is reading a large batch looks as if it waited for its client."""
        return LOST_AFTER + self._log.bytes_being_sent / MIN_SEND_RATE

    @property
    def waiting_for(self) -> float:
        return self._writer.waiting_for

    @property
    def is_stuck(self) -> bool:
        """A long queue does not count: its oldest command may be about to have its turn."""
        return (self._writer.busy_for or 0.0) > STUCK_AFTER and not self.sessions

    @property
    def sessions(self) -> Collection[Connection[Any]]:
        session = self._log.waiting_session
        return () if session is None else (session,)

    def abort(self, reason: str) -> None:
        self._writer.give_up(reason)
        self._log.abort()


class WatchedProjector:
    """A projector. It may be busy with a page that it has read while its session is idle."""

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
    """The sessions of a thread that runs one statement at a time: it waits while one of them is active."""

    lost_after = 2.0
    is_stuck = False

    def __init__(self) -> None:
        self._opened: WeakSet[Connection[Any]] = WeakSet()
        self._since: float | None = None

    def add(self, session: Connection[Any]) -> None:
        self._opened.add(session)

    @property
    def waiting_for(self) -> float:
        """Seconds since a look first saw an active session. Needs regular looks."""
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
    """A function that opens sessions, like `connector`; while the block runs, none of them waits for ever."""
    asking, connect = WatchedSessions(), connector(url)

    def open_watched(name: str) -> Connection[Any]:
        session = connect(name)
        asking.add(session)
        return session

    with running_watchdog(url, asking):
        yield open_watched


@contextmanager
def running_watchdog(url: str, waiting: Watched) -> Iterator[None]:
    """Run `watch` in a thread while the block runs."""
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
    """Abort every wait for a database that does not respond, until cancelled. A server that is stopped, or a network
    that loses all packets, would otherwise make it wait for ever."""
    silent = Outage("database not responding; closing its connections", "database responds again")
    without_session = Outage("a batch runs for too long without a database session; aborting it")
    unknown = Outage("could not check whether the database responds", "checking again whether the database responds")
    while True:
        asleep = time.monotonic()
        await asyncio.sleep(CHECK_INTERVAL)
        if time.monotonic() - asleep > MAX_SLEEP:
            continue  # this process was busy: answers may have arrived that it has not read yet
        try:
            waiting = [each for each in all_waiting if each.waiting_for > CHECK_AFTER]
            if stuck := [each for each in waiting if each.is_stuck]:
                _abort_all(stuck, without_session)
            if waiting or silent.is_on:
                await _check_server(url, waiting, all_waiting, silent)
        except Exception as error:  # for example, another thread closed a session meanwhile: try again
            unknown.failed(message_of(error), error=error)
        else:
            unknown.works()


async def _check_server(url: str, waiting: Sequence[Watched], all_waiting: Sequence[Watched], silent: Outage) -> None:
    """Abort the waits whose answers are lost; all of them if the server does not answer."""
    connection: AsyncConnection[Any] | None = None
    are_lost = False
    try:
        async with asyncio.timeout(RESPONSE_TIMEOUT):
            connection = await connect_async(url, "watchdog")
            asking = asyncio.create_task(_abort_lost(connection, waiting, silent))
            asking.add_done_callback(lambda task: task.exception())  # read, since the await may have timed out
            are_lost = await asyncio.shield(asking)
    except (TimeoutError, psycopg.errors.ConnectionTimeout):
        are_lost = True
        _abort_all(all_waiting, silent)
    except psycopg.Error:
        pass  # a server that refuses a session responds, and refuses the others too
    finally:
        if connection is not None:
            abort_connection(connection)
    if not are_lost:
        silent.works()
        await asyncio.sleep(CHECK_AFTER)


async def _abort_lost(connection: AsyncConnection[Any], waiting: Sequence[Watched], silent: Outage) -> bool:
    """Abort the waits whose answers are lost, and terminate their sessions; whether there were any."""
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
    outage.failed("no answer", waiting=[type(each).__name__ for each in lost])
    for each in lost:
        each.abort("the database does not respond")


def _lost_pids(waiting: Watched, idle: Mapping[int, float]) -> list[int]:
    return [pid for pid in _pids(waiting) if idle.get(pid, 0.0) > waiting.lost_after]


def _pids(waiting: Watched) -> list[int]:
    return [each.info.backend_pid for each in waiting.sessions if not each.closed]
