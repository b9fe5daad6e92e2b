"""Our way: the command that rebuilds a view, timed and watched from outside."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
from msgspec import Struct

from scripts.benchmarks.peers import ROOT

LOOK = 0.05
"""Seconds between two looks at the memory."""

FORGET = "delete from places where view = %(view)s"
CLAIM = """
insert into places (part, view, generation, seq)
select e.part, v.view, v.generation, max(e.seq) from events e join views v on v.view = %(view)s and v.live
group by e.part, v.view, v.generation
"""


class Rebuilt(Struct, frozen=True):
    """`seconds` from the start of the command to its end; `memory`: MB of all its processes together, at most."""

    seconds: float
    memory: float
    events: int


def begin(conninfo: str, data: Path, view: str, workers: int) -> None:
    """Let the live generation be at the end of the log, so that a rebuild is compared with it as with any other.

    Nobody has kept it while the log was filled: it says that it is there, and a first rebuild, which finds that this is
    not so, takes its place.
    """
    with psycopg.connect(conninfo) as connection:
        connection.execute(FORGET, {"view": view})
        connection.execute(CLAIM, {"view": view})
    command(conninfo, data, "views", "rebuild", view, "--workers", str(workers), "--accept-differences")
    command(conninfo, data, "views", "drop-old", view)


def run(conninfo: str, data: Path, view: str, workers: int) -> Rebuilt:
    """Rebuild a view, and then drop what it has replaced; raises RuntimeError when that fails."""
    start = time.perf_counter()
    memory, told = command(conninfo, data, "views", "rebuild", view, "--workers", str(workers), "--json")
    seconds = time.perf_counter() - start
    command(conninfo, data, "views", "drop-old", view)
    return Rebuilt(seconds, memory, int(json.loads(told.splitlines()[-1])["events"]))


def command(conninfo: str, data: Path, *words: str) -> tuple[float, str]:
    """Run a command: MB of its processes at most, and what it said; raises RuntimeError when it fails."""
    told, log = data / "command.out", data / "command.log"
    with told.open("wb") as output, log.open("wb") as errors:
        running = subprocess.Popen(
            [sys.executable, "-m", "adapters.cli", *words, "--data", str(data)],
            cwd=ROOT,
            env={**os.environ, "DATABASE_URL": conninfo},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=errors,
        )
        try:
            memory = _watch(running)
        finally:
            running.kill()
            running.wait()
    if running.returncode:
        raise RuntimeError(f"{' '.join(words)}: exit {running.returncode}: {log.read_text()[-3000:]}")
    return memory, told.read_text()


def _watch(running: "subprocess.Popen[bytes]") -> float:
    """Until it has ended: MB of it and all its children, at most."""
    most = 0
    while True:
        most = max(most, sum(map(_resident, _family(running.pid))))
        try:
            running.wait(LOOK)
        except subprocess.TimeoutExpired:
            continue
        return most / 1e6


def _family(pid: int) -> Iterator[int]:
    yield pid
    try:
        children = [each.read_text().split() for each in Path(f"/proc/{pid}/task").glob("*/children")]
    except (FileNotFoundError, ProcessLookupError):  # it has ended
        return
    for child in (int(each) for some in children for each in some):
        yield from _family(child)


def _resident(pid: int) -> int:
    """Bytes in memory; those that processes share count for each."""
    try:
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except (FileNotFoundError, ProcessLookupError):
        return 0
