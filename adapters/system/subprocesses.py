"""Starts and stops subprocesses, which end with this process however it ends."""

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
"""Seconds that a subprocess has to stop by itself before it is killed."""


def spawn(arguments: Sequence[str], environment: Mapping[str, str], **options: Any) -> subprocess.Popen[Any]:
    """Start `growthrings` with these arguments. Call it in the main thread: the subprocess ends with the thread.

    It gets a session of its own: Ctrl-C in a terminal reaches only this process, which stops its subprocesses in order.
    """
    return subprocess.Popen(
        [sys.executable, "-m", "adapters.cli", *arguments],
        env=environment,
        start_new_session=True,
        preexec_fn=partial(end_with_parent, os.getpid(), signal.SIGTERM),  # noqa: PLW1509  # takes no lock that another thread might hold
        **options,
    )


def stop(*processes: subprocess.Popen[Any]) -> None:
    """Send SIGTERM to all of them, wait, and kill those that do not end in time."""
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
