"""Ending with the process that started this one, whatever ends that (Linux)."""

import ctypes
import os
from signal import Signals

_PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None, use_errno=True)


def end_with_parent(parent: int, number: Signals) -> None:
    """Have this process sent a signal when the thread that started it ends; end at once where `parent`, its process,
    has ended already. A change of user clears that. Takes no lock, so that it can run between fork and exec."""
    if _libc.prctl(_PR_SET_PDEATHSIG, int(number)) != 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    if os.getppid() != parent:
        os._exit(1)


def outlive_parent() -> None:
    """Stop the signal that `end_with_parent` asked for; call it in the same thread.

    A process for which a second signal means something else calls this at the first one. When a parent is killed, Linux
    signals once for each thread of it, because the child passes from thread to thread until the last has ended.
    """
    _libc.prctl(_PR_SET_PDEATHSIG, 0)
