"""The processes that calculate take no more values at a time than memory is meant for."""

import asyncio
import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from adapters.statistics.processes import VALUES, Processes
from application.unavailable import Unavailable


@pytest.fixture
def processes() -> Iterator[Processes]:
    processes = Processes()
    yield processes
    processes.stop()


def wait_for(path: Path) -> None:
    while not path.exists():
        time.sleep(0.01)


def calculate_until(begun: Path, ended: Path) -> None:
    """Say that it has begun, and go on until told to end."""
    begun.touch()
    wait_for(ended)


async def refused(processes: Processes, values: int) -> None:
    with pytest.raises(Unavailable) as refusal:
        await processes.run(values, abs, -1)
    assert "calculation" == refusal.value.kind


def test_values_beyond_the_budget_are_refused_until_others_are_done(processes: Processes, tmp_path: Path) -> None:
    begun, ended = tmp_path / "begun", tmp_path / "ended"

    async def ask() -> None:
        first = asyncio.create_task(processes.run(VALUES - 10, calculate_until, begun, ended))
        await asyncio.to_thread(wait_for, begun)
        assert 1 == await processes.run(10, abs, -1)
        await refused(processes, 11)
        ended.touch()
        await first
        assert 1 == await processes.run(VALUES, abs, -1)

    asyncio.run(ask())


def test_a_calculation_that_is_alone_may_be_of_any_size(processes: Processes) -> None:
    assert 1 == asyncio.run(processes.run(2 * VALUES, abs, -1))


def test_a_calculation_whose_caller_has_left_counts_until_it_is_done(processes: Processes, tmp_path: Path) -> None:
    begun, ended = tmp_path / "begun", tmp_path / "ended"

    async def ask() -> None:
        left = asyncio.create_task(processes.run(VALUES, calculate_until, begun, ended))
        await asyncio.to_thread(wait_for, begun)
        left.cancel()
        await asyncio.gather(left, return_exceptions=True)
        await refused(processes, 1)
        ended.touch()
        while True:
            try:
                assert 1 == await processes.run(VALUES, abs, -1)
            except Unavailable:
                await asyncio.sleep(0.01)
            else:
                return

    asyncio.run(ask())


def test_a_calculation_that_fails_counts_no_longer(processes: Processes) -> None:
    async def ask() -> None:
        for _ in range(3):
            with pytest.raises(TypeError):
                await processes.run(VALUES, abs, "x")

    asyncio.run(ask())


def test_where_no_process_can_be_started_it_is_calculated_in_a_thread_which_is_logged_once(
    processes: Processes, monkeypatch: pytest.MonkeyPatch
) -> None:
    def without_shared_memory(*_: object) -> None:
        raise FileNotFoundError(2, "No such file or directory")

    async def ask() -> None:
        for number in range(3):
            assert (number, os.getpid()) == await processes.run(1, in_this_process, number)

    monkeypatch.setattr("multiprocessing.synchronize._multiprocessing.SemLock", without_shared_memory)
    with capture_logs() as logged:
        asyncio.run(ask())
    assert ["long calculations run in threads: processes cannot be started"] == [line["event"] for line in logged]


def in_this_process(number: int) -> tuple[int, int]:
    return number, os.getpid()
