"""Which subjects an event is about: a child, a user, a group, an outcome, … and whoever else it concerns.

An event of a group or a family is also about the children that this event or the one before it names, as the stream
of the group or family says: its own end names none.
"""

from collections.abc import Callable
from functools import cache
from operator import attrgetter
from typing import Any

from domain.audit import AuditRead
from domain.entry import EntryRecorded
from domain.event import Event
from domain.group import GroupDisbanded, GroupFormed, GroupRevised
from domain.institution import InstitutionRegistered, InstitutionRemoved
from domain.measurement import MeasurementRecorded, MeasurementRemoved, MeasurementsWithdrawn
from domain.outcome import OutcomeCreated, OutcomeRevised
from domain.partition import name_of
from domain.user import FamilyLinked, FamilyUnlinked, PasswordChanged, PasswordHashRenewed, UserRegistered, UserRemoved

SUBJECT: dict[type[Event], Callable[[Any], str]] = {
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
"""The main subject of each event. An event that is missing here has that of the event it derives from."""

WITH_OTHERS: frozenset[type[Event]] = frozenset(
    (
        UserRegistered,
        UserRemoved,
        FamilyLinked,
        FamilyUnlinked,
        GroupFormed,
        GroupRevised,
        GroupDisbanded,
    )
)
"""Events that may have more subjects than one. They are rare."""


@cache
def _subject_of(kind: type[Event]) -> Callable[[Any], str]:
    return next(SUBJECT[base] for base in kind.__mro__ if base in SUBJECT)


def subject_of(event: Event) -> str:
    """The id of the main subject of an event."""
    return _subject_of(type(event))(event)


def outcome_of(event: Event) -> str | None:
    return event.outcome_id if isinstance(event, (EntryRecorded, OutcomeCreated, OutcomeRevised)) else None


class Subjects:
    """Determines the subjects of events, which come in the order of their streams.

    `children`: the children of each group and family (by stream) after its last event; those without any are left out.
    """

    def __init__(self, children: dict[str, tuple[str, ...]] | None = None) -> None:
        self.children = {} if children is None else children

    def others(self, event: Event) -> frozenset[str]:
        """The ids of the subjects besides the main one."""
        if type(event) not in WITH_OTHERS:
            return frozenset()
        before = self.children.pop(event.originator_id, ())
        others: tuple[str, ...]
        after: tuple[str, ...] = ()
        match event:
            case UserRegistered():
                others = after = event.children
            case FamilyLinked():
                others, after = (event.family_id,), (*before, event.child_id)
            case FamilyUnlinked():
                others, after = (event.family_id,), tuple(each for each in before if each != event.child_id)
            case GroupFormed():
                others, after = (event.owner_id, *before, *event.children), event.children
            case GroupDisbanded():
                others = (event.owner_id, *before)
            case _:
                others = before
        if after:
            self.children[event.originator_id] = after
        return frozenset(others)

    def is_about(self, event: Event, id: str) -> bool:
        """Whether an event is about the child, subject, outcome or whatever else has this id."""
        others = self.others(event)
        return id in (subject_of(event), outcome_of(event)) or id in others
