"""Events stored in a log without commands, and lookups in it."""

from collections.abc import Sequence
from typing import Any

from msgspec.structs import replace

from application.ports import Reads
from domain import dedupe, group, institution, user
from domain.catalogue import encode
from domain.event import Event
from domain.group import GroupFormed, GroupRevised
from domain.partition import partition, stream
from domain.user import UserRemoved
from projections.inline.batch_state import InlineBatchState
from tests.application.conftest import AnyLog
from tests.examples import (
    family_linked,
    family_unlinked,
    group_disbanded,
    group_formed,
    institution_registered,
    new_id,
    user_registered,
    user_removed,
    weight_recorded,
)


def parts_of(log: AnyLog, events: Sequence[Event]) -> set[int]:
    return {partition(event.originator_id, log.partitions) for event in events}


def take_in(known: InlineBatchState, *events: Event) -> list[Event]:
    """Apply events to a batch, at its time."""
    stamped = [replace(event, origin=replace(event.origin, recorded_at=known.recorded_at)) for event in events]
    known.apply(stamped, [encode(event) for event in stamped])
    return stamped


def append(log: AnyLog, *events: Event) -> InlineBatchState:
    """Append events in a batch that stays open. Removed users are looked up before, as the command does."""
    known = log.begin(parts_of(log, events), ())
    log.load(known, Reads(users={event.user_id for event in events if isinstance(event, UserRemoved)}))
    take_in(known, *events)
    log.append(known)
    return known


def store(log: AnyLog, *events: Event) -> list[Event]:
    """Store events, and return them as they were stored."""
    known = append(log, *events)
    log.commit(known)
    return [event for event, _ in known.appended]


def look_up(log: AnyLog, **reads: Any) -> InlineBatchState:
    """A batch that has loaded these lookups."""
    known = log.begin((), ())
    log.load(known, Reads(**reads))
    log.rollback()
    return known


def a_weight(child_id: str) -> Event:
    return weight_recorded(originator_id=stream(child_id, new_id()), child_id=child_id)


def a_user(user_id: str, **changes: Any) -> Event:
    """The user name is the id, so that tests do not conflict."""
    members = {"originator_id": user.stream_of(user_id), "user_id": user_id, "username": user_id}
    return user_registered(**members | changes)


def the_removal_of(user_id: str) -> Event:
    return user_removed(originator_id=user.stream_of(user_id), user_id=user_id, username=user_id)


def an_institution(institution_id: str) -> Event:
    members = {"originator_id": institution.stream_of(institution_id), "institution_id": institution_id}
    return institution_registered(**members, name=institution_id)


def a_group(group_id: str, owner_id: str, *children: str) -> GroupFormed:
    members = {"originator_id": group.stream_of(group_id), "group_id": group_id, "name": group_id}
    return group_formed(**members, owner_id=owner_id, children=children)


def a_revision_of(formed: GroupFormed, *children: str, **changes: Any) -> GroupRevised:
    """The next event of the same group, with other children and these changes."""
    kept = {name: getattr(formed, name) for name in formed.__struct_fields__}
    version = formed.originator_version + 1
    members = {"originator_version": version, "children": children, "former_name": formed.name}
    return GroupRevised(**kept | members | changes)


def the_end_of(formed: GroupFormed) -> Event:
    members = {name: getattr(formed, name) for name in ("originator_id", "group_id", "owner_id", "name")}
    return group_disbanded(**members, originator_version=formed.originator_version + 1)


def a_family_link(family_id: str, child_id: str, version: int = 2) -> Event:
    members = {"originator_id": user.stream_of(family_id), "family_id": family_id, "child_id": child_id}
    return family_linked(**members, originator_version=version)


def a_family_unlink(family_id: str, child_id: str, version: int) -> Event:
    members = {"originator_id": user.stream_of(family_id), "family_id": family_id, "child_id": child_id}
    return family_unlinked(**members, originator_version=version)


def holder(log: AnyLog, key: dedupe.Key) -> str | None:
    return look_up(log, keys={key}).holder(key)
