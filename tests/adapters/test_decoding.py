"""What is large is decoded beside the event loop, never by it."""

import threading

import pytest

from adapters.http.edge import decoding
from domain.refusal import Unreadable


@pytest.mark.parametrize(("size", "by_the_loop"), [(1, True), (decoding.LARGE - 1, True), (decoding.LARGE, False)])
async def test_work_on_a_large_body_is_done_in_a_thread(size: int, by_the_loop: bool) -> None:
    worker = await decoding.run(size, threading.current_thread)
    assert by_the_loop == (worker is threading.current_thread())


@pytest.mark.parametrize("size", [1, decoding.LARGE])
async def test_a_refusal_is_raised_wherever_it_is_found(size: int) -> None:
    def refuse(of: str) -> None:
        raise Unreadable(of)

    with pytest.raises(Unreadable, match="this"):
        await decoding.run(size, refuse, of="this")
