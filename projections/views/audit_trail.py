"""The view `audit_trail`: who did what, when, and to whom or what. No values.

    audit_trail       one row for each event of the log, with its main subject
    audit_subjects    the other subjects of an event, such as the children of a group
    audit_children    the children of a group or family after each event that changes them

The next event of a group or family is about those children, too. Only rare events have rows in the second and third
table: measurements and entries have none.
"""

from collections.abc import Iterable, Mapping, Sequence
from itertools import starmap
from typing import Any, LiteralString

import msgspec
from psycopg import Cursor

from domain.catalogue import EVENTS, names_of
from domain.event import Event
from domain.partition import name_of
from domain.subjects import WITH_OTHERS, Subjects, outcome_of, subject_of
from projections import statements
from projections.views.view import ExpectedRows, Page, Row, Tables, View, insert, run

SQL = statements.load(__file__, "audit_trail")

TYPES = (
    "int2",
    "int8",
    "text",
    "int4",
    "text",
    "text",
    "timestamptz",
    "timestamptz",
    *("text",) * 6,
)
"""Types of the columns of a row."""

SUBJECT_TYPES = ("int2", "int8", "text")
CHILDREN_TYPES = ("int2", "text", "int4", "text")

Children = dict[str, tuple[str, ...]]
"""The children of groups and families, by stream."""

_encode = msgspec.json.Encoder().encode
_decode_children = msgspec.json.Decoder(tuple[str, ...]).decode


def row(part: int, seq: int, event: Event) -> Row:
    stream, origin = event.originator_id, event.origin
    return (
        part,
        seq,
        stream,
        event.originator_version,
        name_of(stream),
        event.stored_name,
        event.happened_at,
        origin.recorded_at,
        origin.actor_id,
        origin.actor_role,
        origin.request_id,
        event.cause,
        subject_of(event),
        outcome_of(event),
    )


class SubjectRows:
    """The rows of `audit_subjects` and `audit_children`, event by event."""

    def __init__(self, children: Children | None = None) -> None:
        self._subjects = Subjects(children)
        self.of_subjects: list[Row] = []
        self.of_children: list[Row] = []

    def add(self, part: int, seq: int, event: Event) -> None:
        if type(event) not in WITH_OTHERS:
            return
        stream, children = event.originator_id, self._subjects.children
        before = children.get(stream, ())
        self.of_subjects += ((part, seq, id) for id in sorted(self._subjects.others(event)))
        after = children.get(stream, ())
        if after != before:
            self.of_children.append((part, stream, event.originator_version, _encode(after).decode()))


class _ExpectedTrail(ExpectedRows):
    """A row for each event, at once."""

    def __init__(self, part: int) -> None:
        self._part = part

    def add_page(self, page: Sequence[tuple[int, Event]]) -> Mapping[str, Iterable[Row]]:
        part = self._part
        return {"audit_trail": [row(part, seq, event) for seq, event in page]}

    def remaining(self) -> Mapping[str, Iterable[Row]]:
        return {}


class _Expected(_ExpectedTrail):
    """The rows of subjects at once as well; those of children in the end, since they are sorted by stream."""

    def __init__(self, part: int) -> None:
        super().__init__(part)
        self._rows = SubjectRows()

    def add_page(self, page: Sequence[tuple[int, Event]]) -> Mapping[str, Iterable[Row]]:
        self._rows.of_subjects = []
        for seq, event in page:
            self._rows.add(self._part, seq, event)
        return {**super().add_page(page), "audit_subjects": self._rows.of_subjects}

    def remaining(self) -> Mapping[str, Iterable[Row]]:
        return {"audit_children": sorted(self._rows.of_children)}


class AuditTrail(View):
    name = "audit_trail"
    version = 2
    tables: tuple[str, ...] = ("audit_trail", "audit_subjects", "audit_children")
    topics = names_of(EVENTS.values())
    stored_rows: Mapping[str, LiteralString] = {
        "audit_trail": SQL["stored_audit_trail"],
        "audit_subjects": SQL["stored_audit_subjects"],
        "audit_children": SQL["stored_audit_children"],
    }

    def expected_rows(self, part: int) -> ExpectedRows:
        return _Expected(part)

    def create(self, cursor: Cursor[Any], tables: Tables) -> None:
        for table in self.tables:
            run(cursor, SQL[f"create_{table}"], tables)

    def index(self, cursor: Cursor[Any], tables: Tables) -> None:
        ours = tuple(f"index_{table}" for table in self.tables)
        for name, statement in SQL.items():
            if name.startswith(ours):
                run(cursor, statement, tables)

    def write(self, cursor: Cursor[Any], tables: Tables, page: Page) -> None:
        insert(cursor, SQL["upsert"], tables, TYPES, starmap(row, page))
        self._write_subjects(cursor, tables, page)

    def fill(self, cursor: Cursor[Any], tables: Tables, page: Page) -> None:
        insert(cursor, SQL["insert"], tables, TYPES, starmap(row, page))
        self._write_subjects(cursor, tables, page)

    def _write_subjects(self, cursor: Cursor[Any], tables: Tables, page: Page) -> None:
        events = [each for each in page if type(each.event) in WITH_OTHERS]
        if not events:
            return
        rows = SubjectRows(_children_before(cursor, tables, events))
        for each in events:
            rows.add(*each)
        insert(cursor, SQL["upsert_subjects"], tables, SUBJECT_TYPES, rows.of_subjects)
        insert(cursor, SQL["upsert_children"], tables, CHILDREN_TYPES, rows.of_children)


def _children_before(cursor: Cursor[Any], tables: Tables, events: Page) -> Children:
    """The children of the groups and families of a page before it. A page that comes again finds the same ones."""
    first: dict[str, Row] = {}
    for part, _, event in events:
        first.setdefault(event.originator_id, (part, event.originator_id, event.originator_version))
    begun = [key for key in first.values() if key[2] > 1]
    if not begun:
        return {}
    run(cursor, SQL["children_before"], tables, begun)
    return {stream: _decode_children(children) for stream, children in cursor}


class AuditTrailV1(AuditTrail):
    """Version 1: only the main subject of each event."""

    version = 1
    tables: tuple[str, ...] = ("audit_trail",)
    shown: Mapping[str, LiteralString] = {"audit_subjects": SQL["no_subjects"]}
    stored_rows: Mapping[str, LiteralString] = {"audit_trail": SQL["stored_audit_trail"]}

    def expected_rows(self, part: int) -> ExpectedRows:
        return _ExpectedTrail(part)

    def _write_subjects(self, cursor: Cursor[Any], tables: Tables, page: Page) -> None:
        return
