"""`bench write`: measure, and print what was measured."""

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

from scripts.benchmarks import report, write
from scripts.benchmarks.stage import Options

SHORT = Options(rounds=2, rounds_before=1, seconds=0.8, warm_up=0.3, first_events=10_000)


def main() -> None:
    parser = argparse.ArgumentParser(prog="bench", description="Measure the service beside its peers.")
    commands = parser.add_subparsers(dest="command", required=True)
    command = commands.add_parser("write", help="speed of commands, about 8 minutes")
    command.add_argument("--rounds", type=int, help="how often everything is measured")
    command.add_argument("--seconds", type=float, help="how long each measurement takes")
    command.add_argument("--short", action="store_true", help="about 1.5 minutes, wider spreads")
    arguments = parser.parse_args()
    given = {name: value for name in ("rounds", "seconds") if (value := getattr(arguments, name)) is not None}
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that every process it started is ended
    options = structs.replace(SHORT if arguments.short else Options(), **given)
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=Console(stderr=True)) as progress:
        measured = write.run(options, progress)
    report.show(measured, Console(width=None if sys.stdout.isatty() else 140))


if __name__ == "__main__":
    main()
