"""Chooses the user that PostgreSQL runs as when root starts it, since PostgreSQL refuses to run as root (Linux)."""

from __future__ import annotations

import contextlib
import ctypes
import os
import struct
import subprocess
from collections.abc import Callable
from functools import partial
from pathlib import Path

_NOBODY = 65534

# linux/sched.h, linux/prctl.h, linux/capability.h
_CLONE_NEWUSER = 0x10000000
_PR_SET_KEEPCAPS, _PR_CAP_AMBIENT, _PR_CAP_AMBIENT_RAISE = 8, 47, 2
_CAPABILITY_VERSION_3, _CAP_DAC_OVERRIDE, _CAP_DAC_READ_SEARCH = 0x20080522, 1, 2
_libc = ctypes.CDLL(None, use_errno=True)

Become = Callable[[], None]
"""Called in a subprocess before it executes its program."""


def account(data: Path, program: str) -> tuple[int, Become]:
    """Return the owner of the server's files, and a function by which a subprocess becomes this user.

    Raises RuntimeError if the program runs as no user that we can become.
    """
    if os.geteuid() != 0:
        return os.geteuid(), lambda: None
    for uid, become in ((0, _enter_namespace), (_NOBODY, _become_nobody)):
        ready = partial(become, data)
        with contextlib.suppress(OSError, subprocess.SubprocessError):  # the system refuses this one: try the next
            subprocess.run([program, "-V"], capture_output=True, preexec_fn=ready, check=True)
            return uid, ready
    raise RuntimeError(
        f"PostgreSQL does not run as root, and can be no other user in {data}: start as another user, or "
        "allow user namespaces, or the capabilities CHOWN, DAC_OVERRIDE, KILL, SETGID and SETUID"
    )


def _enter_namespace(data: Path) -> None:
    """Enter a user namespace in which this process is nobody. For the file system it remains root, without root's
    capabilities, so that no file has to change its owner."""
    uid, gid = os.geteuid(), os.getegid()
    _checked(_libc.unshare(_CLONE_NEWUSER))
    Path("/proc/self/setgroups").write_text("deny")
    Path("/proc/self/uid_map").write_text(f"{_NOBODY} {uid} 1")
    Path("/proc/self/gid_map").write_text(f"{_NOBODY} {gid} 1")
    os.listdir(data)  # fails if a folder above it is closed to root without its capabilities


def _become_nobody(data: Path) -> None:
    """Become nobody, and keep the weakest capability that gives access to the folders above the data folder."""
    _prctl(_PR_SET_KEEPCAPS, 1)
    os.setgroups([])
    os.setgid(_NOBODY)
    os.setuid(_NOBODY)
    for capability in (_CAP_DAC_READ_SEARCH, _CAP_DAC_OVERRIDE):
        head, bits = struct.pack("Ii", _CAPABILITY_VERSION_3, 0), 1 << capability
        if _libc.capset(head, struct.pack("6I", bits, bits, bits, 0, 0, 0)) == 0:
            _prctl(_PR_CAP_AMBIENT, _PR_CAP_AMBIENT_RAISE, capability)
            break
    os.listdir(data)


def _prctl(option: int, *values: int) -> None:
    _checked(_libc.prctl(option, *(ctypes.c_ulong(value) for value in (*values, 0, 0, 0, 0)[:4])))


def _checked(result: int) -> None:
    if result != 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
