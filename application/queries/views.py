"""The query for the status of the views."""

from typing import ClassVar

from msgspec import Struct

from application.queries.query import Query


class ReadViews(Query, frozen=True, kw_only=True):
    """Every generation of every view."""

    name: ClassVar[str] = "read_views"


class ViewStatus(Struct, frozen=True, kw_only=True):
    """The status of one generation of a view.

    `state` is `live`, `kept` (a spare next to the live one), `growing` (a rebuild fills it) or `unfinished` (its
    rebuild was interrupted). `place` and `head` are the numbers of events that it has applied, and that the log has, in
    all partitions. `lag_seconds`: how long the oldest event that it has not applied has been there. `rows`: estimates
    per table. `rate`: events per second that its workers applied recently. `parked_streams`: how many it has left out.
    `workers`: the processes that apply events to it. `latest_version`: that of the code; None if it has no such view.
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
