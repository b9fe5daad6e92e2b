"""Compares the rows of two generations, partition by partition, both at the same checkpoint."""

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
"""Differences shown for each table and partition, at most."""


class Difference(Struct, frozen=True):
    """A row that differs: its key, and (old, new) of every other column that differs.

    `how`: `changed`, `missing` (from the new generation) or `added`. `of`: number of differing rows in this table and
    partition.
    """

    table: str
    part: int
    how: str
    key: dict[str, Any]
    columns: dict[str, tuple[Any, Any]]
    of: int


def is_of_accounts(view: View) -> bool:
    """Whether the tables of a view have no column `part`, because all rows belong to the partition of the accounts."""
    return isinstance(view, Inline) and not view.partitioned


def lies_in(view: View, part: int, partitions: int) -> bool:
    """Whether a view may have rows in a partition."""
    return not is_of_accounts(view) or part == partition(ACCOUNTS, partitions)


def in_partition(view: View, part: int, partitions: int) -> sql.Composable:
    """The SQL condition that selects the rows `t` of a partition."""
    if is_of_accounts(view):
        return sql.SQL("true" if lies_in(view, part, partitions) else "false")
    return sql.SQL("t.part = {}").format(part)


def differences(
    connection: Connection[Any], old: Tables, new: Mapping[str, sql.Composable], part: int, in_part: sql.Composable
) -> Iterator[Difference]:
    """The first differing rows of each table in the order of its key, as the current transaction sees them.

    `new`: tables or selects in parentheses. `in_part`: the SQL condition on rows `t`.
    """
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
    """Parse a row of JSON. Decimals stay text, so that 1.0 differs from 1.00."""
    return None if text is None else json.loads(text, parse_float=str)
