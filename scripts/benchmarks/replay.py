"""The replay benchmark: a log replayed alone and compared with all projections, by one process and by several."""

import json
import os
import resource
import tempfile
import time
from pathlib import Path

import psycopg
from msgspec import Struct
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from adapters.postgres import embedded
from adapters.postgres.migrate import migrate
from projections.rebuild.inline_views import INLINE
from projections.views.registry import VIEWS
from scripts.benchmarks import rebuild_log, rebuild_ours
from scripts.benchmarks.database import stored
from scripts.benchmarks.rebuild_log import PARTITIONS, Log
from scripts.benchmarks.rebuild_programme import Programme
from scripts.benchmarks.report import Check, machine, spread

ALONE, COMPARED, TOGETHER = "the log alone", "with all comparisons", "with all comparisons, 2 workers"
WAYS = {ALONE: ("--log-only",), COMPARED: (), TOGETHER: ("--workers", "2")}


class Options(Struct, frozen=True, kw_only=True):
    events: int = 300_000
    rounds: int = 3


class Turn(Struct, frozen=True):
    """One replay, including the start and the end of the command.

    `cost` and `server`: CPU time of our processes and of PostgreSQL's, in microseconds per event. `memory`: peak MB of
    our processes together.
    """

    rate: float
    cost: float
    server: float
    memory: float


class Measured(Struct, frozen=True):
    machine: dict[str, str]
    events: int
    turns: dict[str, list[Turn]]


def run(options: Options, progress: Progress) -> Measured:
    """Fill a log, build all projections, replay the log, and discard it. Raises RuntimeError if a replay finds
    anything."""
    whole = progress.add_task("replay", total=options.rounds * len(WAYS) + 1)
    turns: dict[str, list[Turn]] = {way: [] for way in WAYS}
    with tempfile.TemporaryDirectory(prefix="growthrings-bench-", ignore_cleanup_errors=True) as folder:
        data = Path(folder) / "data"
        server = embedded.start(data)
        try:
            with psycopg.connect(server.url) as connection:
                migrate(connection, PARTITIONS)
            rebuild_log.fill(server.url, Log(Programme()), options.events, progress)
            for view in VIEWS.latest:
                rebuild_ours.begin(server.url, data, view, len(os.sched_getaffinity(0)))
            for name in INLINE:
                rebuild_ours.command(server.url, data, "views", "rebuild", name, "--accept-differences")
            progress.advance(whole)
            events = stored(server.url)
            for _ in range(options.rounds):
                for way, words in WAYS.items():
                    turns[way].append(_turn(server.url, data, events, words))
                    progress.advance(whole)
            return Measured(machine(server.url), events, turns)
        finally:
            server.stop()


def _turn(conninfo: str, data: Path, events: int, words: tuple[str, ...]) -> Turn:
    ours, server, start = _ours(), _server(data), time.perf_counter()
    memory, told = rebuild_ours.command(conninfo, data, "replay", "--json", *words)
    seconds = time.perf_counter() - start
    if json.loads(told)["events"] != events:
        raise RuntimeError(f"{json.loads(told)['events']} events were replayed, of {events}")
    per_event = 1e6 / events
    return Turn(events / seconds, (_ours() - ours) * per_event, (_server(data) - server) * per_event, memory)


def _ours() -> float:
    """CPU seconds of all commands that have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _server(data: Path) -> float:
    """CPU seconds of all PostgreSQL sessions that have ended, even a moment ago."""
    time.sleep(0.2)
    pid = (data / "postgres" / "postmaster.pid").read_text().split()[0]
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[13]) + int(fields[14])) / os.sysconf("SC_CLK_TCK")


def show(measured: Measured, console: Console) -> None:
    for name, value in measured.machine.items():
        console.print(f"{name}: {value}", highlight=False)
    title = f"{measured.events:,} events: median (least to most of the rounds)"
    table = Table("replay", "events per second", "our µs per event", "PostgreSQL's", "MB", title=title)
    for way, turns in measured.turns.items():
        columns = zip(*((turn.rate, turn.cost, turn.server, turn.memory) for turn in turns), strict=True)
        table.add_row(way, *(spread(list(column)) for column in columns))
    console.print(table)
    table = Table("figure", "median (least to most)", "target", "", title="targets")
    turns = measured.turns[COMPARED]
    for check in (
        Check(f"events per second {COMPARED}", [turn.rate for turn in turns], 60_000),
        Check("memory in MB", [turn.memory for turn in turns], 300, is_limit=True),
    ):
        sign, met = "below" if check.is_limit else "at least", "met" if check.is_met() else "[bold]MISSED[/]"
        table.add_row(check.name, spread(check.values), f"{sign} {check.target:g}", met)
    console.print(table)
