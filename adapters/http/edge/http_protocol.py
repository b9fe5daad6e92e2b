"""The HTTP protocol: uvicorn's HTTP/1.1 with limits to the time, rate and size of requests and responses, and with the
error responses of the API."""

import asyncio
import fcntl
import socket
import struct
import sys
import termios
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import Any

import httptools
from msgspec import Struct
from uvicorn.protocols.http.flow_control import FlowControl
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol, RequestResponseCycle

from adapters.http.edge import error_responses
from adapters.http.edge.access import network_of
from adapters.http.edge.byte_budget import ByteBudget, Reservation
from adapters.http.edge.cors import Headers
from adapters.http.edge.error_responses import RequestInfo
from adapters.http.edge.held_answers import HeldAnswers
from adapters.http.edge.protocol_errors import HeadTooLarge, NoHttp, TooSlow
from adapters.http.edge.raw_response import RawResponse
from adapters.http.edge.request_body import BodyTooLarge
from adapters.http.edge.requests import new_request_id
from application.unavailable import Unavailable

HEAD_LIMIT = 64 * 1024
"""Maximum bytes of a request line with its headers."""

HEADER_LIMIT = 100
"""Maximum number of headers: in memory each takes about 30 times the bytes of the shortest header."""

CHUNK_OVERHEAD = 2
"""Maximum bytes received per byte of a chunked body, with its framing and trailers."""

SLICE = 16 * 1024
"""Bytes that are parsed at a time. Reading can pause between two slices: 256 KiB may hold 9,000 requests."""

UNCOUNTED = 8 * 1024
"""Bytes of unread requests that a connection may hold without counting for the budget."""

TIMER_SLACK = 1.0
"""A timer that is later than so many seconds shows that this process could not run: its clients were not slow."""


CLOSE_TIME = 0.5
"""Seconds between the end of the server's output and the close of an idle connection when the server ends."""


class MinimumRate(Struct, frozen=True):
    """At least `size` bytes must move in every `seconds`, while they can."""

    size: int
    seconds: float


BODY_RATE = MinimumRate(10 * 1024, 10.0)
"""The minimum rate of a request body."""

RESPONSE_RATE = MinimumRate(160 * 1024, 10.0)
"""The minimum rate at which a client must read its response."""


def protocol(
    *,
    wait: float,
    body_limit: int,
    headers: Headers,
    bodies: ByteBudget,
    body_rate: MinimumRate = BODY_RATE,
    response_rate: MinimumRate = RESPONSE_RATE,
) -> Callable[..., asyncio.Protocol]:
    """The factory that uvicorn calls for every connection.

    `wait`: seconds within which a request must arrive, and within which a new connection must send its first one.
    `headers`: of every response. `bodies`: the budget in which unread requests count; responses that wait for slow
    clients have another of the same size.
    """
    answers = HeldAnswers(bodies.total)
    return partial(
        HttpProtocol,
        wait=wait,
        body_limit=body_limit,
        headers=headers,
        bodies=bodies,
        answers=answers,
        body_rate=body_rate,
        response_rate=response_rate,
    )


