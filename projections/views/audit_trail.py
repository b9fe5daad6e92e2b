"""The view `audit_trail`: one row for each event of the log: who did what, when, and to whom or what. No values."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cache
from itertools import starmap
from operator import attrgetter
from typing import Any, LiteralString

from psycopg import Cursor

from domain.audit import AuditRead
from domain.catalogue import EVENTS, names_of
from domain.entry import EntryRecorded
from domain.event import Event
from domain.group import GroupDisbanded, GroupFormed
from domain.institution import InstitutionRegistered, InstitutionRemoved
from domain.measurement import MeasurementRecorded, MeasurementRemoved, MeasurementsWithdrawn
from domain.outcome import OutcomeCreated, OutcomeRevised
from domain.partition import name_of
from domain.user import FamilyLinked, FamilyUnlinked, PasswordChanged, PasswordHashRenewed, UserRegistered, UserRemoved
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
"""Of the columns of a row."""

ABOUT: dict[type[Event], Callable[[Any], str]] = {
    MeasurementRecorded: attrgetter("child_id"),
    MeasurementRemoved: attrgetter("child_id"),
    MeasurementsWithdrawn: attrgetter("child_id"),
    EntryRecorded: attrgetter("subject_id"),
    OutcomeCreated: attrgetter("outcome_id"),
    OutcomeRevised: attrgetter("outcome_id"),
    FamilyLinked: attrgetter("child_id"),
    FamilyUnlinked: attrgetter("child_id"),
    UserRegistered: attrgetter("user_id"),
    UserRemoved: attrgetter("user_id"),
    PasswordChanged: attrgetter("user_id"),
    PasswordHashRenewed: attrgetter("user_id"),
    GroupFormed: attrgetter("group_id"),
    GroupDisbanded: attrgetter("group_id"),
    InstitutionRegistered: attrgetter("institution_id"),
    InstitutionRemoved: attrgetter("institution_id"),
    AuditRead: lambda event: name_of(event.read),
}
"""Event → whom or what it is about; one that is not named here is about the same as what it is a kind of."""


@cache
def _about(kind: type[Event]) -> Callable[[Any], str]:
    return next(ABOUT[of] for of in kind.__mro__ if of in ABOUT)


def about(event: Event) -> str:
    """The id of the child, the subject, or whatever else an event is about."""
    return _about(type(event))(event)


def _outcome(event: Event) -> str | None:
    return event.outcome_id if isinstance(event, (EntryRecorded, OutcomeCreated, OutcomeRevised)) else None


def concerns(event: Event, id: str) -> bool:
    """Whether an event is about a child, a subject, an outcome or whatever else has this id."""
    return id in (about(event), _outcome(event))


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
        about(event),
        _outcome(event),
    )


class _Expected(ExpectedRows):
    """A row for each event, at once."""

    def __init__(self, part: int) -> None:
        self._part = part

    def add_page(self, page: Sequence[tuple[int, Event]]) -> Mapping[str, Iterable[Row]]:
        part = self._part
        return {"audit_trail": [row(part, seq, event) for seq, event in page]}

    def remaining(self) -> Mapping[str, Iterable[Row]]:
        return {}


class AuditTrail(View):
    name = "audit_trail"
    version = 1
    tables: tuple[str, ...] = ("audit_trail",)
    topics = names_of(EVENTS.values())
    stored_rows: Mapping[str, LiteralString] = {"audit_trail": SQL["stored_rows"]}

    def expected_rows(self, part: int) -> ExpectedRows:
        return _Expected(part)

    def create(self, cursor: Cursor[Any], tables: Tables) -> None:
        run(cursor, SQL["create"], tables)

    def index(self, cursor: Cursor[Any], tables: Tables) -> None:
        for name, statement in SQL.items():
            if name.startswith("index"):
                run(cursor, statement, tables)

    def write(self, cursor: Cursor[Any], tables: Tables, page: Page) -> None:
        insert(cursor, SQL["upsert"], tables, TYPES, starmap(row, page))

    def fill(self, cursor: Cursor[Any], tables: Tables, page: Page) -> None:
        insert(cursor, SQL["insert"], tables, TYPES, starmap(row, page))
