"""The rebuild benchmark: a view built from the log by us, by the library, and by one SQL statement per table."""

import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import psycopg
from rich.progress import Progress, TaskID

from adapters.postgres import embedded
from adapters.postgres.migrate import migrate
from scripts.benchmarks import rebuild_library, rebuild_log, rebuild_ours, rebuild_sql
from scripts.benchmarks.database import stored
from scripts.benchmarks.rebuild_log import PARTITIONS, Log
from scripts.benchmarks.rebuild_programme import Programme
from scripts.benchmarks.rebuild_report import (
    GROWTH,
    LIBRARY,
    MEASUREMENTS,
    OURS,
    SQL,
    VIEWS,
    Measured,
    Options,
    Phase,
)
from scripts.benchmarks.report import machine


class Run:
    """One run on a database, with a progress display."""

    def __init__(self, options: Options, conninfo: str, data: Path, progress: Progress, whole: TaskID) -> None:
        self.options = options
        self.conninfo = conninfo
        self.data = data
        self.progress = progress
        self.whole = whole
        self.log = Log(Programme())

    def phase(self, number: int, views: tuple[str, ...], ways: tuple[str, ...]) -> Phase:
        """Extend the log to `number` events and measure the contestants on it. Raises if rows are wrong."""
        start = time.perf_counter()
        rebuild_log.fill(self.conninfo, self.log, number - len(self.log), self.progress)
        phase = Phase(events=stored(self.conninfo), filled=time.perf_counter() - start)
        self.tell(f"{phase.events:,} events filled in {phase.filled:.0f} s")
        for view in views:
            rebuild_ours.begin(self.conninfo, self.data, view, self.options.workers)
        for turn in range(self.options.rounds):
            for view in views:
                for way in ways[:: 1 if turn % 2 == 0 else -1]:
                    if way != LIBRARY or view == MEASUREMENTS:
                        self._turn(phase, view, way)
                phase.rows[view] = rebuild_sql.check(self.conninfo, view)
        return phase

    def _turn(self, phase: Phase, view: str, way: str) -> None:
        with psycopg.connect(self.conninfo, autocommit=True) as connection:
            connection.execute("checkpoint")  # so that no contestant writes the dirty pages of another
        measure: dict[str, Callable[[], float]] = {
            OURS: lambda: self._ours(phase, view),
            LIBRARY: lambda: rebuild_library.run(self.conninfo, self.options.library_events),
            SQL: lambda: phase.events / rebuild_sql.run(self.conninfo, view),
        }
        rate = measure[way]()
        phase.rates.setdefault((view, way), []).append(rate)
        self.tell(f"{view}, {way}: {rate:,.0f} events/s")

    def _ours(self, phase: Phase, view: str) -> float:
        rebuilt = rebuild_ours.run(self.conninfo, self.data, view, self.options.workers)
        if rebuilt.events != phase.events:
            raise RuntimeError(f"{rebuilt.events} events were rebuilt, of {phase.events}")
        phase.memory.setdefault(view, []).append(rebuilt.memory)
        return phase.events / rebuilt.seconds

    def tell(self, line: str) -> None:
        self.progress.console.print(line, highlight=False)
        self.progress.advance(self.whole)


def run(options: Options, progress: Progress) -> Measured:
    """Fill a log, measure, and discard it. Raises if the rows of a view do not match the log."""
    turns = options.rounds * (len(VIEWS) * 2 + 1) + 1
    turns += options.rounds * 2 + 1 if options.growth else 0
    whole = progress.add_task("rebuild", total=turns)
    with tempfile.TemporaryDirectory(prefix="growthrings-bench-", ignore_cleanup_errors=True) as folder:
        data = Path(folder) / "data"
        server = embedded.start(data)
        try:
            with psycopg.connect(server.url) as connection:
                migrate(connection, PARTITIONS)
            bench = Run(options, server.url, data, progress, whole)
            before = bench.phase(options.events, VIEWS, (OURS, LIBRARY, SQL))
            after = None
            if options.growth:
                after = bench.phase(GROWTH * options.events, (MEASUREMENTS,), (OURS, SQL))
            return Measured(machine=machine(server.url), options=options, before=before, after=after)
        finally:
            server.stop()