class HttpProtocol(HttpToolsProtocol):
    """One connection. A single timer checks its progress now and then, so that a fast request costs next to nothing."""

    def __init__(
        self,
        *,
        wait: float,
        body_limit: int,
        headers: Headers,
        bodies: ByteBudget,
        answers: HeldAnswers,
        body_rate: MinimumRate,
        response_rate: MinimumRate,
        **uvicorns: Any,
    ) -> None:
        super().__init__(**uvicorns)
        self._wait = wait
        self._body_limit = body_limit
        self._refusal_headers = headers
        self._bodies = bodies
        self._answers = answers
        self._body_rate = body_rate
        self._response_rate = response_rate
        self._pause = min(wait, body_rate.seconds, response_rate.seconds)
        """Seconds between two checks."""
        self._arriving_since: float | None = self.loop.time()
        """When the request that is arriving began; None when none has to arrive."""
        self._in_head = False
        self._size = 0
        """Bytes received of the head, or after it of the body."""
        self._last_size: int | None = None
        """`_size` at the last check; None unless the body was being read ever since."""
        self._last_unread: int | None = None
        """Bytes that the client had not read at the last check; None if another response was written since."""
        self._unparsed = b""
        """Bytes received but not parsed: the body before them is not being read, or a request waits behind another."""
        self._is_read = False
        """Whether the application has begun to read the body."""
        self._reservation: Reservation | None = None
        self._head_error: Exception | None = None
        """The error of a head that is valid HTTP, but is not accepted."""
        self._ended = False
        """Whether parsing has stopped because of an error."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn's
        super().connection_made(transport)
        self.flow = _Flow(transport, self)
        is_direct = self.client is not None and not self.config.proxy_headers
        self._address = f"address/{network_of(self.client[0])}" if self.client and is_direct else ""
        self._schedule_check(self._pause)

    def connection_lost(self, exc: Exception | None) -> None:
        self._timer.cancel()
        self._unparsed = b""
        self._release()
        self._answers.let_go(self)
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        self._unset_keepalive_if_required()
        if self._ended:
            return
        if self._unparsed:
            self._unparsed += data
        else:
            self._feed(data)
        if self._size > UNCOUNTED or self._reservation is not None:
            self._count()

    def _feed(self, data: bytes) -> None:
        if len(data) <= SLICE:
            self._parse(data)
            return
        view = memoryview(data)
        for at in range(0, len(data), SLICE):
            if self.flow.read_paused or self.transport.is_closing():
                self._unparsed = bytes(view[at:])
                return
            self._parse(view[at : at + SLICE])

    def _parse(self, data: bytes | memoryview) -> None:
        size = len(data)
        while True:
            try:
                self.parser.feed_data(data)
                break
            except httptools.HttpParserUpgrade as upgrade:
                if self.parser.get_method() == b"CONNECT":
                    self._refuse(NoHttp())
                    return
                data = self._without_upgrade(bytes(data[upgrade.args[0] :]))
            except httptools.HttpParserError:
                # The library cannot parse a longer target.
                too_long = self._in_head and len(self.url) >= HEAD_LIMIT
                self._refuse(self._head_error or (HeadTooLarge(HEAD_LIMIT) if too_long else NoHttp()))
                return
        self._size += size
        if self._in_head:
            if self._size > HEAD_LIMIT:
                self._refuse(HeadTooLarge(HEAD_LIMIT))
            elif len(self.headers) > HEADER_LIMIT:
                self._refuse(HeadTooLarge(HEADER_LIMIT, "headers"))
        elif self._size > HEAD_LIMIT + CHUNK_OVERHEAD * self._body_limit:
            self._refuse(BodyTooLarge(self._body_limit))

    def reading_resumed(self) -> None:
        """The application reads on, or the next request may come."""
        self._is_read = True
        if self._reservation is not None:
            self._count()
        if not self.flow.read_paused:
            return
        self.flow.read_paused = False
        if self._unparsed:
            self.loop.call_soon(self._feed_unparsed)
        else:
            self.transport.resume_reading()

    def reading_paused(self) -> None:
        self._last_size = None  # from now on the client waits for the application

    def _feed_unparsed(self) -> None:
        if not self._unparsed or self.flow.read_paused or self.transport.is_closing():
            return
        rest, self._unparsed = self._unparsed, b""
        self._feed(rest)
        if self._reservation is not None:
            self._count()
        if not self._unparsed and not self.flow.read_paused:
            self.transport.resume_reading()

    def _count(self) -> None:
        """Reserve the bytes of unread requests. Rejects the request if the budget has no room."""
        held = len(self._unparsed)
        if self._in_head:
            held += self._size
        elif self.cycle is not None and (self.flow.read_paused or not self._is_read):
            held += len(self.cycle.body)
        if held <= UNCOUNTED:
            self._release()
            return
        try:
            if self._reservation is None:
                self._reservation = self._bodies.reserve(self._address or None)
            self._reservation.resize(held)
        except Unavailable as error:
            self._unparsed = b""
            self._release()
            if not self.transport.is_closing():
                self._refuse(error)

    def _release(self) -> None:
        if self._reservation is not None:
            self._reservation.release()
            self._reservation = None

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._arriving_since = self.loop.time()
        self._in_head = True
        self._size = 0

    def _without_upgrade(self, rest: bytes) -> bytes:
        """The request without its Upgrade header, for a new parser: the old one stopped at the end of the head.

        Some clients offer an upgrade with every request; the server ignores it.
        """
        method = self.parser.get_method()
        lines = b"".join(b"%b: %b\r\n" % header for header in self.headers if header[0] != b"upgrade")
        self.parser = httptools.HttpRequestParser(self)
        return b"%b %b HTTP/1.1\r\n%b\r\n%b" % (method, self.url, lines, rest)

    def on_headers_complete(self) -> None:
        self._head_error = self._find_head_error()
        if self._head_error is not None:
            raise NoHttp  # stops the parser
        if self.parser.should_upgrade():
            return
        super().on_headers_complete()
        self._in_head = False
        self._is_read = False
        self._size = 0
        self._last_size = None
        self.headers = []  # trailers must not join the headers, of which the request has its own list

    def _find_head_error(self) -> Exception | None:
        """The error of a head with too many headers or without exactly one Host."""
        if len(self.headers) > HEADER_LIMIT:
            return HeadTooLarge(HEADER_LIMIT, "headers")
        names = [name for name, _ in self.headers]
        hosts = names.count(b"host")
        is_old = self.parser.get_http_version() == "1.0"
        if hosts > 1 or (hosts == 0 and not is_old) or (is_old and b"upgrade" in names):
            return NoHttp()
        return None

    def on_message_complete(self) -> None:
        if self.parser.should_upgrade():
            return
        super().on_message_complete()
        self._arriving_since = None

    def on_response_complete(self) -> None:
        self._last_unread = None
        super().on_response_complete()
        if self._arriving_since is not None:
            self._arriving_since = self.loop.time()  # the next request has waited for this response until now

    def pause_writing(self) -> None:
        super().pause_writing()
        self._answers.hold(self, self._address, self.transport.get_write_buffer_size())

    def resume_writing(self) -> None:
        super().resume_writing()
        self._answers.let_go(self)

    def give_up(self) -> None:
        """Reset the connection, so that the kernel drops the rest of the response, too."""
        with suppress(OSError):  # the socket may just have been closed
            lingering = struct.pack("ii", 1, 0)
            self.transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, lingering)
        self.transport.abort()

    def shutdown(self) -> None:
        """End an idle connection when the server ends. A client that sends a request now sees an end, not a reset."""
        if not self._has_responded() or not self.transport.can_write_eof() or self.transport.is_closing():
            super().shutdown()
            return
        self._ended = True
        self.transport.write_eof()
        self.loop.call_later(CLOSE_TIME, self.transport.close)

    def timeout_keep_alive_handler(self) -> None:
        if not _has_unread_bytes(self.transport):
            super().timeout_keep_alive_handler()

    def _schedule_check(self, pause: float) -> None:
        self._timer = self.loop.call_later(pause, self._check, self.loop.time() + pause)

    def _check(self, due: float) -> None:
        now = self.loop.time()
        if now > due + TIMER_SLACK:
            self._last_size = self._last_unread = None
            self._arriving_since = self._arriving_since and now
        if self._is_client_too_slow():
            self.give_up()
        passed = 0.0
        if not self.transport.is_closing():
            if self.flow.read_paused or (self._arriving_since is None and self._has_responded()):
                self._arriving_since = now  # it waited for the application, or is idle between two requests
            passed = 0.0 if self._arriving_since is None else now - self._arriving_since
            if passed >= self._wait or self._is_body_too_slow():
                self._refuse(TooSlow(self._wait))
                passed = 0.0
        self._schedule_check(min(self._pause, self._wait - passed))

    def _is_body_too_slow(self) -> bool:
        """Whether a body that was being read since the last check came below the minimum rate."""
        if self._arriving_since is None or self._in_head or self.flow.read_paused or not self._is_read:
            self._last_size = None
            return False
        before, self._last_size = self._last_size, self._size
        return before is not None and self._size - before < self._body_rate.size * self._pause / self._body_rate.seconds

    def _is_client_too_slow(self) -> bool:
        """Whether the client read the response below the minimum rate since the last check."""
        unread = self.transport.get_write_buffer_size()
        if unread == 0 and not self.transport.is_closing():
            self._last_unread = None
            return False
        if unread > 0:
            self._answers.update(self, unread)
        unread += _unsent_bytes(self.transport)
        before, self._last_unread = self._last_unread, unread
        least = self._response_rate.size * self._pause / self._response_rate.seconds
        return before is not None and before - unread < min(least, before)

    def eof_received(self) -> bool:  # type: ignore[override]  # as asyncio's
        """Keep a half-closed connection open for the response, which TLS does not allow."""
        if self.scheme == "https" or not self._has_complete_request():
            return False
        self.cycle.keep_alive = False
        return True

    def _has_complete_request(self) -> bool:
        """Whether a complete request waits for its response. Drops an incomplete request behind it."""
        if self._has_responded():
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

    def _has_responded(self) -> bool:
        return self.cycle is None or self.cycle.response_complete

    def _refuse(self, error: Exception) -> None:
        """Close the connection, after an error response if the request that was arriving has none yet."""
        self._ended = True
        self._unparsed = b""
        if self._has_complete_request():
            self.cycle.keep_alive = (
                False  # earlier requests are answered first: the error would be taken for their response
            )
            self.flow.pause_reading()
            return
        if self._in_head or not self._has_responded():
            self.transport.write(self._render_error(error))
        if not self._has_responded():
            self.cycle.disconnected = True
            self.cycle.message_event.set()
        self.transport.close()

    def _render_error(self, error: Exception) -> bytes:
        path = self.url.partition(b"?")[0].decode("latin-1")
        request_id = self.scope["state"].get("request_id") or new_request_id()
        response = error_responses.error_response(
            error, RequestInfo(str(self.scope.get("method", "")), path, request_id)
        )
        self.scope["state"]["answered"] = response.status, error_responses.error_counts(error)
        return render(response, request_id, [*self.server_state.default_headers, *self._refusal_headers])


def render(response: RawResponse, request_id: str, headers: Headers) -> bytes:
    """The bytes of a response after which the connection closes."""
    lines = [
        (b"content-type", b"application/json"),
        (b"content-length", b"%d" % len(response.content)),
        (b"connection", b"close"),
        (b"x-request-id", request_id.encode()),
        *((name.lower().encode(), value.encode()) for name, value in response.headers.items()),
        *headers,
    ]
    head = b"".join(b"%b: %b\r\n" % line for line in lines)
    return STATUS_LINE[response.status] + head + b"\r\n" + response.content


class _Flow(FlowControl):
    """Notifies the protocol when reading pauses and resumes."""

    def __init__(self, transport: asyncio.Transport, protocol: HttpProtocol) -> None:
        super().__init__(transport)
        self._protocol = protocol

    def pause_reading(self) -> None:
        self._protocol.reading_paused()
        super().pause_reading()

    def resume_reading(self) -> None:
        self._protocol.reading_resumed()


def _has_unread_bytes(transport: asyncio.Transport) -> bool:
    """Whether the socket has bytes that were not read."""
    return _ioctl_count(transport, termios.FIONREAD) > 0


def _unsent_bytes(transport: asyncio.Transport) -> int:
    """Bytes in the socket's send queue, which the client has not acknowledged."""
    return _ioctl_count(transport, termios.TIOCOUTQ)


def _ioctl_count(transport: asyncio.Transport, what: int) -> int:
    """The number of bytes that an ioctl request of the socket returns; 0 if it fails."""
    count = bytearray(4)
    with suppress(OSError):  # the socket may just have been closed
        fcntl.ioctl(transport.get_extra_info("socket").fileno(), what, count)
    return int.from_bytes(count, sys.byteorder)
