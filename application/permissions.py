"""Authorization: one table of actions and roles, and its checks against the directory."""

from enum import Enum
from typing import Protocol

from application.command import Actor
from application.ports import Reads, UserRow
from domain.refusal import ChildNotRegistered, Forbidden, NotAuthenticated, UserGone


class Whose(Enum):
    """Whose data a role may act on."""

    ANY = "any"
    OWN = "its own"
    LINKED = "those of the children in its groups or family"


ANY, OWN, LINKED = Whose

REGISTERED = ("application", "child", "educator", "family", "healthprofessional")
"""The roles of the users that admins register."""

MAY: dict[str, dict[str, Whose]] = {
    "record_measurements": {"application": ANY, "child": OWN, "educator": LINKED, "family": LINKED},
    "read_measurements": {
        "admin": ANY,
        "application": ANY,
        "child": OWN,
        "educator": LINKED,
        "family": LINKED,
        "healthprofessional": LINKED,
    },
    "remove_measurement": {"application": ANY, "educator": LINKED, "family": LINKED},
    "register_institution": {"admin": ANY},
    "list_institutions": {"admin": ANY},
    "read_institution": {"admin": ANY},
    "remove_institution": {"admin": ANY},
    "register_first_admin": {"service": ANY},
    "register_user": {"admin": ANY},
    "list_users": {"admin": ANY},
    "read_user": {"admin": ANY, **dict.fromkeys(REGISTERED, OWN)},
    "remove_user": {"admin": ANY},
    "change_password": {"admin": OWN, **dict.fromkeys(REGISTERED, OWN)},
    "renew_password_hash": {"admin": OWN, **dict.fromkeys(REGISTERED, OWN)},
    "reset_password": {"admin": ANY},
    "reset_password_locally": {"service": ANY},
    "create_admin": {"service": ANY},
    "take_out_strangers": {"service": ANY},
    "tie_child": {"admin": ANY},
    "untie_child": {"admin": ANY},
    "form_group": {"educator": OWN, "healthprofessional": OWN},
    "list_groups": {"educator": OWN, "healthprofessional": OWN},
    "read_group": {"educator": OWN, "healthprofessional": OWN},
    "revise_group": {"educator": OWN, "healthprofessional": OWN},
    "disband_group": {"educator": OWN, "healthprofessional": OWN},
    "create_outcomes": {"admin": ANY},
    "revise_outcome": {"admin": ANY},
    "list_outcomes": {"admin": ANY, "application": ANY},
    "read_outcome": {"admin": ANY, "application": ANY},
    "record_entries": {"admin": ANY, "application": ANY},
    "list_entries": {"admin": ANY, "application": ANY},
    "summarize_outcome": {"admin": ANY, "application": ANY},
    "read_series": {"admin": ANY, "application": ANY},
    "read_trend": {"admin": ANY, "application": ANY},
    "correlate_outcomes": {"admin": ANY, "application": ANY},
    "compare_cohorts": {"admin": ANY, "application": ANY},
    "analyze_values": {"admin": ANY, "application": ANY},
    "read_views": {"admin": ANY},
    "list_audit_events": {"admin": ANY},
    "read_stream": {"admin": ANY},
    "read_state": {"admin": ANY},
    "note_audit_read": {"admin": ANY},
}
"""Action (the name of a command or a query) → role → whose data it may act on."""

SCOPES = {
    "measurements:create": "record_measurements",
    "measurements:read": "read_measurements",
    "measurements:delete": "remove_measurement",
}
"""Scope of a token → the action that it permits."""


class DirectoryLookup(Protocol):
    """The lookups of the checks."""

    def user(self, user_id: str) -> UserRow | None: ...

    def is_linked(self, owner_id: str, child_id: str) -> bool: ...


def scopes_of(role: str) -> list[str]:
    """The scopes that a token of the role gets, in the order of SCOPES."""
    return [scope for scope, action in SCOPES.items() if role in MAY[action]]


def check_role(action: str, actor: Actor) -> None:
    """Forbidden if the actor's role does not permit the action, or its token lacks the scope."""
    scope = next((scope for scope, scoped in SCOPES.items() if scoped == action), None)
    if actor.role not in MAY[action] or (scope is not None and scope not in actor.scopes):
        raise Forbidden(tuple(MAY[action]))


def check_own(action: str, actor: Actor, user_id: str, role: str) -> None:
    """Forbidden if the role permits the action on the actor itself only, and this is another user or role."""
    if MAY[action][actor.role] is OWN and (actor.id, actor.role) != (user_id, role):
        raise Forbidden


def reads_of_child(action: str, actor: Actor, child_id: str, reads: Reads) -> None:
    """Add what `check_child` looks up."""
    reads.users.update((actor.id, child_id))
    if MAY[action][actor.role] is LINKED:
        reads.links.add((actor.id, child_id))


def check_child(action: str, actor: Actor, child_id: str, directory: DirectoryLookup) -> None:
    """Raise the first of these that applies: UserGone; Forbidden if the actor is another child; ChildNotRegistered;
    Forbidden if the actor has to be linked to the child and is not."""
    check_actor(actor, directory)
    check_own(action, actor, child_id, "child")
    child = directory.user(child_id)
    if child is None or child.role != "child":
        raise ChildNotRegistered(child_id)
    if MAY[action][actor.role] is LINKED and not directory.is_linked(actor.id, child_id):
        raise Forbidden


def check_actor(actor: Actor, directory: DirectoryLookup) -> None:
    """UserGone if the actor was removed or has another role than in its token. NotAuthenticated if its token is older
    than its password."""
    check_there(actor, directory.user(actor.id))


def check_there(actor: Actor, user: UserRow | None) -> None:
    """The same for an actor whose row in the directory was read before."""
    if user is None or user.role != actor.role:
        raise UserGone
    if actor.password_changes is not None:
        is_older = actor.password_changes != user.password_changes
    else:
        changed_at = user.password_changed_at
        is_older = changed_at is not None and actor.issued_at < changed_at.timestamp()
    if is_older:
        raise NotAuthenticated("bad")
