"""The question how the views stand."""

from typing import ClassVar

from msgspec import Struct

from application.queries.query import Query


class ReadViews(Query, frozen=True, kw_only=True):
    """Every generation of every view."""

    name: ClassVar[str] = "read_views"


class ViewStatus(Struct, frozen=True, kw_only=True):
    """How a generation of a view stands.

    `state` is `live`, `kept` (beside the live one), `growing` (a rebuild is at it) or `unfinished` (a rebuild has left
    it). `place` and `head` count events, of all partitions together: those that it has seen, and those that there are.
    `lag_seconds` is for how long there has been one that it has not seen. `rows` is about how many there are in each of
    its tables; `rate`, events a second that its workers applied lately; `parked_streams`, those that it has left out;
    `workers`, who applies what comes. `latest_version` is that of the code, where it has the view at all.
    """

    view: str
    generation: int
    version: int
    latest_version: int | None
    state: str
    place: int
    head: int
    lag_events: int
    lag_seconds: float
    rows: dict[str, int]
    rate: float
    parked_streams: int
    workers: list[str]
