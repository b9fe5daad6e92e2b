"""Repeated failures are logged when they begin, once a minute with their count, and when they end."""

from collections.abc import Iterator
from typing import Any

import pytest
from structlog.testing import capture_logs

from application.outage import BEGINNINGS, REPEAT, Outage

LogLines = list[dict[str, Any]]


class Clock:
    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def outage(clock: Clock) -> Outage:
    return Outage("the cellar is locked", "the cellar is open again", clock=clock)


@pytest.fixture
def logged() -> Iterator[LogLines]:
    with capture_logs() as logged:
        yield logged  # type: ignore[misc]


def events(logged: LogLines) -> list[str]:
    return [each["event"] for each in logged]


def fail_for(outage: Outage, clock: Clock, seconds: float, every: float = 0.1) -> None:
    for _ in range(round(seconds / every)):
        outage.failed("no key")
        clock.now += every


def test_an_outage_of_thirty_seconds_is_logged_at_its_beginning_and_end(
    outage: Outage, clock: Clock, logged: LogLines
) -> None:
    fail_for(outage, clock, 30)
    outage.works()
    outage.works()
    assert ["the cellar is locked", "the cellar is open again"] == events(logged)
    assert ("no key", 300) == (logged[0]["reason"], logged[1]["failures"])


def test_a_lasting_outage_is_logged_every_minute_with_its_count(outage: Outage, clock: Clock, logged: LogLines) -> None:
    fail_for(outage, clock, 10 * REPEAT, every=1)
    assert 10 == len(logged)
    assert [61, 121, 181] == [each["failures"] for each in logged[1:4]]
    assert 60 == logged[1]["seconds"]


def test_success_without_an_outage_is_not_logged(outage: Outage, logged: LogLines) -> None:
    outage.works()
    assert [] == logged
    assert not outage.is_on


def test_a_minute_without_failures_ends_an_outage(outage: Outage, clock: Clock, logged: LogLines) -> None:
    outage.failed("first")
    clock.now += REPEAT
    outage.failed("second")
    assert ["first", "second"] == [each["reason"] for each in logged]
    assert "failures" not in logged[1]


def test_an_unsteady_resource_is_logged_a_few_times_a_minute(outage: Outage, clock: Clock, logged: LogLines) -> None:
    for _ in range(500):
        outage.failed("no key")
        clock.now += 0.1
        outage.works()
    assert 2 * BEGINNINGS == len(logged)
    clock.now += REPEAT
    outage.failed("no key")
    assert 2 * BEGINNINGS + 1 == len(logged)


def test_the_first_failure_is_logged_with_its_traceback(outage: Outage, logged: LogLines) -> None:
    error = RuntimeError("a bug")
    outage.failed("a bug", error=error)
    outage.failed("a bug", error=error)
    assert [error] == [each["exc_info"] for each in logged]
