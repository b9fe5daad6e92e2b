"""Random commands of accounts, about users that exist or have existed."""

from typing import Any

from hypothesis import strategies as st
from msgspec import UNSET
from msgspec.structs import replace

from application.command import Actor, Command
from application.commands.change_password import ChangePassword
from application.commands.form_group import FormGroup
from application.commands.register_institution import RegisterInstitution
from application.commands.register_user import RegisterUser
from application.commands.reset_password import ResetPassword
from tests.application.accounts_model import Accounts
from tests.example_commands import (
    change_password,
    disband_group,
    form_group,
    group_change,
    link_child,
    new_group,
    new_institution,
    new_password,
    new_user,
    register_institution,
    register_user,
    remove_institution,
    remove_user,
    renew_password_hash,
    reset_password,
    revise_group,
    unlink_child,
)
from tests.examples import actor, new_id, user_registered

NOT_THERE = "5a62be07de34500146d9c999"
OWNERS = ("educator", "healthprofessional")

hashes = st.sampled_from([user_registered().password_hash, "second", "third"])


class AccountCommands:
    """All users that have ever existed, in order of registration; the model knows who still exists.

    Each method draws one kind of command, with Hypothesis' `draw`. What it draws from does not depend on ids, which are
    new in every run. `pairs` are owners and children that a drawn command links or unlinks.
    """

    def __init__(self, admin: Actor, accounts: Accounts, people: list[Actor]) -> None:
        self.admin, self.accounts, self.people = admin, accounts, people
        self.groups: list[tuple[Actor, str]] = []
        self.institutions: list[str] = []
        self.pairs: list[tuple[Actor, str]] = []
        self.prefix = new_id()

    @property
    def sorts(self) -> list[Any]:
        """The kinds of command, repeated by frequency."""
        often = 2 * [self.registrations, self.formations, self.revisions, self.links, self.unlinks]
        seldom = [self.disbandings, self.institutions_registered, self.institutions_removed, self.removals_of_users]
        return [*often, *seldom, self.passwords, self.resets_of_passwords, self.renewed_hashes]

    def take_in(self, command: Command, answer: Any) -> None:
        """Add what the command has made."""
        if not isinstance(answer, list) or not answer or not isinstance(answer[0], str):
            return
        match command:
            case RegisterUser():
                self.people.append(actor(command.user.role, answer[0]))
                self.pairs += [(self.people[-1], child_id) for child_id in command.user.children]
            case RegisterInstitution():
                self.institutions.append(answer[0])
            case FormGroup():
                self.groups.append((command.actor, answer[0]))
            case ChangePassword() | ResetPassword():
                self._log_in_again(answer[0])

    def _log_in_again(self, user_id: str) -> None:
        """The actor with a new token; groups and pairs still have the one before."""
        for place, person in enumerate(self.people):
            if person.id == user_id and user_id in self.accounts.users:
                self.people[place] = replace(person, password_changes=self.accounts.users[user_id].password_changes)

    def ids(self, role: str) -> st.SearchStrategy[str]:
        """Ids, mostly of users that still exist."""
        ids = [person.id for person in self.people if person.role == role]
        there = [id for id in ids if id in self.accounts.users]
        return st.sampled_from(4 * there + ids + [NOT_THERE])

    def some_children(self, draw: Any) -> tuple[str, ...]:
        return tuple(draw(st.lists(self.ids("child"), max_size=2, unique=True)))

    def registrations(self, draw: Any) -> Command:
        role = draw(st.sampled_from(["child", "educator", "family", "healthprofessional"]))
        children = self.some_children(draw) if role == "family" else ()
        there = [id for id in self.institutions if id in self.accounts.institutions]
        user = new_user(
            role=role,
            username=f"{self.prefix} {draw(st.integers(0, 8))}",
            password_hash=draw(hashes),
            institution_id=draw(st.sampled_from([None, None, *there, *self.institutions, NOT_THERE])),
            children=children,
        )
        return register_user(actor=self.admin, user=user)

    def removals_of_users(self, draw: Any) -> Command:
        ids = [person.id for person in self.people]
        linked = [child_id for _, child_id in self.pairs[-3:]]
        ids += linked + linked
        return remove_user(actor=self.admin, user_id=draw(st.sampled_from([NOT_THERE, self.admin.id, *ids[::-1]])))

    def passwords(self, draw: Any) -> Command:
        password = new_password(replaced=draw(hashes), password_hash=draw(hashes))
        return change_password(actor=draw(st.sampled_from(self.people[1:])), password=password)

    def renewed_hashes(self, draw: Any) -> Command:
        password = new_password(replaced=draw(hashes), password_hash=draw(hashes))
        return renew_password_hash(actor=draw(st.sampled_from(self.people[1:])), password=password)

    def resets_of_passwords(self, draw: Any) -> Command:
        ids = [person.id for person in self.people[1:]]
        user_id = draw(st.sampled_from([NOT_THERE, *ids[::-1]]))
        return reset_password(actor=self.admin, user_id=user_id, password_hash=draw(hashes))

    def institutions_registered(self, draw: Any) -> Command:
        name = f"{self.prefix} {draw(st.integers(0, 2))}"
        return register_institution(actor=self.admin, institution=new_institution(name=name))

    def institutions_removed(self, draw: Any) -> Command:
        id = draw(st.sampled_from([*self.institutions[::-1], NOT_THERE]))
        return remove_institution(actor=self.admin, institution_id=id)

    def links(self, draw: Any) -> Command:
        family_id, child_id = draw(self.ids("family")), draw(self.ids("child"))
        self.pairs.append((actor("family", family_id), child_id))
        return link_child(actor=self.admin, family_id=family_id, child_id=child_id)

    def unlinks(self, draw: Any) -> Command:
        """Mostly children that a family was linked to."""
        pairs = [(owner.id, child_id) for owner, child_id in self.pairs if owner.role == "family"]
        any_pair = st.tuples(self.ids("family"), self.ids("child"))
        family_id, child_id = draw(st.sampled_from(pairs[-4:]) | any_pair if pairs else any_pair)
        return unlink_child(actor=self.admin, family_id=family_id, child_id=child_id)

    def formations(self, draw: Any) -> Command:
        owners = [person for person in self.people if person.role in OWNERS]
        if not owners:
            return self.registrations(draw)
        owner = draw(st.sampled_from(owners))
        group = new_group(name=draw(st.sampled_from("abc")), children=self.some_children(draw))
        self.pairs += [(owner, child_id) for child_id in group.children]
        return form_group(actor=owner, group=group)

    def revisions(self, draw: Any) -> Command:
        if not self.groups:
            return self.formations(draw)
        owner, group_id = draw(self.own_groups())
        unset = st.just(UNSET)
        change = group_change(
            name=draw(unset | st.sampled_from("abc")),
            children=self.some_children(draw) if draw(st.booleans()) else UNSET,
            school_class=draw(unset | st.sampled_from([None, "4B"])),
        )
        if change.children is not UNSET:
            self.pairs += [(owner, child_id) for child_id in change.children]
        return revise_group(actor=owner, group_id=group_id, change=change)

    def disbandings(self, draw: Any) -> Command:
        if not self.groups:
            return self.formations(draw)
        owner, group_id = draw(self.own_groups())
        return disband_group(actor=owner, group_id=group_id)

    def own_groups(self) -> st.SearchStrategy[tuple[Actor, str]]:
        """An owner with one of its groups; rarely with another owner's group, or none."""
        there = [(owner, id) for owner, id in self.groups if id in self.accounts.groups]
        (owner, _), (_, other) = self.groups[0], self.groups[-1]
        return st.sampled_from(4 * there + self.groups + [(owner, other), (owner, NOT_THERE)])
