"""Connections that questions share, and what is done when one of them is lost."""

import time
from collections.abc import Mapping
from typing import Any

import psycopg
from psycopg_pool import AsyncConnectionPool, PoolTimeout

from application.writer import Unavailable


class Pool:
    def __init__(self, connections: AsyncConnectionPool[Any], *, wait: float) -> None:
        """`wait`: seconds that an answer may take, at most."""
        self._connections = connections
        self.wait = wait

    async def rows(self, statement: Any, parameters: Mapping[str, Any]) -> list[tuple[Any, ...]]:
        """The rows of one statement. Unavailable when the database stays away."""
        deadline = time.monotonic() + self.wait
        while True:
            try:
                async with self._connections.connection(timeout=self.wait) as connection:
                    try:
                        cursor = await connection.execute(statement, parameters)
                    except psycopg.errors.FeatureNotSupported:
                        # "cached plan must not change result type": the view means other columns since it was prepared.
                        await connection.execute("deallocate all")
                        cursor = await connection.execute(statement, parameters, prepare=False)
                    rows: list[tuple[Any, ...]] = await cursor.fetchall() if cursor.description else []
                    return rows
            except (PoolTimeout, psycopg.OperationalError) as error:
                if isinstance(error, PoolTimeout) or time.monotonic() > deadline:
                    raise Unavailable(f"the database is away: {error}") from error
                await self._connections.check()  # the others may be lost as well
