"""How a request arrives: HTTP/1.1 as uvicorn speaks it, with limits to how long that takes and how large its head is,
and with refusals like all others."""

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
"""Bytes of a request line with its headers, at most."""

HEADER_LIMIT = 100
"""Headers of a request, at most: each takes some 30 times the bytes that the shortest one has."""

CHUNK_OVERHEAD = 2
"""Bytes on the way for each of a body in chunks, at most: what they are wrapped in, and headers after the last."""

SLICE = 16 * 1024
"""Bytes that are parsed at a time. Between two slices reading can stop: a piece of 256 KiB may hold 9,000 requests."""

UNCOUNTED = 8 * 1024
"""Bytes that any connection may hold of a request that nobody reads yet, without counting."""

TIMER_SLACK = 1.0
"""Seconds by which a timer is late only where this process could not run: then its clients were not slow."""


CLOSE_TIME = 0.5
"""Seconds that a client has to notice the end of its connection when the server ends."""


class MinimumRate(Struct, frozen=True):
    """How fast bytes have to move while they can: so many in each so many seconds."""

    size: int
    seconds: float


BODY_RATE = MinimumRate(10 * 1024, 10.0)
"""The least rate of a body."""

RESPONSE_RATE = MinimumRate(160 * 1024, 10.0)
"""The least rate at which an answer is taken."""


def protocol(
    *,
    wait: float,
    body_limit: int,
    headers: Headers,
    bodies: ByteBudget,
    body_rate: MinimumRate = BODY_RATE,
    response_rate: MinimumRate = RESPONSE_RATE,
) -> Callable[..., asyncio.Protocol]:
    """What uvicorn makes for each connection. `wait`: seconds that a request may take to arrive, or a client may be
    silent before its first one; `headers`: of every answer; `bodies`: the budget that what nobody reads yet counts
    for, too. Answers that wait for slow readers have as much again."""
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
    """One timer a connection looks now and then: what comes in time costs next to nothing."""

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
        """Seconds between two looks."""
        self._arriving_since: float | None = self.loop.time()
        """When what is arriving began to; None where nothing has to arrive."""
        self._in_head = False
        self._size = 0
        """Bytes that have come of the head, or of what is behind it."""
        self._last_size: int | None = None
        """The same at the last look, where the body has been read ever since."""
        self._last_unread: int | None = None
        """Bytes that the client had not read at the last look, where no other answer was written since."""
        self._unparsed = b""
        """What came, and is not parsed yet: nobody reads the body before it, or a request waits behind another."""
        self._is_read = False
        """Whether the application has begun to read the body."""
        self._reservation: Reservation | None = None
        self._head_error: Exception | None = None
        """Of a head that is HTTP, but not for us."""
        self._ended = False
        """Whether nothing more is parsed, since what came is no request."""

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
                # The library cannot take a longer target apart.
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
        """Whoever reads the body wants more of it, or the next request can come."""
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
        self._last_size = None  # from now on it waits for us

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
        """Have room for what lies here of requests that nobody reads yet; refuse what there is no room for."""
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
        """Another protocol is asked for, as some clients do with every request. The parser left it there, and the body
        behind: it gets it anew, as what it is without that."""
        method = self.parser.get_method()
        lines = b"".join(b"%b: %b\r\n" % header for header in self.headers if header[0] != b"upgrade")
        self.parser = httptools.HttpRequestParser(self)
        return b"%b %b HTTP/1.1\r\n%b\r\n%b" % (method, self.url, lines, rest)

    def on_headers_complete(self) -> None:
        self._head_error = self._find_head_error()
        if self._head_error is not None:
            raise NoHttp  # the parser ends
        if self.parser.should_upgrade():
            return
        super().on_headers_complete()
        self._in_head = False
        self._is_read = False
        self._size = 0
        self._last_size = None
        self.headers = []  # what follows a body is no header of the request, which has its own list already

    def _find_head_error(self) -> Exception | None:
        """Why a request with this head is not answered: of its host there must be no doubt."""
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
            self._arriving_since = self.loop.time()  # what is arriving behind it has waited for us until now

    def pause_writing(self) -> None:
        super().pause_writing()
        self._answers.hold(self, self._address, self.transport.get_write_buffer_size())

    def resume_writing(self) -> None:
        super().resume_writing()
        self._answers.let_go(self)

    def give_up(self) -> None:
        """End the connection with a reset, so that the system does not keep the rest of its answer either."""
        with suppress(OSError):  # it may have closed a moment ago
            lingering = struct.pack("ii", 1, 0)
            self.transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, lingering)
        self.transport.abort()

    def shutdown(self) -> None:
        """The server ends. A client that sends another request in this moment shall find an end, not a reset."""
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
                self._arriving_since = now  # until now it waited for us, or is free to come with another request
            passed = 0.0 if self._arriving_since is None else now - self._arriving_since
            if passed >= self._wait or self._is_body_too_slow():
                self._refuse(TooSlow(self._wait))
                passed = 0.0
        self._schedule_check(min(self._pause, self._wait - passed))

    def _is_body_too_slow(self) -> bool:
        """Whether of a body that was read ever since the last look less has come than should."""
        if self._arriving_since is None or self._in_head or self.flow.read_paused or not self._is_read:
            self._last_size = None
            return False
        before, self._last_size = self._last_size, self._size
        return before is not None and self._size - before < self._body_rate.size * self._pause / self._body_rate.seconds

    def _is_client_too_slow(self) -> bool:
        """Whether of an answer that lies here less was read since the last look than it should."""
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
        """Whoever says that no more will come may still read what was asked before; but not by TLS."""
        if self.scheme == "https" or not self._has_complete_request():
            return False
        self.cycle.keep_alive = False
        return True

    def _has_complete_request(self) -> bool:
        """Whether a request has come whole, and is not answered yet; what has begun to come behind it is forgotten."""
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
        """End the connection; with an answer where the request that was arriving has none yet."""
        self._ended = True
        self._unparsed = b""
        if self._has_complete_request():
            self.cycle.keep_alive = False  # those before it are answered first: its answer would be taken for theirs
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
    """An answer after which the connection ends, as it goes out."""
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
    """uvicorn's, but it tells the connection when reading stops and goes on."""

    def __init__(self, transport: asyncio.Transport, protocol: HttpProtocol) -> None:
        super().__init__(transport)
        self._protocol = protocol

    def pause_reading(self) -> None:
        self._protocol.reading_paused()
        super().pause_reading()

    def resume_reading(self) -> None:
        self._protocol.reading_resumed()


def _has_unread_bytes(transport: asyncio.Transport) -> bool:
    """Whether something has come that is not read yet."""
    return _ioctl_count(transport, termios.FIONREAD) > 0


def _unsent_bytes(transport: asyncio.Transport) -> int:
    """Bytes that the system has taken to send, and the other side has not."""
    return _ioctl_count(transport, termios.TIOCOUTQ)


def _ioctl_count(transport: asyncio.Transport, what: int) -> int:
    """How many bytes of the socket the system says there are of something."""
    count = bytearray(4)
    with suppress(OSError):  # it may have closed a moment ago
        fcntl.ioctl(transport.get_extra_info("socket").fileno(), what, count)
    return int.from_bytes(count, sys.byteorder)
