"""All processes share the windows in Redis; a failing Redis delays a request at most once and may recover."""

import asyncio
import gc
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from itertools import count

import pytest
from structlog.testing import capture_logs

from adapters.limits.limiter import Limiter, TooManyRequests
from adapters.limits.shared_windows import MISSES, SharedWindows
from adapters.limits.window import Counted, Limit
from adapters.settings import InvalidSetting
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


async def wait_of(counting: SharedWindows, limit: Limit, who: str) -> float | None:
    """Of one that is counted: 0. None when Redis is away."""
    found = await counting.count(limit, who)
    return None if found is None else found[0].wait


async def reached_again(counting: SharedWindows) -> bool:
    return await asyncio.to_thread(soon, lambda: counting.reached)


async def test_of_many_at_once_through_two_exactly_as_many_get_through_as_may(server: Valkey) -> None:
    who, other = somebody(), somebody()
    async with windows(server.url) as here, windows(server.url) as there:
        answers = await asyncio.gather(*(wait_of(each, LIMIT, who) for each in (here, there) for _ in range(2 * MOST)))
        assert MOST == answers.count(0.0)
        assert all(answer == 0.0 or (answer is not None and 0 < answer <= 3600) for answer in answers)
        assert 0.0 == await wait_of(there, LIMIT, other)
        assert 0.0 == await wait_of(there, Limit("another", MOST, 3600), who)
        assert (0, 0) == (here.missed, there.missed)


async def test_a_burst_that_takes_longer_than_an_answer_may_is_no_redis_that_is_away(server: Valkey) -> None:
    """Whoever waits for a connection waits for us, not for Redis."""
    who = somebody()
    wait = 1.0
    async with windows(server.url, wait) as counting:
        let_through, number, started = 0, 1_000, time.monotonic()
        while time.monotonic() < started + wait:  # until one takes as long
            number, started = 2 * number, time.monotonic()
            answers = await asyncio.gather(*(wait_of(counting, LIMIT, who) for _ in range(number)))
            let_through += answers.count(0.0)
        assert MOST == let_through
        assert (True, 0) == (counting.reached, counting.missed)


async def test_a_counted_request_leaves_the_redis_window_when_it_expires(server: Valkey) -> None:
    limit, who = Limit("tested", 2, 1), somebody()
    async with windows(server.url) as counting:
        answers = [await wait_of(counting, limit, who) for _ in range(2)]
        wait = await wait_of(counting, limit, who)
        while wait:  # on a slow machine it may have passed already
            await asyncio.sleep(wait)
            wait = await wait_of(counting, limit, who)
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
                misses = 0
                while counting.reached:
                    assert None is await wait_of(counting, LIMIT, who)
                    misses += 1
                assert MISSES == misses
                asked_once = [counting.count(LIMIT, who) for _ in range(50)]
                for each in asked_once:
                    with pytest.raises(StopIteration) as answered:  # without waiting for anything
                        each.send(None)
                    assert answered.value.value is None
                await asyncio.sleep(5 * PAUSE)  # it is looked at meanwhile
                assert (False, 50 + MISSES) == (counting.reached, counting.missed)
            finally:
                mend(server)
            assert await reached_again(counting)
    assert ["away", "back"] == [entry["event"].removeprefix("redis is ").partition(":")[0] for entry in logged]
    assert "s3cret" not in str(logged)
    async with windows(server.url) as here, windows(server.url) as there:
        answers = [
            await wait_of(each, LIMIT, somebody_else) for somebody_else in [somebody()] for each in (here, there)
        ]
        assert [0.0, 0.0] == answers


async def test_a_redis_that_is_slow_once_is_not_away_and_what_is_known_is_counted_on(server: Valkey) -> None:
    """Through two processes that have let through what all may, nobody gets through who asks while it hangs."""
    who, let_through = somebody(), 0
    async with windows(server.url, wait=0.1) as here, windows(server.url, wait=0.1) as there:
        limiters = [Limiter({"tested": LIMIT}, each) for each in (here, there)]
        assert await reached_again(here)
        assert await reached_again(there)
        for turn in range(2 * MOST):
            let_through += await gets_through(limiters[turn % 2], who)
        server.hang()
        try:
            let_through += sum(await asyncio.gather(*(gets_through(each, who) for each in limiters for _ in range(9))))
        finally:
            server.go_on()
        assert MOST == let_through
        assert (9, 9) <= (here.missed, there.missed)


