"""`growthrings` as a person runs it: started, watched, killed, and what is left of it."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

from tests.service import CHEAP, ROOT, free_port

PASSWORD = "secret of the first"
"""Of the admin, where the settings say it."""

WITH_PASSWORD = {"GROWTHRINGS_ADMIN_PASSWORD": PASSWORD}


@dataclass(frozen=True)
class Run:
    """A process of ours, the files that its output goes to, and how long it took to say that it is ready."""

    process: subprocess.Popen[bytes]
    data: Path
    url: str
    out: Path
    err: Path
    seconds: float = 0.0

    @property
    def told(self) -> str:
        return self.out.read_text()

    @property
    def logged(self) -> list[dict[str, Any]]:
        """Every line of the log; one that is not JSON is an error."""
        return [json.loads(line) for line in self.err.read_text().splitlines()]

    def end(self, number: signal.Signals, seconds: float = 20.0) -> int:
        """Send a signal, to the whole group where it is a terminal's Ctrl-C; the exit code."""
        if number is signal.SIGINT:
            os.killpg(self.process.pid, number)
        else:
            self.process.send_signal(number)
        return self.process.wait(seconds)


def command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "adapters.cli", *arguments]


def environment(**changes: str) -> dict[str, str]:
    """The tests' environment, with no settings of ours but cheap ones, and none that changes how Python behaves."""
    ours = ("GROWTHRINGS_", "PYTHON", "DATABASE_URL")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
    return {**kept, **CHEAP, "PYTHONPATH": str(ROOT), **changes}


def launch(
    data: Path,
    settings: Mapping[str, str] = WITH_PASSWORD,
    *,
    before: Sequence[str] = (),
    workers: int = 1,
    folder: str | None = None,
    cwd: Path = ROOT,
    port: int | None = None,
) -> Run:
    """Start `serve` in a process group of its own, as a terminal does. `before`: words before the command; `folder`:
    what `--data` says instead of `data`."""
    words = ("serve", "--data", folder or str(data), "--workers", str(workers))
    port = port or free_port()
    notes = data.parent / uuid4().hex
    out, err = notes.with_suffix(".out"), notes.with_suffix(".err")
    with out.open("wb") as told, err.open("wb") as logged:
        process = subprocess.Popen(
            [*before, *command(*words, "--port", str(port))],
            env=environment(**settings),
            cwd=cwd,
            stdin=subprocess.DEVNULL,
            stdout=told,
            stderr=logged,
            start_new_session=True,
        )
    return Run(process, data, f"http://127.0.0.1:{port}", out, err)


def until_ready(run: Run, seconds: float = 60.0) -> None:
    assert soon(lambda: "Ready: " in run.told or run.process.poll() is not None, seconds)
    assert run.process.poll() is None, run.err.read_text()


@contextmanager
def serving(data: Path, settings: Mapping[str, str] = WITH_PASSWORD, **how: Any) -> Iterator[Run]:
    """A service that is ready, and gone after the block, whatever the block has done to it."""
    started = time.monotonic()
    run = launch(data, settings, **how)
    try:
        until_ready(run)
        yield Run(run.process, data, run.url, run.out, run.err, time.monotonic() - started)
    finally:
        with suppress(ProcessLookupError):
            run.process.send_signal(signal.SIGTERM)
        try:
            run.process.wait(20)
        finally:
            run.process.kill()
            run.process.wait()
            sweep(data)


def processes_of(data: Path) -> dict[int, str]:
    """The processes that have to do with a data folder, by their command line, environment or working folder."""
    found = {}
    for process in Path("/proc").glob("[0-9]*"):
        try:
            call = (process / "cmdline").read_bytes()
            told = call + (process / "environ").read_bytes() + os.fsencode((process / "cwd").readlink())
        except OSError:
            continue  # it has ended
        if os.fsencode(data) in told and int(process.name) != os.getpid():
            found[int(process.name)] = call.replace(b"\0", b" ").decode().strip()
    return found


def child(data: Path, name: str) -> int:
    """The process number of one of the service's own processes: `api` or `project`."""
    (found,) = children(data, name)
    return found


def children(data: Path, name: str) -> list[int]:
    """The process numbers of all of that name."""
    return [pid for pid, call in processes_of(data).items() if f"adapters.cli {name} " in call]


def sweep(data: Path) -> None:
    """End what a test left behind."""
    for number in (signal.SIGCONT, signal.SIGKILL):
        for pid in processes_of(data):
            with suppress(ProcessLookupError):
                os.kill(pid, number)


def soon(holds: Callable[[], object], seconds: float = 15.0) -> bool:
    """Whether it holds within so many seconds; once it does, it is not asked again."""
    deadline = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.01)
    return True


def run_briefly(
    *arguments: str, settings: Mapping[str, str] = WITH_PASSWORD, seconds: float = 60.0
) -> subprocess.CompletedProcess[str]:
    """A command that ends by itself."""
    return subprocess.run(
        command(*arguments),
        env=environment(**settings),
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=seconds,
        check=False,
    )
