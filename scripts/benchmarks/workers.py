"""The workers benchmark: the same load on a service with one API process and on one with two, in turn."""

import os
import tempfile
from contextlib import ExitStack
from pathlib import Path
from statistics import median

from msgspec import Struct
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from scripts.benchmarks import load, ours
from scripts.benchmarks.database import MODES, PLAIN, set_mode, stored
from scripts.benchmarks.load import Outcome
from scripts.benchmarks.report import Check, machine, ratios, spread

WORKERS = (1, 2)
CHILDREN = 128
"""They are spread over 64 partitions, so that two writers seldom need the same ones."""
CONNECTIONS = 64
TARGET = 1.3


class Options(Struct, frozen=True, kw_only=True):
    """The extent of the measurement; times in seconds."""

    rounds: int = 5
    seconds: float = 5.0
    warm_up: float = 1.0


class Turn(Struct, frozen=True):
    """`cost`: CPU time of the API processes per request, in microseconds. `idle`: the share of the cores' time that was
    idle, including the warm-up."""

    outcome: Outcome
    cost: float
    idle: float


Turns = dict[tuple[str, int], list[Turn]]
"""By commit mode and number of workers, one per round."""


class Measured(Struct, frozen=True):
    machine: dict[str, str]
    options: Options
    turns: Turns
    events: int
    """Number of events that were acknowledged and found in the logs."""


def run(options: Options, progress: Progress) -> Measured:
    """Start both services, measure them in turn, and stop them; RuntimeError if an acknowledged event is lost."""
    whole = progress.add_task("workers", total=options.rounds * len(MODES) * len(WORKERS))
    turns: Turns = {}
    with ExitStack() as stack:
        temporary = tempfile.TemporaryDirectory(prefix="growthrings-bench-", ignore_cleanup_errors=True)
        folder = Path(stack.enter_context(temporary))
        services = {
            number: stack.enter_context(ours.service(folder / str(number), workers=number, children=CHILDREN))
            for number in WORKERS
        }
        expected = {number: stored(service.conninfo) for number, service in services.items()}
        for turn in range(options.rounds):
            for mode in MODES:
                for number in WORKERS[:: 1 if turn % 2 == 0 else -1]:
                    service = services[number]
                    set_mode(service.conninfo, mode)
                    measured = _turn(service, folder / str(number), options, series=sum(map(len, turns.values())))
                    turns.setdefault((mode, number), []).append(measured)
                    expected[number] += 2 * measured.outcome.accepted
                    ours.catch_up(service)
                    set_mode(service.conninfo, PLAIN)
                    rate = f"{measured.outcome.rate:,.0f}/s, {measured.idle:.0%} idle"
                    progress.console.print(f"{mode}, {number} workers: {rate}", highlight=False)
                    progress.advance(whole)
        found = {number: stored(service.conninfo) for number, service in services.items()}
        if found != expected:
            raise RuntimeError(f"acknowledged were {expected} events by workers, stored are {found}")
        return Measured(machine(services[1].conninfo), options, turns, sum(found.values()))


def _turn(service: ours.Service, folder: Path, options: Options, *, series: int) -> Turn:
    busy, idle = _cpu_times()
    used = _used_by_workers(folder)
    plan = load.Plan(
        port=service.port,
        token=service.token,
        children=service.children,
        series=series,
        seconds=options.seconds,
        warm_up=options.warm_up,
        connections=CONNECTIONS,
    )
    outcome = load.run(plan)
    cost = (_used_by_workers(folder) - used) / outcome.accepted * 1e6
    busy_after, idle_after = _cpu_times()
    idle_share = (idle_after - idle) / max(1, idle_after - idle + busy_after - busy)
    return Turn(outcome, cost, idle_share)


def _used_by_workers(folder: Path) -> float:
    """CPU seconds that the API processes of this folder have used since their start."""
    ticks = 0
    for process in Path("/proc").glob("[0-9]*"):
        try:
            words = (process / "cmdline").read_bytes().split(b"\0")
            if b"api" in words and os.fsencode(folder / "data") in words:
                ticks += sum(map(int, (process / "stat").read_text().rpartition(")")[2].split()[11:13]))
        except OSError:
            continue  # it has ended
    return ticks / os.sysconf("SC_CLK_TCK")


def _cpu_times() -> tuple[int, int]:
    """The busy and the idle ticks of all cores since the machine was started."""
    first, _, _ = Path("/proc/stat").read_text().partition("\n")
    user, nice, system, idle, waiting, *others = map(int, first.split()[1:9])
    return user + nice + system + sum(others), idle + waiting


def checks(measured: Measured) -> list[Check]:
    return [
        Check(
            f"{mode}: two workers / one",
            ratios(*([turn.outcome for turn in measured.turns[mode, number]] for number in reversed(WORKERS))),
            TARGET,
        )
        for mode in MODES
    ]


def show(measured: Measured, console: Console) -> None:
    for name, value in measured.machine.items():
        console.print(f"{name}: {value}", highlight=False)
    options = measured.options
    lines = (
        f"One weight with a body fat per request, over {CONNECTIONS} connections, for {CHILDREN} children.",
        f"Rounds: {options.rounds}; seconds of each turn: {options.seconds}, warm-up: {options.warm_up}.",
        "A worker's µs are its CPU time per request.",
        f"Client, PostgreSQL and projector share the {len(os.sched_getaffinity(0))} cores with the workers: where they "
        "leave none idle, a second worker has nothing to run on.",
        f"Of {measured.events:,} acknowledged events none was missing in the logs.",
    )
    console.print("\n".join(lines), highlight=False)
    table = Table(
        "workers", "commits", "requests per second", "p50 ms", "p99 ms", "worker µs", "cores idle", title="median"
    )
    for (mode, number), turns in measured.turns.items():
        outcomes = [turn.outcome for turn in turns]
        table.add_row(
            str(number),
            mode,
            spread([each.rate for each in outcomes]),
            f"{median(each.p50 for each in outcomes):.1f}",
            f"{median(each.p99 for each in outcomes):.1f}",
            f"{median(turn.cost for turn in turns):.0f}",
            f"{median(turn.idle for turn in turns):.0%}",
        )
    console.print(table)
    table = Table("figure", "median (least to most)", "target", "", title="targets, ratio per round")
    for check in checks(measured):
        table.add_row(
            check.name,
            spread(check.values),
            f"at least {check.target:g}",
            "met" if check.is_met() else "[bold]missed[/]",
        )
    console.print(table)
