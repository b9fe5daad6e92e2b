"""Groups of commands at random, in which every event of the catalogue comes up."""

import random
from collections.abc import Sequence
from typing import Any

from msgspec.structs import replace

from application.command import Actor, Command, CommandResult
from application.ports import LogUnavailable
from domain.partition import stream
from tests.adapters.world import ALL, World

PASSWORDS = ("hash", "second", "third")


class Workload:
    """So that many commands meet: few names, few instants, few passwords, removals of anybody.

    What is drawn from need not be there any more, so that refusals and commands without effect come up as well.
    """

    def __init__(self, world: World, seed: int) -> None:
        self._world, self._random = world, random.Random(seed)
        self._users: dict[str, list[str]] = {"child": world.children(4), "educator": [], "family": []}
        self._weights: list[tuple[str, str]] = []
        self._groups: list[tuple[str, str]] = []
        self._institutions: list[str] = []
        self._outcomes: list[str] = []

    def run_group(self) -> None:
        commands = [self._command() for _ in range(self._random.randint(1, 8))]
        for command, answer in zip(commands, self._world.run(*commands), strict=True):
            for id in _ids(answer):
                match command.name:
                    case "register_user":
                        self._users[command.items[0].role].append(id)
                    case "record_measurements":
                        self._weights.append((next(iter(command.partition_keys())), id))
                    case "form_group":
                        self._groups.append((command.actor.id, id))
                    case "remove_user" if self._random.random() < 0.8:
                        self._forget(id)
                    case "register_institution":
                        self._institutions.append(id)
                    case "create_outcomes":
                        self._outcomes.append(id)

    def leave_something(self) -> None:
        """Of everything that may have been removed as often as it came, at least one."""
        (child,) = self._world.children(1)
        self._world.run(self._world.weights(child, range(100, 130)))
        owner = Actor(self._world.id(self._world.register("educator")), "educator", ALL)
        self._world.id(self._world.group(owner, "last", [child]))

    def _command(self) -> Command:
        often = [self._weigh, self._register]
        sometimes = [
            self._create_outcome,
            self._revise_outcome,
            self._enter,
            self._register_family,
            self._remove_weight,
            self._tie,
            self._untie,
            self._form,
            self._revise,
            self._change_password,
            self._note_audit_read,
        ]
        seldom = [self._remove_user, self._register_institution, self._remove_institution, self._disband]
        return self._random.choice(4 * often + 2 * sometimes + seldom)()

    def _forget(self, user_id: str) -> None:
        for ids in self._users.values():
            if user_id in ids:
                ids.remove(user_id)

    def _pick(self, of: Sequence[str]) -> str:
        """One of the last; an id of nobody where there is none."""
        return self._random.choice(of[-6:]) if of else "f" * 24

    def _name(self) -> str:
        return f"name {self._random.randrange(30)}"

    def _children(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(self._pick(self._users["child"]) for _ in range(self._random.randrange(3))))

    def _anybody(self) -> str:
        return self._pick(self._users[self._random.choice(list(self._users))])

    def _weigh(self) -> Command:
        minutes = [self._random.randrange(6) for _ in range(self._random.randint(1, 4))]
        body_fat = self._random.choice([None, 20.0])
        return self._world.weights(self._pick(self._users["child"]), minutes, body_fat=body_fat)

    def _remove_weight(self) -> Command:
        child, id = self._random.choice(self._weights or [("f" * 24, "f" * 24)])
        return self._world.remove(child, id)

    def _register(self) -> Command:
        command = self._world.register(self._random.choice(["child", "educator"]), self._name())
        institution_id = self._pick([self._world.institution_id, *self._institutions])
        return replace(command, user=replace(command.user, institution_id=institution_id))

    def _register_family(self) -> Command:
        return self._world.register("family", self._name(), self._children())

    def _remove_user(self) -> Command:
        return self._world.remove_user(self._anybody())

    def _register_institution(self) -> Command:
        return self._world.institution(self._name())

    def _remove_institution(self) -> Command:
        return self._world.remove_institution(self._pick([self._world.institution_id, *self._institutions]))

    def _change_password(self) -> Command:
        role = self._random.choice(list(self._users))
        user = Actor(self._pick(self._users[role]), role, ALL)
        replaced, other = self._random.choice(("hash", *PASSWORDS)), self._random.choice(PASSWORDS)
        change = self._world.change_password(user, replaced, other)
        return self._random.choice(
            (
                change,
                change,
                self._world.renew_hash(user, replaced, other),
                self._world.reset_password(user.id, other),
            )
        )

    def _create_outcome(self) -> Command:
        return self._world.outcome_of(self._name())

    def _revise_outcome(self) -> Command:
        return self._world.revise_outcome(self._pick(self._outcomes), name=self._name())

    def _enter(self) -> Command:
        hours = [self._random.randrange(60) for _ in range(self._random.randint(1, 4))]
        subject = self._random.choice([self._pick(self._users["child"]), "subject"])
        return self._world.entries(self._pick(self._outcomes), subject, hours)

    def _tie(self) -> Command:
        return self._world.link(self._pick(self._users["family"]), self._pick(self._users["child"]))

    def _untie(self) -> Command:
        return self._world.unlink(self._pick(self._users["family"]), self._pick(self._users["child"]))

    def _form(self) -> Command:
        return self._world.group(self._owner(), self._name(), self._children())

    def _owner(self) -> Actor:
        return Actor(self._pick(self._users["educator"]), "educator", ALL)

    def _own(self) -> tuple[Actor, str]:
        owner, group = self._random.choice(self._groups[-8:] or [("f" * 24, "f" * 24)])
        return Actor(owner, "educator", ALL), group

    def _revise(self) -> Command:
        changes: dict[str, Any] = {
            "name": self._name(),
            "children": self._children(),
            "school_class": self._random.choice([None, "5"]),
        }
        said = self._random.sample(sorted(changes), k=self._random.randrange(4))
        return self._world.revise(*self._own(), **{member: changes[member] for member in said})

    def _note_audit_read(self) -> Command:
        return self._world.note_audit_read(stream(*self._random.choice(self._weights or [("f" * 24, "f" * 24)])))

    def _disband(self) -> Command:
        return self._world.disband(*self._own())


def _ids(answer: CommandResult | LogUnavailable) -> list[str]:
    return [outcome for outcome in answer if isinstance(outcome, str)] if isinstance(answer, list) else []
