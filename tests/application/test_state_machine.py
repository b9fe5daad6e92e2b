"""For any batches of commands, the results of the processor and what can be read agree with the model."""

from collections import Counter
from collections.abc import Callable
from contextlib import closing
from typing import Any

import psycopg
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from adapters.postgres.connections import connector
from adapters.postgres.event_store import PostgresEventStore
from application.command import Command
from application.ports import LogUnavailable
from application.processor import ATTEMPTS
from domain.entry import Entry, EntryRecorded
from domain.event import Event
from domain.measurement import MeasurementRecorded, MeasurementRevised, Reading
from domain.partition import name_of
from projections.views.measurements import MeasurementChanges
from tests.application.account_checks import check_accounts
from tests.application.conftest import AnyLog
from tests.application.model import Place, comparable
from tests.application.outcome_checks import check_outcomes
from tests.application.people import People
from tests.application.world import World, events_in
from tests.fakes import FakeLog

FAULTS: list[tuple[str, int, bool]] = [
    ("begin", 1, False),
    ("load", 2, False),
    ("append", 1, False),
    ("commit", 1, True),
    ("commit", 1, False),
    ("load", ATTEMPTS, False),
]
"""Step, how often it is lost, and whether a commit that is lost was carried out."""


class Machine(RuleBasedStateMachine):
    log: Callable[[], AnyLog]
    session: psycopg.Connection[Any] | None

    @initialize()
    def settle(self) -> None:
        self.world = World(self.log())
        self.people = People(self.world)
        self.model = self.people.model
        self.folded = MeasurementChanges()
        self.recorded: dict[str, Place] = {}
        self.entered: dict[str, EntryRecorded] = {}
        self.versions: Counter[str] = Counter()
        self.last: dict[int, Event] = {}
        self.seen: Counter[int] = Counter()
        self.look()
        self.folded, self.entered = MeasurementChanges(), {}

    @rule(data=st.data())
    def run(self, data: st.DataObject) -> None:
        batch: list[Command] = []
        for sort in data.draw(st.lists(st.sampled_from(self.people.sorts), min_size=1, max_size=8)):
            batch += [sort(data.draw)] * data.draw(st.sampled_from([1, 1, 1, 2]))
        if self.breaks(data.draw):
            answers = self.world.run(*batch)
            assert all(isinstance(answer, LogUnavailable) for answer in answers)
            return
        answers = self.world.run(*batch)
        expected = [self.model.answer(command, answer) for command, answer in zip(batch, answers, strict=True)]
        assert expected == [comparable(answer) for answer in answers]
        self.look()
        for command, answer in zip(batch, answers, strict=True):
            if isinstance(answer, list):
                self.take_in(command, answer)

    def breaks(self, draw: Any) -> bool:
        """Let the log have a random fault, or none. Returns whether it is one that fails the batch."""
        if not isinstance(self.world.log, FakeLog):
            return False
        step, times, stored = draw(st.sampled_from([("", 0, False)] * len(FAULTS) + FAULTS))
        self.world.log.lost = Counter({step: times})
        self.world.log.stores_when_lost = stored
        return bool(times >= ATTEMPTS)

    def take_in(self, command: Command, answer: list[Any]) -> None:
        self.people.take_in(command, answer)
        for item, outcome in zip(command.items, answer, strict=True):
            if isinstance(item, Reading) and isinstance(outcome, str):
                assert (item.child_id, item.kind, item.taken_at) == self.recorded[outcome]
            if isinstance(item, Entry) and isinstance(outcome, str):
                event = self.entered[outcome]
                assert item == Entry(
                    event.outcome_id, event.subject_id, event.brand_id, event.value, event.happened_at, event.metadata
                )

    def look(self) -> None:
        """Fold the new events of the log; versions have no gaps, and times never decrease."""
        for part in range(self.world.log.partitions):
            for event in events_in(self.world.log, part, self.seen[part]):
                self.seen[part] += 1
                self.versions[event.originator_id] += 1
                assert self.versions[event.originator_id] == event.originator_version
                assert self.last.setdefault(part, event).origin.recorded_at <= event.origin.recorded_at
                self.last[part] = event
                self.folded.add(part, event)
                if isinstance(event, MeasurementRecorded) and not isinstance(event, MeasurementRevised):
                    self.recorded[name_of(event.originator_id)] = (event.child_id, event.kind, event.happened_at)
                if isinstance(event, EntryRecorded):
                    assert self.entered.setdefault(event.entry_id, event) is event

    @invariant()
    def what_can_be_read_is_what_the_model_says(self) -> None:
        if not hasattr(self, "model"):
            return
        rows = self.folded.rows()
        assert self.model.rows == {
            (child_id, kind, taken_at): (value, unit, companion)
            for _, child_id, kind, _, taken_at, value, unit, companion, _ in rows
        }
        assert len(self.model.rows) == len(rows)
        check_accounts(self.world.log, self.people, self.session)
        check_outcomes(self.world.log, self.people.outcomes, self.entered.values(), self.session)
        self.model.places = {id: (child_id, kind, taken_at) for _, child_id, kind, id, taken_at, *_ in rows}


def run_on(
    opened: Callable[[], AnyLog], other: psycopg.Connection[Any] | None = None, *, examples: int, steps: int
) -> None:
    class On(Machine):
        log = staticmethod(opened)
        session = other

    checks = [HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.data_too_large]
    size = settings(
        max_examples=examples, stateful_step_count=steps, deadline=None, suppress_health_check=checks, print_blob=True
    )
    run_state_machine_as_test(On, settings=size)


def test_batches_in_memory_agree_with_the_model_under_faults() -> None:
    run_on(FakeLog, examples=30, steps=12)


def test_batches_in_postgresql_agree_with_the_model(database: str) -> None:
    with closing(PostgresEventStore(connector(database))) as log, psycopg.connect(database, autocommit=True) as session:
        run_on(lambda: log, session, examples=12, steps=10)
