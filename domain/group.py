"""Groups of children, each owned by one educator or health professional, who may see those children.

Events · state and its fold · decisions.
"""

from collections.abc import Sequence
from typing import ClassVar

from domain import dedupe
from domain.event import Event, Origin
from domain.measurement import Known
from domain.partition import ACCOUNTS, stream
from domain.refusal import AlreadyRegistered
from domain.user import groups_scope

TITLE = "Children Group"


class GroupFormed(Event, frozen=True, kw_only=True):
    stored_name: ClassVar[str] = "group.formed.v1"

    group_id: str
    owner_id: str
    name: str
    children: tuple[str, ...]
    school_class: str | None = None


def key(owner_id: str, name: str) -> dedupe.Key:
    """Group names are unique per owner."""
    return dedupe.key(groups_scope(owner_id), name)


def _formed(event: GroupFormed) -> Sequence[dedupe.Change]:
    return (dedupe.Held(key(event.owner_id, event.name), event.originator_id),)


DEDUPE: dedupe.Rules = {GroupFormed: _formed}
"""What the events do to dedupe keys."""


def form(
    *,
    group_id: str,
    owner_id: str,
    name: str,
    children: tuple[str, ...],
    school_class: str | None,
    known: Known,
    origin: Origin,
    cause: str,
) -> list[Event]:
    """Form a group of children who are there. AlreadyRegistered where the owner has one of that name."""
    if known.holder(key(owner_id, name)) is not None:
        raise AlreadyRegistered(TITLE)
    return [
        GroupFormed(
            originator_id=stream(ACCOUNTS, group_id),
            originator_version=1,
            happened_at=origin.recorded_at,
            origin=origin,
            cause=cause,
            group_id=group_id,
            owner_id=owner_id,
            name=name,
            children=children,
            school_class=school_class,
        )
    ]
