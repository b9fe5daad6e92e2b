"""How a request arrives: HTTP/1.1 as uvicorn speaks it, with limits to how long that takes and how large its head is,
and with refusals like all others."""

import asyncio
import fcntl
import math
import sys
import termios
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import Any

import httptools
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol, RequestResponseCycle

from adapters.http import errors
from adapters.http.body import BodyTooLarge
from adapters.http.cors import Headers
from adapters.http.errors import Asked, HeadTooLarge, NoHttp, TooSlow
from adapters.http.requests import new_request_id

HEAD_LIMIT = 64 * 1024
"""Bytes of a request line with its headers, at most; headers that come at once with their end are not counted."""

FRAMED = 2
"""Bytes on the way for each of a body in chunks, at most: what they are wrapped in, and headers after the last."""


def protocol(*, wait: float, body_limit: int, headers: Headers) -> Callable[..., asyncio.Protocol]:
    """What uvicorn makes for each connection. `wait`: seconds that a request may take to arrive, or a client may be
    silent before its first one; `headers`: of every answer."""
    return partial(Arrival, wait=wait, body_limit=body_limit, headers=headers)


class Arrival(HttpToolsProtocol):
    """One timer a connection looks now and then: what comes in time costs next to nothing."""

    def __init__(self, *, wait: float, body_limit: int, headers: Headers, **uvicorns: Any) -> None:
        super().__init__(**uvicorns)
        self._wait = wait
        self._body_limit = body_limit
        self._refusal_headers = headers
        self._since: float | None = self.loop.time()
        """When what is arriving began to; None where nothing has to arrive."""
        self._in_head = False
        self._size = 0
        """Bytes that have come of the head, or of what is behind it."""
        self._unread: float = math.inf
        """Bytes that a client whose connection is to end had not read at the last look."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn's
        super().connection_made(transport)
        self._timer = self.loop.call_later(self._wait, self._look)

    def connection_lost(self, exc: Exception | None) -> None:
        self._timer.cancel()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        self._unset_keepalive_if_required()
        while True:
            try:
                self.parser.feed_data(data)
                break
            except httptools.HttpParserUpgrade as upgrade:
                if self.parser.get_method() == b"CONNECT":
                    self._refuse(NoHttp())
                    return
                data = self._without_upgrade(data[upgrade.args[0] :])
            except httptools.HttpParserError:
                # The library cannot take a longer target apart.
                self._refuse(HeadTooLarge(HEAD_LIMIT) if self._in_head and len(self.url) >= HEAD_LIMIT else NoHttp())
                return
        self._size += len(data)
        if self._in_head:
            if self._size > HEAD_LIMIT:
                self._refuse(HeadTooLarge(HEAD_LIMIT))
        elif self._size > HEAD_LIMIT + FRAMED * self._body_limit:
            self._refuse(BodyTooLarge(self._body_limit))

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._since = self.loop.time()
        self._in_head = True
        self._size = 0

    def _without_upgrade(self, rest: bytes) -> bytes:
        """Another protocol is asked for, as some clients do with every request. The parser left it there, and the body
        behind: it gets it anew, as what it is without that."""
        method = self.parser.get_method()
        lines = b"".join(b"%b: %b\r\n" % header for header in self.headers if header[0] != b"upgrade")
        self.parser = httptools.HttpRequestParser(self)
        return b"%b %b HTTP/1.1\r\n%b\r\n%b" % (method, self.url, lines, rest)

    def on_headers_complete(self) -> None:
        if self.parser.should_upgrade():
            return
        super().on_headers_complete()
        self._in_head = False
        self._size = 0
        self.headers = []  # what follows a body is no header of the request, which has its own list already

    def on_message_complete(self) -> None:
        if self.parser.should_upgrade():
            return
        super().on_message_complete()
        self._since = None

    def on_response_complete(self) -> None:
        super().on_response_complete()
        if self._since is not None:
            self._since = self.loop.time()  # what is arriving behind it has waited for us until now

    def _look(self) -> None:
        now = self.loop.time()
        passed = 0.0
        if self.transport.is_closing():
            self._leave()
        else:
            if self.flow.read_paused or (self._since is None and self._answered()):
                self._since = now  # until now it waited for us, or is free to come with another request
            passed = 0.0 if self._since is None else now - self._since
            if passed >= self._wait:
                self._refuse(TooSlow(self._wait))
                passed = 0.0
        self._timer = self.loop.call_later(self._wait - passed, self._look)

    def _leave(self) -> None:
        """It has been answered to the end: who has read nothing of that since the last look never will."""
        unread = self.transport.get_write_buffer_size() + _on_the_way(self.transport)
        if unread >= self._unread:
            self.transport.abort()
        self._unread = unread

    def eof_received(self) -> bool:  # type: ignore[override]  # as asyncio's
        """Whoever says that no more will come may still read what was asked before; but not by TLS."""
        if self.scheme == "https" or not self._has_whole():
            return False
        self.cycle.keep_alive = False
        return True

    def _has_whole(self) -> bool:
        """Whether a request has come whole, and is not answered yet; what has begun to come behind it is forgotten."""
        if self._answered():
            return False
        if self.cycle.more_body:
            if not self.pipeline:
                return False
            self.pipeline.popleft()
            self.cycle = self.pipeline[0][0] if self.pipeline else self._running
        return True

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: Any) -> None:
        self._running = cycle
        super()._start_asgi_task(cycle, app)

    def _answered(self) -> bool:
        return self.cycle is None or self.cycle.response_complete

    def _refuse(self, error: Exception) -> None:
        """End the connection; with an answer where the request that was arriving has none yet."""
        if self._has_whole():
            self.cycle.keep_alive = False  # those before it are answered first: its answer would be taken for theirs
            self.flow.pause_reading()
            return
        if self._in_head or not self._answered():
            self.transport.write(self._written(error))
        if not self._answered():
            self.cycle.disconnected = True
            self.cycle.message_event.set()
        self.transport.close()

    def _written(self, error: Exception) -> bytes:
        path = self.url.partition(b"?")[0].decode("latin-1")
        request_id = self.scope["state"].get("request_id") or new_request_id()
        told = errors.told(error, Asked(str(self.scope.get("method", "")), path, request_id))
        self.scope["state"]["answered"] = told.status
        headers = [
            *self.server_state.default_headers,
            (b"content-type", b"application/json"),
            (b"content-length", b"%d" % len(told.content)),
            (b"connection", b"close"),
            (b"x-request-id", request_id.encode()),
            *self._refusal_headers,
        ]
        lines = b"".join(b"%b: %b\r\n" % header for header in headers)
        return STATUS_LINE[told.status] + lines + b"\r\n" + told.content


def _on_the_way(transport: asyncio.Transport) -> int:
    """Bytes that the system has taken to send, and the other side has not."""
    count = bytearray(4)
    with suppress(OSError):  # it may have closed a moment ago
        fcntl.ioctl(transport.get_extra_info("socket").fileno(), termios.TIOCOUTQ, count)
    return int.from_bytes(count, sys.byteorder)
