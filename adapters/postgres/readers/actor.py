"""The user who asks, read from the directory: every answer is checked against it."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from psycopg import sql

from adapters.postgres.query_pools import QueryPool
from application import permissions
from application.command import Actor
from application.ports import UserRow
from projections import statements

ACTOR = sql.SQL(statements.load(__file__, "actor")["actor"])
"""Selects the user with the id `actor_id` as one JSON column, which `actor_row` decodes."""


def actor_row(column: Sequence[Any] | None) -> UserRow | None:
    """The user that `ACTOR` has selected; None if there is no such user. The institution is not read."""
    if column is None:
        return None
    role, password_changes, seconds = column
    changed_at = None if seconds is None else datetime.fromtimestamp(seconds, UTC)
    return UserRow(role, None, password_changes, changed_at)


async def check_actor(pool: QueryPool, actor: Actor) -> None:
    """UserGone if the actor is no longer registered in its role."""
    rows = await pool.rows(ACTOR, {"actor_id": actor.id})
    permissions.check_there(actor, actor_row(rows[0][0] if rows else None))