async def test_requests_at_one_moment_are_one_miss(server: Valkey) -> None:
    async with windows(server.url, wait=0.1) as counting:
        assert await reached_again(counting)
        server.hang()
        try:
            await asyncio.gather(*(counting.count(LIMIT, somebody()) for _ in range(30)))
            assert (True, 30) == (counting.reached, counting.missed)
        finally:
            server.go_on()


async def gets_through(limiter: Limiter, who: str) -> bool:
    try:
        await limiter.count("tested", who)
    except TooManyRequests:
        return False
    return True


async def test_an_uncounted_request_leaves_room_in_the_redis_window_of_every_process(server: Valkey) -> None:
    who, limit = somebody(), Limit("tested", 1, 3600)
    async with windows(server.url) as here, windows(server.url) as there:
        for each in (here, there, here):
            found = await each.count(limit, who)
            assert found is not None
            assert 0.0 == found[0].wait
            assert 0 < (await wait_of(there, limit, who) or 0) <= 3600
            await each.uncount(limit, who, found[1])


async def test_scripts_are_loaded_again_after_redis_has_lost_them(server: Valkey) -> None:
    async with windows(server.url) as counting:
        server.tell("SCRIPT", "FLUSH")
        assert 0.0 == await wait_of(counting, LIMIT, somebody())


async def test_a_connection_that_was_idle_for_too_long_is_no_redis_that_is_away(server: Valkey) -> None:
    async with windows(server.url) as counting:
        server.tell("CLIENT", "KILL", "TYPE", "NORMAL", "SKIPME", "YES")
        assert 0.0 == await wait_of(counting, LIMIT, somebody())


async def talks_nonsense(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
    writer.close()


async def says_nothing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.read()
    writer.close()


async def leaves(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.close()


@pytest.mark.parametrize("answer", [talks_nonsense, says_nothing, leaves])
async def test_a_server_that_does_not_speak_redis_counts_as_unreachable(
    answer: Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]], caplog: pytest.LogCaptureFixture
) -> None:
    async with await asyncio.start_server(answer, "127.0.0.1", 0) as listening:
        port = listening.sockets[0].getsockname()[1]
        async with windows(f"redis://:s3cret@127.0.0.1:{port}", wait=0.1) as counting:
            assert (False, None) == (counting.reached, await wait_of(counting, LIMIT, somebody()))
    gc.collect()
    assert [] == caplog.records  # what came too late is nobody's error


@pytest.mark.parametrize("host", ["127.0.0.1", "no.such.host.invalid", "{password}"])
async def test_an_unreachable_redis_does_not_stop_the_start_and_its_password_is_not_logged(
    host: str, server: Valkey
) -> None:
    address = f"127.0.0.1:{server.port}" if host == "{password}" else f"{host}:{free_port()}"
    with capture_logs() as logged:
        async with windows(f"redis://:wrong-s3cret@{address}") as counting:
            assert (False, None) == (counting.reached, await wait_of(counting, LIMIT, somebody()))
    assert 1 == len(logged)
    assert "s3cret" not in str(logged)


@pytest.mark.parametrize("options", ["no_such=1", "socket_timeout=soon", "db=z", "protocol=9"])
async def test_options_that_there_are_not_are_refused_by_the_name_of_the_setting(options: str) -> None:
    with pytest.raises(InvalidSetting, match="REDIS_URL: its options cannot be used: ") as refused:
        SharedWindows(f"redis://:s3cret@127.0.0.1:1/0?{options}", 0.1)
    assert "s3cret" not in str(refused.value)
    assert "__init__" not in str(refused.value)


async def test_after_an_answer_that_the_client_does_not_understand_redis_is_looked_for_again(
    server: Valkey, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with windows(server.url) as counting:
        count_in_redis, broken = counting._count, iter([ConnectionError("away"), *[ValueError("no number")] * 3])

        async def count_or_fail(limit: Limit, who: str) -> tuple[Counted, str]:
            for error in broken:
                raise error
            return await count_in_redis(limit, who)

        monkeypatch.setattr(counting, "_count", count_or_fail)
        assert not await counting._there()
        assert await reached_again(counting)
        assert 0.0 == await wait_of(counting, LIMIT, somebody())
