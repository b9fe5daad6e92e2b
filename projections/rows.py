"""Sends rows in one message: whole columns as the arrays of an `insert … select … from unnest(…)`.

COPY takes its locks first and then waits for the client, and no time limit of PostgreSQL ends that wait. The server
reads one message before it begins the statement, and `idle_in_transaction_session_timeout` ends a session that stops
in the middle of it. Encoding
whole columns takes half the time of the driver, which encodes each element in Python.
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
"""The epoch of PostgreSQL's timestamps."""

_MICROSECOND = timedelta(microseconds=1)

_head = Struct("!iiIii").pack
"""Header of a binary array: one dimension, possibly with nulls; type, number and first index of the elements."""

_length = Struct("!i").pack
_NULL = _length(-1)


class Column:
    """One column of rows as a binary array. `oid`: the type of the array."""

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
    """Encode the values of one column; None is null."""
    oid, array_oid = _OIDS[type]
    return Column(array_oid, _head(1, 1, oid, len(values), 1) + _ELEMENTS[type](values))


def insert(cursor: Cursor[Any], statement: Any, types: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """Run a statement whose parameters are the columns of the rows. Does nothing without rows.

    The statement is prepared first. Otherwise its text would travel in a message of its own, and the server would wait
    for the message with the rows without a time limit.
    """
    columns = list(zip(*rows, strict=True))
    if columns:
        cursor.execute(statement, list(map(column, types, columns)), prepare=True)
