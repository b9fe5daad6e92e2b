"""The connection pools of a process that answers queries, and the retry when a connection is lost."""

import asyncio
import time
from collections.abc import Collection, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, nullcontext
from typing import Any
from weakref import WeakSet

import psycopg
from psycopg import AsyncConnection
from psycopg_pool import AsyncConnectionPool, PoolTimeout

from adapters.postgres import connections
from adapters.postgres.connections import QUERY_TIMEOUT, abort_connection
from adapters.postgres.fair_semaphore import CURRENT_USER, FairSemaphore
from adapters.postgres.watchdog import LOST_AFTER
from application.outage import Outage
from application.unavailable import Unavailable
from projections.database_error import message_of

QUERY_CONNECTIONS = 8
"""Connections for queries."""

IDENTIFICATION_CONNECTIONS = 2
"""Connections for logins and for checks of tokens: slow queries do not block these."""

HEALTH_CONNECTIONS = 1
"""Connections for health checks: busy query connections do not mean that the database is unreachable."""

PAUSE = 0.02
"""Seconds before a statement is tried again."""


class QueryPool:
    """Implements `adapters.postgres.watchdog.Watched`."""

    lost_after = LOST_AFTER
    is_stuck = False

    def __init__(
        self, connections: AsyncConnectionPool[Any], *, wait: float, semaphore: FairSemaphore | None = None
    ) -> None:
        """`wait`: seconds in all for which a slot, a free connection and a lost database are awaited. `semaphore`:
        shares the connections fairly between users; without it they go to the first that waits."""
        self._connections = connections
        self._semaphore = semaphore
        self.wait = wait
        self._all: WeakSet[AsyncConnection[Any]] = WeakSet()
        self._since: dict[AsyncConnection[Any], float] = {}
        self._outage = Outage("queries cannot reach the database", "queries reach the database again")

    async def open(self) -> None:
        await self._connections.open()

    async def close(self) -> None:
        await self._connections.close()

    @property
    def waiting_for(self) -> float:
        return time.monotonic() - min(self._since.values()) if self._since else 0.0

    @property
    def sessions(self) -> Collection[AsyncConnection[Any]]:
        return list(self._since)

    def abort(self, reason: str) -> None:
        """Idle connections are closed as well, since they lead to the same server."""
        for connection in self._all:
            abort_connection(connection)

    async def rows(self, statement: Any, parameters: Mapping[str, Any]) -> list[tuple[Any, ...]]:
        """The rows of one statement.

        Unavailable if the database stays unreachable, if the statement takes longer than QUERY_TIMEOUT seconds, or if
        the user already holds their share of the connections.
        """
        deadline = time.monotonic() + self.wait
        while True:
            try:
                async with (
                    self._slot(_seconds_until(deadline)),
                    self._connections.connection(timeout=_seconds_until(deadline)) as connection,
                ):
                    return await self._rows(connection, statement, parameters)
            except TimeoutError as error:
                raise Unavailable("no connection for queries was free", kind="share") from error
            except PoolTimeout as error:
                self._outage.failed(message_of(error))
                raise Unavailable(f"the database is unreachable: {error}") from error
            except psycopg.errors.QueryCanceled as error:
                raise Unavailable(f"a query took longer than {QUERY_TIMEOUT} s", kind="slow") from error
            except (psycopg.OperationalError, psycopg.InternalError) as error:
                if time.monotonic() > deadline:
                    self._outage.failed(message_of(error))
                    raise Unavailable(f"the database is unreachable: {message_of(error)}") from error
                await asyncio.sleep(PAUSE)  # other pooled connections may be lost too: each fails once

    def _slot(self, wait: float) -> AbstractAsyncContextManager[None]:
        return nullcontext() if self._semaphore is None else self._semaphore.hold(CURRENT_USER.get(), wait=wait)

    async def _rows(
        self, connection: AsyncConnection[Any], statement: Any, parameters: Mapping[str, Any]
    ) -> list[tuple[Any, ...]]:
        self._all.add(connection)
        self._since[connection] = time.monotonic()
        try:
            try:
                cursor = await connection.execute(statement, parameters)
            except psycopg.errors.FeatureNotSupported:
                # "cached plan must not change result type": the columns of the view changed after it was prepared.
                await connection.execute("deallocate all")
                cursor = await connection.execute(statement, parameters, prepare=False)
            rows = await cursor.fetchall() if cursor.description else []
            self._outage.works()
            return rows
        finally:
            del self._since[connection]


def _seconds_until(deadline: float) -> float:
    return max(deadline - time.monotonic(), 0.001)


class QueryPools:
    def __init__(self, url: str, *, wait: float) -> None:
        """`wait`: see `QueryPool`."""
        self.queries = QueryPool(
            connections.pool(url, QUERY_CONNECTIONS), wait=wait, semaphore=FairSemaphore(QUERY_CONNECTIONS)
        )
        self.identification = QueryPool(connections.pool(url, IDENTIFICATION_CONNECTIONS), wait=wait)
        self.health = QueryPool(connections.pool(url, HEALTH_CONNECTIONS), wait=wait)

    @property
    def all(self) -> Sequence[QueryPool]:
        return self.queries, self.identification, self.health

    async def open(self) -> None:
        for pool in self.all:
            await pool.open()

    async def close(self) -> None:
        for pool in self.all:
            await pool.close()
