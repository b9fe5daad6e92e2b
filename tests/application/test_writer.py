"""The writer runs waiting commands in bounded batches, never splits one, and answers all of them."""

import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Sequence
from typing import Any

import pytest

from application.command import Actor, Command
from application.processor import CommandResults
from application.unavailable import Unavailable
from application.writer import Writer
from tests.example_commands import reading, record_measurements
from tests.examples import new_id


class Gate:
    """Implements `application.writer.BatchProcessor`: every result is the request id, once the gate is open.

    `batches`: the request ids of every batch. `answer`: another function from a batch to its results.
    """

    def __init__(self, answer: Callable[[Sequence[Command], bool], CommandResults] | None = None) -> None:
        self.open = threading.Event()
        self.reached = threading.Event()
        self.batches: list[list[str]] = []
        self._answer = answer or (lambda waiting, _: {place: [it.request_id] for place, it in enumerate(waiting)})

    def run(self, waiting: Sequence[Command], *, oldest_waits: bool) -> CommandResults:
        self.batches.append([command.request_id for command in waiting])
        self.reached.set()
        assert self.open.wait(10)
        return self._answer(waiting, oldest_waits)


def of_size(size: int, **said: Any) -> Command:
    return record_measurements(request_id=new_id(), readings=[reading()] * size, **said)


class Running:
    """A writer in front of a gate."""

    def __init__(self, gate: Gate, batch_size: int = 5, queue_size: int = 10) -> None:
        self.gate = gate
        self.writer = Writer(gate, batch_size=batch_size, queue_size=queue_size)
        self.writer.start()
        self._tasks: list[asyncio.Task[Any]] = []

    async def first(self) -> asyncio.Task[Any]:
        """Submit a command of one item, and wait until it is running."""
        task = self.submit(of_size(1))
        assert await asyncio.to_thread(self.gate.reached.wait, 10)
        return task

    def submit(self, command: Command) -> asyncio.Task[Any]:
        task = asyncio.get_running_loop().create_task(self.writer.submit(command))
        self._tasks.append(task)
        return task

    async def all_wait(self) -> None:
        """Wait until everything that was submitted is in the queue."""
        for _ in range(3):
            await asyncio.sleep(0)

    async def end(self) -> None:
        self.gate.open.set()
        await asyncio.to_thread(self.writer.stop)
        await asyncio.gather(*self._tasks, return_exceptions=True)


@pytest.fixture
async def running() -> AsyncIterator[Running]:
    running = Running(Gate())
    yield running
    await running.end()


async def test_every_command_gets_its_own_result(running: Running) -> None:
    running.gate.open.set()
    commands = [of_size(1) for _ in range(20)]
    tasks = [running.submit(command) for command in commands[:9]]
    assert [[command.request_id] for command in commands[:9]] == await asyncio.gather(*tasks)


async def test_waiting_commands_are_batched_up_to_the_batch_size(running: Running) -> None:
    await running.first()
    waiting = [of_size(size) for size in (2, 2, 1, 3, 1)]
    tasks = [running.submit(command) for command in waiting]
    await running.all_wait()
    running.gate.open.set()
    await asyncio.gather(*tasks)
    ids = [command.request_id for command in waiting]
    assert [ids[:3], ids[3:]] == running.gate.batches[1:]


async def test_a_command_larger_than_a_batch_is_run_whole_and_alone(running: Running) -> None:
    await running.first()
    small, large, after = of_size(1), of_size(7), of_size(1)
    tasks = [running.submit(command) for command in (small, large, after)]
    await running.all_wait()
    running.gate.open.set()
    await asyncio.gather(*tasks)
    assert [[small.request_id], [large.request_id], [after.request_id]] == running.gate.batches[1:]


async def test_a_full_queue_refuses_a_command_at_once_and_never_runs_it(running: Running) -> None:
    await running.first()
    fits = running.submit(of_size(9))
    await running.all_wait()
    refused = of_size(1)
    with pytest.raises(Unavailable) as unavailable:
        await asyncio.wait_for(running.writer.submit(refused), 1)
    assert unavailable.value.retry_after >= 1
    running.gate.open.set()
    await fits
    assert all(refused.request_id not in batch for batch in running.gate.batches)


