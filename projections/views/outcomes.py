"""The view `outcomes`: every value that an outcome may be computed from, and daily rollups of the values.

    entries         the values themselves, of entries and of measurements
    subject_days    per source, subject and day (UTC)
    subjects        per source and subject, the sums that give the slope of its daily means, by values per day
    days            per source, day and partition: a query adds up the partitions

A source is an outcome with its entries, or the measurements of one kind in one institution. A source of measurements is
filled whether or not an outcome uses it yet.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, date, datetime
from functools import lru_cache
from hashlib import sha256
from typing import Any, LiteralString, NamedTuple

from msgspec import Struct, field
from psycopg import Cursor

from domain.catalogue import encode, names_of
from domain.entry import EntryRecorded
from domain.event import Event
from domain.measurement import MeasurementRecorded, MeasurementRemoved, MeasurementRevised, MeasurementsWithdrawn
from domain.partition import name_of
from projections import statements
from projections.views.view import ExpectedRows, FoldedRows, Page, PositionedEvent, Tables, View, insert, run

UNIT_LENGTH = 64
"""Characters."""

SQL = statements.load(__file__, "outcomes")


@lru_cache(maxsize=1_024)
def source_of(institution_id: str, kind: str) -> str:
    """The source of an institution's measurements of a kind. No outcome can have this id."""
    return f"{institution_id}/{kind}"


def unit_of(unit: str) -> str:
    """The unit under which rollups are stored: the unit, or its SHA-256 if an index row could not hold it."""
    return unit if len(unit) <= UNIT_LENGTH else sha256(unit.encode()).hexdigest()


Value = tuple[int, str, str, str, datetime, str, str, float, str, str]
"""Part, subject, source, unit (empty for an entry), time, id, value as sent, nearest float, brand and metadata (both
empty for a measurement)."""

BRAND_COLUMN = 8
"""Index of the brand in a value."""

TYPES = ("int2", "text", "text", "text", "timestamptz", "text", "text", "float8", "text", "text")
"""Types of the columns of a value."""


class SubjectDay(NamedTuple):
    part: int
    source: str
    unit: str
    subject_id: str
    day: date


class OutcomeChanges(Struct):
    """Written in this order: subjects whose measurements were withdrawn, deleted values, final values.

    A key is partition, subject and id. `subjects`: (partition, subject) → values by id. A revised value is deleted
    first, because its source may have changed.
    """

    withdrawn: list[tuple[int, str]] = field(default_factory=list)
    deleted: list[tuple[int, str, str]] = field(default_factory=list)
    subjects: defaultdict[tuple[int, str], dict[str, Value]] = field(default_factory=lambda: defaultdict(dict))

    def add(self, part: int, event: Event) -> None:
        match event:
            case EntryRecorded():
                self.subjects[part, event.subject_id][event.entry_id] = (
                    part,
                    event.subject_id,
                    event.outcome_id,
                    "",
                    event.happened_at,
                    event.entry_id,
                    event.value,
                    float(event.value),
                    event.brand_id,
                    encode(event.metadata).decode(),
                )
            case MeasurementRecorded():
                id = name_of(event.originator_id)
                if isinstance(event, MeasurementRevised):
                    self.deleted.append((part, event.child_id, id))
                self.subjects[part, event.child_id][id] = (
                    part,
                    event.child_id,
                    source_of(event.institution_id, event.kind),
                    unit_of(event.unit),
                    event.happened_at,
                    id,
                    repr(event.value),
                    event.value,
                    "",
                    "",
                )
            case MeasurementRemoved():
                id = name_of(event.originator_id)
                self.subjects[part, event.child_id].pop(id, None)
                self.deleted.append((part, event.child_id, id))
            case MeasurementsWithdrawn():
                self.withdrawn.append((part, event.child_id))
                of_child = self.subjects[part, event.child_id]
                self.subjects[part, event.child_id] = {
                    id: value for id, value in of_child.items() if value[BRAND_COLUMN]
                }

    def values(self) -> list[Value]:
        return [value for of_subject in self.subjects.values() for value in of_subject.values()]

    def in_order(self) -> Iterator[Value]:
        """The values in the order of the key of their table."""
        for subject in sorted(self.subjects):
            yield from sorted(self.subjects[subject].values())


