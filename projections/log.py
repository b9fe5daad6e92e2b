"""The partitions of the event log and where each of them ends."""

from collections.abc import Sequence
from typing import Any

from psycopg import Connection, Cursor

from projections import statements

SQL = statements.load(__file__, "log")

Session = Connection[Any] | Cursor[Any]


def partition_count(session: Session) -> int:
    ((count,),) = session.execute(SQL["partition_count"]).fetchall()
    return int(count)


def partitions(session: Session) -> list[int]:
    return [part for (part,) in session.execute(SQL["partitions"]).fetchall()]


def log_ends(session: Session, parts: Sequence[int]) -> dict[int, int]:
    """The last seq of each of these partitions, 0 where a partition has no event."""
    return dict(session.execute(SQL["log_ends"], {"parts": list(parts)}).fetchall())


def current_schema(session: Session) -> str:
    ((schema,),) = session.execute(SQL["current_schema"]).fetchall()
    return str(schema)
