"""Logs have names, counts and ids; the traceback of an internal error shows no value of a client."""

import ast
import fcntl
import io
import json
import logging
import os
import re
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from functools import partial
from threading import Event, Thread

import psycopg
import pytest
import structlog

from adapters.http.edge.edge import RequestRecord
from adapters.http.edge.error_responses import NO_ERRORS
from adapters.settings import Settings
from adapters.telemetry import logs
from adapters.telemetry.access_log import AccessLog
from adapters.telemetry.log_lines import WAITING, Lines
from adapters.telemetry.observability import Observability
from projections.database_error import message_of
from tests.service import ROOT

PACKAGES = ("application", "projections", "adapters")

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
    log = logs.configure("info", "test")
    output.flush = log.lines.flush  # type: ignore[method-assign]  # what was logged is in it then
    root = logging.getLogger()
    handlers = root.handlers
    yield output
    root.handlers = handlers
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
    logged.flush()
    return re.sub(r"\x1b\[[0-9;]*m", "", logged.getvalue())


def test_a_trace_names_the_error_and_the_request(logged: io.StringIO) -> None:
    a_fault()
    assert "5f0000000000000000000001" in text_of(logged)
    assert "2000 readings, 13 characters" in text_of(logged)


@pytest.mark.parametrize("value", [WEIGHT, PASSWORD])
def test_a_trace_shows_no_value_of_a_variable(logged: io.StringIO, value: object) -> None:
    a_fault()
    assert str(value) not in text_of(logged)


PERSONAL = "Failing row contains (0, 1, Kim\nDETAIL: 30.4 kg)."


def database_error() -> psycopg.Error:
    return psycopg.errors.CheckViolation(f"new row violates a constraint\nDETAIL:  {PERSONAL}\nand more of Kim")


def wrapped() -> None:
    try:
        raise database_error()
    except psycopg.Error as error:
        raise RuntimeError(f"it was not stored: {error}") from error


def grouped() -> None:
    raise ExceptionGroup("several", [database_error(), RuntimeError("another")])


@pytest.mark.parametrize("fail", [wrapped, grouped], ids=["cause", "group"])
def test_a_trace_holds_what_the_database_says_without_the_row_that_it_is_about(
    logged: io.StringIO, fail: Callable[[], None]
) -> None:
    try:
        fail()
    except Exception:
        structlog.get_logger().exception("command failed")
    text = text_of(logged)
    assert "new row violates a constraint" in text
    assert ("it was not stored" in text) or ("another" in text)
    assert not [word for word in ("Kim", "30.4", "DETAIL") if word in text]


def test_a_trace_holds_no_value_that_the_database_quotes(logged: io.StringIO, database: str) -> None:
    with psycopg.connect(database) as session:
        try:
            session.execute("select %s::text::numeric", [f"{WEIGHT} kg"])
        except psycopg.Error as error:
            structlog.get_logger().error("batch refused", reason=message_of(error), exc_info=error)
    text = text_of(logged)
    assert 2 == text.count("22P02")
    assert "InvalidTextRepresentation" in text
    assert str(WEIGHT) not in text


def test_no_field_of_a_log_line_has_details_of_the_database(logged: io.StringIO) -> None:
    structlog.get_logger().warning("views are behind", anything=str(database_error()), reason=str(database_error()))
    text = text_of(logged)
    assert 2 == text.count("new row violates a constraint")
    assert not [word for word in ("Kim", "30.4", "DETAIL") if word in text]


def test_log_lines_of_libraries_have_no_details_of_the_database(logged: io.StringIO) -> None:
    logging.getLogger("psycopg").warning("error ignored: %s", database_error())
    text = text_of(logged)
    assert "error ignored: new row violates a constraint" in text
    assert not [word for word in ("Kim", "30.4", "DETAIL") if word in text]


def test_a_line_has_the_name_of_its_process_and_nothing_that_a_terminal_obeys(logged: io.StringIO) -> None:
    structlog.get_logger().warning("request failed", path="/v1/\x1b[2J\x9b31m\u202e")
    text = text_of(logged)
    assert "test" in text
    assert not {"\x1b", "\x9b", "\u202e"} & set(text)


