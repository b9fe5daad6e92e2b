"""Catches the signals that ask a process to stop."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Event as Flag


@contextmanager
def stop_signals() -> Iterator[Flag]:
    """A flag that SIGINT and SIGTERM set while the block runs; afterwards their former handlers are back."""
    stopping = Flag()
    numbers = (signal.SIGINT, signal.SIGTERM)
    before = {number: signal.signal(number, lambda *_: stopping.set()) for number in numbers}
    try:
        yield stopping
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
