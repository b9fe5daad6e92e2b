"""The login benchmark: whether the time of a refusal reveals that a user name exists."""

import random
import tempfile
import time
from pathlib import Path
from statistics import median

import httpx
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from scripts.benchmarks import ours
from scripts.benchmarks.report import machine, spread

UNKNOWN, WRONG, RIGHT = "unknown name", "wrong password", "right password"
LOGINS = {
    UNKNOWN: {"username": "nobody of that name", "password": "a password"},
    WRONG: {**ours.ADMIN, "password": "not the password"},
    RIGHT: ours.ADMIN,
}
EACH = 10
"""Logins of each kind per round."""

Times = dict[str, list[float]]
"""Milliseconds of a login by kind, as one median per round."""


def run(rounds: int, progress: Progress) -> tuple[dict[str, str], Times]:
    """Log in one at a time, with the kinds in random order. Returns the machine and the times."""
    task = progress.add_task("login", total=rounds)
    times: Times = {sort: [] for sort in LOGINS}
    with (
        tempfile.TemporaryDirectory(prefix="growthrings-bench-", ignore_cleanup_errors=True) as folder,
        ours.service(Path(folder)) as service,
        httpx.Client(base_url=f"http://127.0.0.1:{service.port}", timeout=60) as client,
    ):
        for _ in range(rounds):
            measured: Times = {sort: [] for sort in LOGINS}
            for sort in random.sample([*LOGINS] * EACH, k=EACH * len(LOGINS)):
                started = time.perf_counter()
                client.post("/v1/auth", json=LOGINS[sort])
                measured[sort].append((time.perf_counter() - started) * 1e3)
            for sort, each in measured.items():
                times[sort].append(median(each))
            progress.advance(task)
        return machine(service.conninfo), times


def show(measured: tuple[dict[str, str], Times], console: Console) -> None:
    on, times = measured
    for name, value in on.items():
        console.print(f"{name}: {value}", highlight=False)
    table = Table("login", "ms, median (least to most of the rounds)", "/ wrong password, per round")
    for sort, each in times.items():
        ratios = [one / other for one, other in zip(each, times[WRONG], strict=True)]
        table.add_row(sort, spread(each), spread(ratios))
    console.print(table)
