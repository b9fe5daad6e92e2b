"""Decodes and encodes large bodies in threads, so that the event loop can serve other requests."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")

LARGE = 32 * 1024
"""Bytes of a body from which on work on it would block the event loop for more than about 3 ms."""

_threads = ThreadPoolExecutor(max_workers=2, thread_name_prefix="decoding")


async def run(size: int, work: Callable[P, T], *arguments: P.args, **named: P.kwargs) -> T:
    """The result of `work` on a body of `size` bytes. Runs in a thread if the body is large."""
    if size < LARGE:
        return work(*arguments, **named)
    return await asyncio.get_running_loop().run_in_executor(_threads, lambda: work(*arguments, **named))
