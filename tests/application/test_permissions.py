"""Every command and query has its row in the table of permissions, every role its scopes, every refusal an error
response."""

from collections.abc import Iterator
from importlib import import_module
from pkgutil import iter_modules
from types import ModuleType
from typing import TypeVar

import pytest

from adapters.refusal_messages import ENVELOPES
from application import commands, permissions, queries
from application.command import Actor, Command
from application.commands.register_first_admin import SERVICE
from application.permissions import ANY, LINKED, MAY, OWN, SCOPES, Whose
from application.ports import Reads, UserRow
from application.queries.query import Query
from domain.refusal import ChildNotRegistered, Forbidden, Refusal, UserGone
from domain.user import TITLES
from tests.example_commands import COMMANDS
from tests.examples import CHILD, OTHER_CHILD, actor

ASKER = "5a62be07de34500146d9c543"


K = TypeVar("K")


def kinds_of(sort: type[K]) -> Iterator[type[K]]:
    """All subclasses in the project, without those of tests."""
    for kind in sort.__subclasses__():
        if not kind.__module__.startswith("tests."):
            yield kind
        yield from kinds_of(kind)


def names_of(package: ModuleType, sort: type[Command] | type[Query]) -> list[str]:
    """The names of all subclasses in the package. One without a name of its own is abstract."""
    for module in iter_modules(package.__path__):
        import_module(f"{package.__name__}.{module.name}")
    return [kind.name for kind in kinds_of(sort) if "name" in vars(kind)]


COMMAND_NAMES = names_of(commands, Command)
QUERY_NAMES = names_of(queries, Query)


def test_the_table_has_a_row_for_every_command_and_every_query_and_no_other() -> None:
    assert {*COMMAND_NAMES, *QUERY_NAMES} == set(MAY)


def test_every_command_and_every_query_has_a_name() -> None:
    """Only abstract ones have no name of their own."""
    nameless = [kind for kind in (*kinds_of(Command), *kinds_of(Query)) if "name" not in vars(kind)]
    assert [] == [kind.__name__ for kind in nameless if not kind.__subclasses__()]


def test_no_two_commands_or_queries_share_a_name() -> None:
    names = [*COMMAND_NAMES, *QUERY_NAMES]
    assert sorted(set(names)) == sorted(names)


def test_every_command_has_an_example() -> None:
    assert set(COMMAND_NAMES) == {command.name for command in COMMANDS}


def test_every_action_is_permitted_to_some_role() -> None:
    assert [] == [action for action, roles in MAY.items() if not roles]


def test_the_table_of_permissions_has_only_existing_roles_and_the_service() -> None:
    assert {SERVICE.role} == {role for roles in MAY.values() for role in roles} - set(TITLES)


def test_actions_of_the_service_are_permitted_to_nobody_else() -> None:
    assert SERVICE.role not in TITLES
    actions = ("register_first_admin", "reset_password_locally", "create_admin", "take_out_strangers")
    assert {action: {SERVICE.role: ANY} for action in actions} == {
        action: roles for action, roles in MAY.items() if SERVICE.role in roles
    }


@pytest.mark.parametrize(
    ("role", "expected"),
    [
        ("admin", ["measurements:read"]),
        ("application", ["measurements:create", "measurements:read", "measurements:delete"]),
        ("child", ["measurements:create", "measurements:read"]),
        ("educator", ["measurements:create", "measurements:read", "measurements:delete"]),
        ("family", ["measurements:create", "measurements:read", "measurements:delete"]),
        ("healthprofessional", ["measurements:read"]),
    ],
)
def test_a_role_has_the_scopes_of_the_contract(role: str, expected: list[str]) -> None:
    assert expected == permissions.scopes_of(role)


CONTRACT: dict[str, tuple[Whose | None, Whose | None, Whose | None]] = {
    "admin": (None, ANY, None),
    "application": (ANY, ANY, ANY),
    "child": (OWN, OWN, None),
    "educator": (LINKED, LINKED, LINKED),
    "family": (LINKED, LINKED, LINKED),
    "healthprofessional": (None, LINKED, None),
}
"""Role → whose measurements it may post, get, delete."""


@pytest.mark.parametrize("role", TITLES)
def test_the_permissions_of_a_role_are_those_of_the_contract(role: str) -> None:
    actions = ("record_measurements", "read_measurements", "remove_measurement")
    assert CONTRACT[role] == tuple(MAY[action].get(role) for action in actions)


@pytest.mark.parametrize("action", MAY)
@pytest.mark.parametrize("role", TITLES)
def test_an_action_is_forbidden_to_roles_outside_its_row(action: str, role: str) -> None:
    if role in MAY[action]:
        permissions.check_role(action, actor(role))
    else:
        with pytest.raises(Forbidden):
            permissions.check_role(action, actor(role))


@pytest.mark.parametrize(("scope", "action"), SCOPES.items())
@pytest.mark.parametrize("others", [frozenset[str](), frozenset(SCOPES)])
def test_an_action_is_forbidden_to_a_token_without_its_scope(scope: str, action: str, others: frozenset[str]) -> None:
    asking = Actor("x", "application", others - {scope})
    with pytest.raises(Forbidden):
        permissions.check_role(action, asking)


class Facts:
    """Implements `application.permissions.DirectoryLookup`: only these users and links exist."""

    def __init__(self, users: dict[str, str], *links: tuple[str, str]) -> None:
        self.users, self.links = users, links

    def user(self, user_id: str) -> UserRow | None:
        return UserRow(self.users[user_id], None) if user_id in self.users else None

    def is_linked(self, owner_id: str, child_id: str) -> bool:
        return (owner_id, child_id) in self.links


def asked(role: str, facts: Facts, asker: str = ASKER, action: str = "read_measurements") -> None:
    reads = Reads()
    permissions.reads_of_child(action, actor(role, asker), CHILD, reads)
    assert {asker, CHILD} == reads.users
    assert reads.links == ({(asker, CHILD)} if MAY[action][role] is LINKED else set())
    permissions.check_child(action, actor(role, asker), CHILD, facts)


def test_an_actor_that_is_linked_to_the_child_is_permitted() -> None:
    asked("educator", Facts({ASKER: "educator", CHILD: "child"}, (ASKER, CHILD)))


def test_a_child_is_permitted_to_act_on_itself() -> None:
    asked("child", Facts({CHILD: "child"}), CHILD)


@pytest.mark.parametrize(
    ("role", "facts", "refusal"),
    [
        ("application", Facts({}), UserGone),
        ("application", Facts({ASKER: "admin", CHILD: "child"}), UserGone),
        ("child", Facts({ASKER: "child"}), Forbidden),
        ("application", Facts({ASKER: "application"}), ChildNotRegistered),
        ("application", Facts({ASKER: "application", CHILD: "educator"}), ChildNotRegistered),
        ("educator", Facts({ASKER: "educator"}, (ASKER, CHILD)), ChildNotRegistered),
        ("educator", Facts({ASKER: "educator", CHILD: "child"}), Forbidden),
        ("family", Facts({ASKER: "family", CHILD: "child"}, (ASKER, OTHER_CHILD), (CHILD, ASKER)), Forbidden),
    ],
)
def test_refusals_have_the_precedence_of_the_contract(role: str, facts: Facts, refusal: type[Refusal]) -> None:
    with pytest.raises(Refusal) as refused:
        asked(role, facts)
    assert refusal is refused.type


def test_every_raised_refusal_has_an_error_response() -> None:
    leaves = [kind for kind in kinds_of(Refusal) if not kind.__subclasses__()]
    assert [] == [kind.__name__ for kind in leaves if kind not in ENVELOPES]
