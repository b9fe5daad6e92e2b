"""Connections for questions are shared out by subject, and nobody's slow questions hold up everybody else's."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from types import SimpleNamespace
from typing import Any, cast

import pytest
from psycopg_pool import PoolTimeout

from adapters.postgres import connections, query_pools
from adapters.postgres.fair_semaphore import CURRENT_USER, FairSemaphore
from adapters.postgres.query_pools import QueryPool
from application.unavailable import Unavailable

FOREVER = 60.0


class Holders:
    """Those who hold a place, or wait for one, each for as long as it is let."""

    def __init__(self, most: int) -> None:
        self.semaphore = FairSemaphore(most)
        self.holding: list[str] = []
        self._ends: list[tuple[str, asyncio.Event, asyncio.Task[None]]] = []

    async def come(self, subjects: str) -> None:
        """One of each of these subjects, in order."""
        for subject in subjects:
            end = asyncio.Event()
            self._ends.append((subject, end, asyncio.create_task(self._hold(subject, end))))
            await self.settle()

    async def leave(self, subject: str) -> None:
        """The first of a subject that is there ends."""
        first = next(each for each in self._ends if each[0] == subject)
        self._ends.remove(first)
        first[1].set()
        await first[2]
        await self.settle()

    async def give_up(self, subject: str) -> None:
        """The last of a subject is cancelled."""
        last = next(each for each in reversed(self._ends) if each[0] == subject)
        self._ends.remove(last)
        last[2].cancel()
        await asyncio.wait([last[2]])
        await self.settle()

    async def end(self) -> None:
        for _, _, task in self._ends:
            task.cancel()
        await asyncio.gather(*(task for _, _, task in self._ends), return_exceptions=True)

    async def settle(self) -> None:
        for _ in range(5):
            await asyncio.sleep(0)

    async def _hold(self, subject: str, end: asyncio.Event) -> None:
        async with self.semaphore.hold(subject, wait=FOREVER):
            self.holding.append(subject)
            try:
                await end.wait()
            finally:
                self.holding.remove(subject)


@pytest.fixture
async def eight() -> AsyncIterator[Holders]:
    holders = Holders(8)
    yield holders
    await holders.end()


async def test_a_subject_alone_holds_half_of_the_places_and_leaves_the_others(eight: Holders) -> None:
    await eight.come("aaaaaaaaaa")
    assert ["a"] * 4 == eight.holding
    await eight.come("bc")
    assert ["a"] * 4 + ["b", "c"] == eight.holding


async def test_while_others_wait_a_subject_gets_no_place_beyond_a_quarter(eight: Holders) -> None:
    await eight.come("aaaabbbbaabcc")
    assert ["a"] * 4 + ["b"] * 4 == eight.holding
    await eight.leave("a")
    assert ["a"] * 3 + ["b"] * 4 + ["c"] == eight.holding
    await eight.leave("b")
    assert ["a"] * 3 + ["b"] * 3 + ["c"] * 2 == eight.holding


async def test_waiting_subjects_get_connections_in_turn(eight: Holders) -> None:
    await eight.come("aabbccddeeeeffg")
    for leaving in "abcd":
        await eight.leave(leaving)
    assert sorted("abcdefge") == sorted(eight.holding)


async def test_a_cancelled_waiter_or_holder_releases_its_connection(eight: Holders) -> None:
    await eight.come("aaaaa")
    await eight.give_up("a")
    await eight.give_up("a")
    await eight.come("aa")
    assert ["a"] * 4 == eight.holding
    await eight.end()
    assert [] == eight.holding
    await eight.come("bbbbcccc")
    assert sorted("bbbbcccc") == sorted(eight.holding)


async def test_waiting_for_a_connection_in_vain_raises_a_timeout(eight: Holders) -> None:
    await eight.come("aaaa")
    with pytest.raises(TimeoutError):
        async with eight.semaphore.hold("a", wait=0.01):
            pass
    async with eight.semaphore.hold("b", wait=0.01):
        pass


async def ask(pool: QueryPool, subject: str, statement: str) -> list[tuple[object, ...]]:
    CURRENT_USER.set(subject)
    return await pool.rows(statement, {})


async def test_ten_slow_questions_of_one_subject_do_not_hold_up_those_of_another(database: str) -> None:
    sessions = connections.pool(database, 8)
    pool = QueryPool(sessions, wait=FOREVER, semaphore=FairSemaphore(8))
    await pool.open()
    try:
        slow = [asyncio.create_task(ask(pool, "slow", "select pg_sleep(600)")) for _ in range(10)]
        quick = await asyncio.gather(*(ask(pool, "quick", "select 1") for _ in range(20)))
        assert [[(1,)]] * 20 == quick
        assert not any(each.done() for each in slow)
        for each in slow:
            each.cancel()
        await asyncio.gather(*slow, return_exceptions=True)
    finally:
        await pool.close()


async def test_a_query_that_exceeds_the_statement_timeout_is_unavailable(database: str) -> None:
    sessions = connections.pool(database, 1, {**connections.READING, "statement_timeout": "50ms"})
    pool = QueryPool(sessions, wait=FOREVER)
    await pool.open()
    try:
        with pytest.raises(Unavailable) as refused:
            await pool.rows("select pg_sleep(600)", {})
        assert "slow" == refused.value.kind
        assert [(1,)] == await pool.rows("select 1", {})
    finally:
        await pool.close()


async def test_sessions_for_questions_have_a_time_limit_for_their_statements(database: str) -> None:
    sessions = connections.pool(database, 1)
    await sessions.open()
    try:
        async with sessions.connection() as session:
            told = await (await session.execute("show statement_timeout")).fetchone()
        assert (f"{connections.QUERY_TIMEOUT}s",) == told
    finally:
        await sessions.close()


async def test_a_share_and_a_connection_are_waited_for_within_one_deadline(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [0.0]
    monkeypatch.setattr(query_pools, "time", SimpleNamespace(monotonic=lambda: now[0]))
    waits = []

    class Slow:
        @asynccontextmanager
        async def hold(self, user_id: str, *, wait: float) -> AsyncIterator[None]:
            waits.append(wait)
            now[0] += 7.0
            yield

        @asynccontextmanager
        async def connection(self, **limit: float) -> AsyncIterator[None]:
            waits.append(limit["timeout"])
            raise PoolTimeout("none was free")
            yield

    with pytest.raises(Unavailable):
        await ask(QueryPool(cast(Any, Slow()), wait=10.0, semaphore=cast(Any, Slow())), "a", "select 1")
    assert [10.0, 3.0] == waits
