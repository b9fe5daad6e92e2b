"""The read benchmark: queries over HTTP about an outcome with many entries, with and without concurrent writes."""

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from http.client import HTTPConnection
from math import isclose
from pathlib import Path
from statistics import median
from typing import Any

import httpx
import psycopg
from rich.progress import Progress, TaskID
from scipy import stats

from projections.views.registry import VIEWS
from scripts.benchmarks import ours, read_duckdb, read_entries, read_writes
from scripts.benchmarks.read_report import (
    GROWTH,
    MODES,
    OTHER,
    PEER,
    QUESTIONS,
    QUIET,
    SAME,
    SERIES,
    SUMMARY,
    TREND,
    Measured,
    Options,
    Phase,
    Times,
)
from scripts.benchmarks.read_writes import Written
from scripts.benchmarks.report import machine

PATHS = {SERIES: "series?granularity=week", TREND: "trend", SUMMARY: "summary"}
SUBJECTS = {OTHER: "other subject ", SAME: "subject "}
PRECISION = 1e-9
CATCH_UP = 7200.0
"""Maximum seconds until the view has caught up with the log."""


class WrongAnswer(Exception):
    """The service did not answer, or differently from DuckDB with the same entries."""


class Stage:
    """The service with the outcome that is queried and another one, DuckDB, and their contents."""

    def __init__(self, service: ours.Service, outcomes: dict[str, str]) -> None:
        """`outcomes`: by mode, the id of the outcome that it writes to."""
        self.service = service
        self.outcomes = outcomes
        self.peer = read_duckdb.Peer()
        self.written = dict.fromkeys(outcomes, 0)
        """How many of its writes are acknowledged, by mode."""
        self.connection = HTTPConnection("127.0.0.1", service.port, timeout=60)

    def connect(self) -> None:
        """Close the connection, so that the next query opens a new one; the service closes idle ones after some
        seconds."""
        self.connection.close()

    def ask(self, question: str, mode: str = SAME) -> tuple[int, bytes]:
        """Query the outcome that a mode writes to. Returns the status and the body."""
        headers = {"Authorization": f"Bearer {self.service.token}"}
        self.connection.request("GET", f"/v1/outcomes/{self.outcomes[mode]}/{PATHS[question]}", headers=headers)
        answer = self.connection.getresponse()
        return answer.status, answer.read()

    def answer(self, question: str, mode: str = SAME) -> dict[str, Any]:
        """Raises WrongAnswer if the query is refused."""
        self.connect()
        status, body = self.ask(question, mode)
        if status != 200:
            raise WrongAnswer(f"{question}: {status} {body[:500]!r}")
        answer: dict[str, Any] = json.loads(body)
        return answer

    def catch_up(self) -> None:
        """Wait until the view contains all acknowledged entries."""
        self.connect()
        deadline = time.monotonic() + CATCH_UP
        while (asked := self.ask(TREND))[0] == 503:
            if time.monotonic() > deadline:
                raise WrongAnswer(f"the projector does not catch up: {asked[1]!r}")

    def fill(self, number: int, seed: int, progress: Progress) -> None:
        """Add `number` entries to the outcome and to DuckDB, and bring the view up to date."""
        task = progress.add_task("entries", total=number)
        for piece in read_entries.random_entries(number, seed=seed):
            self.peer.add(piece)
            read_entries.store(self.service, self.outcomes[SAME], piece)
            progress.advance(task, len(piece))
        self._grow()
        self.catch_up()
        progress.remove_task(task)
        with psycopg.connect(self.service.conninfo, autocommit=True) as connection:
            connection.execute("VACUUM (ANALYZE)")  # as autovacuum would do soon

    def _grow(self) -> None:
        """Bring the views up to date by a rebuild, which is faster than the projector."""
        environment = {**os.environ, "DATABASE_URL": self.service.conninfo}
        for words in (["rebuild", *VIEWS.latest, "--workers", "2", "--without-comparison"], ["drop-old"]):
            command = [sys.executable, "-m", "adapters.cli", "views", *words]
            subprocess.run(command, env=environment, check=True, capture_output=True)

    def plan(self, mode: str, rate: float | None) -> read_writes.Plan:
        return read_writes.Plan(
            port=self.service.port,
            token=self.service.token,
            outcome_id=self.outcomes[mode],
            subjects=SUBJECTS[mode],
            first=self.written[mode],
            rate=rate,
        )

    @contextmanager
    def writing(self, mode: str, rate: float | None) -> Iterator[list[Written]]:
        """Write during the block, then wait for the projector to catch up, and add the result to the yielded list."""
        came: list[Written] = []
        with read_writes.writing(self.plan(mode, rate)) as writing:
            yield came
        came.append(writing.written)
        if mode == SAME:
            self.peer.add(read_entries.written(self.written[mode], writing.written.accepted))
        self.written[mode] += writing.written.accepted
        self.catch_up()

    def check(self) -> None:
        """Raises WrongAnswer unless the service agrees with DuckDB and contains everything that was written."""
        expected = [(f"{start.isoformat()}.000Z", *numbers) for start, *numbers in self.peer.rows(read_duckdb.SERIES)]
        points = self.answer(SERIES)["points"]
        _compare(SERIES, [tuple(point.values()) for point in points], expected)
        self._check_trend()
        self._check_summary()
        if self.written[OTHER]:
            _compare(OTHER, [(self.answer(SUMMARY, OTHER)["count"],)], [(self.written[OTHER],)])

    def _check_trend(self) -> None:
        means = self.peer.rows(read_duckdb.DAYS)
        fit = stats.linregress([(day - means[0][0]).days for day, _ in means], [mean for _, mean in means])
        names = ("sample_size", "slope", "intercept", "r_value", "standard_error")
        trend = self.answer(TREND)
        expected = (len(means), fit.slope, fit.intercept, fit.rvalue, fit.stderr)
        _compare(TREND, [tuple(trend[name] for name in names)], [expected])

    def _check_summary(self) -> None:
        ((*numbers, first_at, last_at),) = self.peer.rows(read_duckdb.SUMMARY)
        instants = [f"{instant.isoformat(timespec='milliseconds')}Z" for instant in (first_at, last_at)]
        names = ("count", "subjects", "mean", "median", "standard_deviation", "minimum", "maximum")
        summary = self.answer(SUMMARY)
        found = [summary[name] for name in (*names, "first_at", "last_at", "improving")]
        _compare(SUMMARY, [tuple(found)], [(*numbers, *instants, self.peer.rows(read_duckdb.IMPROVING)[0][0])])


