"""Connections that questions share, and what is done when one of them is lost."""

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
from adapters.postgres.connections import QUESTION_TIME, abort_connection
from adapters.postgres.fair_semaphore import CURRENT_USER, FairSemaphore
from adapters.postgres.watchdog import LOST_AFTER
from application.outage import Outage
from application.unavailable import Unavailable
from projections.database_error import message_of

QUERY_CONNECTIONS = 8
"""Connections that questions share."""

IDENTIFICATION_CONNECTIONS = 2
"""Connections for logins, and for who somebody is: slow questions do not hold these up."""

HEALTH_CONNECTIONS = 1
"""Connections for health: that questions have taken all of theirs does not mean that the database is away."""

PAUSE = 0.02
"""Seconds before a statement is tried again."""


class QueryPool:
    """Implements `adapters.postgres.watchdog.Watched`."""

    lost_after = LOST_AFTER
    is_stuck = False

    def __init__(
        self, connections: AsyncConnectionPool[Any], *, wait: float, shares: FairSemaphore | None = None
    ) -> None:
        """`wait`: seconds for which a database that is away is tried, at most, and a connection is waited for.
        `shares`: how those who ask share the connections; without, whoever comes first is served first."""
        self._connections = connections
        self._shares = shares
        self.wait = wait
        self._seen: WeakSet[AsyncConnection[Any]] = WeakSet()
        self._asked: dict[AsyncConnection[Any], float] = {}
        self._outage = Outage("the database cannot be asked", "the database can be asked again")

    async def open(self) -> None:
        await self._connections.open()

    async def close(self) -> None:
        await self._connections.close()

    @property
    def waiting_for(self) -> float:
        return time.monotonic() - min(self._asked.values()) if self._asked else 0.0

    @property
    def sessions(self) -> Collection[AsyncConnection[Any]]:
        return list(self._asked)

    def abort(self, reason: str) -> None:
        """Those that nobody uses now as well: they lead to the same server."""
        for connection in self._seen:
            abort_connection(connection)

    async def rows(self, statement: Any, parameters: Mapping[str, Any]) -> list[tuple[Any, ...]]:
        """The rows of one statement. Unavailable when the database stays away, or cannot do it now; when it takes
        longer than a question may; when whoever asks has no share of the connections left.
        """
        deadline = time.monotonic() + self.wait
        while True:
            left = max(deadline - time.monotonic(), 0.001)
            try:
                async with self._share(left), self._connections.connection(timeout=left) as connection:
                    return await self._rows(connection, statement, parameters)
            except TimeoutError as error:
                raise Unavailable("no connection for questions was free", kind="share") from error
            except PoolTimeout as error:
                self._outage.failed(message_of(error))
                raise Unavailable(f"the database is away: {error}") from error
            except psycopg.errors.QueryCanceled as error:
                raise Unavailable(f"a question took longer than {QUESTION_TIME} s", kind="slow") from error
            except (psycopg.OperationalError, psycopg.InternalError) as error:
                if time.monotonic() > deadline:
                    self._outage.failed(message_of(error))
                    raise Unavailable(f"the database is away: {message_of(error)}") from error
                await asyncio.sleep(PAUSE)  # the other connections may be lost as well: each is found out once

    def _share(self, wait: float) -> AbstractAsyncContextManager[None]:
        return nullcontext() if self._shares is None else self._shares.held(CURRENT_USER.get(), wait=wait)

    async def _rows(
        self, connection: AsyncConnection[Any], statement: Any, parameters: Mapping[str, Any]
    ) -> list[tuple[Any, ...]]:
        self._seen.add(connection)
        self._asked[connection] = time.monotonic()
        try:
            try:
                cursor = await connection.execute(statement, parameters)
            except psycopg.errors.FeatureNotSupported:
                # "cached plan must not change result type": the view means other columns since it was prepared.
                await connection.execute("deallocate all")
                cursor = await connection.execute(statement, parameters, prepare=False)
            rows = await cursor.fetchall() if cursor.description else []
            self._outage.works()
            return rows
        finally:
            del self._asked[connection]


class QueryPools:
    def __init__(self, url: str, *, wait: float) -> None:
        """`wait`: as of `QueryPool`."""
        self.queries = QueryPool(
            connections.pool(url, QUERY_CONNECTIONS), wait=wait, shares=FairSemaphore(QUERY_CONNECTIONS)
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