async def test_commands_that_are_given_up_fail_at_once_and_waiting_ones_are_never_run(running: Running) -> None:
    given_up = [await running.first(), running.submit(of_size(9))]
    await running.all_wait()
    assert running.writer.waiting_for > 0
    running.writer.give_up("the database says nothing")
    for task in given_up:
        with pytest.raises(Unavailable):
            await asyncio.wait_for(task, 10)
    after = of_size(9)
    task = running.submit(after)
    running.gate.open.set()
    assert [after.request_id] == await asyncio.wait_for(task, 10)
    assert [after.request_id] == running.gate.batches[-1]
    assert 2 == len(running.gate.batches)
    assert (0, 0) == (running.writer.waiting_for, running.writer.queued)


async def test_the_writer_tells_for_how_long_a_batch_has_been_given_up(running: Running) -> None:
    given_up = await running.first()
    assert 0 == running.writer.given_up_for
    running.writer.give_up("the database says nothing")
    with pytest.raises(Unavailable):
        await given_up
    assert running.writer.given_up_for > 0
    running.gate.open.set()
    await running.submit(of_size(1))
    assert 0 == running.writer.given_up_for


async def test_answered_commands_make_room_in_the_queue(running: Running) -> None:
    running.gate.open.set()
    for _ in range(30):
        await running.writer.submit(of_size(9))


async def test_a_command_without_items_takes_room_in_the_queue(running: Running) -> None:
    await running.first()
    tasks = [running.submit(of_size(0)) for _ in range(9)]
    await running.all_wait()
    with pytest.raises(Unavailable):
        await running.writer.submit(of_size(0))
    running.gate.open.set()
    await asyncio.gather(*tasks)


async def test_an_empty_queue_takes_a_command_of_any_size(running: Running) -> None:
    running.gate.open.set()
    command = of_size(1_000)
    assert [command.request_id] == await running.writer.submit(command)


async def test_cancelled_requests_do_not_keep_others_from_their_results(running: Running) -> None:
    tasks = [await running.first(), *(running.submit(of_size(1)) for _ in range(3))]
    await running.all_wait()
    for place in (0, 1, 3):
        tasks[place].cancel()
    running.gate.open.set()
    assert await asyncio.wait_for(tasks[2], 5)
    assert await asyncio.wait_for(running.writer.submit(of_size(1)), 5)


async def test_a_stopping_writer_runs_waiting_commands_and_refuses_new_ones(running: Running) -> None:
    tasks = [await running.first(), *(running.submit(of_size(4)) for _ in range(2))]
    await running.all_wait()
    stopping = asyncio.create_task(asyncio.to_thread(running.writer.stop))
    await asyncio.sleep(0.05)
    with pytest.raises(Unavailable):
        await running.writer.submit(of_size(1))
    running.gate.open.set()
    await stopping
    assert 3 == len(await asyncio.wait_for(asyncio.gather(*tasks), 5))


async def test_a_writer_without_any_command_stops() -> None:
    writer = Writer(Gate(), batch_size=1, queue_size=1)
    writer.start()
    await asyncio.wait_for(asyncio.to_thread(writer.stop), 5)


async def test_a_full_queue_has_room_for_an_actor_who_has_less_in_it(running: Running) -> None:
    first = await running.first()
    tasks = [running.submit(of_size(3)) for _ in range(3)]
    await running.all_wait()
    other = running.submit(of_size(2, actor=Actor("f" * 24, "application")))
    with pytest.raises(Unavailable) as dropped:
        await asyncio.wait_for(tasks[2], 10)
    assert "queue" == dropped.value.kind
    running.gate.open.set()
    await asyncio.wait_for(asyncio.gather(first, *tasks[:2], other), 10)


async def test_a_batch_has_commands_of_every_actor(running: Running) -> None:
    await running.first()
    commands = [*(of_size(1) for _ in range(6)), of_size(1, actor=Actor("f" * 24, "application"))]
    tasks = [running.submit(command) for command in commands]
    await running.all_wait()
    running.gate.open.set()
    await asyncio.gather(*tasks)
    assert commands[-1].request_id in running.gate.batches[1]
