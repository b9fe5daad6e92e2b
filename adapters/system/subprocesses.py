"""Processes that end with the one that started them, whatever ends it."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from adapters.system.parent_death import end_with_parent

STOP_TIME = 15.0
"""Seconds that a process has to end by itself."""


def spawn(arguments: Sequence[str], environment: Mapping[str, str], **options: Any) -> subprocess.Popen[Any]:
    """Start `growthrings` with these arguments; from the main thread, since it ends with the thread that did.

    In a session of its own, so that a terminal's Ctrl-C reaches only the parent, which stops its children in order.
    """
    return subprocess.Popen(
        [sys.executable, "-m", "adapters.cli", *arguments],
        env=environment,
        start_new_session=True,
        preexec_fn=partial(end_with_parent, os.getpid(), signal.SIGTERM),  # noqa: PLW1509  # takes no lock that another thread might hold
        **options,
    )


def stop(*processes: subprocess.Popen[Any]) -> None:
    """Ask them to end, all at once, wait, and make them end."""
    for process in processes:
        if process.poll() is None:
            process.terminate()
    deadline = time.monotonic() + STOP_TIME
    for process in processes:
        try:
            process.wait(max(0.0, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
