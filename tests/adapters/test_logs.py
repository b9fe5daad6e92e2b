"""What is logged are names, counts and ids: a trace of a fault shows no value that anybody sent."""

import io
import re
import sys
from collections.abc import Iterator

import pytest
import structlog

from adapters import logs

WEIGHT = 70 + 0.25
PASSWORD = " ".join(("correct", "horse"))
"""Not as they are written: lines of code may be shown."""


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
    group = [{"weight": WEIGHT, "place": place} for place in range(2_000)]
    password = PASSWORD
    try:
        fail(password, [each["weight"] for each in group])
    except RuntimeError:
        structlog.get_logger().exception("command failed", request_id="5f0000000000000000000001")


def text_of(logged: io.StringIO) -> str:
    """Without colours."""
    return re.sub(r"\x1b\[[0-9;]*m", "", logged.getvalue())


def test_a_trace_names_the_error_and_the_request(logged: io.StringIO) -> None:
    a_fault()
    assert "5f0000000000000000000001" in text_of(logged)
    assert "2000 readings, 13 characters" in text_of(logged)


@pytest.mark.parametrize("value", [WEIGHT, PASSWORD])
def test_a_trace_shows_no_value_of_a_variable(logged: io.StringIO, value: object) -> None:
    a_fault()
    assert str(value) not in text_of(logged)
