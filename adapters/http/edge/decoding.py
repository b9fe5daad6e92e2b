"""Decoding off the event loop: what is large is made into values, or into JSON, while others are answered."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")

LARGE = 32 * 1024
"""Bytes of a body that would keep the event loop for more than some 3 ms."""

_threads = ThreadPoolExecutor(max_workers=2, thread_name_prefix="decoding")


async def run(size: int, work: Callable[P, T], *arguments: P.args, **named: P.kwargs) -> T:
    """The result of some work on a body of so many bytes: in a thread where that is large."""
    if size < LARGE:
        return work(*arguments, **named)
    return await asyncio.get_running_loop().run_in_executor(_threads, lambda: work(*arguments, **named))
