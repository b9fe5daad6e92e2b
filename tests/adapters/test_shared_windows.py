"""Windows in Redis are those of all processes; whatever ails a Redis, nobody waits for it twice, and it may be back."""

import asyncio
import gc
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from itertools import count

import pytest
from structlog.testing import capture_logs

from adapters.limits.window import Limit
from adapters.redis.shared_windows import SharedWindows
from tests.running.processes import soon
from tests.service import free_port
from tests.valkey import Valkey, valkey

MOST = 20

LIMIT = Limit("tested", MOST, 3600)

PAUSE = 0.02

_numbers = count()


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Valkey]:
    with valkey(tmp_path_factory.mktemp("valkey"), "s3cret") as running:
        yield running


@asynccontextmanager
async def windows(url: str, wait: float = 15.0) -> AsyncIterator[SharedWindows]:
    """As a process has them: a slow machine is not taken for a Redis that is away, unless `wait` says so."""
    opened = SharedWindows(url, wait, PAUSE)
    await opened.open()
    try:
        yield opened
    finally:
        await opened.close()


def somebody() -> str:
    return f"subject/{next(_numbers)}"


async def reached_again(counting: SharedWindows) -> bool:
    return await asyncio.to_thread(soon, lambda: counting.reached)


async def test_of_many_at_once_through_two_exactly_as_many_get_through_as_may(server: Valkey) -> None:
    who, other = somebody(), somebody()
    async with windows(server.url) as here, windows(server.url) as there:
        answers = await asyncio.gather(*(each.count(LIMIT, who) for each in (here, there) for _ in range(2 * MOST)))
        assert MOST == answers.count(0.0)
        assert all(answer == 0.0 or (answer is not None and 0 < answer <= 3600) for answer in answers)
        assert 0.0 == await there.count(LIMIT, other)
        assert 0.0 == await there.count(Limit("another", MOST, 3600), who)
        assert (0, 0) == (here.missed, there.missed)


async def test_a_burst_that_takes_longer_than_an_answer_may_is_no_redis_that_is_away(server: Valkey) -> None:
    """Whoever waits for a connection waits for us, not for Redis."""
    who = somebody()
    wait = 1.0
    async with windows(server.url, wait) as counting:
        let_through, number, started = 0, 1_000, time.monotonic()
        while time.monotonic() < started + wait:  # until one takes as long
            number, started = 2 * number, time.monotonic()
            answers = await asyncio.gather(*(counting.count(LIMIT, who) for _ in range(number)))
            let_through += answers.count(0.0)
        assert MOST == let_through
        assert (True, 0) == (counting.reached, counting.missed)


async def test_who_was_let_through_leaves_the_window_in_time(server: Valkey) -> None:
    limit, who = Limit("tested", 2, 1), somebody()
    async with windows(server.url) as counting:
        answers = [await counting.count(limit, who) for _ in range(2)]
        wait = await counting.count(limit, who)
        while wait:  # on a slow machine it may have passed already
            await asyncio.sleep(wait)
            wait = await counting.count(limit, who)
        assert [0.0, 0.0, 0.0] == [*answers, wait]


AILMENTS: dict[str, tuple[Callable[[Valkey], None], Callable[[Valkey], None]]] = {
    "is killed": (Valkey.kill, Valkey.start),
    "hangs": (Valkey.hang, Valkey.go_on),
    "is out of memory": (
        lambda server: server.tell("CONFIG", "SET", "maxmemory", "1"),
        lambda server: server.tell("CONFIG", "SET", "maxmemory", "0"),
    ),
    "is a replica now": (
        lambda server: server.tell("REPLICAOF", "127.0.0.1", "1"),
        lambda server: server.tell("REPLICAOF", "NO", "ONE"),
    ),
    "has too few replicas to write": (
        lambda server: server.tell("CONFIG", "SET", "min-replicas-to-write", "1"),
        lambda server: server.tell("CONFIG", "SET", "min-replicas-to-write", "0"),
    ),
}


@pytest.mark.parametrize("ailment", AILMENTS)
async def test_a_redis_that_cannot_count_is_left_alone_until_it_can(ailment: str, server: Valkey) -> None:
    break_, mend = AILMENTS[ailment]
    who = somebody()
    async with windows(server.url, wait=0.1) as counting:
        assert await reached_again(counting)
        with capture_logs() as logged:
            break_(server)
            try:
                assert [None] * 50 == await asyncio.gather(*(counting.count(LIMIT, who) for _ in range(50)))
                asked_once = [counting.count(LIMIT, who) for _ in range(50)]
                for each in asked_once:
                    with pytest.raises(StopIteration) as answered:  # without waiting for anything
                        each.send(None)
                    assert answered.value.value is None
                await asyncio.sleep(5 * PAUSE)  # it is looked at meanwhile
                assert (False, 100) == (counting.reached, counting.missed)
            finally:
                mend(server)
            assert await reached_again(counting)
    assert ["away", "back"] == [entry["event"].removeprefix("redis is ").partition(":")[0] for entry in logged]
    assert "s3cret" not in str(logged)
    async with windows(server.url) as here, windows(server.url) as there:
        answers = [await each.count(LIMIT, somebody_else) for somebody_else in [somebody()] for each in (here, there)]
        assert [0.0, 0.0] == answers


async def test_a_redis_that_forgot_its_scripts_is_told_them_again(server: Valkey) -> None:
    async with windows(server.url) as counting:
        server.tell("SCRIPT", "FLUSH")
        assert 0.0 == await counting.count(LIMIT, somebody())


async def test_a_connection_that_was_idle_for_too_long_is_no_redis_that_is_away(server: Valkey) -> None:
    async with windows(server.url) as counting:
        server.tell("CLIENT", "KILL", "TYPE", "NORMAL", "SKIPME", "YES")
        assert 0.0 == await counting.count(LIMIT, somebody())


async def talks_nonsense(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
    writer.close()


async def says_nothing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.read()
    writer.close()


async def leaves(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.close()


@pytest.mark.parametrize("answer", [talks_nonsense, says_nothing, leaves])
async def test_what_is_no_redis_is_one_that_is_away(
    answer: Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]], caplog: pytest.LogCaptureFixture
) -> None:
    async with await asyncio.start_server(answer, "127.0.0.1", 0) as listening:
        port = listening.sockets[0].getsockname()[1]
        async with windows(f"redis://:s3cret@127.0.0.1:{port}", wait=0.1) as counting:
            assert (False, None) == (counting.reached, await counting.count(LIMIT, somebody()))
    gc.collect()
    assert [] == caplog.records  # what came too late is nobody's error


@pytest.mark.parametrize("host", ["127.0.0.1", "no.such.host.invalid", "{password}"])
async def test_where_there_is_none_the_start_goes_on_and_no_password_is_told(host: str, server: Valkey) -> None:
    address = f"127.0.0.1:{server.port}" if host == "{password}" else f"{host}:{free_port()}"
    with capture_logs() as logged:
        async with windows(f"redis://:wrong-s3cret@{address}") as counting:
            assert (False, None) == (counting.reached, await counting.count(LIMIT, somebody()))
    assert 1 == len(logged)
    assert "s3cret" not in str(logged)
