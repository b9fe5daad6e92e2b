"""Answers how the views stand."""

from adapters.postgres.pool import Pool
from application import permissions
from application.queries.views import ReadViews, ViewStatus
from projections import statements, status
from projections.status import SQL as STATUS

SQL = statements.beside(__file__, "accounts")


class ViewsReader:
    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def views(self, query: ReadViews) -> list[ViewStatus]:
        """Every generation. UserGone."""
        rows = await self._pool.rows(SQL["asker"], {"actor_id": query.actor.id})
        permissions.check_there(query.actor, rows[0][0] if rows else None)
        return await self.statuses()

    async def statuses(self) -> list[ViewStatus]:
        """The same for the service itself."""
        rows = await self._pool.rows(STATUS["status"], {})
        counts = await self._pool.rows(STATUS["rows"], status.tables(rows))
        return status.statuses(rows, dict(counts))
