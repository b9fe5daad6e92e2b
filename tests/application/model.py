"""What the processor should answer and what should be there afterwards, in plain dictionaries."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from application.command import Actor, Command
from application.commands.form_group import FormGroup
from application.commands.record_measurements import RecordMeasurements
from application.commands.register_user import RegisterUser
from application.commands.remove_measurement import RemoveMeasurement
from application.commands.remove_user import RemoveUser
from domain.measurement import Reading
from domain.refusal import (
    AlreadyRegistered,
    ChildNotRegistered,
    ChildrenNotRegistered,
    Forbidden,
    Refusal,
    UserGone,
)

Place = tuple[str, str, datetime]
"""Child, kind and instant: where there is one measurement at most."""

Row = tuple[float, str, float | None]
"""Value, unit, and the value of what travelled with it."""

Told = str | type[Refusal]


class Model:
    """`users` are roles by id; `names` say whose they are; `places` are ids of measurements as they were last seen."""

    def __init__(self, *people: Actor) -> None:
        self.users = {person.id: person.role for person in people}
        self.names: dict[str, str] = {}
        self.group_names: set[tuple[str, str]] = set()
        self.ties: set[tuple[str, str]] = set()
        self.rows: dict[Place, Row] = {}
        self.places: dict[str, Place] = {}

    def answer(self, command: Command) -> list[Told] | type[Refusal]:
        """What the command is answered with, `id` standing for any id; takes in what follows from it."""
        match command:
            case RecordMeasurements():
                return self._refused(command.actor, command.child_id) or [
                    self._record(item) for item in command.readings
                ]
            case RemoveMeasurement():
                return self._refused(command.actor, command.child_id) or self._remove(command)
            case RemoveUser():
                return self._remove_user(command)
            case RegisterUser():
                return self._register(command)
            case FormGroup():
                return self._form(command)
        raise AssertionError(command)

    def registered(self, command: RegisterUser, id: str) -> None:
        """The user has got this id."""
        self.users[id] = command.user.role
        self.names[command.user.username] = id
        self.ties |= {(id, child_id) for child_id in command.user.children}

    def _refused(self, actor: Actor, child_id: str) -> type[Refusal] | None:
        if actor.id not in self.users:
            return UserGone
        if actor.role == "child" and actor.id != child_id:
            return Forbidden
        if self.users.get(child_id) != "child":
            return ChildNotRegistered
        if actor.role in ("educator", "family") and (actor.id, child_id) not in self.ties:
            return Forbidden
        return None

    def _record(self, reading: Reading | Refusal) -> Told:
        if isinstance(reading, Refusal):
            return type(reading)
        place = (reading.child_id, reading.kind, reading.taken_at)
        if place in self.rows:
            return AlreadyRegistered
        travels = reading.companion_value if reading.kind == "weight" else None
        self.rows[place] = (reading.value, reading.unit, travels)
        if travels is not None:
            self.rows[reading.child_id, "body_fat", reading.taken_at] = (travels, "%", None)
        return "id"

    def _remove(self, command: RemoveMeasurement) -> list[Told]:
        place = self.places.get(command.measurement_id)
        if place is not None and place[:2] == (command.child_id, command.kind) and place in self.rows:
            del self.places[command.measurement_id]
            del self.rows[place]
            weight = (place[0], "weight", place[2])
            if place[1] == "body_fat" and weight in self.rows:
                self.rows[weight] = (*self.rows[weight][:2], None)
        return ["id"]

    def _remove_user(self, command: RemoveUser) -> list[Told] | type[Refusal]:
        if command.actor.id not in self.users:
            return UserGone
        if command.user_id == command.actor.id:
            return Forbidden
        gone = command.user_id
        self.users.pop(gone, None)
        self.names = {name: id for name, id in self.names.items() if id != gone}
        self.group_names = {name for name in self.group_names if name[0] != gone}
        self.ties = {tie for tie in self.ties if gone not in tie}
        self.rows = {place: row for place, row in self.rows.items() if place[0] != gone}
        return ["id"]

    def _register(self, command: RegisterUser) -> list[Told] | type[Refusal]:
        if command.actor.id not in self.users:
            return UserGone
        if self._unknown(command.user.children):
            return [ChildrenNotRegistered]
        if command.user.username in self.names:
            return [AlreadyRegistered]
        self.names[command.user.username] = "not told yet"
        return ["id"]

    def _form(self, command: FormGroup) -> list[Told] | type[Refusal]:
        if command.actor.id not in self.users:
            return UserGone
        if self._unknown(command.group.children):
            return [ChildrenNotRegistered]
        if (command.actor.id, command.group.name) in self.group_names:
            return [AlreadyRegistered]
        self.group_names.add((command.actor.id, command.group.name))
        self.ties |= {(command.actor.id, child_id) for child_id in command.group.children}
        return ["id"]

    def _unknown(self, children: Sequence[str]) -> list[str]:
        return [child_id for child_id in children if self.users.get(child_id) != "child"]


def told(answer: Any) -> Any:
    """An answer in the words of the model."""
    if isinstance(answer, list):
        return ["id" if isinstance(outcome, str) else type(outcome) for outcome in answer]
    return type(answer)
