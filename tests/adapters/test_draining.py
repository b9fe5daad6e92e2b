"""What a draining process waits for, and for how long."""

import asyncio
import ctypes
import os
import signal
from typing import Any, cast

import uvicorn

from adapters.http.edge.draining import Draining
from adapters.http.edge.server import Server
from adapters.system.parent_death import end_with_parent

LONG = 600.0
"""Seconds; whoever waits for so long has not been told."""

_PR_GET_PDEATHSIG = 2


async def test_a_draining_process_waits_until_something_holds() -> None:
    held: list[bool] = []
    waiting = asyncio.create_task(Draining().wait_until(lambda: bool(held), LONG))
    await asyncio.sleep(0)
    assert not waiting.done()
    held.append(True)
    assert await asyncio.wait_for(waiting, 60)


async def test_a_draining_process_does_not_wait_for_ever() -> None:
    assert not await asyncio.wait_for(Draining().wait_until(lambda: False, 0.1), 60)


async def test_a_second_signal_ends_every_wait() -> None:
    draining = Draining()
    server = Server(uvicorn.Config(cast(Any, None)), draining, is_shared=False)
    waiting = asyncio.create_task(draining.wait_until(lambda: False, LONG))
    server.handle_exit(signal.SIGTERM, None)
    await asyncio.sleep(0)
    assert not waiting.done()
    server.handle_exit(signal.SIGTERM, None)
    assert not await asyncio.wait_for(waiting, 60)


def told_when_parent_ends() -> int:
    """The signal that this thread is sent then, 0 for none."""
    number = ctypes.c_int()
    assert 0 == ctypes.CDLL(None).prctl(_PR_GET_PDEATHSIG, ctypes.byref(number))
    return number.value


def test_a_killed_parent_does_not_cut_short_a_process_that_drains_because_of_it() -> None:
    """One that is killed has as many ends as threads."""
    end_with_parent(os.getppid(), signal.SIGCHLD)  # which does nothing
    assert signal.SIGCHLD == told_when_parent_ends()
    Server(uvicorn.Config(cast(Any, None)), Draining(), is_shared=True).handle_exit(signal.SIGTERM, None)
    assert 0 == told_when_parent_ends()
