"""Reads the rows of a CSV file as entries of an outcome."""

import csv
import math
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from io import StringIO
from pathlib import Path
from typing import TextIO

from msgspec import Struct

from adapters import times
from adapters.errors import UsageError

ROW = "row"
"""With this `--subject` each row is a subject. A column of this name has precedence."""

_DATE = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)


class InvalidArguments(UsageError):
    """The file is not a table of entries, or the arguments do not match its columns; the message says why."""


class Arguments(Struct, frozen=True, kw_only=True):
    """Which columns make an entry. `value`, `subject` and `metadata` name columns, the last with commas between; `at` a
    column or a time for all rows; with `start` the column of `at` counts days from there."""

    brand: str
    value: str
    subject: str
    at: str
    start: str | None = None
    metadata: str | None = None


class Item(Struct, frozen=True):
    """An entry as it is sent; `line` is no member of one, but comes back with it when it is refused."""

    line: int
    subject_id: str
    brand_id: str
    value: str
    recorded_at: str
    metadata: dict[str, str]


class InvalidRow(Struct, frozen=True):
    """A row that is not an entry."""

    line: int
    reason: str


class Table:
    """A CSV file with a header; memory holds one row of it at a time."""

    def __init__(self, path: Path, file: TextIO) -> None:
        self.path = path
        self._file = file
        header = next(self._records(), None)
        if header is None:
            raise InvalidArguments(f"{path} is empty: its first line must name the columns")
        if isinstance(header, InvalidRow):
            raise InvalidArguments(f"{path}, line {header.line}: {header.reason}")
        _, self.columns = header
        twice = [name for name in dict.fromkeys(self.columns) if self.columns.count(name) > 1]
        if twice:
            raise InvalidArguments(
                f"{path}: the first line must name the columns, each once, but it has {twice[0]!r} twice"
            )

    def rows(self) -> Iterator[tuple[int, list[str]] | InvalidRow]:
        """The line on which each row begins, and its fields; from the first row at each call, without blank ones."""
        self._file.seek(0)
        records = self._records()
        next(records, None)
        for record in records:
            if isinstance(record, tuple):
                line, fields = record
                if len(fields) != len(self.columns):
                    if len(fields) > 1 or fields[0].strip():
                        yield InvalidRow(line, f"it has {len(fields)} fields, the first line has {len(self.columns)}")
                    continue
            yield record

    def place(self, name: str, option: str) -> int:
        """Which column has the name. InvalidArguments when none has."""
        if name not in self.columns:
            known = ", ".join(map(repr, self.columns))
            raise InvalidArguments(f"{option}: there is no column {name!r} in {self.path}, which has {known}")
        return self.columns.index(name)

    def _records(self) -> Iterator[tuple[int, list[str]] | InvalidRow]:
        reader = csv.reader(self._file, strict=True)
        while True:
            line = reader.line_num + 1
            try:
                fields = next(reader, None)
            except UnicodeDecodeError as error:
                raise InvalidArguments(f"{self.path} is not UTF-8") from error
            except csv.Error as error:
                yield InvalidRow(line, f"it is no CSV, read as far as line {reader.line_num}: {error}")
                continue
            if fields is None:
                return
            if fields:
                yield line, fields


@contextmanager
def opened(path: Path) -> Iterator[Table]:
    """The table in a file. InvalidArguments."""
    try:
        if not path.is_file():
            raise InvalidArguments(f"{path} is no file" if path.exists() else f"there is no file {path}")
        file = path.open(encoding="utf-8-sig", newline="")
    except OSError as error:
        raise InvalidArguments(f"{path} cannot be read: {error.strerror}") from error
    with file:
        yield Table(path, file)


class Reading:
    """Converts the rows of a table to entries."""

    def __init__(self, table: Table, arguments: Arguments) -> None:
        """InvalidArguments when they do not match the columns of the table."""
        self._table = table
        self._brand = arguments.brand
        self._value = table.place(arguments.value, "--value")
        each_its_own = arguments.subject == ROW and ROW not in table.columns
        self._subject = None if each_its_own else table.place(arguments.subject, "--subject")
        self._stem = os.fsencode(table.path.stem).decode(errors="replace")
        self._at: int | None
        self._time: str | None
        self._at, self._time = self._times(arguments.at)
        self._start = None if arguments.start is None else _constant(arguments.start, "--start")
        if self._start is not None and self._at is None:
            raise InvalidArguments(
                f"--start: the days that are counted from there need a column, not --at {arguments.at}"
            )
        listed = next(csv.reader(StringIO(arguments.metadata, newline="")), [])
        self._metadata = {name: table.place(name, "--metadata") for name in listed}

    def items(self) -> Iterator[Item | InvalidRow]:
        """An entry for each row, or the reason why there is none."""
        for number, row in enumerate(self._table.rows(), start=1):
            yield row if isinstance(row, InvalidRow) else self._item(number, *row)

    def _item(self, number: int, line: int, fields: list[str]) -> Item | InvalidRow:
        time = self._time if self._at is None else self._time_of(fields[self._at])
        if time is None:
            return InvalidRow(line, "--at: the value is not a number of days from --start")
        return Item(
            line=line,
            subject_id=f"{self._stem}-{number}" if self._subject is None else fields[self._subject],
            brand_id=self._brand,
            value=fields[self._value],
            recorded_at=time,
            metadata={name: fields[place] for name, place in self._metadata.items()},
        )

    def _times(self, at: str) -> tuple[int, None] | tuple[None, str]:
        """The column that has them, or the one time of all rows."""
        if at in self._table.columns or not at[:1].isdigit():
            return self._table.place(at, "--at"), None
        return None, times.render(_constant(at, "--at"))

    def _time_of(self, text: str) -> str | None:
        """Anything but a date or a number of days is sent as it stands: what is a time, the service knows."""
        if self._start is None:
            return _at_midnight(text)
        try:
            days = float(text)
            return times.render(self._start + timedelta(days=days)) if math.isfinite(days) else None
        except (ValueError, OverflowError):
            return None


def _at_midnight(text: str) -> str:
    return f"{text}T00:00:00Z" if _DATE.fullmatch(text) else text


def _constant(text: str, option: str) -> datetime:
    time = times.parse(_at_midnight(text))
    if time is None:
        raise InvalidArguments(
            f"{option}: {text!r} is no column and no date such as 1990-01-01 or 1990-01-01T08:00:00Z"
        )
    return time
