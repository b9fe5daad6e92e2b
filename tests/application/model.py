"""A model of the processor in plain dictionaries: the expected results of commands, and what exists after them."""

from datetime import datetime
from typing import Any

from application.account_command import AccountCommand
from application.command import Actor, Command
from application.commands.create_outcomes import CreateOutcomes
from application.commands.record_entries import RecordEntries
from application.commands.record_measurements import RecordMeasurements
from application.commands.remove_measurement import RemoveMeasurement
from application.commands.remove_user import RemoveUser
from application.commands.revise_outcome import ReviseOutcome
from domain.measurement import Reading
from domain.refusal import AlreadyRegistered, ChildNotRegistered, Forbidden, Refusal
from tests.application.accounts_model import Accounts, Expected, refused
from tests.application.outcomes_model import Outcomes

Place = tuple[str, str, datetime]
"""Child, kind and instant: where there is one measurement at most."""

Row = tuple[float, str, float | None]
"""Value, unit, and the value of what travelled with it."""


class Model:
    """`places` are the ids of measurements when they were last seen."""

    def __init__(self, *people: Actor) -> None:
        self.accounts = Accounts(people)
        self.outcomes = Outcomes(self.accounts)
        self.rows: dict[Place, Row] = {}
        self.places: dict[str, Place] = {}

    def answer(self, command: Command, answer: Any) -> list[Expected] | type[Refusal]:
        """The expected result of a command, with `id` for any id. Applies the command to the model. From the actual
        result it takes only new ids."""
        match command:
            case RecordMeasurements():
                return self._refused(command.actor, command.child_id) or [
                    self._record(item) for item in command.readings
                ]
            case RemoveMeasurement():
                return self._refused(command.actor, command.child_id) or self._remove(command)
            case CreateOutcomes():
                return self.outcomes.create(command, answer)
            case ReviseOutcome():
                return self.outcomes.revise(command)
            case RecordEntries():
                return self.outcomes.record(command)
            case AccountCommand():
                new_id = answer[0] if isinstance(answer, list) and isinstance(answer[0], str) else "not told"
                expected = self.accounts.answer(command, new_id)
                if isinstance(command, RemoveUser) and isinstance(expected, list):
                    self.rows = {place: row for place, row in self.rows.items() if place[0] != command.user_id}
                return expected
        raise AssertionError(command)

    def _refused(self, actor: Actor, child_id: str) -> type[Refusal] | None:
        if gone := refused(actor, self.accounts):
            return gone
        if actor.role == "child" and actor.id != child_id:
            return Forbidden
        if not self.accounts.is_child(child_id):
            return ChildNotRegistered
        if actor.role in ("educator", "family") and not self.accounts.is_linked(actor.id, child_id):
            return Forbidden
        return None

    def _record(self, reading: Reading | Refusal) -> Expected:
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

    def _remove(self, command: RemoveMeasurement) -> list[Expected]:
        place = self.places.get(command.measurement_id)
        if place is not None and place[:2] == (command.child_id, command.kind) and place in self.rows:
            del self.places[command.measurement_id]
            del self.rows[place]
            weight = (place[0], "weight", place[2])
            if place[1] == "body_fat" and weight in self.rows:
                self.rows[weight] = (*self.rows[weight][:2], None)
        return ["id"]


def comparable(answer: Any) -> Any:
    """A result as the model says it."""
    if isinstance(answer, list):
        return ["id" if isinstance(outcome, str) else type(outcome) for outcome in answer]
    return type(answer)
