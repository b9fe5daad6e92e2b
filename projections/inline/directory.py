"""The directory: users, institutions, groups, links and outcome definitions. Commands maintain it in their transaction.

It is small and not partitioned: commands write it only while they hold the lock of the accounts' partition.
"""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

import msgspec
from msgspec import Struct, field
from msgspec.structs import replace
from psycopg import Cursor

from application.queries.outcomes import OutcomeRow, outcome_row
from domain.event import Event
from domain.group import GroupDisbanded, GroupFormed, GroupRevised
from domain.institution import InstitutionRegistered, InstitutionRemoved
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
from projections import statements

SQL = statements.load(__file__, "directory")

_encode = msgspec.json.Encoder().encode


EVENTS: frozenset[type[Event]] = frozenset(
    (
        UserRegistered,
        UserRemoved,
        PasswordChanged,
        PasswordReset,
        PasswordHashRenewed,
        FamilyLinked,
        FamilyUnlinked,
        InstitutionRegistered,
        InstitutionRemoved,
        GroupFormed,
        GroupRevised,
        GroupDisbanded,
        OutcomeCreated,
        OutcomeRevised,
    )
)
"""Events that change the directory."""


class PasswordRow(Struct, frozen=True):
    """The changes of a user's password by a page: final hash, number of changes, and time of the last one."""

    id: str
    password_hash: str
    changes: int = 0
    changed_at: datetime | None = None


class DirectoryChanges(Struct):
    """The folded changes of a page: final state of each group, and whether each family and child are linked.

    Ids are never reused, so removals are written last. `revised`: ids in `groups` that may exist already.
    """

    users: list[UserRegistered] = field(default_factory=list)
    passwords: dict[str, PasswordRow] = field(default_factory=dict)
    institutions: list[InstitutionRegistered] = field(default_factory=list)
    groups: dict[str, GroupFormed] = field(default_factory=dict)
    revised: set[str] = field(default_factory=set)
    families: dict[tuple[str, str], bool] = field(default_factory=dict)
    outcomes: dict[str, OutcomeRow] = field(default_factory=dict)
    removed_institutions: list[str] = field(default_factory=list)
    removed_groups: list[str] = field(default_factory=list)
    removed_users: list[str] = field(default_factory=list)

    def add(self, event: Event) -> None:
        match event:
            case UserRegistered():
                self.users.append(event)
                self.families.update(((event.user_id, child_id), True) for child_id in event.children)
            case PasswordChanged() | PasswordHashRenewed():
                self._set_password(event)
            case FamilyLinked():
                self.families[event.family_id, event.child_id] = True
            case FamilyUnlinked():
                self.families[event.family_id, event.child_id] = False
            case InstitutionRegistered():
                self.institutions.append(event)
            case OutcomeCreated() | OutcomeRevised():
                there = self.outcomes.get(event.outcome_id)
                at = event.origin.recorded_at
                row = outcome_row(
                    event.outcome_id,
                    event.definition,
                    created_by=event.origin.actor_id,
                    created_at=at,
                    updated_at=at,
                )
                if there is not None:  # a revision does not change the creator
                    row = replace(row, created_by=there.created_by, created_at=there.created_at)
                self.outcomes[event.outcome_id] = row
            case GroupFormed():
                self.groups[event.group_id] = event
                if isinstance(event, GroupRevised):
                    self.revised.add(event.group_id)
            case InstitutionRemoved():
                self.removed_institutions.append(event.institution_id)
            case GroupDisbanded():
                self.removed_groups.append(event.group_id)
            case UserRemoved():
                self.removed_users.append(event.user_id)

    def _set_password(self, event: PasswordChanged | PasswordHashRenewed) -> None:
        before = self.passwords.get(event.user_id, PasswordRow(event.user_id, ""))
        if isinstance(event, PasswordChanged):
            before = replace(before, changes=before.changes + 1, changed_at=event.origin.recorded_at)
        self.passwords[event.user_id] = replace(before, password_hash=event.password_hash)

    @property
    def links(self) -> list[tuple[str, str, str]]:
        """(owner, group, child) of every new link; for a family, its own id is the group."""
        return [
            *((family_id, family_id, child_id) for (family_id, child_id), linked in self.families.items() if linked),
            *(
                (group.owner_id, group.group_id, child_id)
                for group in self.groups.values()
                for child_id in group.children
            ),
        ]

    @property
    def unlinked(self) -> list[tuple[str, str]]:
        """(family, child) of every removed link."""
        return [key for key, linked in self.families.items() if not linked]


def fold(events: Iterable[Event]) -> DirectoryChanges:
    """The folded changes of a page of events."""
    folded = DirectoryChanges()
    for event in events:
        folded.add(event)
    return folded


def write(cursor: Cursor[Any], changes: DirectoryChanges) -> None:
    """Write folded changes with one statement for each kind of change; prepared first, as in `rows.insert`."""
    for statement, rows in (
        ("insert_institutions", changes.institutions),
        ("insert_users", changes.users),
        ("change_passwords", list(changes.passwords.values())),
        ("upsert_groups", list(changes.groups.values())),
        ("upsert_outcomes", list(changes.outcomes.values())),
    ):
        if rows:
            cursor.execute(SQL[statement], {"rows": _encode(rows).decode()}, prepare=True)
    for statement, ids in (
        ("delete_group_links", changes.revised),
        ("delete_institutions", changes.removed_institutions),
    ):
        if ids:
            cursor.execute(SQL[statement], {"ids": list(ids)}, prepare=True)
    if changes.unlinked:
        families, children = zip(*changes.unlinked, strict=True)
        unlinked = {"families": list(families), "children": list(children)}
        cursor.execute(SQL["delete_family_links"], unlinked, prepare=True)
    if changes.links:
        owners, groups, children = zip(*changes.links, strict=True)
        links = {"owners": list(owners), "groups": list(groups), "children": list(children)}
        cursor.execute(SQL["insert_links"], links, prepare=True)
    for names, ids in (
        (("delete_group_links", "delete_groups"), changes.removed_groups),
        (("delete_user_links", "delete_groups_of_owners", "delete_users"), changes.removed_users),
    ):
        for statement in names if ids else ():
            cursor.execute(SQL[statement], {"ids": list(ids)}, prepare=True)
