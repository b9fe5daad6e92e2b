"""What is logged are names, counts and ids: a trace of a fault shows no value that anybody sent, and costs little."""

import io
import sys
import time
from collections.abc import Iterator

import pytest
import structlog

from adapters import logs


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture(params=[io.StringIO, Terminal], ids=["file", "terminal"])
def logged(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[io.StringIO]:
    """What goes to standard error, where the service writes its log."""
    before = structlog.get_config()
    output: io.StringIO = request.param()
    monkeypatch.setattr(sys, "stderr", output)
    logs.configure("info")
    yield output
    structlog.configure(**before)


def fail(password: str, readings: list[float]) -> None:
    raise RuntimeError(f"{len(readings)} readings, {len(password)} characters")


def a_fault() -> None:
    """As the processor logs one, among many variables."""
    group = [{"weight": 70.25, "place": place} for place in range(2_000)]
    try:
        fail("correct horse", [each["weight"] for each in group])
    except RuntimeError:
        structlog.get_logger().exception("command failed", request_id="5f0000000000000000000001")


def test_a_trace_names_the_error_and_the_request(logged: io.StringIO) -> None:
    a_fault()
    assert "5f0000000000000000000001" in logged.getvalue()
    assert "2000 readings" in logged.getvalue()


@pytest.mark.parametrize("value", ["70.25", "correct horse"])
def test_a_trace_shows_no_value_of_a_variable(logged: io.StringIO, value: str) -> None:
    a_fault()
    assert value not in logged.getvalue().replace('fail("correct horse"', "")


def test_a_trace_costs_the_writer_little(logged: io.StringIO) -> None:
    started = time.monotonic()
    for _ in range(10):
        a_fault()
    assert time.monotonic() - started < 0.5
