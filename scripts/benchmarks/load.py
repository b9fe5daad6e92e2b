"""The load generator: persistent connections in a closed loop, in a separate process.

It shares the cores with the server, so it is as cheap as possible in Python. It uses raw sockets with epoll, joins
requests from prepared bytes, and checks only the length, the status and the expected content of a response. A wrong
response ends the run.
"""

import gc
import select
import socket
import time
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from itertools import islice
from multiprocessing import get_context

from msgspec import Struct

from scripts.benchmarks.requests import requests


class Plan(Struct, frozen=True, kw_only=True):
    """What to send, and where to; times in seconds. Plans with different `series` send different instants."""

    port: int
    token: str
    children: tuple[str, ...]
    series: int
    seconds: float
    warm_up: float
    connections: int = 64
    items: int = 1
    """Weights per request, 1 to 1,000: one is sent as an object with a body fat, more as an array without."""
    requests: int | None = None
    """Stop after so many, also before the time is over."""


class Outcome(Struct, frozen=True, kw_only=True):
    """The result, measured from the last response of the warm-up to the last one within the time.

    `accepted`, `statuses` and `cost` also include what came before and after that.
    """

    rate: float
    """Accepted items per second."""
    p50: float
    """Milliseconds."""
    p99: float
    """Milliseconds."""
    accepted: int
    """Items."""
    statuses: dict[str, int]
    cost: float
    """CPU time of the generator per request, kernel included, in microseconds."""

    @staticmethod
    def of(waits: list[float], seconds: float, items: int, statuses: dict[str, int], cost: float) -> "Outcome":
        """Compute the result from the wait for each response and the time of all; a response accepts `items`."""
        waits = sorted(waits)
        return Outcome(
            rate=len(waits) * items / seconds,
            p50=waits[len(waits) // 2] * 1e3,
            p99=waits[len(waits) * 99 // 100] * 1e3,
            accepted=sum(statuses.values()) * items,
            statuses=statuses,
            cost=cost,
        )


class WrongAnswer(Exception):
    """A response was not 201, or 207 with every item accepted."""


class Connection:
    """A socket and its pending request."""

    __slots__ = ("expected", "received", "sent_at", "socket")

    def __init__(self, port: int) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=30)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.socket.settimeout(None)
        self.received = b""
        self.expected = b""
        self.sent_at = 0.0

    def send(self, request: tuple[bytes, bytes]) -> None:
        content, self.expected = request
        self.sent_at = time.perf_counter()
        self.socket.sendall(content)


def is_whole(answer: bytes) -> bool:
    """Whether a response is complete. It must have a content-length header with a lower-case name."""
    end = answer.find(b"\r\n\r\n")
    if end < 0:
        return False
    start = answer.find(b"content-length: ", 0, end)
    if start < 0:
        raise WrongAnswer(f"an answer without content-length: {answer[:500]!r}")
    return len(answer) >= end + 4 + int(answer[start + 16 : answer.find(b"\r", start)])


def drive(plan: Plan) -> Outcome:
    """Send the requests of the plan and read every response to its end. Raises WrongAnswer."""
    gc.disable()
    ready = islice(requests(plan.children, plan.token, plan.series, plan.items), plan.requests)
    connections = {each.socket.fileno(): each for each in (Connection(plan.port) for _ in range(plan.connections))}
    poll = select.epoll()
    for number in connections:
        poll.register(number, select.EPOLLIN)
    wanted, size = (b"201", 4096) if plan.items == 1 else (b"207", 1 << 18)
    statuses: Counter[bytes] = Counter()
    waits: list[float] = []
    used = time.process_time()
    first = last = start = time.perf_counter() + plan.warm_up
    deadline = start + plan.seconds
    waiting = 0
    for connection, request in zip(connections.values(), ready, strict=False):
        connection.send(request)
        waiting += 1
    while waiting:
        for number, _ in poll.poll():
            connection = connections[number]
            piece = connection.socket.recv(size)
            answer = connection.received + piece if connection.received else piece
            if piece and not is_whole(answer):
                connection.received = answer
                continue
            connection.received = b""
            now = time.perf_counter()
            status = answer[9:12]
            statuses[status] += 1
            if status != wanted or answer.count(connection.expected) != plan.items:
                raise WrongAnswer(f"statuses so far: {named(statuses)}; {answer[:500]!r} … {answer[-500:]!r}")
            if now < start:
                first = now
            elif now <= deadline:
                last = now
                waits.append(now - connection.sent_at)
            following = next(ready, None) if now < deadline else None
            if following is None:
                waiting -= 1
            else:
                connection.send(following)
    cost = (time.process_time() - used) / statuses.total() * 1e6
    for connection in connections.values():
        connection.socket.close()
    if not waits:
        raise WrongAnswer("no answer came in the measured time")
    return Outcome.of(waits, last - first, plan.items, statuses=named(statuses), cost=cost)


def named(statuses: Counter[bytes]) -> dict[str, int]:
    return {status.decode(errors="replace") or "closed": count for status, count in statuses.items()}


def run(plan: Plan) -> Outcome:
    """Call `drive` in a new process."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as process:
        return process.submit(drive, plan).result()
