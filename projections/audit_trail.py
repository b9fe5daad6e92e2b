"""The view `audit_trail`: one row for each event of the log: who did what, when, and to whom or what. No values."""

from collections.abc import Callable
from typing import Any

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
from domain.user import FamilyTied, FamilyUntied, PasswordChanged, UserRegistered, UserRemoved
from projections import statements
from projections.view import Page, Placed, Tables, View, copy, run

SQL = statements.beside(__file__, "audit_trail")

Row = tuple[Any, ...]

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
    MeasurementRecorded: lambda event: event.child_id,
    MeasurementRemoved: lambda event: event.child_id,
    MeasurementsWithdrawn: lambda event: event.child_id,
    EntryRecorded: lambda event: event.subject_id,
    OutcomeCreated: lambda event: event.outcome_id,
    OutcomeRevised: lambda event: event.outcome_id,
    FamilyTied: lambda event: event.child_id,
    FamilyUntied: lambda event: event.child_id,
    UserRegistered: lambda event: event.user_id,
    UserRemoved: lambda event: event.user_id,
    PasswordChanged: lambda event: event.user_id,
    GroupFormed: lambda event: event.group_id,
    GroupDisbanded: lambda event: event.group_id,
    InstitutionRegistered: lambda event: event.institution_id,
    InstitutionRemoved: lambda event: event.institution_id,
    AuditRead: lambda event: name_of(event.read),
}
"""Event → whom or what it is about; one that is not named here is about the same as what it is a kind of."""


def about(event: Event) -> str:
    """The id of the child, the subject, or whatever else an event is about."""
    for kind in type(event).__mro__:
        if kind in ABOUT:
            return ABOUT[kind](event)
    raise KeyError(event.stored_name)


def _outcome(event: Event) -> str | None:
    return event.outcome_id if isinstance(event, (EntryRecorded, OutcomeCreated, OutcomeRevised)) else None


def is_about(event: Event, id: str) -> bool:
    """Whether an event is about a child, a subject, an outcome or whatever else has this id."""
    return id in (about(event), _outcome(event))


def row(placed: Placed) -> Row:
    part, seq, event = placed
    return (
        part,
        seq,
        event.originator_id,
        event.originator_version,
        name_of(event.originator_id),
        event.stored_name,
        event.happened_at,
        event.origin.recorded_at,
        event.origin.actor_id,
        event.origin.actor_role,
        event.origin.request_id,
        event.cause,
        about(event),
        _outcome(event),
    )


class AuditTrail(View):
    name = "audit_trail"
    version = 1
    tables: tuple[str, ...] = ("audit_trail",)
    topics = names_of(EVENTS.values())

    def create(self, cursor: Cursor[Any], tables: Tables) -> None:
        run(cursor, SQL["create"], tables)

    def index(self, cursor: Cursor[Any], tables: Tables) -> None:
        for name, statement in SQL.items():
            if name.startswith("index"):
                run(cursor, statement, tables)

    def write(self, cursor: Cursor[Any], tables: Tables, page: Page) -> None:
        run(cursor, SQL["put"], tables, map(row, page))

    def grow(self, cursor: Cursor[Any], tables: Tables, page: Page) -> None:
        copy(cursor, SQL["copy"], tables, TYPES, map(row, page))