def _compare(what: str, found: list[tuple[Any, ...]], expected: list[tuple[Any, ...]]) -> None:
    def same(one: Any, other: Any) -> bool:
        if isinstance(one, float) and isinstance(other, float):
            return isclose(one, other, rel_tol=PRECISION, abs_tol=PRECISION)
        return bool(one == other)

    rows_differ = [
        (row, wanted)
        for row, wanted in zip(found, expected, strict=False)
        if len(row) != len(wanted) or not all(map(same, row, wanted))
    ]
    if rows_differ or len(found) != len(expected):
        raise WrongAnswer(f"{what}: {len(found)} rows, not {len(expected)}; of these differ {rows_differ[:3]}")


class Run:
    """One run on a stage, with a progress display."""

    def __init__(self, options: Options, stage: Stage, progress: Progress, whole: TaskID) -> None:
        self.options = options
        self.stage = stage
        self.progress = progress
        self.whole = whole

    def top_rate(self) -> float:
        """The rate of writes without concurrent queries."""
        with self.stage.writing(OTHER, None) as came:
            time.sleep(self.options.top_seconds)
        self.tell(f"writes: {came[0].rate:,.0f}/s at most, p99 {came[0].p99:.0f} ms")
        return came[0].rate

    def phase(self, entries: int, top: float) -> Phase:
        """Measure everything on an outcome with this number of entries; writes run at half the rate `top`."""
        self.stage.check()
        phase = Phase(entries=entries, top=top)
        for turn in range(self.options.rounds):
            for mode in MODES[:: 1 if turn % 2 == 0 else -1]:
                self._turn(phase, mode)
        self.stage.check()
        return phase

    def _turn(self, phase: Phase, mode: str) -> None:
        if mode == QUIET:
            times = self._times(phase)
        else:
            with self.stage.writing(mode, phase.top / 2) as came:
                time.sleep(self.options.warm_up)
                times = self._times(phase)
            phase.written.setdefault(mode, []).append(came[0])
        for question, each in times.items():
            phase.times.setdefault((mode, question), []).append(median(each))
        told = ", ".join(f"{question} {median(each):.1f} ms" for question, each in times.items())
        self.tell(f"{mode}: {told}")

    def _times(self, phase: Phase) -> dict[str, list[float]]:
        """Milliseconds of each response, with the queries in turn."""
        times: Times = {question: [] for question in QUESTIONS}
        self.stage.connect()
        self.stage.ask(TREND)
        for number in range(self.options.questions):
            for question in QUESTIONS:
                if question == SUMMARY and number % 3:
                    continue
                start = time.perf_counter()
                if question == PEER:
                    self.stage.peer.rows(read_duckdb.SERIES)
                else:
                    status, _ = self.stage.ask(question)
                    phase.statuses[status] = phase.statuses.get(status, 0) + 1
                times[question].append((time.perf_counter() - start) * 1e3)
        return times

    def tell(self, line: str) -> None:
        self.progress.console.print(line, highlight=False)
        self.progress.advance(self.whole)


def run(options: Options, progress: Progress) -> Measured:
    """Start the service, fill it, measure, stop it. Raises if an answer is wrong or an acknowledged entry is lost."""
    phases = 2 if options.growth else 1
    whole = progress.add_task("read", total=2 + phases * options.rounds * len(MODES))
    with ExitStack() as stack:
        temporary = tempfile.TemporaryDirectory(prefix="growthrings-bench-", ignore_cleanup_errors=True)
        service = stack.enter_context(ours.service(Path(stack.enter_context(temporary))))
        stage = Stage(service, outcomes(service))
        bench = Run(options, stage, progress, whole)
        started = time.monotonic()
        stage.fill(options.entries, 0, progress)
        filled = time.monotonic() - started
        bench.tell(f"{options.entries:,} entries took {filled:.0f} s to be stored and projected")
        top = bench.top_rate()
        before, after = bench.phase(options.entries, top), None
        if options.growth:
            stage.fill((GROWTH - 1) * options.entries, 1, progress)
            after = bench.phase(GROWTH * options.entries, top)
        return Measured(
            machine=machine(service.conninfo) | {"DuckDB": stage.peer.version()},
            options=options,
            filled=filled,
            before=before,
            after=after,
        )


def outcomes(service: ours.Service) -> dict[str, str]:
    """Create the outcome that is queried, and another one. Returns their ids by the mode that writes to them."""
    with httpx.Client(base_url=f"http://127.0.0.1:{service.port}", timeout=60) as client:
        client.headers["Authorization"] = f"Bearer {ours.login(client, ours.ADMIN)}"
        body = {"brand_id": read_entries.BRAND, "metric_key": "score"}
        return {mode: str(ours.post(client, "/v1/outcomes", {**body, "name": mode})["id"]) for mode in (SAME, OTHER)}
