"""Lists, whose answers are limited in bytes: a page that would be larger is cut short, and can be gone on with."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from psycopg import sql

from adapters.postgres.readers.actor import ACTOR
from application.queries.query import Page, Position, T, Window
from projections import statements

CUT = sql.SQL(statements.load(__file__, "lists")["cut"])
"""In a list `p` of rows with their `size`."""

BYTES = 4 * 1024 * 1024
"""Of the texts of an answer. It ends with the row that reaches this, so a single row may be larger."""

Keys = Sequence[tuple[str, bool]]
"""By which expressions a list is sorted, and whether descending. Together they tell its rows apart."""


def parameters(window: Window) -> dict[str, Any]:
    """Of the statement of a list."""
    after = window.after
    return {
        "limit": _most(window),
        "offset": window.offset if after is None else 0,
        "bytes": BYTES,
        **({} if after is None else {f"after_{place}": value for place, value in enumerate(after.key)}),
    }


def _most(window: Window) -> int:
    """Rows that an answer may have."""
    return window.limit if window.after is None else window.after.left


def rest(window: Window, keys: Keys) -> sql.Composable:
    """The condition on the rows of a list that come after those that were given already."""
    if window.after is None:
        return sql.SQL("true")
    return sql.SQL("({})").format(sql.SQL(" or ").join(_beyond(keys)))


def _beyond(keys: Keys) -> Iterator[sql.Composable]:
    """That a row differs first in this key, and lies beyond there."""
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
    shaped: Callable[[Sequence[Any]], T],
    key: Callable[[T], tuple[Any, ...]],
) -> Page[T]:
    """Of rows that begin with how many match, and how many of them there are from here on in the window, which is None
    where there is no row.

    What is left of the page is counted by its limit: a row that is written into the rest of a page that is not full
    pushes none out of it.
    """
    total = rows[0][0]
    found = [shaped(row[2:]) for row in rows if row[1] is not None]
    of_page = rows[0][1] or 0
    is_cut = found and len(found) < of_page
    return Page(found, total, Position(key(found[-1]), _most(window) - len(found)) if is_cut else None)


def with_list(text: str, conditions: Mapping[str, sql.Composable]) -> sql.Composed:
    """The statement of a list."""
    return sql.SQL(text).format(actor=ACTOR, cut=CUT, **conditions)
