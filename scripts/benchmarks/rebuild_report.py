"""The results of the rebuild benchmark and their report: figures, ratios, targets."""

import os
from collections.abc import Iterator
from statistics import median

from msgspec import Struct, field
from rich.console import Console
from rich.table import Table

from scripts.benchmarks.report import Check, spread

OURS, LIBRARY, SQL = "rebuild", "library's ProjectionRunner", "INSERT … SELECT"
MEASUREMENTS, OUTCOMES = "measurements", "outcomes"
VIEWS = (MEASUREMENTS, OUTCOMES)
GROWTH = 10
"""Factor by which the events increase when growth is measured."""

Rates = dict[tuple[str, str], list[float]]


class Options(Struct, frozen=True, kw_only=True):
    """The extent of the measurement."""

    events: int = 1_000_000
    rounds: int = 3
    workers: int = field(default_factory=lambda: len(os.sched_getaffinity(0)))
    """Processes per rebuild."""
    library_events: int = 20_000
    """Number of events for the library: the first of every partition."""
    growth: bool = False


class Phase(Struct, kw_only=True):
    """The results with one number of events in the log."""

    events: int
    filled: float
    """Seconds for filling the log."""
    rates: Rates = field(default_factory=dict)
    """Events of the log per second, by view and contestant, one per round."""
    memory: dict[str, list[float]] = field(default_factory=dict)
    """Peak MB of all processes of a rebuild, by view, one per round."""
    rows: dict[str, int] = field(default_factory=dict)
    """Number of rows of each view at the end."""


class Measured(Struct, frozen=True, kw_only=True):
    machine: dict[str, str]
    options: Options
    before: Phase
    after: Phase | None


def checks(measured: Measured) -> Iterator[Check]:
    """The targets with the measured values."""
    before, after = measured.before, measured.after
    ours = before.rates[MEASUREMENTS, OURS]
    yield Check("rebuild / library", ratios(ours, before.rates[MEASUREMENTS, LIBRARY]), 40)
    yield Check("rebuild / INSERT … SELECT", ratios(ours, before.rates[MEASUREMENTS, SQL]), 0.35)
    for phase in (before, after) if after else (before,):
        yield Check(f"memory in MB, {phase.events:,} events", phase.memory[MEASUREMENTS], 300, is_limit=True)
    if after:
        growth = [median(ours) / each for each in after.rates[MEASUREMENTS, OURS]]
        name = f"time of an event, {GROWTH} times the events / before"
        yield Check(name, growth, 1.15, is_limit=True)


def ratios(over: list[float], under: list[float]) -> list[float]:
    """The ratio of each round."""
    return [one / other for one, other in zip(over, under, strict=True)]


def show(measured: Measured, console: Console) -> None:
    for name, value in measured.machine.items():
        console.print(f"{name}: {value}", highlight=False)
    options, phases = measured.options, [measured.before, *([measured.after] if measured.after else [])]
    lines = (
        f"Rounds: {options.rounds}; a rebuild has {options.workers} workers, and is timed from the start of its "
        "command to the end of it, with the comparison and the switch; the others are timed without starting Python.",
        f"The library gets {options.library_events:,} events, and nothing but the topics that the view cares about.",
        "INSERT … SELECT makes the same indexes after the rows, in the same transaction.",
        "After every round the rows of both were the same, in every table, both ways; the library's were what its "
        "events amount to.",
    )
    console.print("\n".join(lines), highlight=False)
    for phase in phases:
        console.print(figures(phase))
    table = Table(
        "figure", "median (least to most)", "target", "", title="targets of `measurements`, one value per round"
    )
    for check in checks(measured):
        sign = "below" if check.is_limit else "at least"
        met = "met" if check.is_met() else "[bold]MISSED[/]"
        table.add_row(check.name, spread(check.values), f"{sign} {check.target:g}", met)
    console.print(table)


def figures(phase: Phase) -> Table:
    title = f"{phase.events:,} events: median (least to most of the rounds); filled in {phase.filled:.0f} s"
    table = Table("view", "way", "events per second", "seconds", "rebuild / this", "MB", "rows", title=title)
    for (view, way), rates in phase.rates.items():
        seconds = [phase.events / rate for rate in rates]
        ours = way == OURS
        table.add_row(
            view,
            way,
            spread(rates),
            spread(seconds) if way != LIBRARY else "",
            "" if ours else spread(ratios(phase.rates[view, OURS], rates)),
            spread(phase.memory[view]) if ours else "",
            f"{phase.rows[view]:,}" if ours else "",
        )
    return table
