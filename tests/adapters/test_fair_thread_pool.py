"""Costly work is scheduled in turn by address, with a share for each; abandoned work is not run."""

import asyncio
import threading
from collections.abc import Callable

import pytest

from adapters.auth.fair_thread_pool import SHARE, WAITING, FairThreadPool, Requester
from adapters.errors import Disconnected
from application.unavailable import Unavailable


class Gate:
    """Work that is held up until it is opened, and what was done, in order."""

    def __init__(self) -> None:
        self.turns = FairThreadPool(1, "test")
        self.opened = threading.Event()
        self.done: list[str] = []

    def work(self, what: str) -> str:
        self.opened.wait(60)
        self.done.append(what)
        return what

    def begin(self, what: str, by: Requester) -> "asyncio.Task[str]":
        return asyncio.create_task(self.turns.run(by, self.work, what))


async def begun(gate: Gate) -> "asyncio.Task[str]":
    """The one thread has something to do."""
    first = gate.begin("first", Requester("first", "first"))
    await asyncio.sleep(0)
    return first


async def settle(*tasks: "asyncio.Task[str]") -> list[object]:
    return list(await asyncio.gather(*tasks, return_exceptions=True))


async def test_addresses_take_turns_however_much_one_of_them_asks() -> None:
    gate = Gate()
    first = await begun(gate)
    many = [gate.begin(f"a{number}", Requester(f"user {number}", "a")) for number in range(4)]
    await asyncio.sleep(0)
    one = gate.begin("b", Requester("user", "b"))
    await asyncio.sleep(0)
    gate.opened.set()
    await settle(first, *many, one)
    assert ["first", "a0", "b", "a1", "a2", "a3"] == gate.done


@pytest.mark.parametrize(
    "by",
    [lambda number: Requester(f"user {number}", "one"), lambda number: Requester("one", f"address {number}")],
    ids=["address", "subject"],
)
async def test_a_single_address_or_subject_cannot_take_more_than_its_share_of_the_thread_pool(
    by: Callable[[int], Requester],
) -> None:
    gate = Gate()
    first = await begun(gate)
    many = [gate.begin(str(number), by(number)) for number in range(SHARE + 3)]
    await asyncio.sleep(0)
    other = gate.begin("other", Requester("another", "another"))
    await asyncio.sleep(0)
    assert SHARE + 3 < WAITING
    assert 3 == sum(each.done() for each in many)
    gate.opened.set()
    answers = await settle(first, *many, other)
    assert 3 == sum(isinstance(each, Unavailable) for each in answers)
    assert "other" == answers[-1]
    assert "again" == await gate.turns.run(by(0), gate.work, "again")


async def test_all_together_wait_no_longer_than_a_queue() -> None:
    gate = Gate()
    first = await begun(gate)
    many = [gate.begin(str(number), Requester(f"user {number}", f"address {number}")) for number in range(WAITING)]
    await asyncio.sleep(0)
    assert 1 == sum(each.done() for each in many)
    gate.opened.set()
    assert 1 == sum(isinstance(each, Unavailable) for each in await settle(first, *many))


async def test_work_is_dropped_whose_client_has_left_before_it_began() -> None:
    gate, left = Gate(), asyncio.Event()
    first = await begun(gate)
    waiting = gate.begin("of one who leaves", Requester("user", "address", left.wait))
    gone = gate.begin("of one who has left", Requester("user", "address", lambda: asyncio.sleep(0)))
    after = gate.begin("of one who stays", Requester("other", "address", asyncio.Event().wait))
    for _ in range(5):
        await asyncio.sleep(0)
    left.set()
    with pytest.raises(Disconnected):
        await waiting
    with pytest.raises(Disconnected):
        await gone
    gate.opened.set()
    await settle(first, after)
    assert ["first", "of one who stays"] == gate.done


async def test_work_that_has_begun_is_finished_though_the_client_leaves() -> None:
    gate, left = Gate(), asyncio.Event()
    begun = gate.begin("it", Requester("user", "address", left.wait))
    for _ in range(5):
        await asyncio.sleep(0)
    left.set()
    await asyncio.sleep(0)
    assert not begun.done()
    gate.opened.set()
    assert "it" == await begun


async def test_an_exception_in_a_pool_thread_is_raised_to_its_caller_and_the_next_call_runs() -> None:
    fair_thread_pool = FairThreadPool(1, "test")
    with pytest.raises(ZeroDivisionError):
        await fair_thread_pool.run(Requester("user", "address"), divmod, 1, 0)
    assert (1, 0) == await fair_thread_pool.run(Requester("user", "address"), divmod, 1, 1)


async def test_a_cancelled_wait_leaves_no_trace() -> None:
    gate = Gate()
    first = await begun(gate)
    for _ in range(2 * SHARE):
        waiting = gate.begin("cancelled", Requester("user", "address"))
        await asyncio.sleep(0)
        waiting.cancel()
        await settle(waiting)
    gate.opened.set()
    await settle(first)
    assert "next" == await gate.turns.run(Requester("user", "address"), gate.work, "next")
    assert ["first", "next"] == gate.done
