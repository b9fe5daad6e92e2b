"""How views stand, and how rows differ, as a person reads it."""

from collections.abc import Sequence

from rich.table import Table

from adapters.terminal import wide
from application.queries.views import ViewStatus
from projections.comparison import Difference
from projections.sessions import process_of


def show(told: Sequence[ViewStatus]) -> None:
    """Print a table of all generations."""
    wide().print(_table(told))


def difference(of: Difference) -> str:
    key = " ".join(str(value) for value in of.key.values())
    columns = ", ".join(f"{name}: {old} → {new}" for name, (old, new) in of.columns.items())
    return "  ".join(filter(None, (of.table, key, of.how, columns)))


def _table(told: Sequence[ViewStatus]) -> Table:
    table = Table(box=None, pad_edge=False)
    for heading in ("view", "generation", "state"):
        table.add_column(heading, no_wrap=True)
    for heading in ("place", "behind", "rows", "events/s", "parked"):
        table.add_column(heading, justify="right", no_wrap=True)
    table.add_column("by", overflow="fold")
    for each in told:
        version = "" if each.version == each.latest_version else f" (version {each.version} of {each.latest_version})"
        table.add_row(
            each.view,
            f"{each.generation}{version}",
            each.state,
            f"{each.place:,} of {each.head:,}",
            f"{each.lag_events:,} ({each.lag_seconds:,.1f} s)" if each.lag_events else "0",
            f"{sum(each.rows.values()):,}",
            f"{each.rate:,.0f}",
            f"{each.parked_streams:,}",
            "\n".join(dict.fromkeys(map(process_of, each.workers))) or "nobody",
        )
    return table
