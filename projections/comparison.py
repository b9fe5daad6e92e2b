"""Whether two generations hold the same rows, partition by partition, each as of one place in the log."""

import json
from collections.abc import Iterator
from typing import Any

from msgspec import Struct
from psycopg import Connection, sql
from psycopg.sql import Identifier

from projections import statements
from projections.view import Tables

SQL = statements.beside(__file__, "rebuild")

SHOWN = 10
"""Differences that are told one by one, of each table and partition at most."""

SECRET = frozenset({"password_hash"})
"""Columns of which no value is shown."""


class Difference(Struct, frozen=True):
    """A row that is not the same on both sides: its key, and old and new value of every other column that differs.

    `of` counts the rows of the table and partition that differ.
    """

    table: str
    part: int
    key: dict[str, Any]
    columns: dict[str, tuple[Any, Any]]
    of: int


def differences(
    connection: Connection[Any], old: Tables, new: Tables, part: int, in_part: sql.Composable
) -> Iterator[Difference]:
    """The first rows of each table that differ, in the transaction at hand. `in_part` says which rows `t` are meant."""
    for name, table in new.items():
        keys = [column for (column,) in connection.execute(SQL["primary_key"], {"table": table.as_string(connection)})]
        same_key = sql.SQL(" and ").join(sql.SQL("o.{0} = n.{0}").format(Identifier(key)) for key in keys)
        statement = sql.SQL(SQL["differences"]).format(old=old[name], new=table, in_part=in_part, same_key=same_key)
        for one, other, total in connection.execute(statement, {"limit": SHOWN}):
            key, columns = _difference(keys, _row(one), _row(other))
            yield Difference(name, part, key, columns, total)


def _difference(
    keys: list[str], old: dict[str, Any] | None, new: dict[str, Any] | None
) -> tuple[dict[str, Any], dict[str, tuple[Any, Any]]]:
    there = new or old or {}
    columns = {
        column: ("…", "…") if column in SECRET else (_value(old, column), _value(new, column))
        for column in there
        if column not in keys and (old is None or new is None or old[column] != new[column])
    }
    return {key: there[key] for key in keys}, columns


def _row(text: str | None) -> dict[str, Any] | None:
    """Numbers as they are written: 1.0 is not 1.00 here."""
    return None if text is None else json.loads(text, parse_float=str)


def _value(row: dict[str, Any] | None, column: str) -> Any:
    return None if row is None else row[column]
