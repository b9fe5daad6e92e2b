"""Batches that the processor cannot run as a whole."""

import asyncio
from collections.abc import Sequence
from itertools import pairwise

import pytest

from application import writer
from application.command import Command, Fault
from application.ports import LogUnavailable, PartitionsHeld
from application.processor import CommandResults, Processor
from application.unavailable import Unavailable
from application.writer import Writer
from domain.refusal import AlreadyRegistered
from tests.application.test_writer import Gate, Running, of_size
from tests.application.world import World
from tests.fakes import FakeLog


async def test_deferred_commands_are_run_later_in_order() -> None:
    """The stub runs only the last command of a batch, until the oldest may wait."""
    waits: list[bool] = []

    def run_the_last(waiting: Sequence[Command], oldest_waits: bool) -> CommandResults:
        waits.append(oldest_waits)
        last = 0 if oldest_waits else len(waiting) - 1
        return {last: [waiting[last].request_id]}

    running = Running(Gate(run_the_last))
    await running.first()
    waiting = [of_size(1) for _ in range(3)]
    tasks = [running.submit(command) for command in waiting]
    await running.all_wait()
    running.gate.open.set()
    ids = [command.request_id for command in waiting]
    assert [[id] for id in ids] == await asyncio.wait_for(asyncio.gather(*tasks), 5)
    assert [ids, ids[:2], ids[1:2]] == running.gate.batches[1:]
    assert [True, False, True, True] == waits
    await running.end()


async def test_a_batch_of_one_command_waits_for_its_partitions_at_once() -> None:
    waits: list[bool] = []

    def run_all(waiting: Sequence[Command], oldest_waits: bool) -> CommandResults:
        waits.append(oldest_waits)
        return {place: [] for place in range(len(waiting))}

    running = Running(Gate(run_all))
    running.gate.open.set()
    await running.writer.submit(of_size(1))
    assert [True] == waits
    await running.end()


async def test_deferred_commands_keep_their_room_in_the_queue() -> None:
    blocked = True

    def nobody(waiting: Sequence[Command], oldest_waits: bool) -> CommandResults:
        return {} if blocked else {place: [] for place in range(len(waiting))}

    running = Running(Gate(nobody), batch_size=10, queue_size=10)
    task = running.submit(of_size(10))
    await running.all_wait()
    running.gate.open.set()
    await asyncio.sleep(0.05)
    with pytest.raises(Unavailable):
        await running.writer.submit(of_size(1))
    blocked = False
    assert [] == await asyncio.wait_for(task, 5)
    assert [] == await asyncio.wait_for(running.writer.submit(of_size(10)), 5)
    await running.end()


class Held:
    """Results of batches while others hold the partitions of some commands: these have none, or PartitionsHeld for the
    oldest that has waited. `waited`: whether the oldest did, for each batch."""

    def __init__(self, *held: Command) -> None:
        self.held = {command.request_id for command in held}
        self.waited: list[bool] = []

    def __call__(self, waiting: Sequence[Command], oldest_waits: bool) -> CommandResults:
        self.waited.append(oldest_waits)
        if oldest_waits and waiting[0].request_id in self.held:
            return {0: PartitionsHeld()}
        return {place: [] for place, command in enumerate(waiting) if command.request_id not in self.held}


async def test_other_commands_are_answered_while_a_large_deferred_one_waits() -> None:
    stuck = of_size(7)
    running = Running(Gate(held := Held(stuck)), batch_size=5, queue_size=20)
    task = running.submit(stuck)
    await running.all_wait()
    running.gate.open.set()
    for _ in range(5):
        assert [] == await asyncio.wait_for(running.writer.submit(of_size(5)), 5)
    assert not task.done()
    assert (True, True) not in pairwise(held.waited)
    held.held.clear()
    assert [] == await asyncio.wait_for(task, 5)
    await running.end()


async def test_commands_deferred_for_too_long_become_unavailable_and_leave_the_queue(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(writer, "DEFERRAL_LIMIT", 0.0)
    stuck = [of_size(3) for _ in range(3)]
    running = Running(Gate(Held(*stuck)), batch_size=10, queue_size=10)
    await running.first()
    tasks = [running.submit(command) for command in stuck]
    await running.all_wait()
    running.gate.open.set()
    ended = await asyncio.wait_for(asyncio.gather(*tasks, return_exceptions=True), 5)
    assert [Unavailable] * 3 == [type(each) for each in ended]
    assert 2 == len(running.gate.batches)
    assert [] == await asyncio.wait_for(running.writer.submit(of_size(10)), 5)
    await running.end()


async def test_an_unavailable_log_fails_the_batch_and_the_next_batch_is_run() -> None:
    away = [True, False]

    def first_away(waiting: Sequence[Command], _: bool) -> CommandResults:
        if away.pop(0):
            return dict.fromkeys(range(len(waiting)), LogUnavailable("away"))
        return {place: [] for place in range(len(waiting))}

    running = Running(Gate(first_away))
    running.gate.open.set()
    with pytest.raises(Unavailable):
        await running.writer.submit(of_size(1))
    assert [] == await asyncio.wait_for(running.writer.submit(of_size(1)), 5)
    await running.end()


async def test_a_bug_in_the_processor_is_a_fault_of_the_batch_and_the_next_is_run() -> None:
    breaks = [True, False]

    def first_breaks(waiting: Sequence[Command], _: bool) -> CommandResults:
        if breaks.pop(0):
            raise RuntimeError
        return {place: [] for place in range(len(waiting))}

    running = Running(Gate(first_breaks))
    running.gate.open.set()
    assert isinstance(await running.writer.submit(of_size(1)), Fault)
    assert [] == await asyncio.wait_for(running.writer.submit(of_size(1)), 5)
    await running.end()


@pytest.fixture
def world(fake_log: FakeLog) -> World:
    return World(fake_log)


async def test_one_of_a_hundred_equal_simultaneous_commands_is_accepted(world: World) -> None:
    running = Writer(Processor(world.log), batch_size=7, queue_size=1_000)
    running.start()
    answers = await asyncio.gather(*(running.submit(world.weigh()) for _ in range(100)))
    await asyncio.to_thread(running.stop)
    outcomes = [outcome for answer in answers if isinstance(answer, list) for outcome in answer]
    assert [1, 99] == [
        sum(isinstance(outcome, str) for outcome in outcomes),
        sum(isinstance(outcome, AlreadyRegistered) for outcome in outcomes),
    ]
    assert 1 == len(world.events())
