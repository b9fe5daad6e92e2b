"""A view that cannot apply anything any more parks stream after stream, and fills no log with it."""

from types import SimpleNamespace
from typing import Any, cast

import psycopg
from psycopg import Cursor
from structlog.testing import capture_logs

from projections.projector import pages
from projections.projector.pages import ParkedEvent, Stored, error_text, park
from projections.views.generations import Generation

ANYWHERE = cast("Cursor[Any]", SimpleNamespace(execute=lambda *_, **__: None))


def left(stream: int, error: str | None) -> ParkedEvent:
    return ParkedEvent(Stored(3, stream, f"a/{stream}", "measurement.recorded.v3", b""), error)


def test_streams_parked_in_many_pages_are_one_log_line_about_the_first() -> None:
    generation = Generation("parking", 7, 1, True, True, None)
    with capture_logs() as logged:
        for _ in range(100):
            park(ANYWHERE, generation, [left(1, None), left(2, "KeyError: b"), left(3, "KeyError: c")])
    (line,) = logged
    assert {
        "event": "a view parks streams", "reason": "KeyError", "view": "parking", "generation": 7, "streams": 2,
        "position": "3-2", "topic": "measurement.recorded.v3",
    }.items() <= line.items()  # fmt: skip


def test_later_events_of_parked_streams_are_not_logged() -> None:
    with capture_logs() as logged:
        park(ANYWHERE, Generation("parking", 8, 1, True, True, None), [left(1, None)])
    assert [] == logged
    assert ("parking", 8) not in pages._outages


def test_the_text_of_an_error_that_parks_a_stream_is_not_logged() -> None:
    error = error_text(psycopg.errors.InvalidTextRepresentation('invalid input syntax for type numeric: "30.4 kg"'))
    assert error == 'InvalidTextRepresentation 22P02: invalid input syntax for type numeric: "30.4 kg"'
    with capture_logs() as logged:
        park(ANYWHERE, Generation("parking", 9, 1, True, True, None), [left(1, error)])
    assert ["InvalidTextRepresentation 22P02"] == [each["reason"] for each in logged]
