"""Pages of lists. A page that exceeds the size limit is cut short and has a cursor to its rest."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from psycopg import sql

from adapters.postgres.readers.actor import ACTOR
from application.queries.query import Page, Position, T, Window
from projections import statements

CUT = sql.SQL(statements.load(__file__, "lists")["cut"])
"""Columns for cutting a list `p` of rows that have a `size`."""

BYTES = 4 * 1024 * 1024
"""Limit to the texts of an answer. It ends with the row that reaches the limit, so a single row may exceed it."""

Keys = Sequence[tuple[str, bool]]
"""The expressions that a list is sorted by, each with whether it descends. Together they are unique for each row."""


def parameters(window: Window) -> dict[str, Any]:
    """The parameters that every list statement has."""
    after = window.after
    return {
        "limit": _max_rows(window),
        "offset": window.offset if after is None else 0,
        "bytes": BYTES,
        **({} if after is None else {f"after_{place}": value for place, value in enumerate(after.key)}),
    }


def _max_rows(window: Window) -> int:
    return window.limit if window.after is None else window.after.left


def rest(window: Window, keys: Keys) -> sql.Composable:
    """The condition for the rows after the cursor."""
    if window.after is None:
        return sql.SQL("true")
    return sql.SQL("({})").format(sql.SQL(" or ").join(_beyond(keys)))


def _beyond(keys: Keys) -> Iterator[sql.Composable]:
    """For each key, the condition that a row is equal in the keys before it and lies beyond the cursor in this one."""
    for place, (last, descends) in enumerate(keys):
        same = [_compared(key, "=", before) for before, (key, _) in enumerate(keys[:place])]
        yield sql.SQL(" and ").join((*same, _compared(last, "<" if descends else ">", place)))


def _compared(key: str, operator: str, place: int) -> sql.Composable:
    return sql.SQL("{} {} {}").format(
        sql.SQL(key),
        sql.SQL(operator),
        sql.Placeholder(f"after_{place}"),
    )


def page(
    window: Window,
    rows: Sequence[tuple[Any, ...]],
    to_row: Callable[[Sequence[Any]], T],
    key: Callable[[T], tuple[Any, ...]],
) -> Page[T]:
    """The page of rows that each begin with the number of all matches and that of the rows in the window.

    The second is None in the single row of an empty page. The cursor counts the rest of the page by its limit: a row
    that is inserted into a page that is not full pushes no other row out.
    """
    total = rows[0][0]
    found = [to_row(row[2:]) for row in rows if row[1] is not None]
    of_page = rows[0][1] or 0
    is_cut = found and len(found) < of_page
    return Page(found, total, Position(key(found[-1]), _max_rows(window) - len(found)) if is_cut else None)


def with_list(text: str, conditions: Mapping[str, sql.Composable]) -> sql.Composed:
    """The statement of a list with its conditions filled in."""
    return sql.SQL(text).format(actor=ACTOR, cut=CUT, **conditions)
