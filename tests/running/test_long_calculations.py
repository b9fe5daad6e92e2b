"""Statistics of many values are computed in a separate process, which delays no request and ends with the service."""

import os
import signal
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from tests.acceptance.client import WEIGHT, Api
from tests.acceptance.outcomes import CHANGEPOINT, COHORT_TREND, CORRELATE, answer, invalid, refusal
from tests.running.conftest import Alive
from tests.running.processes import PASSWORD, child, processes_of, serving, soon
from tests.running.programme import client, instant
from tests.running.single_api import is_answering

MANY = [float(number % 101) for number in range(20_000)]
FEW = [1.0, 2.0, 4.0]


def calculating(data: Path) -> list[int]:
    """The processes of a service that calculate."""
    return [pid for pid, call in processes_of(data).items() if "multiprocessing.spawn" in call]


def ask(api: Api, values: list[float] = MANY) -> httpx.Response:
    return api.post(COHORT_TREND, {"values": values})


def is_alive(pid: int) -> bool:
    return Path(f"/proc/{pid}/cwd").exists()


@contextmanager
def stopped(pids: list[int]) -> Iterator[None]:
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        for pid in pids:
            if is_alive(pid):
                os.kill(pid, signal.SIGCONT)


@pytest.fixture
def admin(alive: Alive) -> Iterator[Api]:
    with client(alive.run.url) as api:
        yield api.login("admin", PASSWORD)


def test_while_many_values_are_calculated_others_are_answered(alive: Alive, admin: Api) -> None:
    answer(ask(admin))
    workers = calculating(alive.run.data)
    assert workers
    child_id = alive.programme.child()
    with ThreadPoolExecutor(1) as threads, client(alive.run.url, admin.token) as other:
        with stopped(workers):
            long = threads.submit(ask, other)
            for _ in range(5):
                answer(ask(admin, FEW))
                WEIGHT.record(alive.programme.application, child_id, timestamp=instant())
            assert not long.done()
        assert len(MANY) == answer(long.result())["sample_size"]


def test_a_killed_process_fails_at_most_what_it_was_calculating(alive: Alive, admin: Api) -> None:
    answer(ask(admin))
    workers = calculating(alive.run.data)
    with ThreadPoolExecutor(1) as threads, client(alive.run.url, admin.token) as other, stopped(workers):
        long = threads.submit(ask, other)
        answer(ask(admin, FEW))
        for pid in workers:
            os.kill(pid, signal.SIGKILL)
        failed = long.result()
    if failed.status_code != 200:
        refusal(503, failed)
        assert failed.headers["Retry-After"]
    assert soon(lambda: not any(map(is_alive, workers)))
    assert soon(lambda: ask(admin).status_code == 200, 20)
    assert not set(workers) & set(calculating(alive.run.data))


def test_invalid_calculations_on_many_values_are_refused_like_those_on_few(admin: Api) -> None:
    invalid("x", admin.post(COHORT_TREND, {"values": MANY, "x": [1.0] * len(MANY)}))
    invalid("min_segment_size", admin.post(CHANGEPOINT, {"values": MANY, "min_segment_size": 1}))
    invalid("y", admin.post(CORRELATE, {"x": MANY, "y": FEW}))


def test_calculation_workers_start_with_the_first_long_calculation_and_end_with_the_service(tmp_path: Path) -> None:
    """The API process is killed and restarted, or the service is stopped."""
    with serving(tmp_path / "data") as run, client(run.url) as api:
        admin = api.login("admin", PASSWORD)

        def begin() -> list[int]:
            answer(ask(admin, FEW))
            assert [] == calculating(run.data)
            answer(ask(admin))
            workers = calculating(run.data)
            assert workers
            return workers

        workers = begin()
        os.kill(child(run.data, "api"), signal.SIGKILL)
        assert soon(lambda: not any(map(is_alive, workers)))
        assert soon(lambda: is_answering(run.url), 60)
        workers = begin()
        os.kill(run.process.pid, signal.SIGTERM)
        assert soon(lambda: not any(map(is_alive, workers)))
