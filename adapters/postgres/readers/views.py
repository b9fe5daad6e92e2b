"""Queries about the state of the views, the schema and the event log."""

import psycopg

from adapters.postgres.migrate import MIGRATIONS
from adapters.postgres.query_pools import QueryPool
from adapters.postgres.readers.actor import check_actor
from adapters.postgres.schema_version import Schema, schema_of
from application.queries.views import ReadViews, ViewStatus
from projections.lag import LagTracker
from projections.rebuild import status
from projections.rebuild.status import SQL as STATUS


class ViewsReader:
    def __init__(self, pool: QueryPool, lags: LagTracker) -> None:
        """`lags` is shared by all readers of a process."""
        self._pool = pool
        self._lags = lags
        self._migrations = {file.name for file in MIGRATIONS.glob("*.sql")}

    async def schema(self) -> Schema:
        """The version of the schema. Unavailable."""
        try:
            applied = await self._pool.rows("select name from migrations", {})
        except psycopg.errors.UndefinedTable:
            applied = []
        return schema_of({name for (name,) in applied}, self._migrations)

    async def views(self, query: ReadViews) -> list[ViewStatus]:
        """Every generation, with the number of its rows. UserGone."""
        await check_actor(self._pool, query.actor)
        rows = await self._pool.rows(STATUS["status"], {})
        counts = await self._pool.rows(STATUS["row_counts"], status.tables(rows))
        return status.statuses(rows, dict(counts), lags=self._lags)

    async def standing(self) -> list[ViewStatus]:
        """Every generation, without counting rows, for the service itself. Unavailable."""
        return status.statuses(await self._pool.rows(STATUS["status"], {}), {}, lags=self._lags)

    async def log_size(self) -> tuple[int, int]:
        """The number of events in the log, and their bytes with indexes. Unavailable."""
        ((events, size),) = await self._pool.rows(STATUS["log_size"], {})
        return int(events), int(size)
