"""Prints the status of views and the differences of their rows."""

from collections.abc import Sequence

from adapters.cli.console import show_table
from adapters.system.terminal import escaped
from application.queries.views import ViewStatus
from projections.projector.sessions import process_of
from projections.rebuild.comparison import Difference

_HEADINGS = ("view", "generation", "state", "checkpoint", "behind", "rows", "events/s", "parked", "projectors")
_NUMBERS = ("checkpoint", "behind", "rows", "events/s", "parked")


def show(stand: Sequence[ViewStatus]) -> None:
    """Print all generations."""
    show_table(_HEADINGS, list(map(_row, stand)), right=_NUMBERS)


def difference(of: Difference) -> str:
    key = " ".join(str(value) for value in of.key.values())
    columns = ", ".join(f"{name}: {old} → {new}" for name, (old, new) in of.columns.items())
    return escaped("  ".join(filter(None, (of.table, key, of.how, columns))))


def _about(estimate: int) -> str:
    """PostgreSQL estimates how many rows a table has: only three digits of that mean anything."""
    return f"~{round(estimate, 3 - len(str(estimate))) if estimate >= 1_000 else estimate:,}"


def _row(of: ViewStatus) -> Sequence[str]:
    version = "" if of.version == of.latest_version else f" (version {of.version} of {of.latest_version})"
    return (
        of.view,
        f"{of.generation}{version}",
        of.state,
        f"{of.place:,} of {of.head:,}",
        f"{of.lag_events:,} ({of.lag_seconds:,.1f} s)" if of.lag_events else "0",
        _about(sum(of.rows.values())),
        f"{of.rate:,.0f}",
        f"{of.parked_streams:,}",
        "\n".join(map(escaped, dict.fromkeys(map(process_of, of.workers)))) or "none",
    )
