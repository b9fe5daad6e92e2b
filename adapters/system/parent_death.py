"""Ties the life of this process to that of its parent (Linux)."""

import ctypes
import os
from signal import Signals

_PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None, use_errno=True)


def end_with_parent(parent: int, number: Signals) -> None:
    """Ask Linux to send this process a signal when the thread that started it ends; exit at once if `parent` has ended
    already. A change of user clears the request. Takes no lock, so it may run between fork and exec."""
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
