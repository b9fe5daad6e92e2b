"""HTTP byte by byte, for what no client would send; and a server in this process that is asked so."""

import select
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from typing import Any, cast

import msgspec
import uvicorn
from litestar.types import ASGIApp

from adapters.http.edge import http_protocol
from adapters.http.edge.byte_budget import ByteBudget
from adapters.http.edge.edge import security
from adapters.http.edge.http_protocol import MinimumRate

PATIENCE = 15.0
"""Seconds that a test waits for what is to come."""


class Answer(msgspec.Struct, frozen=True):
    """`headers` by their names in lower case."""

    status: int
    headers: dict[str, str]
    content: bytes

    @property
    def body(self) -> Any:
        return msgspec.json.decode(self.content)


class Line:
    """A connection."""

    def __init__(self, connection: socket.socket) -> None:
        connection.settimeout(PATIENCE)
        self.connection = connection
        self._came = b""

    def send(self, *pieces: bytes) -> None:
        for piece in pieces:
            self.connection.sendall(piece)

    def answer(self, *, without_body: bool = False) -> Answer:
        """The next one."""
        while b"\r\n\r\n" not in self._came:
            self._more()
        head, _, self._came = self._came.partition(b"\r\n\r\n")
        first, *lines = head.decode("latin-1").split("\r\n")
        headers = dict(line.lower().split(": ", 1) for line in lines)
        status = int(first.split(" ")[1])
        size = 0 if without_body else int(headers.get("content-length", 0))
        while len(self._came) < size:
            self._more()
        content, self._came = self._came[:size], self._came[size:]
        return Answer(status, headers, content)

    def is_closed(self) -> bool:
        """Whether the other side closes it without another word."""
        try:
            return self._came + self.connection.recv(1) == b""
        except ConnectionResetError:
            return True

    def send_until_answered(self, more: bytes, *, pause: float, seconds: float = PATIENCE) -> None:
        """Send more of it after each pause, until something comes back, or for so many seconds."""
        deadline = time.monotonic() + seconds
        with suppress(ConnectionError):
            while not select.select([self.connection], [], [], pause)[0]:
                assert time.monotonic() < deadline, "there was no answer"
                self.send(more)

    def _more(self) -> None:
        came = self.connection.recv(65_536)
        if not came:
            raise EOFError(self._came)
        self._came += came


@contextmanager
def line(port: int) -> Iterator[Line]:
    with closing(socket.create_connection(("127.0.0.1", port), timeout=PATIENCE)) as connection:
        yield Line(connection)


def ask(port: int, *pieces: bytes, without_body: bool = False) -> Answer:
    """One answer to what is sent on a connection of its own."""
    with line(port) as one:
        one.send(*pieces)
        return one.answer(without_body=without_body)


def request(method: str, path: str, *headers: str, host: str = "test", body: bytes = b"") -> bytes:
    return "\r\n".join((f"{method} {path} HTTP/1.1", f"Host: {host}", *headers, "", "")).encode("latin-1") + body


@contextmanager
def serving(
    app: ASGIApp, *, wait: float = 60.0, body_limit: int = 1_000, budget: int = 1 << 27, **paces: MinimumRate
) -> Iterator[int]:
    """The application behind our protocol; the port."""
    with closing(socket.create_server(("127.0.0.1", 0), backlog=2_048)) as listening:
        bodies = ByteBudget(budget)
        headers = security(with_tls=False)
        protocol = http_protocol.protocol(wait=wait, body_limit=body_limit, headers=headers, bodies=bodies, **paces)
        config = uvicorn.Config(
            cast("Any", app),
            http=cast("Any", protocol),
            ws="none",
            lifespan="off",
            log_config=None,
            loop="uvloop",
            proxy_headers=False,
        )
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, args=([listening],))
        thread.start()
        try:
            yield listening.getsockname()[1]
        finally:
            server.should_exit = server.force_exit = True
            thread.join()
