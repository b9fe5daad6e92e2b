"""Computes the status of every generation from rows of the database."""

from collections.abc import Mapping, Sequence
from typing import Any

from application.queries.views import ViewStatus
from domain.catalogue import recorded_at
from projections import statements
from projections.lag import LagTracker
from projections.rebuild.generation_build import view_generation
from projections.rebuild.inline_views import INLINE
from projections.views.generations import Generation
from projections.views.registry import VIEWS, Views

SQL = statements.load(__file__, "status")

Row = Sequence[Any]
"""A row of the statement `status`."""

CHECKPOINTS, ENDS = 6, 7
"""Indexes of its columns."""


def tables(rows: Sequence[Row], views: Views = VIEWS) -> dict[str, Any]:
    """Parameters of the statement `row_counts`: the tables of these generations."""
    return {"tables": [name for row in rows for name in _tables(row, views).values()]}


def statuses(
    rows: Sequence[Row], counts: Mapping[str, int], *, views: Views = VIEWS, lags: LagTracker | None = None
) -> list[ViewStatus]:
    """Statuses by view and generation. `counts`: table → number of rows. `lags`: earlier observations."""
    lags = LagTracker() if lags is None else lags
    if rows:
        lags.observe(rows[0][ENDS], [row[CHECKPOINTS] for row in rows])
    return [_status(row, counts, views, lags) for row in rows]


def _status(row: Row, counts: Mapping[str, int], views: Views, lags: LagTracker) -> ViewStatus:
    view, generation, version, live, built, builder, checkpoints, ends, unseen, now, parked, owners, rate = row
    checkpoint, end = sum(checkpoints), sum(ends)
    latest = INLINE.get(view) or views.latest.get(view)
    since = min(map(recorded_at, unseen or ()), default=now)
    return ViewStatus(
        view=view,
        generation=generation,
        version=version,
        latest_version=None if latest is None else latest.version,
        state=_state(live=live, built=built, builder=builder),
        place=checkpoint,
        head=end,
        lag_events=end - checkpoint,
        lag_seconds=round(lags.seconds(checkpoints, (now - since).total_seconds()), 3),
        rows={name: counts.get(table, 0) for name, table in _tables(row, views).items()},
        rate=round(rate, 1),
        parked_streams=parked,
        workers=[*owners, *([builder] if builder else [])],
    )


def _state(*, live: bool, built: bool, builder: str | None) -> str:
    if live:
        return "live"
    if builder is None:
        return "kept" if built else "unfinished"
    return "growing" if builder else "unfinished"


def _tables(row: Row, views: Views) -> dict[str, str]:
    """Plain table name → name of the generation's table."""
    view, generation, version = row[:3]
    code = INLINE.get(view) or views.of(view, version)
    if code is None:
        return {}
    return {
        name: table.as_string().strip('"')
        for name, table in view_generation(
            code, Generation(view, generation, version, False, False, None)
        ).tables.items()
    }
