"""Groups by hand: events into a log, and what a log says."""

from collections.abc import Sequence
from typing import Any

from msgspec.structs import replace

from application.ports import Reads
from domain import dedupe, user
from domain.catalogue import encode
from domain.event import Event
from domain.partition import partition, stream
from projections.known import Known
from tests.application.conftest import AnyLog
from tests.examples import new_id, user_registered, user_removed, weight_recorded


def parts_of(log: AnyLog, events: Sequence[Event]) -> set[int]:
    return {partition(event.originator_id, log.partitions) for event in events}


def take_in(known: Known, *events: Event) -> list[Event]:
    """Let the group have decided these, at its time."""
    stamped = [replace(event, origin=replace(event.origin, recorded_at=known.recorded_at)) for event in events]
    known.apply(stamped, [encode(event) for event in stamped])
    return stamped


def append(log: AnyLog, *events: Event) -> Known:
    """A group with these events, that is still open."""
    known = log.begin(parts_of(log, events), ())
    take_in(known, *events)
    log.append(known)
    return known


def store(log: AnyLog, *events: Event) -> list[Event]:
    """The events as they were stored."""
    known = append(log, *events)
    log.commit(known)
    return [event for event, _ in known.appended]


def look_up(log: AnyLog, **reads: Any) -> Known:
    """What a group that asks for this knows."""
    known = log.begin((), ())
    log.load(known, Reads(**reads))
    log.rollback()
    return known


def a_weight(child_id: str) -> Event:
    return weight_recorded(originator_id=stream(child_id, new_id()), child_id=child_id)


def a_user(user_id: str, **changes: Any) -> Event:
    """Named like its id, so that no two tests meet."""
    members = {"originator_id": user.stream_of(user_id), "user_id": user_id, "username": user_id}
    return user_registered(**members | changes)


def the_removal_of(user_id: str) -> Event:
    return user_removed(originator_id=user.stream_of(user_id), user_id=user_id, username=user_id)


def holder(log: AnyLog, key: dedupe.Key) -> str | None:
    return look_up(log, keys={key}).holder(key)
