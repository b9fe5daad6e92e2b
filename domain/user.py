"""Users: everybody who may log in. Five kinds that a programme registers, and the admins who do it.

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
"""Every role, and what people call it."""

TITLE = "User"
"""What people call a user whose role is not known."""

USERNAME_LENGTH = 200


class Profile(Struct, frozen=True, omit_defaults=True, gc=False):
    """What only some roles have: a child's gender, and its date of birth or its age (text, with the date on which it
    held; of children registered by earlier versions any text, perhaps without a date), an application's name."""

    gender: str | None = None
    age: str | None = None
    age_calc_date: str | None = None
    application_name: str | None = None
    birth_date: str | None = None


# Events


class UserRegistered(Event, frozen=True, kw_only=True):
    """`children`: of a family, the ids of its children at the start."""

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
    """Another than the user has set the password, who may not know the one before."""

    stored_name: ClassVar[str] = "user.password_reset.v1"


class PasswordHashRenewed(Event, frozen=True, kw_only=True):
    """The same password under another hash: of another cost, or of the password in Unicode NFC."""

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
    """`children`: of a family, those it was registered with or linked to since. `password_changes`: how often
    the password was changed or reset, which ends the tokens issued before."""

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

    `state`: before them.
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
                continue  # it is a child's own event
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
    """User names are unique over all roles, so that a login names one."""
    return dedupe.key(f"{ACCOUNTS}/usernames", username)


def groups_scope(owner_id: str) -> str:
    """The scope of the group names of one owner."""
    return f"{ACCOUNTS}/groups/{owner_id}"


def _registered(event: UserRegistered) -> Sequence[dedupe.Change]:
    return (dedupe.Held(key(event.username), event.originator_id),)


def _removed(event: UserRemoved) -> Sequence[dedupe.Change]:
    return (dedupe.Freed(key(event.username)), dedupe.ScopeFreed(groups_scope(event.user_id)))


DEDUPE: dedupe.Rules = {UserRegistered: _registered, UserRemoved: _removed}
"""What the events do to dedupe keys."""


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
    """Register a user whose institution and children are there. AlreadyRegistered where the name is taken."""
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
    """Remove a user: out of every group and family, its token dead, its name free."""
    return Fact(stream_of(user.user_id), UserRemoved(user_id=user.user_id, role=user.role, username=user.username))


def change_password(user: User, *, replaced: str, password_hash: str) -> Fact:
    """Give a user another password. PasswordDiffers where the hash that the old one was checked against, `replaced`,
    has been replaced since: of several changes at once one wins."""
    if user.password_hash != replaced:
        raise PasswordDiffers("old_password")
    return Fact(stream_of(user.user_id), PasswordChanged(user_id=user.user_id, password_hash=password_hash))


def reset_password(user: User, *, password_hash: str) -> Fact:
    """Give a user another password without asking for the old one."""
    return Fact(stream_of(user.user_id), PasswordReset(user_id=user.user_id, password_hash=password_hash))


def renew_hash(user: User, *, replaced: str, password_hash: str) -> list[Fact]:
    """Keep the password under another hash; nothing where `replaced` is no longer the hash that is kept."""
    if user.password_hash != replaced:
        return []
    return [Fact(stream_of(user.user_id), PasswordHashRenewed(user_id=user.user_id, password_hash=password_hash))]
