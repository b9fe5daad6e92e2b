"""Random commands of outcomes and entries, with few names, subjects and times, so that they conflict."""

from datetime import timedelta
from typing import Any

from hypothesis import strategies as st
from msgspec import UNSET

from application.command import Actor, Command
from application.commands.create_outcomes import CreateOutcomes
from application.commands.revise_outcome import OutcomeChange
from domain.entry import Entry
from domain.outcome import Definition
from domain.refusal import NotADecimal, NotText
from tests.application.outcomes_model import Outcomes
from tests.example_commands import create_outcomes, record_entries, revise_outcome
from tests.examples import NOON, new_id

NOT_THERE = "0192a3b4-c5d6-7e8f-9a0b-1c2d3e4f5061"
METRICS = ("weight", "steps")
NAMES = "abc"

instants = st.sampled_from([NOON + timedelta(milliseconds=number) for number in range(2)])
values = st.sampled_from(["0", "70.20", "-1.5", "12345678901234567890.123456789012345678"])


class OutcomeCommands:
    """`created` are the ids of all outcomes in order of creation."""

    def __init__(self, admin: Actor, outcomes: Outcomes, people: list[Actor], subjects: tuple[str, ...]) -> None:
        """`people` may get more users later. `subjects` are those of entries."""
        self.outcomes, self.subjects, self.created = outcomes, subjects, list[str]()
        self._admin, self._people = admin, people
        self.brands = [f"{new_id()} {number}" for number in range(2)]

    @property
    def sorts(self) -> list[Any]:
        """The kinds of command, repeated by frequency."""
        return [*4 * [self.entries], *2 * [self.revisions], self.creations]

    def take_in(self, command: Command, answer: Any) -> None:
        """Add what the command has made."""
        if isinstance(command, CreateOutcomes) and isinstance(answer, list):
            self.created += [outcome for outcome in answer if isinstance(outcome, str)]

    def definitions(self) -> list[Definition]:
        """All definitions that are used, apart from their optional members."""
        return [Definition(name, brand, metric) for brand in self.brands for metric in METRICS for name in NAMES]

    def creations(self, draw: Any) -> Command:
        item = st.one_of(st.sampled_from(self.definitions()), st.builds(NotText, st.just("name")))
        return create_outcomes(actor=self._whoever(draw), definitions=draw(st.lists(item, min_size=1, max_size=3)))

    def revisions(self, draw: Any) -> Command:
        unset = st.just(UNSET)
        change = OutcomeChange(
            name=draw(unset | st.sampled_from(NAMES)), unit=draw(unset | st.sampled_from(["kg", "λ"]))
        )
        return revise_outcome(actor=self._whoever(draw), outcome_id=draw(self._ids()), change=change)

    def entries(self, draw: Any) -> Command:
        if not self.created:
            return self.creations(draw)
        outcome_id = draw(self._ids())
        there = self.outcomes.definitions.get(outcome_id)
        own = self.brands[0] if there is None else there.brand_id
        entry = st.builds(
            Entry,
            st.just(outcome_id),
            st.sampled_from(self.subjects),
            st.sampled_from([own, own, own, *self.brands]),
            values,
            instants,
            st.sampled_from([{}, {"arm": "λ"}]),
        )
        item = st.one_of(entry, entry, entry, st.builds(NotADecimal, st.just("value"), st.just(38)))
        return record_entries(
            actor=self._whoever(draw), outcome_id=outcome_id, entries=draw(st.lists(item, max_size=3))
        )

    def _whoever(self, draw: Any) -> Actor:
        applications = [person for person in self._people if person.role == "application"]
        return draw(st.sampled_from([self._admin, *applications]))  # type: ignore[no-any-return]

    def _ids(self) -> st.SearchStrategy[str]:
        return st.sampled_from([*self.created[::-1], NOT_THERE])
