"""The part of the directory that a batch has loaded, changed by the events of the batch."""

from collections.abc import Collection
from typing import Any

from msgspec import Struct, field
from msgspec.structs import replace
from psycopg import Cursor

from application.ports import Reads, UserRow
from domain.event import Event
from domain.group import GroupDisbanded, GroupFormed
from domain.institution import InstitutionRegistered, InstitutionRemoved
from domain.outcome import OutcomeCreated
from domain.password import canonical
from domain.user import FamilyLinked, FamilyUnlinked, PasswordChanged, UserRegistered, UserRemoved
from projections.inline.directory import SQL


class LoadedDirectory(Struct):
    """The rows of the directory that a batch has loaded, changed by the events of the batch.

    `members`: how many users each institution has. `outcomes`: the brand of each. `links`: for an owner and a child,
    the groups that link them. `names`: for a user name in Unicode NFC, the users that have it in any form. Only what
    was loaded is here; anything else is a KeyError.
    """

    users: dict[str, UserRow | None] = field(default_factory=dict)
    institutions: dict[str, bool] = field(default_factory=dict)
    members: dict[str, int] = field(default_factory=dict)
    outcomes: dict[str, str | None] = field(default_factory=dict)
    links: dict[tuple[str, str], set[str]] = field(default_factory=dict)
    names: dict[str, set[str]] = field(default_factory=dict)

    def apply(self, event: Event) -> None:
        match event:
            case UserRegistered():
                self.users[event.user_id] = UserRow(event.role, event.institution_id)
                self.names.get(canonical(event.username), set()).add(event.user_id)
                self._count(event.institution_id, 1)
                self._hold(event.user_id, event.user_id, event.children)
            case UserRemoved():
                there = self.users[event.user_id]
                self._count(None if there is None else there.institution_id, -1)
                self.names.get(canonical(event.username), set()).discard(event.user_id)
                self.users[event.user_id] = None
                for link, groups in self.links.items():
                    if event.user_id in link:
                        groups.clear()
            case PasswordChanged():
                self._change_password(event)
            case FamilyLinked():
                self.links.get((event.family_id, event.child_id), set()).add(event.family_id)
            case FamilyUnlinked():
                self.links.get((event.family_id, event.child_id), set()).discard(event.family_id)
            case InstitutionRegistered():
                self.institutions[event.institution_id] = True
            case InstitutionRemoved():
                self.institutions[event.institution_id] = False
            case OutcomeCreated():
                self.outcomes[event.outcome_id] = event.definition.brand_id
            case GroupFormed():
                self._hold(event.owner_id, event.group_id, event.children)
            case GroupDisbanded():
                self._hold(event.owner_id, event.group_id, ())

    def _change_password(self, event: PasswordChanged) -> None:
        there = self.users.get(event.user_id)
        if there is not None:
            changes, changed_at = there.password_changes + 1, event.origin.recorded_at
            self.users[event.user_id] = replace(there, password_changes=changes, password_changed_at=changed_at)

    def _count(self, institution_id: str | None, change: int) -> None:
        if institution_id in self.members:
            self.members[institution_id] += change

    def _hold(self, owner_id: str, group_id: str, children: Collection[str]) -> None:
        """Link the owner of a group to exactly these children through the group."""
        for (owner, child_id), groups in self.links.items():
            if owner == owner_id:
                (groups.add if child_id in children else groups.discard)(group_id)


def load(cursor: Cursor[Any], directory: LoadedDirectory, reads: Reads) -> None:
    """Load the rows that `reads` names and that are not loaded yet, with one statement."""
    users = reads.users - directory.users.keys()
    institutions = reads.institutions - directory.institutions.keys()
    members = reads.members - directory.members.keys()
    outcomes = reads.outcomes - directory.outcomes.keys()
    links = reads.links - directory.links.keys()
    names = reads.names - directory.names.keys()
    if not (users or institutions or members or outcomes or links or names):
        return
    directory.users.update(dict.fromkeys(users))
    directory.institutions.update(dict.fromkeys(institutions, False))
    directory.outcomes.update(dict.fromkeys(outcomes))
    directory.links.update((link, set()) for link in links)
    directory.names.update((name, set()) for name in names)
    cursor.execute(
        SQL["load"],
        {
            "users": list(users),
            "institutions": list(institutions),
            "members": list(members),
            "outcomes": list(outcomes),
            "owners": [owner for owner, _ in links],
            "children": [child for _, child in links],
            "names": list(names),
        },
        prepare=True,
    )
    for sort, id, text, other, number, time in cursor:
        match sort:
            case "user":
                directory.users[id] = UserRow(text, other, number, time)
            case "institution":
                directory.institutions[id] = True
            case "members":
                directory.members[id] = number
            case "outcome":
                directory.outcomes[id] = text
            case "tie":
                directory.links[id, text].add(other)
            case "name":
                directory.names[id].add(text)
