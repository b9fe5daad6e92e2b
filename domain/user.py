"""Users: all accounts that can log in, of five roles that admins register, and the admins themselves.

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
from domain.refusal import AlreadyRegistered, PasswordDiffers

TITLES = {
    "admin": "Admin",
    "application": "Application",
    "child": "Child",
    "educator": "Educator",
    "family": "Family",
    "healthprofessional": "Health Professional",
}
"""Every role → its title in messages."""

TITLE = "User"
"""The title of a user whose role is not known."""

USERNAME_LENGTH = 200


class Profile(Struct, frozen=True, omit_defaults=True, gc=False):
    """Members that only some roles have. A child has a gender, and its date of birth or its age: a text, with the date
    of which it was true. Children of earlier versions may have any text as age, and no date."""

    gender: str | None = None
    age: str | None = None
    age_calc_date: str | None = None
    application_name: str | None = None
    birth_date: str | None = None


# Events


class UserRegistered(Event, frozen=True, kw_only=True):
    """`children`: the ids of the children that a family is registered with."""

    stored_name: ClassVar[str] = "user.registered.v1"

    user_id: str
    role: str
    username: str
    password_hash: str
    institution_id: str | None = None
    profile: Profile = Profile()
    children: tuple[str, ...] = ()


class UserRemoved(Event, frozen=True, kw_only=True):
    stored_name: ClassVar[str] = "user.removed.v1"

    user_id: str
    role: str
    username: str


class PasswordChanged(Event, frozen=True, kw_only=True):
    stored_name: ClassVar[str] = "user.password_changed.v1"

    user_id: str
    password_hash: str


class PasswordReset(PasswordChanged, frozen=True, kw_only=True):
    """Somebody other than the user set the password, without the old one."""

    stored_name: ClassVar[str] = "user.password_reset.v1"


class PasswordHashRenewed(Event, frozen=True, kw_only=True):
    """The same password got another hash: with other costs, or of its Unicode NFC form."""

    stored_name: ClassVar[str] = "user.password_hash_renewed.v1"

    user_id: str
    password_hash: str


class FamilyLinked(Event, frozen=True, kw_only=True):
    """A child was linked to a family. The event belongs to the family's stream."""

    stored_name: ClassVar[str] = "family.tied.v1"

    family_id: str
    child_id: str


class FamilyUnlinked(Event, frozen=True, kw_only=True):
    """A child was unlinked from a family."""

    stored_name: ClassVar[str] = "family.untied.v1"

    family_id: str
    child_id: str


# State


class User(Struct, frozen=True):
    """`children`: those that a family was registered with or linked to since. `password_changes`: how often the
    password was changed or reset; each time, tokens that were issued before become invalid."""

    version: int
    user_id: str
    role: str
    username: str
    password_hash: str
    institution_id: str | None
    profile: Profile
    children: tuple[str, ...]
    password_changes: int = 0


def fold(events: Iterable[Event], state: User | None = None) -> User | None:
    """The user after `events` of its stream, in order; None before the first and after its removal.

    `state`: the user before them.
    """
    for event in events:
        match event:
            case UserRegistered():
                state = User(
                    event.originator_version,
                    event.user_id,
                    event.role,
                    event.username,
                    event.password_hash,
                    event.institution_id,
                    event.profile,
                    event.children,
                )
            case UserRemoved() if state is not None and event.user_id != state.user_id:
                state = replace(state, children=tuple(each for each in state.children if each != event.user_id))
                continue  # the event of a child of this family: the version is that of another stream
            case UserRemoved():
                state = None
            case PasswordChanged() if state is not None:
                changes = state.password_changes + 1
                state = replace(state, password_hash=event.password_hash, password_changes=changes)
            case PasswordHashRenewed() if state is not None:
                state = replace(state, password_hash=event.password_hash)
            case FamilyLinked() if state is not None:
                state = replace(state, children=(*state.children, event.child_id))
            case FamilyUnlinked() if state is not None:
                state = replace(state, children=tuple(each for each in state.children if each != event.child_id))
        if state is not None:
            state = replace(state, version=event.originator_version)
    return state


def stream_of(user_id: str) -> str:
    return stream(ACCOUNTS, user_id)


def key(username: str) -> dedupe.Key:
    """User names are unique over all roles: a login has no role."""
    return dedupe.key(f"{ACCOUNTS}/usernames", username)


def groups_scope(owner_id: str) -> str:
    """The dedupe scope of the group names of one owner."""
    return f"{ACCOUNTS}/groups/{owner_id}"


def _registered(event: UserRegistered) -> Sequence[dedupe.Change]:
    return (dedupe.Held(key(event.username), event.originator_id),)


def _removed(event: UserRemoved) -> Sequence[dedupe.Change]:
    return (dedupe.Freed(key(event.username)), dedupe.ScopeFreed(groups_scope(event.user_id)))


DEDUPE: dedupe.Rules = {UserRegistered: _registered, UserRemoved: _removed}
"""How the events change dedupe keys."""


# Decisions


def register(
    *,
    user_id: str,
    role: str,
    username: str,
    password_hash: str,
    institution_id: str | None,
    profile: Profile,
    children: tuple[str, ...],
    known: Known,
) -> list[Fact]:
    """Register a user with an existing institution and children. AlreadyRegistered if the name is taken."""
    if known.holder(key(username)) is not None:
        raise AlreadyRegistered(TITLES[role])
    return [
        Fact(
            stream_of(user_id),
            UserRegistered(
                user_id=user_id,
                role=role,
                username=username,
                password_hash=password_hash,
                institution_id=institution_id,
                profile=profile,
                children=children,
            ),
        )
    ]


def remove(user: User) -> Fact:
    """Remove a user from everything, groups and families too. Its tokens become invalid, its name free."""
    return Fact(stream_of(user.user_id), UserRemoved(user_id=user.user_id, role=user.role, username=user.username))


def change_password(user: User, *, replaced: str, password_hash: str) -> Fact:
    """Change the password of a user. `replaced` is the hash that the old password was checked against. PasswordDiffers
    if it has changed since: only one of several simultaneous changes succeeds."""
    if user.password_hash != replaced:
        raise PasswordDiffers("old_password")
    return Fact(stream_of(user.user_id), PasswordChanged(user_id=user.user_id, password_hash=password_hash))


def reset_password(user: User, *, password_hash: str) -> Fact:
    """Set the password of a user without the old one."""
    return Fact(stream_of(user.user_id), PasswordReset(user_id=user.user_id, password_hash=password_hash))


def renew_hash(user: User, *, replaced: str, password_hash: str) -> list[Fact]:
    """Store another hash of the same password. No fact if `replaced` is no longer the stored hash."""
    if user.password_hash != replaced:
        return []
    return [Fact(stream_of(user.user_id), PasswordHashRenewed(user_id=user.user_id, password_hash=password_hash))]
