"""A model of accounts in plain dictionaries: users, institutions, groups and families."""

from collections.abc import Iterable

from msgspec import UNSET, Struct

from application.account_command import AccountCommand
from application.command import Actor
from application.commands.change_password import ChangePassword
from application.commands.disband_group import DisbandGroup
from application.commands.form_group import FormGroup
from application.commands.link_child import LinkChild
from application.commands.register_institution import RegisterInstitution
from application.commands.register_user import RegisterUser
from application.commands.remove_institution import RemoveInstitution
from application.commands.remove_user import RemoveUser
from application.commands.renew_password_hash import RenewPasswordHash
from application.commands.reset_password import ResetPassword
from application.commands.revise_group import ReviseGroup
from application.commands.unlink_child import UnlinkChild
from domain.refusal import (
    AlreadyRegistered,
    ChildrenNotRegistered,
    Forbidden,
    InstitutionInUse,
    InstitutionNotRegistered,
    NotAuthenticated,
    NotFound,
    PasswordDiffers,
    Refusal,
    UserGone,
)
from tests.examples import INSTITUTION, user_registered

Expected = str | type[Refusal]


class Account(Struct):
    role: str
    username: str
    password_hash: str
    institution_id: str | None
    password_changes: int = 0


class Group(Struct):
    owner_id: str
    name: str
    children: set[str]
    school_class: str | None


