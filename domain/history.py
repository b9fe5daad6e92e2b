"""Histories of streams: which events may follow which, and the state of the aggregate after each of them."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import pairwise
from typing import Any

from msgspec import Struct

from domain import group, institution, measurement, outcome, user
from domain.audit import AuditRead
from domain.entry import EntryRecorded
from domain.event import Event
from domain.group import GroupDisbanded, GroupFormed, GroupRevised
from domain.institution import InstitutionRegistered, InstitutionRemoved
from domain.measurement import MeasurementRecorded, MeasurementRemoved, MeasurementRevised, MeasurementsWithdrawn
from domain.outcome import OutcomeCreated, OutcomeRevised
from domain.user import (
    FamilyLinked,
    FamilyUnlinked,
    PasswordChanged,
    PasswordHashRenewed,
    PasswordReset,
    UserRegistered,
    UserRemoved,
)


def _stateless(events: Iterable[Event], state: None = None) -> None:
    """For an aggregate whose only event is all of it."""


class Aggregate(Struct, frozen=True):
    """The events of a type of stream (the first, those that may follow, and those that end it) and the fold of its
    state."""

    title: str
    begins: type[Event]
    continues: tuple[type[Event], ...] = ()
    ends: tuple[type[Event], ...] = ()
    fold: Callable[[Iterable[Event], Any], Any] = _stateless


AGGREGATES: dict[type[Event], Aggregate] = {
    each.begins: each
    for each in (
        Aggregate("measurement", MeasurementRecorded, (MeasurementRevised,), (MeasurementRemoved,), measurement.fold),
        Aggregate("withdrawal", MeasurementsWithdrawn),
        Aggregate("entry", EntryRecorded),
        Aggregate("outcome", OutcomeCreated, (OutcomeRevised,), (), outcome.fold),
        Aggregate(
            "user",
            UserRegistered,
            (PasswordChanged, PasswordReset, PasswordHashRenewed, FamilyLinked, FamilyUnlinked),
            (UserRemoved,),
            user.fold,
        ),
        Aggregate("group", GroupFormed, (GroupRevised,), (GroupDisbanded,), group.fold),
        Aggregate("institution", InstitutionRegistered, (), (InstitutionRemoved,), institution.fold),
        Aggregate("audit read", AuditRead),
    )
}
"""Every aggregate by the event with which its streams begin."""


def aggregate_of(history: Sequence[Event]) -> Aggregate | None:
    """The aggregate that a stream belongs to; None if no aggregate begins with its first event."""
    return AGGREGATES.get(type(history[0])) if history else None


def cannot_follow(aggregate: Aggregate, before: type[Event], event: Event) -> str | None:
    """Why `event` cannot follow an event of the type `before`; None if it can."""
    if before in aggregate.ends:
        return f"{event.stored_name} follows {before.stored_name}, which ends the {aggregate.title}"
    if type(event) not in aggregate.continues and type(event) not in aggregate.ends:
        return f"{event.stored_name} cannot follow in the history of this {aggregate.title}"
    return None


def impossible(history: Sequence[Event]) -> str | None:
    """Why no aggregate can have this history (in the order of versions); None if one can."""
    aggregate = aggregate_of(history)
    if aggregate is None:
        return f"no stream begins with {history[0].stored_name}" if history else None
    for before, event in pairwise(history):
        if why := cannot_follow(aggregate, type(before), event):
            return why
        if event.origin.recorded_at < before.origin.recorded_at:
            return f"{event.stored_name} was recorded before {before.stored_name}"
    return None


def states(history: Sequence[Event]) -> Iterator[Any]:
    """The state of the aggregate after each event; None where it does not exist."""
    aggregate = aggregate_of(history)
    state: Any = None
    for event in history:
        state = None if aggregate is None else aggregate.fold((event,), state)
        yield state


ELSEWHERE = (MeasurementsWithdrawn, UserRemoved)
"""Events that change aggregates of other streams, too: they end the measurements of a child, and take a user out of
groups and families."""


def streams_elsewhere(event: Event) -> set[str]:
    """The other streams of the partition in which an event of ELSEWHERE may change the aggregate of this event."""
    match event:
        case MeasurementRecorded():
            return {measurement.withdrawals(event.child_id)}
        case GroupFormed():
            return {user.stream_of(each) for each in (event.owner_id, *event.children)}
        case UserRegistered():
            return {user.stream_of(each) for each in event.children}
        case FamilyLinked():
            return {user.stream_of(event.child_id)}
    return set()
