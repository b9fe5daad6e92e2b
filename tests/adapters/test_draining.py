"""What a process that ends waits for, and for how long."""

import asyncio
import signal
from typing import Any, cast

import uvicorn

from adapters.http.edge.draining import Draining
from adapters.http.edge.server import Server

LONG = 600.0
"""Seconds; whoever waits for so long has not been told."""


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
