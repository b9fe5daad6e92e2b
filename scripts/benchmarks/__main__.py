"""`bench write`, `workers`, `login`, `read`, `rebuild`, `replay`: run a benchmark and print its results."""

import argparse
import signal
import sys

from msgspec import structs
from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from scripts.benchmarks import login, read, read_report, rebuild, rebuild_report, replay, report, workers, write
from scripts.benchmarks.read_report import Options as ReadOptions
from scripts.benchmarks.rebuild_report import Options as RebuildOptions
from scripts.benchmarks.replay import Options as ReplayOptions
from scripts.benchmarks.stage import Options
from scripts.benchmarks.workers import Options as WorkersOptions

SHORT = Options(rounds=2, rounds_before=1, seconds=0.8, warm_up=0.3, first_events=10_000)
SHORT_WORKERS = WorkersOptions(rounds=3, seconds=3.0, warm_up=0.5)
SHORT_READ = ReadOptions(entries=100_000, rounds=3, questions=9, top_seconds=3.0)
SHORT_REBUILD = RebuildOptions(events=100_000, rounds=2, library_events=5_000)
SHORT_REPLAY = ReplayOptions(events=50_000, rounds=2)


def main() -> None:
    parser = argparse.ArgumentParser(prog="bench", description="Measure the service beside its peers.")
    commands = parser.add_subparsers(required=True)
    command = commands.add_parser("write", help="speed of commands, about 8 minutes")
    command.add_argument("--rounds", type=int, help="how often everything is measured")
    command.add_argument("--seconds", type=float, help="how long each measurement takes")
    command.add_argument("--short", action="store_true", help="about 1.5 minutes, wider spreads")
    command.set_defaults(run=_write)
    command = commands.add_parser("workers", help="speed of two API processes beside one, about 3 minutes")
    command.add_argument("--rounds", type=int, help="how often everything is measured")
    command.add_argument("--short", action="store_true", help="about a minute, wider spreads")
    command.set_defaults(run=_workers)
    command = commands.add_parser("login", help="whether the time of a refused login tells anything, about a minute")
    command.add_argument("--rounds", type=int, default=5, help="how often everything is measured")
    command.set_defaults(run=_login)
    command = commands.add_parser("read", help="speed of analytics while writes go on, about 10 minutes")
    command.add_argument("--entries", type=int, help="of the outcome that is asked about")
    command.add_argument("--rounds", type=int, help="how often everything is measured")
    command.add_argument("--growth", action="store_true", help="measure with ten times the entries as well")
    command.add_argument("--short", action="store_true", help="100,000 entries, about 2 minutes")
    command.set_defaults(run=_read)
    command = commands.add_parser("rebuild", help="speed of rebuilding views, about 6 minutes")
    command.add_argument("--events", type=int, help="of the log")
    command.add_argument("--rounds", type=int, help="how often everything is measured")
    command.add_argument("--workers", type=int, help="of a rebuild (default: one for each core)")
    command.add_argument(
        "--growth", action="store_true", help="measure with ten times the events as well, about half an hour"
    )
    command.add_argument("--short", action="store_true", help="100,000 events, about a minute")
    command.set_defaults(run=_rebuild)
    command = commands.add_parser("replay", help="speed of replaying the log, about 5 minutes")
    command.add_argument("--events", type=int, help="of the log")
    command.add_argument("--rounds", type=int, help="how often everything is measured")
    command.add_argument("--short", action="store_true", help="50,000 events, about a minute")
    command.set_defaults(run=_replay)
    arguments = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that every subprocess is ended
    arguments.run(arguments, Console(width=None if sys.stdout.isatty() else 140))


def _write(arguments: argparse.Namespace, console: Console) -> None:
    given = {name: value for name in ("rounds", "seconds") if (value := getattr(arguments, name)) is not None}
    options = structs.replace(SHORT if arguments.short else Options(), **given)
    with _progress() as progress:
        measured = write.run(options, progress)
    report.show(measured, console)


def _workers(arguments: argparse.Namespace, console: Console) -> None:
    options = SHORT_WORKERS if arguments.short else WorkersOptions()
    options = structs.replace(options, rounds=arguments.rounds or options.rounds)
    with _progress() as progress:
        measured = workers.run(options, progress)
    workers.show(measured, console)


def _login(arguments: argparse.Namespace, console: Console) -> None:
    with _progress() as progress:
        measured = login.run(arguments.rounds, progress)
    login.show(measured, console)


def _read(arguments: argparse.Namespace, console: Console) -> None:
    given = {name: value for name in ("entries", "rounds") if (value := getattr(arguments, name)) is not None}
    options = structs.replace(SHORT_READ if arguments.short else ReadOptions(), growth=arguments.growth, **given)
    with _progress() as progress:
        measured = read.run(options, progress)
    read_report.show(measured, console)


def _rebuild(arguments: argparse.Namespace, console: Console) -> None:
    names = ("events", "rounds", "workers")
    given = {name: value for name in names if (value := getattr(arguments, name)) is not None}
    options = SHORT_REBUILD if arguments.short else RebuildOptions()
    options = structs.replace(options, growth=arguments.growth, **given)
    with _progress() as progress:
        measured = rebuild.run(options, progress)
    rebuild_report.show(measured, console)


def _replay(arguments: argparse.Namespace, console: Console) -> None:
    given = {name: value for name in ("events", "rounds") if (value := getattr(arguments, name)) is not None}
    options = structs.replace(SHORT_REPLAY if arguments.short else ReplayOptions(), **given)
    with _progress() as progress:
        measured = replay.run(options, progress)
    replay.show(measured, console)


def _progress() -> Progress:
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
    )
    return Progress(*columns, console=Console(stderr=True))


if __name__ == "__main__":
    main()
