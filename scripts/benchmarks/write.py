"""The write benchmark: all contestants in each round, in both commit modes, before and after the log grows."""

import math
import tempfile
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

from rich.progress import Progress, TaskID

from scripts.benchmarks import copy_peer, ours, peers
from scripts.benchmarks.database import MODES, PLAIN, commit_time, set_mode, stored
from scripts.benchmarks.report import GROWTH, Measured, Results, machine
from scripts.benchmarks.stage import ARRAYS, BARE, CONTESTANTS, ITEMS, ONE, Options, Stage

BEFORE = (BARE, ONE, ARRAYS)
"""Contestants that are also measured before the log grows."""
COPY_CONNECTIONS = (2, 4)
"""The best of these numbers is determined, and measured in addition to one connection."""


class Run:
    """One run on a stage, with a progress display."""

    def __init__(self, stage: Stage, progress: Progress, whole: TaskID) -> None:
        self.stage = stage
        self.progress = progress
        self.whole = whole

    def rounds(self, number: int, contestants: Sequence[str]) -> Results:
        """Measure every contestant once per round and mode, with the opposite order in every other round."""
        results: Results = {}
        for turn in range(number):
            for mode in MODES:
                set_mode(self.stage.service.conninfo, mode)
                for contestant in contestants[:: 1 if turn % 2 == 0 else -1]:
                    outcome = self.stage.turn(contestant)
                    results.setdefault((mode, contestant), []).append(outcome)
                    self.tell(f"{mode}, {contestant}: {outcome.rate:,.0f}/s, p99 {outcome.p99:.1f} ms")
        set_mode(self.stage.service.conninfo, PLAIN)
        return results

    def grow(self, goal: int) -> None:
        """Send arrays until the log has `goal` events, and wait until the view has seen all of them."""
        stage = self.stage
        task = self.progress.add_task("events", total=goal, completed=stage.events)
        while stage.events < goal:
            stage.arrays(requests=min(200, math.ceil((goal - stage.events) / ITEMS)))
            self.progress.update(task, completed=stage.events)
        ours.catch_up(stage.service)
        self.progress.remove_task(task)

    def find_copy_connections(self) -> None:
        rates = {}
        for connections in COPY_CONNECTIONS:
            rates[connections] = self.stage.copy(connections).rate
            self.tell(f"COPY over {connections} connections: {rates[connections]:,.0f}/s")
        self.stage.copy_connections = max(rates, key=rates.__getitem__)

    def commits(self) -> dict[str, float]:
        """Milliseconds of a small commit in each mode. Raises RuntimeError if one is faster than its mode's delay."""
        times = {}
        for mode, settings in MODES.items():
            set_mode(self.stage.service.conninfo, mode)
            times[mode] = commit_time(self.stage.service.conninfo)
            if times[mode] * 1e3 < float(settings.get("commit_delay", 0)):
                raise RuntimeError(f"a {mode} commit takes only {times[mode]:.2f} ms")
        return times

    def tell(self, line: str) -> None:
        self.progress.console.print(line, highlight=False)
        self.progress.advance(self.whole)


def run(options: Options, progress: Progress) -> Measured:
    """Start everything, measure, and stop it. Raises if a response is wrong or an acknowledged event is lost."""
    turns = options.rounds_before * len(BEFORE) + options.rounds * len(CONTESTANTS)
    whole = progress.add_task("write", total=turns * len(MODES) + len(COPY_CONNECTIONS) + 1)
    with ExitStack() as stack:
        temporary = tempfile.TemporaryDirectory(prefix="growthrings-bench-", ignore_cleanup_errors=True)
        folder = Path(stack.enter_context(temporary))
        service = stack.enter_context(ours.service(folder))
        bare = stack.enter_context(peers.bare(folder))
        library = stack.enter_context(peers.library(folder, service.conninfo))
        stage = Stage(options, service, bare, library)
        bench = Run(stage, progress, whole)
        with peers.echo(folder) as port:
            echo = stage.peer(port)
        bench.tell(f"a responder that only sends back: {echo.rate:,.0f}/s")
        commits = bench.commits()
        bench.grow(options.first_events)
        first = stage.events
        before = bench.rounds(options.rounds_before, BEFORE)
        events_before = (first + stage.events) // 2
        stage.copy_pages, grown_from = copy_peer.pages(service.conninfo), stage.events
        bench.grow(max(GROWTH * events_before, grown_from + 50 * ITEMS))
        events_after = stage.events
        stage.copy_rows = events_after - grown_from
        bench.find_copy_connections()
        rounds = bench.rounds(options.rounds, CONTESTANTS)
        check_all_is_there(stage)
        return Measured(
            machine=machine(service.conninfo),
            options=options,
            echo=echo,
            commits=commits,
            copy_connections=stage.copy_connections,
            before=before,
            rounds=rounds,
            events_before=events_before,
            events_after=events_after,
            events_at_end=stage.events,
            lags=stage.lags,
        )


def check_all_is_there(stage: Stage) -> None:
    """Raises RuntimeError unless the log and the view contain exactly what was acknowledged."""
    events, weights = stored(stage.service.conninfo), ours.listed(stage.service)
    if (events, weights) != (stage.events, stage.weights):
        raise RuntimeError(
            f"{stage.events} events and {stage.weights} weights are acknowledged, "
            f"{events} are stored and {weights} listed"
        )
