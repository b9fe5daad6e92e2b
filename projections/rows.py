"""Rows that travel in one message: whole columns, as the arrays of an `insert … select … from unnest(…)`.

COPY takes its locks first and then waits for the client, and no time limit of PostgreSQL ends that wait. The server
reads one message before it begins the statement, and `idle_in_transaction_session_timeout` ends a session that stops
in the middle of it. The driver encodes the elements of an array one by one, in Python: this takes half of its time.
"""

from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime, timedelta
from struct import Struct
from typing import Any

import psycopg
from psycopg import Cursor
from psycopg.adapt import Dumper
from psycopg.pq import Format

EPOCH = datetime(2000, 1, 1, tzinfo=UTC)
"""PostgreSQL's."""

_MICROSECOND = timedelta(microseconds=1)

_head = Struct("!iiIii").pack
"""One dimension, its elements possibly null; then their type, their number, and the index of the first."""

_length = Struct("!i").pack
_NULL = _length(-1)


class Column:
    """One column of rows, as a binary array. `oid`: its type."""

    __slots__ = ("array", "oid")

    def __init__(self, oid: int, array: bytes) -> None:
        self.oid = oid
        self.array = array


class _ColumnDumper(Dumper):
    format = Format.BINARY

    def get_key(self, obj: Column, format: Any) -> Any:
        return Column, obj.oid

    def upgrade(self, obj: Column, format: Any) -> Dumper:
        dumper = _ColumnDumper(Column, self.connection)
        dumper.oid = obj.oid
        return dumper

    def dump(self, obj: Column) -> bytes:
        return obj.array


psycopg.adapters.register_dumper(Column, _ColumnDumper)


def _sized(values: Iterable[bytes | None]) -> bytes:
    return b"".join([_NULL if value is None else _length(len(value)) + value for value in values])


def _texts(values: Iterable[str | None]) -> bytes:
    return _sized([None if value is None else value.encode() for value in values])


def _fixed(code: str) -> Callable[[Iterable[Any]], bytes]:
    cell = Struct(f"!i{code}")
    pack, size = cell.pack, cell.size - 4
    return lambda values: b"".join([_NULL if value is None else pack(size, value) for value in values])


_int8 = _fixed("q")


def _times(values: Iterable[datetime | None]) -> bytes:
    return _int8([None if value is None else (value - EPOCH) // _MICROSECOND for value in values])


_ELEMENTS: dict[str, Callable[[Iterable[Any]], bytes]] = {
    "int2": _fixed("h"),
    "int4": _fixed("i"),
    "int8": _int8,
    "float8": _fixed("d"),
    "text": _texts,
    "bytea": _sized,
    "timestamptz": _times,
}

_OIDS = {name: (psycopg.adapters.types[name].oid, psycopg.adapters.types[name].array_oid) for name in _ELEMENTS}


def column(type: str, values: Sequence[Any]) -> Column:
    """The values of one column; those that are None are null."""
    oid, array_oid = _OIDS[type]
    return Column(array_oid, _head(1, 1, oid, len(values), 1) + _ELEMENTS[type](values))


def insert(cursor: Cursor[Any], statement: Any, types: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """Run a statement whose parameters are the columns of the rows, unless there are none.

    It is prepared first: else its text would travel in a message before that of the rows, and the server would wait for
    the second without a time limit.
    """
    columns = list(zip(*rows, strict=True))
    if columns:
        cursor.execute(statement, list(map(column, types, columns)), prepare=True)