def test_a_log_line_that_a_library_repeats_is_written_once_a_minute() -> None:
    now = [0.0]
    once = logs.OnceAMinute(lambda: now[0])
    told = []
    for _ in range(300):
        record = logging.LogRecord("pool", logging.WARNING, "", 0, "no connection: %s", ("refused",), None)
        if once.filter(record):
            told.append(record.getMessage())
        now[0] += 1
    assert 5 == len(told)
    assert "no connection: refused (and 59 times before)" == told[1]


def test_different_events_have_different_messages() -> None:
    """A search for a log message finds one place in the code."""
    messages = Counter(
        found for package in PACKAGES for file in (ROOT / package).rglob("*.py") for found in said_in(file.read_text())
    )
    assert len(messages) > 40
    assert [] == [message for message, count in messages.items() if count > 1]


def said_in(code: str) -> Iterator[str]:
    """The literal messages of a module's log lines and outages."""
    for node in ast.walk(ast.parse(code)):
        if isinstance(node, ast.Call) and is_logging(node.func):
            for argument in node.args:
                if isinstance(argument, ast.Constant) and isinstance(argument.value, str):
                    yield argument.value


def is_logging(function: ast.expr) -> bool:
    if isinstance(function, ast.Attribute):
        return isinstance(function.value, ast.Name) and function.value.id == "logger"
    return isinstance(function, ast.Name) and function.id == "Outage"


class Pipe:
    """A log whose reader has stopped reading."""

    def __init__(self) -> None:
        self.reading, writing = os.pipe()
        fcntl.fcntl(writing, fcntl.F_SETPIPE_SZ, 4096)
        self.lines = Lines(partial(os.write, writing))


def test_a_log_that_nobody_reads_keeps_nobody_waiting() -> None:
    pipe = Pipe()
    waited = Event()

    def log() -> None:
        for _ in range(3 * WAITING):  # more than it has taken, and what waits
            pipe.lines.msg("x")
        waited.set()

    Thread(target=log, daemon=True).start()
    assert waited.wait(60)
    read = b""
    while b"log lines were lost" not in read:
        read = read[-1_000:] + os.read(pipe.reading, 65_536)
        pipe.lines.msg("y")


def test_a_log_line_that_cannot_be_formatted_is_reported_and_the_next_is_written() -> None:
    written: list[bytes] = []

    def write(data: bytes) -> int:
        written.append(data)
        return len(data)

    def fails() -> str:
        raise ValueError(PASSWORD)

    lines = Lines(write)
    lines.later(fails)
    lines.flush()
    lines.msg("the next")
    lines.flush()
    failed, after = b"".join(written).decode().splitlines()
    assert {"event": "a log line cannot be made", "level": "error", "reason": "ValueError"} == json.loads(failed)
    assert "the next" == after


def test_lines_that_found_no_room_are_counted_once_there_is_some() -> None:
    written: list[bytes] = []
    full = [True]

    def write(data: bytes) -> int:
        if full[0]:
            raise OSError(28, "No space left on device")
        written.append(data)
        return len(data)

    lines = Lines(write)
    for number in range(3):
        lines.msg(f"line {number}")
        lines.flush()
    full[0] = False
    lines.msg("line 3")
    lines.flush()
    told, last = b"".join(written).decode().splitlines()
    assert (3, "line 3") == (json.loads(told)["lines"], last)


def test_an_access_log_line_has_the_user_the_request_and_its_duration(logged: io.StringIO) -> None:
    log = logs.of_process()
    assert log is not None
    AccessLog(log).answered(RequestRecord("POST", "/v1/things/{id}", 201, 0.01234, NO_ERRORS, "abc", "5f00"))
    AccessLog(log).answered(RequestRecord("GET", "unknown", 404, 0.001, NO_ERRORS, "def", None))
    lines = text_of(logged).splitlines()
    for said in ("request", "POST", "/v1/things/{id}", "201", "12.34", "abc", "5f00", "test"):
        assert said in lines[0]
    assert "None" in lines[1] or "null" in lines[1]


def test_the_access_log_is_written_unless_it_is_turned_off(logged: io.StringIO) -> None:
    answered = RequestRecord("GET", "/v1/things/{id}", 200, 0.001, NO_ERRORS, "abc", None)
    for settings in (Settings(metrics="off"), Settings(metrics="off", access_log="off")):
        Observability(settings).answered(answered)
        assert 1 == len(text_of(logged).splitlines()), settings
