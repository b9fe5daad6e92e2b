"""Our contestant: runs the command that rebuilds a view, and measures its time and memory from outside."""

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
"""Seconds between two measurements of memory."""

FORGET = "delete from places where view = %(view)s"
CLAIM = """
insert into places (part, view, generation, seq)
select e.part, v.view, v.generation, max(e.seq) from events e join views v on v.view = %(view)s and v.live
group by e.part, v.view, v.generation
"""


class Rebuilt(Struct, frozen=True):
    """`seconds`: from the start of the command to its end. `memory`: peak MB of all its processes together."""

    seconds: float
    memory: float
    events: int


def begin(conninfo: str, data: Path, view: str, workers: int) -> None:
    """Bring the live generation to the end of the log, so that a rebuild can be compared with it.

    No projector has maintained it while the log was filled. Its checkpoints are set to the end of the log, and a first
    rebuild, which accepts the differences, replaces it.
    """
    with psycopg.connect(conninfo) as connection:
        connection.execute(FORGET, {"view": view})
        connection.execute(CLAIM, {"view": view})
    command(conninfo, data, "views", "rebuild", view, "--workers", str(workers), "--accept-differences")
    command(conninfo, data, "views", "drop-old", view)


def run(conninfo: str, data: Path, view: str, workers: int) -> Rebuilt:
    """Rebuild a view, then drop the old generation. Raises RuntimeError if the command fails."""
    start = time.perf_counter()
    memory, told = command(conninfo, data, "views", "rebuild", view, "--workers", str(workers), "--json")
    seconds = time.perf_counter() - start
    command(conninfo, data, "views", "drop-old", view)
    return Rebuilt(seconds, memory, int(json.loads(told.splitlines()[-1])["events"]))


def command(conninfo: str, data: Path, *words: str) -> tuple[float, str]:
    """Run a command. Returns the peak MB of its processes and its output; raises RuntimeError if it fails."""
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
    """Wait for the end of a process, and return the peak MB of it and all its subprocesses."""
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
    """Resident bytes of a process; shared memory counts for each process."""
    try:
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except (FileNotFoundError, ProcessLookupError):
        return 0
