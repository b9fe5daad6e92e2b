"""The view `measurements`: one row for each measurement that is there, for the lists of a child."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from msgspec import Struct, field
from msgspec.structs import astuple
from psycopg import Cursor

from domain.catalogue import names_of
from domain.event import Event
from domain.measurement import MeasurementRecorded, MeasurementRemoved, MeasurementRevised, MeasurementsWithdrawn
from domain.partition import name_of
from projections import statements
from projections.view import Page, Placed, Tables, View, copy, run

SQL = statements.beside(__file__, "measurements")


class Row(Struct, frozen=True, array_like=True, gc=False):
    """`id` orders by what was recorded first; `companion_value` is None where nothing travelled with it."""

    part: int
    child_id: str
    kind: str
    id: str
    taken_at: datetime
    value: float
    unit: str
    companion_value: float | None
    institution_id: str


TYPES = ("int2", "text", "text", "text", "timestamptz", "float8", "text", "float8", "text")
"""Of the members of a row."""


class MeasurementChanges(Struct):
    """Written in this order: whole children that were withdrawn, single rows that were removed or revised, the last of
    each row.

    A key is partition, child, kind and id.
    """

    withdrawn: list[tuple[int, str]] = field(default_factory=list)
    removed: list[tuple[int, str, str, str]] = field(default_factory=list)
    rows: dict[tuple[int, str, str, str], Row] = field(default_factory=dict)

    def add(self, part: int, event: Event) -> None:
        match event:
            case MeasurementRecorded():
                id = name_of(event.originator_id)
                if isinstance(event, MeasurementRevised):
                    self.removed.append((part, event.child_id, event.kind, id))
                self.rows[part, event.child_id, event.kind, id] = Row(
                    part,
                    event.child_id,
                    event.kind,
                    id,
                    event.happened_at,
                    event.value,
                    event.unit,
                    event.companion_value,
                    event.institution_id,
                )
            case MeasurementRemoved():
                key = part, event.child_id, event.kind, name_of(event.originator_id)
                self.rows.pop(key, None)
                self.removed.append(key)
            case MeasurementsWithdrawn():
                self.withdrawn.append((part, event.child_id))
                self.rows = {key: row for key, row in self.rows.items() if key[1] != event.child_id}


def fold(page: Iterable[Placed]) -> MeasurementChanges:
    """The changes that a page makes, folded to the last of each row."""
    folded = MeasurementChanges()
    for part, _, event in page:
        folded.add(part, event)
    return folded


class Measurements(View):
    name = "measurements"
    version = 1
    tables: tuple[str, ...] = ("measurements",)
    topics = names_of((MeasurementRecorded, MeasurementRevised, MeasurementRemoved, MeasurementsWithdrawn))

    def create(self, cursor: Cursor[Any], tables: Tables) -> None:
        run(cursor, SQL["create"], tables)

    def index(self, cursor: Cursor[Any], tables: Tables) -> None:
        run(cursor, SQL["index"], tables)

    def write(self, cursor: Cursor[Any], tables: Tables, page: Page) -> None:
        changes = fold(page)
        self._take(cursor, tables, changes)
        if changes.rows:
            run(cursor, SQL["put"], tables, map(astuple, changes.rows.values()))

    def grow(self, cursor: Cursor[Any], tables: Tables, page: Page) -> None:
        changes = fold(page)
        self._take(cursor, tables, changes)
        if changes.rows:
            copy(cursor, SQL["copy"], tables, TYPES, map(astuple, changes.rows.values()))

    def _take(self, cursor: Cursor[Any], tables: Tables, changes: MeasurementChanges) -> None:
        for statement, keys in (("withdraw", changes.withdrawn), ("remove", changes.removed)):
            if keys:
                run(cursor, SQL[statement], tables, keys)
