"""Whether two generations hold the same rows, partition by partition, each as of one place in the log."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from msgspec import Struct
from psycopg import Connection, sql
from psycopg.sql import Identifier

from domain.partition import ACCOUNTS, partition
from domain.secret import BLANK, SECRETS
from projections import statements
from projections.rebuild.inline_views import Inline
from projections.views.view import Tables, View

SQL = statements.load(__file__, "rebuild")

SHOWN = 10
"""Differences that are told one by one, of each table and partition at most."""


class Difference(Struct, frozen=True):
    """A row that is not the same on both sides: its key, and old and new value of every other column that differs.

    `how` it differs: `changed`, `missing` (from the new ones) or `added`. `of` counts the rows of the table and
    partition that differ.
    """

    table: str
    part: int
    how: str
    key: dict[str, Any]
    columns: dict[str, tuple[Any, Any]]
    of: int


def is_of_accounts(view: View) -> bool:
    """Whether rows do not say which partition they are of, since all are the accounts'."""
    return isinstance(view, Inline) and not view.partitioned


def lies_in(view: View, part: int, partitions: int) -> bool:
    """Whether a view may have rows of a partition."""
    return not is_of_accounts(view) or part == partition(ACCOUNTS, partitions)


def in_partition(view: View, part: int, partitions: int) -> sql.Composable:
    """Which rows `t` of a view are of a partition."""
    if is_of_accounts(view):
        return sql.SQL("true" if lies_in(view, part, partitions) else "false")
    return sql.SQL("t.part = {}").format(part)


def differences(
    connection: Connection[Any], old: Tables, new: Mapping[str, sql.Composable], part: int, in_part: sql.Composable
) -> Iterator[Difference]:
    """The first rows of each table, by key, that differ, in the transaction at hand. `new` are tables, or what
    tells their rows in parentheses; `in_part` says which rows `t` are meant."""
    for name, rows in new.items():
        table = old[name].as_string(connection)
        keys = [column for (column,) in connection.execute(SQL["primary_key"], {"table": table})]
        key = sql.SQL(", ").join(map(Identifier, keys))
        statement = sql.SQL(SQL["differences"]).format(old=old[name], new=rows, in_part=in_part, key=key)
        for one, other, total in connection.execute(statement, {"limit": SHOWN}):
            yield _difference(name, keys, _row(one) or {}, _row(other) or {}, part=part, of=total)


def _difference(
    table: str, keys: list[str], old: dict[str, Any], new: dict[str, Any], *, part: int, of: int
) -> Difference:
    how = "changed" if old and new else "missing" if old else "added"
    columns = {
        column: (BLANK, BLANK) if column in SECRETS else (old.get(column), new.get(column))
        for column in new or old
        if column not in keys and old.get(column) != new.get(column)
    }
    return Difference(table, part, how, {key: (new or old)[key] for key in keys}, columns, of)


def _row(text: str | None) -> dict[str, Any] | None:
    """Numbers as they are written: 1.0 is not 1.00 here."""
    return None if text is None else json.loads(text, parse_float=str)
