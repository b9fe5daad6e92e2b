"""A thread that writes the lines of the log, so that a full disk or a blocked pipe stops no request."""

import os
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from queue import Empty, SimpleQueue
from threading import Event, Thread
from typing import TextIO

GATHER = 0.05
"""Seconds for which delayed lines are collected: twenty writes a second are enough under load."""

WAITING = 50_000
"""Maximum number of waiting lines; further lines are dropped and counted."""

LINGER = 1.0
"""Seconds that an ending process waits for its last lines to be written."""


class Lines:
    """Implements the interface of a structlog logger."""

    def __init__(self, write: Callable[[bytes], int]) -> None:
        """`write` returns how many bytes it has written, or raises OSError."""
        self._write = write
        self._waiting: SimpleQueue[str | Callable[[], str] | Event] = SimpleQueue()
        self._lost = 0
        self._thread: Thread | None = None

    def msg(self, line: str) -> None:
        """Queue one line. Signal handlers may call it, and `later`."""
        self._put(line)

    debug = info = warning = error = critical = exception = msg

    def later(self, line: Callable[[], str]) -> None:
        """Queue a line that the logging thread formats."""
        self._put(line)

    def flush(self) -> None:
        """Wait until the queued lines are written, for at most LINGER."""
        if self._thread is not None:
            written = Event()
            self._waiting.put(written)
            written.wait(LINGER)

    def _put(self, line: str | Callable[[], str]) -> None:
        if self._waiting.qsize() >= WAITING:
            self._lost += 1
            return
        self._waiting.put(line)
        if self._thread is None:
            self._thread = Thread(target=self._work, name="log", daemon=True)
            self._thread.start()

    def _work(self) -> None:
        while True:
            batch = [self._waiting.get()]
            if not isinstance(batch[0], str | Event):
                time.sleep(GATHER)
            with suppress(Empty):
                while len(batch) < WAITING:
                    batch.append(self._waiting.get_nowait())
            self._write_all([_made(each) for each in batch if not isinstance(each, Event)])
            for each in batch:
                if isinstance(each, Event):
                    each.set()

    def _write_all(self, lines: Sequence[str]) -> None:
        lost, self._lost = self._lost, 0
        note = [f'{{"event": "log lines were lost", "level": "warning", "lines": {lost}}}'] if lost else []
        left = "".join(f"{line}\n" for line in (*note, *lines)).encode(errors="backslashreplace")
        try:
            while left:
                left = left[self._write(left) :]
        except (OSError, ValueError):  # ValueError: a stream without a file of its own was closed
            self._lost += max(lost, lost + left.count(b"\n") - len(note))


def _made(line: str | Callable[[], str]) -> str:
    """The line; where it cannot be made, one that says so, since the thread has to go on."""
    try:
        return line if isinstance(line, str) else line()
    except Exception as error:
        return f'{{"event": "a log line cannot be made", "level": "error", "reason": "{type(error).__name__}"}}'


class Stream:
    """A text stream for the handlers of libraries."""

    def __init__(self, lines: Lines) -> None:
        self._lines = lines

    def write(self, text: str) -> None:
        self._lines.msg(text.rstrip("\n"))

    def flush(self) -> None:
        """Does nothing: logging must not block."""


def past_buffer(stream: TextIO) -> Callable[[bytes], int]:
    """A function that writes to the file descriptor of a stream. A thread that blocks in the stream itself would hold a
    lock that the interpreter waits for when it exits."""
    try:
        return partial(os.write, stream.fileno())
    except OSError:  # there is none

        def write(data: bytes) -> int:
            stream.write(data.decode())
            return len(data)

        return write
