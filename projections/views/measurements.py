"""The view `measurements`: one row for each current measurement, for the lists of a child."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any, LiteralString

from msgspec import Struct, field
from psycopg import Cursor

from domain.catalogue import names_of
from domain.event import Event
from domain.measurement import MeasurementRecorded, MeasurementRemoved, MeasurementRevised, MeasurementsWithdrawn
from domain.partition import name_of
from projections import statements
from projections.views.view import ExpectedRows, FoldedRows, Page, PositionedEvent, Tables, View, insert, run

SQL = statements.load(__file__, "measurements")


Row = tuple[int, str, str, str, datetime, float, str, float | None, str]
"""Part, child, kind, id (in the order of recording), time taken, value, unit, companion value (None without one),
institution."""

TYPES = ("int2", "text", "text", "text", "timestamptz", "float8", "text", "float8", "text")
"""Types of the columns of a row."""


class MeasurementChanges(Struct):
    """Written in this order: children whose measurements were withdrawn, rows that were removed or revised, final rows.

    A key is partition, child, kind and id. `children`: (partition, child) → rows by kind and id.
    """

    withdrawn: list[tuple[int, str]] = field(default_factory=list)
    removed: list[tuple[int, str, str, str]] = field(default_factory=list)
    children: defaultdict[tuple[int, str], dict[tuple[str, str], Row]] = field(
        default_factory=lambda: defaultdict(dict)
    )

    def add(self, part: int, event: Event) -> None:
        match event:
            case MeasurementRecorded():
                child_id, kind, id = event.child_id, event.kind, name_of(event.originator_id)
                if isinstance(event, MeasurementRevised):
                    self.removed.append((part, child_id, kind, id))
                self.children[part, child_id][kind, id] = (
                    part,
                    child_id,
                    kind,
                    id,
                    event.happened_at,
                    event.value,
                    event.unit,
                    event.companion_value,
                    event.institution_id,
                )
            case MeasurementRemoved():
                id = name_of(event.originator_id)
                self.children[part, event.child_id].pop((event.kind, id), None)
                self.removed.append((part, event.child_id, event.kind, id))
            case MeasurementsWithdrawn():
                self.withdrawn.append((part, event.child_id))
                self.children.pop((part, event.child_id), None)

    def rows(self) -> list[Row]:
        return [row for of_child in self.children.values() for row in of_child.values()]

    def in_order(self) -> Iterator[Row]:
        """The rows in the order of their keys."""
        for child in sorted(self.children):
            of_child = self.children[child]
            yield from (of_child[key] for key in sorted(of_child))


def fold(page: Iterable[PositionedEvent]) -> MeasurementChanges:
    """The changes of a page; of several changes of a row, the last."""
    folded = MeasurementChanges()
    for part, _, event in page:
        folded.add(part, event)
    return folded


class Measurements(View):
    name = "measurements"
    version = 1
    tables: tuple[str, ...] = ("measurements",)
    topics = names_of((MeasurementRecorded, MeasurementRevised, MeasurementRemoved, MeasurementsWithdrawn))
    stored_rows: Mapping[str, LiteralString] = {"measurements": SQL["stored_rows"]}

    def expected_rows(self, part: int) -> ExpectedRows:
        return FoldedRows("measurements", part, MeasurementChanges())

    def create(self, cursor: Cursor[Any], tables: Tables) -> None:
        run(cursor, SQL["create"], tables)

    def index(self, cursor: Cursor[Any], tables: Tables) -> None:
        run(cursor, SQL["index"], tables)

    def write(self, cursor: Cursor[Any], tables: Tables, page: Page) -> None:
        changes = fold(page)
        self._delete(cursor, tables, changes)
        if rows := changes.rows():
            insert(cursor, SQL["upsert"], tables, TYPES, rows)

    def fill(self, cursor: Cursor[Any], tables: Tables, page: Page) -> None:
        changes = fold(page)
        self._delete(cursor, tables, changes)
        if rows := changes.rows():
            insert(cursor, SQL["insert"], tables, TYPES, rows)

    def _delete(self, cursor: Cursor[Any], tables: Tables, changes: MeasurementChanges) -> None:
        for statement, keys in (("delete_children", changes.withdrawn), ("delete_rows", changes.removed)):
            if keys:
                run(cursor, SQL[statement], tables, keys)
