"""`growthrings import`: sends the rows of a CSV file to an outcome of a running service; existing entries stay."""

import argparse
import os
import signal
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

import httpx
import msgspec
from msgspec import Raw, Struct

from adapters.cli import arguments
from adapters.cli.console import open_console, progress_bar
from adapters.cli.importing import csv_rows
from adapters.cli.importing.csv_rows import Arguments, InvalidArguments, InvalidRow, Item, Reading
from adapters.cli.importing.retrying_client import RetryingClient, ServiceFailed, checked, reason
from adapters.cli.importing.target import OUTCOMES, Target, kept_settings, outcome_of
from adapters.settings import IMPORTER_VARIABLE, VARIABLES, Settings
from adapters.system.terminal import escaped, print_error
from domain.outcome import DIRECTIONS, HIGHER

DEFAULT_URL = "http://127.0.0.1:8000"

BATCH = 1_000
"""Entries of one request, at most."""

SHOWN = 10
"""Refused rows that are told one by one."""


class _Item(Struct, frozen=True):
    """What an item is known by that comes back as it was sent."""

    line: int = 0


class _Problem(Struct, frozen=True):
    code: int
    message: str
    item: _Item


class _Answered(Struct, frozen=True):
    success: list[Raw]
    error: list[_Problem]


class Tally(Struct):
    """What became of the rows: how many are new, were there already, were refused; and the first of the refused."""

    new: int = 0
    there: int = 0
    refused: int = 0
    first: list[InvalidRow] = []

    def refuse(self, rows: Iterable[InvalidRow]) -> None:
        for row in sorted(rows, key=lambda each: each.line):
            self.refused += 1
            if len(self.first) < SHOWN:
                self.first.append(row)

    def told(self) -> str:
        lines = [escaped(f"line {row.line}: {row.reason}") for row in self.first]
        if self.refused > len(self.first):
            lines.append(f"… and {self.refused - len(self.first):,} more that were refused")
        return "\n".join([f"{self.new:,} new, {self.there:,} there already, {self.refused:,} refused", *lines])


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.epilog = f"The password is read from {IMPORTER_VARIABLE}, or else from {VARIABLES['admin_password']}."
    parser.add_argument("file", type=Path, metavar="FILE.csv", help="The file, in UTF-8; its first line has the names.")
    for required, name, shown, help in (
        (True, "brand", "BRAND", "The brand of the outcome."),
        (True, "outcome", "NAME", "The name of the outcome, which is created if it does not exist."),
        (True, "value", "COL", "The column of the values, which are stored as they are written."),
        (True, "subject", "COL|row", "The column of the subjects; `row` makes each row a subject."),
        (True, "at", "COL|DATE", "The column of the dates or times, or one date or time for all rows."),
        (False, "start", "DATE", "The date from which the column --at counts days."),
        (False, "metadata", "COL,…", "Columns that are stored with each value."),
        (False, "metric", "KEY", "The metric of the outcome (default: the column of the values)."),
        (False, "unit", "UNIT", "The unit of an outcome that is created."),
        (False, "url", "URL", f"The address of the service (default: {DEFAULT_URL})."),
        (False, "username", "NAME", f"The user who imports (default: {VARIABLES['admin_username']}, or admin)."),
    ):
        parser.add_argument(f"--{name}", required=required, type=arguments.text, metavar=shown, help=help)
    parser.add_argument(
        "--direction", choices=DIRECTIONS, help=f"The direction of an outcome that is created (default: {HIGHER})."
    )


def run(settings: Settings, parsed: argparse.Namespace) -> int:
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # it reports its progress when it is terminated, too
    try:
        return import_file(settings, parsed.file, vars(parsed))
    except KeyboardInterrupt:
        print_error("Stopped. What was sent is stored: run the same command again, it duplicates nothing.")
        return 130


def import_file(settings: Settings, path: Path, options: Mapping[str, Any]) -> int:
    """0 when no row was refused, else 1.

    InvalidArguments before anything is sent; ServiceFailed, after which the entries sent so far are stored.
    """
    password = os.environ.get(IMPORTER_VARIABLE) or settings.admin_password
    if password is None:
        raise InvalidArguments(f"{IMPORTER_VARIABLE} is not set: it must hold the password of --username")
    target = Target(
        name=options["outcome"],
        brand_id=options["brand"],
        metric_key=options["metric"] or options["value"],
        unit=options["unit"],
        direction=options["direction"],
    )
    console = open_console()

    def wait(seconds: float, why: str) -> None:
        console.print(escaped(f"{why} Waiting {seconds:.0f} s."))
        time.sleep(seconds)

    url = _address(options["url"] or DEFAULT_URL)
    with csv_rows.opened(path) as table, httpx.Client(base_url=url, timeout=30) as http:
        reading = Reading(table, msgspec.convert(dict(options), Arguments))
        with progress_bar(console) as shown:
            rows = sum(1 for _ in shown.track(table.rows(), description="reading"))
        client = RetryingClient(http, options["username"] or settings.admin_username, password, wait)
        client.log_in()
        outcome = outcome_of(client, target)
        for told in kept_settings(outcome, target):
            console.print(escaped(told))
        tally = Tally()
        try:
            with progress_bar(console) as shown:
                task = shown.add_task("importing", total=rows)
                for done in send(client, outcome.id, reading.items(), tally):
                    shown.advance(task, done)
        except ServiceFailed as error:
            raise ServiceFailed(
                f"{error} What was sent is kept: run the same again, and nothing is doubled."
            ) from error
        finally:
            console.print(tally.told())
    return 1 if tally.refused else 0


def _address(url: str) -> httpx.URL:
    try:
        address = httpx.URL(url)
    except httpx.InvalidURL as error:
        raise InvalidArguments(f"--url: {url!r} is no address: {error}") from error
    if address.scheme not in ("http", "https") or not address.host or address.userinfo:
        raise InvalidArguments(f"--url: {url!r} is no address such as {DEFAULT_URL}")
    return address


def send(client: RetryingClient, outcome_id: str, rows: Iterator[Item | InvalidRow], tally: Tally) -> Iterator[int]:
    """Send the entries in batches, and tell of each batch how many rows it was. ServiceFailed."""
    while batch := list(islice(rows, BATCH)):
        refused = [row for row in batch if isinstance(row, InvalidRow)]
        refused += _send(client, outcome_id, [row for row in batch if isinstance(row, Item)], tally)
        tally.refuse(refused)
        yield len(batch)


def _send(client: RetryingClient, outcome_id: str, items: Sequence[Item], tally: Tally) -> list[InvalidRow]:
    """Send one batch, or in halves what is too large for the service; the rows that are refused."""
    if not items:
        return []
    answer = client.ask("POST", f"{OUTCOMES}/{outcome_id}/entries", items)
    if answer.status_code == 413 and len(items) == 1:
        return [InvalidRow(items[0].line, reason(answer))]
    if answer.status_code == 413:
        half = len(items) // 2
        first = _send(client, outcome_id, items[:half], tally)
        return first + _send(client, outcome_id, items[half:], tally)
    answered = checked(answer, 207, _Answered)
    if len(answered.success) + len(answered.error) != len(items):
        raise ServiceFailed(f"of {len(items)} entries the service answered another number")
    refused = [problem for problem in answered.error if problem.code != 409]
    tally.new += len(answered.success)
    tally.there += len(answered.error) - len(refused)
    return [InvalidRow(problem.item.line, problem.message) for problem in refused]
