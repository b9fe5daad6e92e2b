"""The results of the read benchmark and their report: figures, ratios, targets."""

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
"""Maximum milliseconds of the median with concurrent writes."""
GROWTH = 10
"""Factor by which the entries increase when growth is measured."""

Times = dict[str, list[float]]


class Options(Struct, frozen=True, kw_only=True):
    """The extent of the measurement; times in seconds."""

    entries: int = 1_000_000
    rounds: int = 4
    questions: int = 15
    """Queries of each kind per round and mode; a third as many summaries."""
    top_seconds: float = 5.0
    """Duration of the measurement of the highest write rate."""
    warm_up: float = 1.0
    """Duration of writes before the first query."""
    growth: bool = False


class Phase(Struct, kw_only=True):
    """The results with one number of entries in the outcome."""

    entries: int
    top: float
    """Writes per second without concurrent queries."""
    times: dict[tuple[str, str], list[float]] = field(default_factory=dict)
    """Milliseconds of a response by mode and query, as one median per round."""
    written: dict[str, list[Written]] = field(default_factory=dict)
    """By mode, the results of the concurrent writes, one per round."""
    statuses: dict[int, int] = field(default_factory=dict)
    """Number of responses by status, without the answers of DuckDB."""


class Measured(Struct, frozen=True, kw_only=True):
    machine: dict[str, str]
    options: Options
    filled: float
    """Seconds for storing and projecting the first entries."""
    before: Phase
    after: Phase | None


def checks(measured: Measured) -> Iterator[Check]:
    """The targets with the measured values."""
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
    """The ratio of each round."""
    return [one / other for one, other in zip(over, under, strict=True)]


def show(measured: Measured, console: Console) -> None:
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
