"""A process of the service that ended is started again, also where that cannot be done at once."""

import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest

from adapters.processes import supervisor
from adapters.processes.supervisor import Subprocess
from adapters.system import subprocesses

Spawn = Callable[..., subprocess.Popen[Any]]


def ended(*_: Any, **__: Any) -> subprocess.Popen[Any]:
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return process


def refused(*_: Any, **__: Any) -> subprocess.Popen[Any]:
    raise BlockingIOError(11, "Resource temporarily unavailable")


def test_a_process_that_cannot_be_started_again_now_is_started_later(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(supervisor, "RESTART_PAUSE", -1.0)
    monkeypatch.setattr(subprocesses, "spawn", ended)
    running = Subprocess(["api"], {})
    first = running.process
    running.watch()  # it has ended
    monkeypatch.setattr(subprocesses, "spawn", refused)
    running.watch()
    assert first is running.process
    monkeypatch.setattr(subprocesses, "spawn", ended)
    running.watch()
    assert first is not running.process