class Accounts:
    """Everything that exists, by id. `families` are pairs of a family and a child that is linked to it."""

    def __init__(self, people: Iterable[Actor]) -> None:
        """With existing users, each with its id as user name."""
        password = user_registered().password_hash
        self.users = {person.id: Account(person.role, person.id, password, INSTITUTION) for person in people}
        self.institutions: dict[str, str] = {}
        self.groups: dict[str, Group] = {}
        self.families: set[tuple[str, str]] = set()

    def is_child(self, user_id: str) -> bool:
        return user_id in self.users and self.users[user_id].role == "child"

    @property
    def links(self) -> set[tuple[str, str, str]]:
        """Owner, group and child; for a family its own id stands for the group."""
        of_groups = {(group.owner_id, id, child) for id, group in self.groups.items() for child in group.children}
        return of_groups | {(family, family, child) for family, child in self.families}

    def is_linked(self, owner_id: str, child_id: str) -> bool:
        return any((owner, child) == (owner_id, child_id) for owner, _, child in self.links)

    def members(self, institution_id: str) -> int:
        return sum(account.institution_id == institution_id for account in self.users.values())

    def answer(self, command: AccountCommand, new_id: str) -> list[Expected] | type[Refusal]:
        """The expected result of a command; `new_id` is the id of what it registers."""
        if gone := refused(command.actor, self):
            return gone
        match command:
            case RegisterUser():
                return [self._register(command, new_id)]
            case RemoveUser():
                return self._remove(command)
            case ChangePassword():
                return [self._change_password(command)]
            case ResetPassword():
                return [self._reset_password(command)]
            case RenewPasswordHash():
                return [self._renew_hash(command)]
            case RegisterInstitution():
                return [self._register_institution(command, new_id)]
            case RemoveInstitution():
                return [self._remove_institution(command)]
            case LinkChild():
                return [self._link(command)]
            case UnlinkChild():
                self.families.discard((command.family_id, command.child_id))
                return ["id"]
            case FormGroup():
                return [self._form(command, new_id)]
            case ReviseGroup():
                return [self._revise(command)]
            case DisbandGroup():
                if self._own(command.actor, command.group_id):
                    del self.groups[command.group_id]
                return ["id"]
        raise AssertionError(command)

    def _register(self, command: RegisterUser, new_id: str) -> Expected:
        new = command.user
        if new.institution_id is not None and new.institution_id not in self.institutions:
            return InstitutionNotRegistered
        if not all(map(self.is_child, new.children)):
            return ChildrenNotRegistered
        if any(account.username == new.username for account in self.users.values()):
            return AlreadyRegistered
        self.users[new_id] = Account(new.role, new.username, new.password_hash, new.institution_id)
        self.families |= {(new_id, child_id) for child_id in new.children}
        return "id"

    def _remove(self, command: RemoveUser) -> list[Expected] | type[Refusal]:
        gone = command.user_id
        if gone == command.actor.id:
            return Forbidden
        self.users.pop(gone, None)
        self.groups = {id: group for id, group in self.groups.items() if group.owner_id != gone}
        for group in self.groups.values():
            group.children.discard(gone)
        self.families = {pair for pair in self.families if gone not in pair}
        return ["id"]

    def _change_password(self, command: ChangePassword) -> Expected:
        account = self.users[command.actor.id]
        if account.password_hash != command.password.replaced:
            return PasswordDiffers
        account.password_hash = command.password.password_hash
        account.password_changes += 1
        return "id"

    def _reset_password(self, command: ResetPassword) -> Expected:
        account = self.users.get(command.user_id)
        if account is None:
            return NotFound
        account.password_hash = command.password_hash
        account.password_changes += 1
        return "id"

    def _renew_hash(self, command: RenewPasswordHash) -> Expected:
        account = self.users[command.actor.id]
        if account.password_hash == command.password.replaced:
            account.password_hash = command.password.password_hash
        return "id"

    def _register_institution(self, command: RegisterInstitution, new_id: str) -> Expected:
        if command.institution.name in self.institutions.values():
            return AlreadyRegistered
        self.institutions[new_id] = command.institution.name
        return "id"

    def _remove_institution(self, command: RemoveInstitution) -> Expected:
        if command.institution_id in self.institutions and self.members(command.institution_id):
            return InstitutionInUse
        self.institutions.pop(command.institution_id, None)
        return "id"

    def _link(self, command: LinkChild) -> Expected:
        if command.family_id not in self.users or self.users[command.family_id].role != "family":
            return NotFound
        if not self.is_child(command.child_id):
            return ChildrenNotRegistered
        self.families.add((command.family_id, command.child_id))
        return "id"

    def _own(self, actor: Actor, group_id: str) -> bool:
        return group_id in self.groups and self.groups[group_id].owner_id == actor.id

    def _taken(self, owner_id: str, name: str) -> bool:
        return any((group.owner_id, group.name) == (owner_id, name) for group in self.groups.values())

    def _are_of_its_institution(self, owner_id: str, children: Iterable[str]) -> bool:
        institution_id = self.users[owner_id].institution_id
        return all(self.is_child(id) and self.users[id].institution_id == institution_id for id in children)

    def _form(self, command: FormGroup, new_id: str) -> Expected:
        new, owner_id = command.group, command.actor.id
        if not self._are_of_its_institution(owner_id, new.children):
            return ChildrenNotRegistered
        if self._taken(owner_id, new.name):
            return AlreadyRegistered
        self.groups[new_id] = Group(owner_id, new.name, set(new.children), new.school_class)
        return "id"

    def _revise(self, command: ReviseGroup) -> Expected:
        change = command.change
        if not self._own(command.actor, command.group_id):
            return NotFound
        group = self.groups[command.group_id]
        if change.children is not UNSET and not self._are_of_its_institution(group.owner_id, change.children):
            return ChildrenNotRegistered
        if change.name not in (UNSET, group.name) and self._taken(group.owner_id, str(change.name)):
            return AlreadyRegistered
        if change.name is not UNSET:
            group.name = change.name
        if change.children is not UNSET:
            group.children = set(change.children)
        if change.school_class is not UNSET:
            group.school_class = change.school_class
        return "id"


def refused(actor: Actor, accounts: Accounts) -> type[Refusal] | None:
    """The refusal of an actor that was removed, or whose token is older than its password."""
    if actor.id not in accounts.users:
        return UserGone
    return None if actor.password_changes == accounts.users[actor.id].password_changes else NotAuthenticated
