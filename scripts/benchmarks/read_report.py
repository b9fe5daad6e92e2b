"""What a run of the read benchmark measured, and how it is told: figures, ratios, targets."""

from collections.abc import Iterator
from statistics import median

from msgspec import Struct, field
from rich.console import Console
from rich.table import Table

from scripts.benchmarks.read_entries import DAYS, SUBJECTS
from scripts.benchmarks.read_writes import Written
from scripts.benchmarks.report import Check, spread

QUIET, OTHER, SAME = "no writes", "writes to another outcome", "writes to the outcome"
MODES = (QUIET, OTHER, SAME)
SERIES, PEER, TREND, SUMMARY = "weekly series", "DuckDB's weekly series", "trend", "summary"
QUESTIONS = (SERIES, PEER, TREND, SUMMARY)
LIMITS = {SERIES: 50.0, TREND: 50.0, SUMMARY: 400.0}
"""Milliseconds, at the median while writes go on."""
GROWTH = 10
"""So many times as many entries are there when growth is measured."""

Times = dict[str, list[float]]


class Options(Struct, frozen=True, kw_only=True):
    """How much to measure; times in seconds."""

    entries: int = 1_000_000
    rounds: int = 4
    questions: int = 15
    """Of a sort, in a round and mode; a third as many summaries."""
    top_seconds: float = 5.0
    """For so long the top rate of writes is measured."""
    warm_up: float = 1.0
    """Writes go on for so long before the first question."""
    growth: bool = False


class Phase(Struct, kw_only=True):
    """What was measured on an outcome of so many entries."""

    entries: int
    top: float
    """Writes per second, with nothing beside them."""
    times: dict[tuple[str, str], list[float]] = field(default_factory=dict)
    """Milliseconds of an answer by mode and question; one median per round."""
    written: dict[str, list[Written]] = field(default_factory=dict)
    """By mode, what the writes beside the questions came to; one per round."""
    statuses: dict[int, int] = field(default_factory=dict)
    """Of all answers, those that DuckDB gives apart."""


class Measured(Struct, frozen=True, kw_only=True):
    """All that one run measured."""

    machine: dict[str, str]
    options: Options
    filled: float
    """Seconds that storing and projecting the first entries took."""
    before: Phase
    after: Phase | None


def checks(measured: Measured) -> Iterator[Check]:
    """Every target of the issue, with what was measured."""
    before, after = measured.before.times, measured.after and measured.after.times
    for mode in MODES:
        if mode != QUIET:
            for question, limit in LIMITS.items():
                yield Check(f"{mode}: {question}, ms", before[mode, question], limit, is_limit=True)
        yield Check(f"{mode}: series / DuckDB", ratios(before[mode, SERIES], before[mode, PEER]), 1.0, is_limit=True)
        for question in LIMITS if after else ():
            assert after
            now, then = after[mode, question], median(before[mode, question])
            growth = [each / then for each in now]
            yield Check(f"{mode}: {question}, {GROWTH} times the entries / before", growth, 1.5, is_limit=True)


def ratios(over: list[float], under: list[float]) -> list[float]:
    """Round by round."""
    return [one / other for one, other in zip(over, under, strict=True)]


def show(measured: Measured, console: Console) -> None:
    """Print everything."""
    for name, value in measured.machine.items():
        console.print(f"{name}: {value}", highlight=False)
    options, phases = measured.options, [measured.before, *([measured.after] if measured.after else [])]
    lines = (
        f"{options.entries:,} entries of {SUBJECTS:,} subjects over {DAYS} days; storing and projecting them took "
        f"{measured.filled:.0f} s.",
        f"Rounds: {options.rounds}; questions of a sort in each: {options.questions}, summaries a third of that.",
        "Series, trend, summary and the number of entries agreed with DuckDB and SciPy to 1e-9, before and after.",
        "Writes are single entries, of the day at hand; they go on at half the rate that they have alone.",
    )
    console.print("\n".join(lines), highlight=False)
    for phase in phases:
        console.print(figures(phase))
    table = Table("figure", "median (least to most)", "target", "", title="targets, one median or ratio per round")
    for check in checks(measured):
        met = "met" if check.is_met() else "[bold]missed[/]"
        table.add_row(check.name, spread(check.values), f"below {check.target:g}", met)
    console.print(table)


def figures(phase: Phase) -> Table:
    answers = ", ".join(f"{status}: {count:,}" for status, count in sorted(phase.statuses.items()))
    title = f"{phase.entries:,} entries: ms of an answer, median (least to most of the rounds); answers {answers}"
    table = Table("", *QUESTIONS, "writes per second", "p99 ms of a write", title=title)
    for mode in MODES:
        written = phase.written.get(mode, [])
        table.add_row(
            mode,
            *(spread(phase.times[mode, question]) for question in QUESTIONS),
            spread([each.rate for each in written]) if written else "",
            spread([each.p99 for each in written]) if written else "",
        )
    table.caption = f"top rate of writes alone: {phase.top:,.0f}/s"
    return table
