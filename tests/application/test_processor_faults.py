"""A bug in a command, or an event that the log rejects, does not affect other commands."""

from collections.abc import Collection
from datetime import timedelta

import pytest
from structlog.testing import capture_logs

from application.command import Command, CommandResult, Fault
from application.commands.record_measurements import RecordMeasurements
from application.ports import BatchState, LogUnavailable
from application.processor import Processor
from domain.catalogue import Undecodable
from domain.event import Fact
from domain.partition import stream
from domain.refusal import AlreadyRegistered
from projections.inline.batch_state import InlineBatchState
from tests.application.broken_commands import FAULTY, BreaksInDecide, TakesAVersion
from tests.application.conftest import AnyLog
from tests.application.stored_events import store
from tests.application.world import World
from tests.conftest import PARTITIONS
from tests.example_commands import reading, remove_user
from tests.examples import NOON, measurements_withdrawn, new_id
from tests.fakes import FakeLog


@pytest.fixture
def world(log: AnyLog) -> World:
    return World(log)


def is_fault(answer: CommandResult | LogUnavailable) -> bool:
    """A fault of the command as a whole, or of each of its items."""
    return isinstance(answer, Fault) or (isinstance(answer, list) and all(isinstance(item, Fault) for item in answer))


def is_accepted(answer: CommandResult | LogUnavailable) -> bool:
    return isinstance(answer, list) and all(isinstance(item, str) for item in answer)


class BreaksAtNoon(BreaksInDecide, frozen=True, kw_only=True):
    def broken(self, fact: Fact, known: BatchState) -> Fact:
        return super().broken(fact, known) if fact.happened_at == NOON else fact


def five(world: World, broken: type[RecordMeasurements], *places: int) -> list[Command]:
    """Weights at different times; those at `places` are broken commands."""
    return [
        world.record(
            reading(taken_at=NOON + timedelta(hours=place)), of=broken if place in places else RecordMeasurements
        )
        for place in range(5)
    ]


@pytest.mark.parametrize("broken", FAULTY)
def test_a_bug_in_one_command_does_not_affect_others(world: World, broken: type[RecordMeasurements]) -> None:
    answers = world.run(*five(world, broken, 2))
    assert [2] == [at for at, answer in enumerate(answers) if is_fault(answer)]
    assert 4 == sum(map(is_accepted, answers)) == len(world.events())


def test_a_bug_in_one_item_does_not_affect_the_other_items(world: World) -> None:
    readings = (reading(taken_at=NOON + timedelta(hours=hours)) for hours in (-1, 0, 1))
    (answer,) = world.run(world.record(*readings, of=BreaksAtNoon))
    assert isinstance(answer, list)
    assert [str, Fault, str] == [type(outcome) for outcome in answer]
    assert 2 == len(world.events())


def test_a_command_with_a_bug_holds_no_key(world: World) -> None:
    answers = world.run(world.record(reading(), of=BreaksInDecide), world.weigh())
    assert [True, False] == [is_fault(answer) for answer in answers]
    assert is_accepted(answers[1])


@pytest.mark.parametrize("places", [(0,), (2,), (4,), (0, 1), (1, 3), (0, 2, 4), (0, 1, 2, 3, 4)])
def test_a_command_that_the_log_rejects_fails_alone(world: World, places: tuple[int, ...]) -> None:
    store(world.log, measurements_withdrawn(originator_id=stream(world.child, "taken"), child_id="x"))
    answers = world.run(*five(world, TakesAVersion, *places))
    assert list(places) == [place for place, answer in enumerate(answers) if is_fault(answer)]
    assert 5 - len(places) == sum(map(is_accepted, answers)) == len(world.events()) - 1


def test_commands_before_a_rejected_one_are_visible_to_those_after_it(world: World) -> None:
    store(world.log, measurements_withdrawn(originator_id=stream(world.child, "taken"), child_id="x"))
    refused = world.record(reading(taken_at=NOON + timedelta(hours=1)), of=TakesAVersion)
    first, fault, second, third = world.run(world.weigh(), refused, world.weigh(), world.weigh())
    assert is_accepted(first)
    assert is_fault(fault)
    for answer in (second, third):
        assert isinstance(answer, list)
        assert isinstance(answer[0], AlreadyRegistered)


class UndecodableEnd(FakeLog):
    """Ends with an event that cannot be decoded."""

    def begin(self, wait_for: Collection[int], if_free: Collection[int]) -> InlineBatchState:
        raise Undecodable("measurement_recorded: no such event")


def test_an_event_that_cannot_be_decoded_is_logged_with_one_trace_and_one_line_for_each_request() -> None:
    log = UndecodableEnd(PARTITIONS)
    processor = Processor(log)
    commands = [remove_user(user_id=new_id(), request_id=new_id()) for _ in range(5)]
    with capture_logs() as logged:
        for _ in range(3):
            assert all(map(is_fault, processor.run(commands, oldest_waits=True).values()))
    assert 1 == sum("exc_info" in each for each in logged)
    failed = [each["request_id"] for each in logged if each["event"] == "command failed"]
    assert [command.request_id for command in commands] * 3 == failed
    assert 1 + 15 == len(logged)


def test_a_bug_in_every_item_is_logged_with_one_trace_and_one_line(world: World) -> None:
    readings = [reading(taken_at=NOON + timedelta(hours=hour)) for hour in range(5)]
    with capture_logs() as logged:
        world.run(world.record(*readings, of=BreaksInDecide))
    assert ["a decision failed", "command failed"] == [each["event"] for each in logged]
    assert [True, False] == [bool(each.get("exc_info")) for each in logged]
    assert logged[0]["reason"] == logged[1]["cause"]
