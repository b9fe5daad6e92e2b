"""The directory: who is there, and who belongs to whom. Kept in the command's transaction, since decisions rest on it.

Small, and not partitioned: written only under the head of the accounts' partition.
"""

from collections.abc import Iterable, Sequence
from typing import Any

import msgspec
from msgspec import Struct, field
from psycopg import Cursor

from application.ports import Reads, UserRow
from domain.event import Event
from domain.group import GroupFormed
from domain.institution import InstitutionRegistered
from domain.user import UserRegistered, UserRemoved
from projections import statements

SQL = statements.beside(__file__, "directory")

_encode = msgspec.json.Encoder().encode


EVENTS = frozenset((UserRegistered, UserRemoved, InstitutionRegistered, GroupFormed))
"""Those that the directory cares about."""


class DirectoryChanges(Struct):
    """What a page of events does to the directory. Ids never come back, so what is removed is removed last."""

    users: list[UserRegistered] = field(default_factory=list)
    institutions: list[InstitutionRegistered] = field(default_factory=list)
    groups: list[GroupFormed] = field(default_factory=list)
    removed: list[str] = field(default_factory=list)

    def add(self, event: Event) -> None:
        match event:
            case UserRegistered():
                self.users.append(event)
            case InstitutionRegistered():
                self.institutions.append(event)
            case GroupFormed():
                self.groups.append(event)
            case UserRemoved():
                self.removed.append(event.user_id)


def fold(events: Iterable[Event]) -> DirectoryChanges:
    """The changes that a page of events makes."""
    folded = DirectoryChanges()
    for event in events:
        folded.add(event)
    return folded


class Directory(Struct):
    """The part of the directory that a group has asked for, and what the group has done to it since."""

    users: dict[str, UserRow | None] = field(default_factory=dict)
    institutions: dict[str, bool] = field(default_factory=dict)
    ties: dict[tuple[str, str], bool] = field(default_factory=dict)

    def apply(self, event: Event) -> None:
        match event:
            case UserRegistered():
                self.users[event.user_id] = UserRow(event.role, event.institution_id)
                self._tie(event.user_id, event.children)
            case UserRemoved():
                self.users[event.user_id] = None
            case InstitutionRegistered():
                self.institutions[event.institution_id] = True
            case GroupFormed():
                self._tie(event.owner_id, event.children)

    def _tie(self, owner_id: str, children: Iterable[str]) -> None:
        for child_id in children:
            self.ties[owner_id, child_id] = True


def load(cursor: Cursor[Any], directory: Directory, reads: Reads) -> None:
    """Add what is asked for and not known yet, in one statement."""
    users = [user_id for user_id in reads.users if user_id not in directory.users]
    institutions = [id for id in reads.institutions if id not in directory.institutions]
    ties = [tie for tie in reads.ties if tie not in directory.ties]
    if not (users or institutions or ties):
        return
    directory.users.update(dict.fromkeys(users))
    directory.institutions.update(dict.fromkeys(institutions, False))
    directory.ties.update(dict.fromkeys(ties, False))
    cursor.execute(
        SQL["load"],
        {
            "users": users,
            "institutions": institutions,
            "owners": [owner for owner, _ in ties],
            "children": [child for _, child in ties],
        },
    )
    for sort, id, role, institution_id, child_id in cursor:
        match sort:
            case "user":
                directory.users[id] = UserRow(role, institution_id)
            case "institution":
                directory.institutions[id] = True
            case "tie":
                directory.ties[id, child_id] = True


def write(cursor: Cursor[Any], changes: DirectoryChanges) -> None:
    """Write folded changes, one statement for each table that they touch."""
    if changes.institutions:
        cursor.execute(SQL["put_institutions"], {"rows": _encode(changes.institutions).decode()})
    if changes.users:
        cursor.execute(SQL["put_users"], {"rows": _encode(changes.users).decode()})
    if changes.groups:
        cursor.execute(SQL["put_groups"], {"rows": _encode(changes.groups).decode()})
    ties = [
        *((user.user_id, user.user_id, child_id) for user in changes.users for child_id in user.children),
        *((group.owner_id, group.group_id, child_id) for group in changes.groups for child_id in group.children),
    ]
    if ties:
        cursor.execute(SQL["put_ties"], _columns(ties))
    if changes.removed:
        for statement in ("remove_ties", "remove_groups", "remove_users"):
            cursor.execute(SQL[statement], {"users": changes.removed})


def _columns(ties: Sequence[tuple[str, str, str]]) -> dict[str, list[str]]:
    owners, groups, children = zip(*ties, strict=True)
    return {"owners": list(owners), "groups": list(groups), "children": list(children)}
