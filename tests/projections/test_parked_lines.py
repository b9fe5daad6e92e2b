"""A view that cannot apply anything any more parks stream after stream, and fills no log with it."""

from types import SimpleNamespace
from typing import Any, cast

from psycopg import Cursor
from structlog.testing import capture_logs

from projections.projector import pages
from projections.projector.pages import ParkedEvent, Stored, park
from projections.views.generations import Generation

ANYWHERE = cast("Cursor[Any]", SimpleNamespace(execute=lambda *_: None))


def left(stream: int, error: str | None) -> ParkedEvent:
    return ParkedEvent(Stored(3, stream, f"a/{stream}", "measurement.recorded.v3", b""), error)


def test_streams_parked_in_many_pages_are_one_log_line_about_the_first() -> None:
    generation = Generation("parking", 7, 1, True, True, None)
    with capture_logs() as logged:
        for _ in range(100):
            park(ANYWHERE, generation, [left(1, None), left(2, "KeyError: b"), left(3, "KeyError: c")])
    (line,) = logged
    assert {
        "event": "a view parks streams", "reason": "KeyError: b", "view": "parking", "generation": 7, "streams": 2,
        "position": "3-2", "topic": "measurement.recorded.v3",
    }.items() <= line.items()  # fmt: skip


def test_later_events_of_parked_streams_are_not_logged() -> None:
    with capture_logs() as logged:
        park(ANYWHERE, Generation("parking", 8, 1, True, True, None), [left(1, None)])
    assert [] == logged
    assert ("parking", 8) not in pages._outages