def fold(page: Iterable[PositionedEvent]) -> OutcomeChanges:
    """The changes of a page; of several changes of a value, the last."""
    folded = OutcomeChanges()
    for part, _, event in page:
        folded.add(part, event)
    return folded


class Outcomes(View):
    name = "outcomes"
    version = 2
    sql: Mapping[str, LiteralString] = SQL
    tables: tuple[str, ...] = ("entries", "subject_days", "subjects", "days")
    topics = names_of(
        (EntryRecorded, MeasurementRecorded, MeasurementRevised, MeasurementRemoved, MeasurementsWithdrawn)
    )

    stored_rows: Mapping[str, LiteralString] = {"entries": SQL["stored_rows"]}
    derived: Mapping[str, LiteralString] = {
        "subject_days": SQL["subject_days_rollup"],
        "subjects": SQL["subjects_rollup"],
        "days": SQL["days_rollup"],
    }

    def expected_rows(self, part: int) -> ExpectedRows:
        return FoldedRows("entries", part, OutcomeChanges())

    def create(self, cursor: Cursor[Any], tables: Tables) -> None:
        self._run_all("create", cursor, tables)

    def index(self, cursor: Cursor[Any], tables: Tables) -> None:
        self._run_all("index", cursor, tables)

    def _run_all(self, kind: str, cursor: Cursor[Any], tables: Tables) -> None:
        for name, statement in self.sql.items():
            if name.startswith(kind):
                run(cursor, statement, tables)

    def write(self, cursor: Cursor[Any], tables: Tables, page: Page) -> None:
        changes = fold(page)
        touched = self._delete(cursor, tables, changes)
        has_deleted = bool(touched)
        if values := changes.values():
            insert(cursor, SQL["upsert"], tables, TYPES, values)
            touched.update(
                SubjectDay(part, source, unit, subject_id, at.astimezone(UTC).date())
                for part, subject_id, source, unit, at, *_ in values
            )
        if has_deleted:
            run(cursor, self.sql["delete_subject_days"], tables, touched)
        changed: set[tuple[Any, ...]] = set()
        if touched:
            run(cursor, self.sql["roll_up"], tables, touched)
            changed.update(cursor)
        if has_deleted:
            changed.update(each[:4] for each in touched)
        if changed:
            run(cursor, SQL["delete_empty_subjects"], tables, changed)
        if has_deleted:
            days = {(part, source, unit, day) for part, source, unit, _, day in touched}
            run(cursor, SQL["delete_days"], tables, days)
            run(cursor, SQL["roll_up_days"], tables, days)

    def fill(self, cursor: Cursor[Any], tables: Tables, page: Page) -> None:
        """Writes the values only; `complete` computes the rollups."""
        changes = fold(page)
        self._delete(cursor, tables, changes)
        if values := changes.values():
            insert(cursor, SQL["insert"], tables, TYPES, values)

    def _delete(self, cursor: Cursor[Any], tables: Tables, changes: OutcomeChanges) -> set[SubjectDay]:
        """Delete values. Returns the days of the deleted values."""
        touched: set[SubjectDay] = set()
        for name, keys in (("delete_withdrawn", changes.withdrawn), ("delete_values", changes.deleted)):
            if keys:
                run(cursor, SQL[name], tables, keys)
                touched.update(SubjectDay(*row) for row in cursor)
        return touched


SQL_V1 = SQL | statements.load(__file__, "outcomes_v1")


class OutcomesV1(Outcomes):
    """Version 1: slopes were computed from daily means rounded to floats."""

    version = 1
    sql: Mapping[str, LiteralString] = SQL_V1
    shown: Mapping[str, LiteralString] = {"subjects": SQL["subjects_rollup"]}
    derived: Mapping[str, LiteralString] = {**Outcomes.derived, "subjects": SQL_V1["subjects_rollup"]}
