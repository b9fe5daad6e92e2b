"""Ending with the process that started this one, whatever ends that (Linux)."""

import ctypes
import os
from signal import Signals

_PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None, use_errno=True)


def end_with(parent: int, number: Signals) -> None:
    """Have this process sent a signal when the thread that started it ends; end at once where `parent`, its process,
    has ended already. A change of user clears that. Takes no lock, so that it can run between fork and exec."""
    if _libc.prctl(_PR_SET_PDEATHSIG, int(number)) != 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    if os.getppid() != parent:
        os._exit(1)


def outlive_parent() -> None:
    """Have nothing more sent to this process, from the thread that has called `end_with`. To be called with the first
    signal by whoever takes a second one for something else: of a parent that is killed the system tells once for each
    of its threads, since the child is the next one's until the last of them has ended."""
    _libc.prctl(_PR_SET_PDEATHSIG, 0)
