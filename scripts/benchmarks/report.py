"""The results of the write benchmark and their report: figures, ratios, targets."""

import os
import platform
from collections.abc import Iterator
from pathlib import Path
from statistics import median

from msgspec import Struct
from rich.console import Console
from rich.table import Table

from scripts.benchmarks.database import DEAR, MODES, PLAIN, shown
from scripts.benchmarks.load import Outcome
from scripts.benchmarks.stage import (
    ARRAYS,
    ARRAYS_SNAPSHOT,
    BARE,
    CONTESTANTS,
    COPY,
    COPY_MANY,
    LIBRARY,
    ONE,
    ONE_SNAPSHOT,
    Options,
)

GROWTH = 10
"""Factor by which the events increase when growth is measured."""
SETTINGS = ("fsync", "synchronous_commit", "wal_sync_method", "shared_buffers", "max_wal_size")
LIBRARY_TARGETS = {PLAIN: 4.0, DEAR: 10.0}

Results = dict[tuple[str, str], list[Outcome]]
"""By mode and contestant, one result per round."""


class Measured(Struct, frozen=True, kw_only=True):
    machine: dict[str, str]
    options: Options
    echo: Outcome
    commits: dict[str, float]
    """Milliseconds of a small commit, by mode."""
    copy_connections: int
    before: Results
    rounds: Results
    events_before: int
    """Stored halfway through the rounds before growth."""
    events_after: int
    events_at_end: int
    lags: list[float]
    """Seconds in which the projector caught up after arrays."""


class Check(Struct, frozen=True):
    """A figure with its target. The median of the values of all rounds counts."""

    name: str
    values: list[float]
    target: float
    is_limit: bool = False
    """Whether the value has to stay below the target instead of reaching it."""

    def is_met(self) -> bool:
        value = median(self.values)
        return value < self.target if self.is_limit else value >= self.target


def machine(conninfo: str) -> dict[str, str]:
    """Describe the machine and the server of the measurement."""
    cpu = Path("/proc/cpuinfo").read_text().partition("model name\t: ")[2].partition("\n")[0]
    settings = ", ".join(f"{name} {shown(conninfo, name)}" for name in SETTINGS)
    return {
        "CPU": f"{cpu or platform.processor()}, {len(os.sched_getaffinity(0))} cores",
        "kernel": platform.release(),
        "Python": platform.python_version(),
        "PostgreSQL": f"{shown(conninfo, 'server_version')} ({settings})",
    }


def ratios(over: list[Outcome], under: list[Outcome]) -> list[float]:
    """The ratio of the rates in each round."""
    return [one.rate / other.rate for one, other in zip(over, under, strict=True)]


def checks(measured: Measured) -> Iterator[Check]:
    """The targets with the measured values."""
    for mode in MODES:
        now = {name: measured.rounds[mode, name] for name in CONTESTANTS}
        yield Check(f"{mode}: one weight / library", ratios(now[ONE], now[LIBRARY]), LIBRARY_TARGETS[mode])
        yield Check(f"{mode}: one weight / bare handler", ratios(now[ONE], now[BARE]), 0.3)
        yield Check(f"{mode}: one weight, p99 in ms", [one.p99 for one in now[ONE]], 50, is_limit=True)
        yield Check(f"{mode}: arrays / COPY, 1 connection", ratios(now[ARRAYS], now[COPY]), 0.45)
        many = f"{mode}: arrays / COPY, {measured.copy_connections} connections"
        yield Check(many, ratios(now[ARRAYS], now[COPY_MANY]), 0.45)
        for name in (ONE, ARRAYS):
            yield Check(f"{mode}: {name}, {GROWTH} times the events / before", growth(measured, mode, name), 0.85)
        yield Check(f"{mode}: one weight, snapshot / none", ratios(now[ONE_SNAPSHOT], now[ONE]), 0.85)
        yield Check(f"{mode}: arrays, snapshot / none", ratios(now[ARRAYS_SNAPSHOT], now[ARRAYS]), 0.85)


def growth(measured: Measured, mode: str, name: str) -> list[float]:
    """The rate after growth divided by the rate before. Each rate is relative to the bare handler's rate of its round,
    because the speed of the machine drifts."""
    after = ratios(measured.rounds[mode, name], measured.rounds[mode, BARE])
    before = median(ratios(measured.before[mode, name], measured.before[mode, BARE]))
    return [each / before for each in after]


def show(measured: Measured, console: Console) -> None:
    for name, value in measured.machine.items():
        console.print(f"{name}: {value}", highlight=False)
    commits = ", ".join(f"{mode} {time:.2f} ms" for mode, time in measured.commits.items())
    dear = ", ".join(f"{name} {value}" for name, value in MODES[DEAR].items())
    options = measured.options
    lines = (
        f"A small commit takes: {commits} ({DEAR}: {dear}).",
        f"The load generator costs {measured.echo.cost:.0f} µs of CPU per request and drives "
        f"{measured.echo.rate:,.0f}/s against a responder that only sends back.",
        f"The log held {measured.events_before:,} events before it grew, {measured.events_after:,} after it.",
        f"Rounds after that: {options.rounds}; seconds of each turn: {options.seconds}, warm-up: {options.warm_up}.",
        f"Of {measured.events_at_end:,} acknowledged events none was missing in the log, nor in the view.",
        f"After arrays the projector caught up in {spread(measured.lags)} s.",
        "What growth changes is normalised by the bare handler, measured in the same rounds as each.",
    )
    console.print("\n".join(lines), highlight=False)
    console.print(figures(measured, measured.rounds, "items per second, median (least to most)"))
    console.print(figures(measured, measured.before, "the same before the log grew"))
    table = Table("figure", "median (least to most)", "target", "", title="targets, ratio per round")
    for check in checks(measured):
        sign = "below" if check.is_limit else "at least"
        met = "met" if check.is_met() else "[bold]missed[/]"
        table.add_row(check.name, spread(check.values), f"{sign} {check.target:g}", met)
    console.print(table)


def figures(measured: Measured, results: Results, title: str) -> Table:
    table = Table("contestant", "commits", "per second", "p50 ms", "p99 ms", "answers", "generator µs", title=title)
    for (mode, name), outcomes in sorted(results.items(), key=lambda item: CONTESTANTS.index(item[0][1])):
        statuses: dict[str, int] = {}
        for status, count in (pair for each in outcomes for pair in each.statuses.items()):
            statuses[status] = statuses.get(status, 0) + count
        table.add_row(
            f"{name} ({measured.copy_connections})" if name == COPY_MANY else name,
            mode,
            spread([each.rate for each in outcomes]),
            f"{median(each.p50 for each in outcomes):.1f}",
            f"{median(each.p99 for each in outcomes):.1f}",
            ", ".join(f"{status}: {count:,}" for status, count in statuses.items()),
            f"{median(each.cost for each in outcomes):.0f}" if outcomes[0].cost else "",
        )
    return table


def spread(values: list[float]) -> str:
    digits = 0 if max(values) >= 100 else 2
    return f"{median(values):,.{digits}f} ({min(values):,.{digits}f} to {max(values):,.{digits}f})"
