"""Writes single entries during queries, at a given rate or as fast as the service accepts them, until it is stopped.

It runs in a separate process. `read_entries.written` gives the entries that it writes.
"""

import gc
import select
import time
from collections import Counter, deque
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from multiprocessing import get_context
from multiprocessing.connection import Connection as Pipe
from typing import Any

from msgspec import Struct

from scripts.benchmarks.load import Connection, WrongAnswer, is_whole, named
from scripts.benchmarks.read_entries import BRAND, DAY, DAYS, FIRST, SUBJECTS, value_of

CONNECTIONS = 64
LATE = 0.2
"""Seconds that a planned write may be late before the next ones are rescheduled."""


class Plan(Struct, frozen=True, kw_only=True):
    port: int
    token: str
    outcome_id: str
    subjects: str
    """Prefix of the subjects' ids, before a number."""
    first: int = 0
    """The number of the first entry, so that no entry is written twice."""
    rate: float | None = None
    """Writes per second; None: as fast as the service accepts them."""


class Written(Struct, frozen=True, kw_only=True):
    """The result of the writes: how many were acknowledged, and how many per second."""

    accepted: int
    rate: float
    p50: float
    """Milliseconds."""
    p99: float
    """Milliseconds."""


def requests(plan: Plan) -> Iterator[tuple[bytes, bytes]]:
    """Endless requests, each with the text that its response must contain: the instant of its entry."""
    number = plan.first
    head = (
        f"POST /v1/outcomes/{plan.outcome_id}/entries HTTP/1.1\r\nHost: 127.0.0.1\r\n"
        f"Authorization: Bearer {plan.token}\r\nContent-Type: application/json\r\nContent-Length: "
    )
    brand = f'","brand_id":"{BRAND}","value":"'
    start = FIRST + timedelta(milliseconds=DAY * DAYS)
    while True:
        instant = f"{(start + timedelta(milliseconds=number)).isoformat(timespec='milliseconds')[:-6]}Z"
        subject, value = number % SUBJECTS, value_of(4_000 + number % 6_000)
        body = f'{{"subject_id":"{plan.subjects}{subject}{brand}{value}","recorded_at":"{instant}"}}'
        yield f"{head}{len(body)}\r\n\r\n{body}".encode(), instant.encode()
        number += 1


def drive(plan: Plan, control: Pipe) -> Written:
    """Send the requests of the plan until a message arrives over the pipe, and read every response. Raises WrongAnswer.

    Sends None over the pipe when it starts."""
    gc.disable()
    ready = requests(plan)
    connections = {each.socket.fileno(): each for each in (Connection(plan.port) for _ in range(CONNECTIONS))}
    free = deque(connections.values())  # used in turn, because the service closes idle ones
    poll = select.epoll()
    for number in connections:
        poll.register(number, select.EPOLLIN)
    poll.register(control.fileno(), select.EPOLLIN)
    control.send(None)
    statuses: Counter[bytes] = Counter()
    waits: list[float] = []
    pause = 0 if plan.rate is None else 1 / plan.rate
    start = due = last = time.perf_counter()
    stopping = False
    while True:
        now = time.perf_counter()
        due = max(due, now - LATE)
        while free and not stopping and due <= now:
            free.popleft().send(next(ready))
            due += pause
        if stopping and len(free) == len(connections):
            break
        for number, _ in poll.poll(max(0.0, due - now) if free and not stopping else None):
            if number == control.fileno():
                stopping = True
                poll.unregister(number)
                continue
            connection = connections[number]
            connection.received += connection.socket.recv(4096)
            if connection.received and not is_whole(connection.received):
                continue
            answer, connection.received = connection.received, b""
            last = time.perf_counter()
            statuses[answer[9:12]] += 1
            if answer[9:12] != b"201" or connection.expected not in answer:
                raise WrongAnswer(f"statuses so far: {named(statuses)}; {answer[:500]!r}")
            waits.append(last - connection.sent_at)
            free.append(connection)
    for connection in connections.values():
        connection.socket.close()
    if not waits:
        raise WrongAnswer("no write was answered")
    waits.sort()
    return Written(
        accepted=len(waits),
        rate=len(waits) / (last - start),
        p50=waits[len(waits) // 2] * 1e3,
        p99=waits[len(waits) * 99 // 100] * 1e3,
    )


def _run(plan: Plan, control: Pipe) -> None:
    try:
        control.send(drive(plan, control))
    except BaseException as error:
        control.send(error)
        raise


class Writing:
    """Writes in progress; `written` is set when they have ended."""

    written: Written


def _received(pipe: Pipe) -> Any:
    """Receive a message from the process; raises the error that the process raised."""
    told = pipe.recv()
    if isinstance(told, BaseException):
        raise told
    return told


@contextmanager
def writing(plan: Plan) -> Iterator[Writing]:
    """Write in a separate process during the block, which begins once the process has started. Raises WrongAnswer at
    the end."""
    spawn = get_context("spawn")
    here, there = spawn.Pipe()
    process = spawn.Process(target=_run, args=(plan, there), daemon=True)
    process.start()
    there.close()
    result = Writing()
    try:
        _received(here)
        yield result
        with suppress(BrokenPipeError):  # it has already ended, and has sent the reason
            here.send("stop")
        result.written = _received(here)
    finally:
        process.terminate()
        process.join()
