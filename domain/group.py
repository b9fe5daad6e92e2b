"""Groups of children. Each belongs to an educator or a health professional, who may see its children.

Events · state and its fold · decisions.
"""

from collections.abc import Iterable, Sequence
from typing import ClassVar

from msgspec import Struct
from msgspec.structs import replace

from domain import dedupe
from domain.event import Event, Fact
from domain.known import Known
from domain.partition import ACCOUNTS, stream
from domain.refusal import AlreadyRegistered
from domain.user import UserRemoved, groups_scope

TITLE = "Children Group"


# Events


class GroupFormed(Event, frozen=True, kw_only=True):
    stored_name: ClassVar[str] = "group.formed.v1"

    group_id: str
    owner_id: str
    name: str
    children: tuple[str, ...]
    school_class: str | None = None


class GroupRevised(GroupFormed, frozen=True, kw_only=True):
    """The name, the children or the class of a group changed: all of its members after it. `former_name`: before it."""

    stored_name: ClassVar[str] = "group.revised.v1"

    former_name: str


class GroupDisbanded(Event, frozen=True, kw_only=True):
    """A group was ended; its name is free again."""

    stored_name: ClassVar[str] = "group.disbanded.v1"

    group_id: str
    owner_id: str
    name: str


# State


class Group(Struct, frozen=True):
    """`children` are those that the group's own events name. The removal of a child is in another stream."""

    version: int
    group_id: str
    owner_id: str
    name: str
    children: tuple[str, ...]
    school_class: str | None


def fold(events: Iterable[Event], state: Group | None = None) -> Group | None:
    """The group after `events` of its stream, in order; None before the first and after its end.

    `state`: the group before them.
    """
    for event in events:
        match event:
            case GroupFormed():
                state = Group(
                    event.originator_version,
                    event.group_id,
                    event.owner_id,
                    event.name,
                    event.children,
                    event.school_class,
                )
            case GroupDisbanded():
                state = None
            case UserRemoved() if state is not None:
                is_owner = event.user_id == state.owner_id
                children = tuple(each for each in state.children if each != event.user_id)
                state = None if is_owner else replace(state, children=children)
    return state


def stream_of(group_id: str) -> str:
    return stream(ACCOUNTS, group_id)


def key(owner_id: str, name: str) -> dedupe.Key:
    """The names of one owner's groups are unique."""
    return dedupe.key(groups_scope(owner_id), name)


def _formed(event: GroupFormed) -> Sequence[dedupe.Change]:
    return (dedupe.Held(key(event.owner_id, event.name), event.originator_id),)


def _revised(event: GroupRevised) -> Sequence[dedupe.Change]:
    if event.name == event.former_name:
        return ()
    return (dedupe.Freed(key(event.owner_id, event.former_name)), *_formed(event))


def _disbanded(event: GroupDisbanded) -> Sequence[dedupe.Change]:
    return (dedupe.Freed(key(event.owner_id, event.name)),)


DEDUPE: dedupe.Rules = {GroupFormed: _formed, GroupRevised: _revised, GroupDisbanded: _disbanded}
"""How the events change dedupe keys."""


# Decisions


def form(
    *,
    group_id: str,
    owner_id: str,
    name: str,
    children: tuple[str, ...],
    school_class: str | None,
    known: Known,
) -> list[Fact]:
    """Form a group of registered children. AlreadyRegistered if the owner has a group of that name."""
    if known.holder(key(owner_id, name)) is not None:
        raise AlreadyRegistered(TITLE)
    return [
        Fact(
            stream_of(group_id),
            GroupFormed(
                group_id=group_id,
                owner_id=owner_id,
                name=name,
                children=children,
                school_class=school_class,
            ),
        )
    ]


def revise(
    group: Group,
    *,
    name: str,
    children: tuple[str, ...],
    school_class: str | None,
    known: Known,
) -> list[Fact]:
    """Change a group to these members, with registered children. No fact if nothing changes. AlreadyRegistered if the
    owner has another group of that name."""
    if (name, children, school_class) == (group.name, group.children, group.school_class):
        return []
    if name != group.name and known.holder(key(group.owner_id, name)) is not None:
        raise AlreadyRegistered(TITLE)
    return [
        Fact(
            stream_of(group.group_id),
            GroupRevised(
                group_id=group.group_id,
                owner_id=group.owner_id,
                name=name,
                children=children,
                school_class=school_class,
                former_name=group.name,
            ),
        )
    ]


def disband(group: Group) -> Fact:
    """End a group."""
    return Fact(
        stream_of(group.group_id),
        GroupDisbanded(group_id=group.group_id, owner_id=group.owner_id, name=group.name),
    )
