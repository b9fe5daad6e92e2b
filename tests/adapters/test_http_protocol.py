"""Slow, endless and invalid requests get an error response of their API area, and delay no other client."""

import asyncio
import select
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack, suppress

import pytest
from litestar.types import Receive, Scope, Send

from adapters.errors import Disconnected
from adapters.http.edge import error_responses, request_body
from adapters.http.edge.byte_budget import ByteBudget
from adapters.http.edge.draining import Draining
from adapters.http.edge.edge import Edge, RequestRecord
from adapters.http.edge.error_responses import RequestInfo
from adapters.http.edge.http_protocol import HEAD_LIMIT, MinimumRate
from adapters.http.edge.raw_response import RawResponse
from adapters.http.edge.request_body import Limit
from adapters.system import files
from tests.adapters.raw_http import Answer, Line, ask, line, request, serving
from tests.running.processes import soon

LIMIT = 1_000
WAIT = 2.0
"""Seconds that the impatient server gives a request."""

LARGE = 20_000_000
"""Bytes, more than the system holds on the way."""

OUTCOMES = "/v1/outcomes"


async def read(receive: Receive) -> bytes:
    return await request_body.read(receive, Limit(LIMIT, LIMIT), ByteBudget(4 * LIMIT).reserve("anybody"))


class Echo:
    """Answers what was sent; `/early`, `/large` and, after a while, `/late` without reading it."""

    def __init__(self) -> None:
        self.broken: list[str] = []

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        path = scope["path"]
        try:
            sent = b"null" if path in ("/early", "/late", "/large") else await read(receive)
            if path == "/large":
                sent = bytes(LARGE)
            if path == "/late":
                await asyncio.sleep(1.5 * WAIT)
        except Disconnected:
            self.broken.append(path)
            raise
        except Exception as error:
            await error_responses.error_response(error, RequestInfo("POST", path, "x")).send_to(send)
        else:
            await RawResponse(200, sent).send_to(send)


@pytest.fixture(scope="module")
def echo() -> Echo:
    return Echo()


@pytest.fixture(scope="module")
def port(echo: Echo) -> Iterator[int]:
    """Of a server that has patience."""
    with serving(Edge(echo, draining=Draining()), body_limit=LIMIT) as port:
        yield port


@pytest.fixture(scope="module")
def impatient(echo: Echo) -> Iterator[int]:
    with serving(Edge(echo, draining=Draining()), wait=WAIT, body_limit=LIMIT) as port:
        yield port


def sized(path: str, size: int, content: bytes) -> bytes:
    return request("POST", path, f"Content-Length: {size}", body=content)


def chunked(path: str, content: bytes) -> bytes:
    return request("POST", path, "Transfer-Encoding: chunked", body=content)


def first_envelope(answer: Answer) -> int:
    assert {"code", "message", "description"} == answer.body.keys()
    assert answer.body["code"] == answer.status
    assert ("close", "nosniff") == (answer.headers["connection"], answer.headers["x-content-type-options"])
    assert answer.headers["x-request-id"]
    return answer.status


HALVES = {
    "of a request line": b"GET /v1/outc",
    "of the headers": b"GET / HTTP/1.1\r\nHost: te",
    "of a body": sized("/v1/auth", 100, b"{"),
    "of a chunk": chunked("/v1/auth", b"64\r\n{"),
    "of the chunks": chunked("/v1/auth", b"2\r\n{}\r\n"),
}
SLOW = {**HALVES, "nothing": b"", "outcome": sized(f"{OUTCOMES}?x=1", 100, b"{"), "early": sized("/early", 100, b"{")}


@pytest.fixture(scope="module")
def slow(impatient: int) -> Iterator[dict[str, Line]]:
    """A connection for each of these, all begun at the same time."""
    with ExitStack() as open_lines:
        lines = {name: open_lines.enter_context(line(impatient)) for name in SLOW}
        for name, begun in SLOW.items():
            lines[name].send(begun)
        yield lines


@pytest.mark.parametrize("half", HALVES)
def test_an_unfinished_request_gets_408_and_its_connection_is_closed(half: str, slow: dict[str, Line]) -> None:
    assert 408 == first_envelope(slow[half].answer())
    assert slow[half].is_closed()


def test_an_unfinished_body_for_an_outcome_gets_408_in_the_error_format_of_the_outcomes(slow: dict[str, Line]) -> None:
    answer = slow["outcome"].answer()
    assert (408, "request_timeout") == (answer.status, answer.body["error"])


def test_an_idle_connection_is_closed_silently(slow: dict[str, Line]) -> None:
    assert slow["nothing"].is_closed()


def test_a_client_that_keeps_sending_after_an_early_answer_is_disconnected(slow: dict[str, Line]) -> None:
    assert 200 == slow["early"].answer().status
    assert slow["early"].is_closed()


def test_single_bytes_now_and_then_do_not_prolong_a_request(impatient: int) -> None:
    with line(impatient) as head, line(impatient) as content:
        head.send(b"GET / HTTP/1.1\r\nHost: ")
        content.send(sized("/v1/auth", LIMIT, b""))
        for one in (head, content):
            one.send_until_answered(b"x", pause=WAIT / 40)
            assert 408 == first_envelope(one.answer())


def test_a_client_that_waits_for_its_answer_does_not_time_out(impatient: int) -> None:
    with line(impatient) as one, line(impatient) as eager:
        one.send(request("GET", "/late"))
        eager.send(request("GET", "/late") + sized("/x", 2, b"["))
        answers = [one.answer(), eager.answer()]
        eager.send(b"]")
        answers.append(eager.answer())
        assert [b"null", b"null", b"[]"] == [answer.content for answer in answers]
        assert not [answer for answer in answers if "connection" in answer.headers]  # each may send another


def test_a_client_that_does_not_read_its_answer_is_disconnected(impatient: int) -> None:
    """As long as it reads, and be it slowly, it is not."""
    with line(impatient) as idle, line(impatient) as slow:
        for one in (idle, slow):
            one.send(request("GET", "/large"))
        came = 0
        for _ in range(12):  # its answer is kept for 5 s, and then looked at every WAIT
            time.sleep(WAIT / 2)
            came += len(slow.connection.recv(1_000_000))
        assert came + read_to_the_end(slow) > LARGE
        assert read_to_the_end(idle) < LARGE


def read_to_the_end(one: Line) -> int:
    """How many bytes there are still to come."""
    came = 0
    with suppress(ConnectionResetError):
        while more := one.connection.recv(1_000_000):
            came += len(more)
    return came


@pytest.mark.parametrize("behind", HALVES | {"nothing": b"", "no chunk": chunked("/v1/auth", b"zz\r\n")})
@pytest.mark.parametrize("ends", [False, True], ids=["goes on", "ends"])
def test_a_complete_request_is_answered_whatever_follows_it(impatient: int, behind: str, ends: bool) -> None:
    content = {**HALVES, "nothing": b"", "no chunk": chunked("/v1/auth", b"zz\r\n")}[behind]
    with line(impatient) as one:
        one.send(sized("/x", 3, b"[1]") + sized("/y", 3, b"[2]") + content)
        if ends:
            one.connection.shutdown(socket.SHUT_WR)
        assert [b"[1]", b"[2]"] == [one.answer().content for _ in range(2)]
        if ends or behind == "no chunk":
            assert one.is_closed()


def test_a_thousand_unfinished_requests_do_not_block_others(port: int) -> None:
    files.raise_open_file_limit()
    with ExitStack() as open_lines:
        for number in range(1_000):
            half = list(HALVES.values())[number % len(HALVES)]
            open_lines.enter_context(line(port)).send(half)
        assert b"{}" == ask(port, sized("/x", 2, b"{}")).content


ENDLESS = {
    "request line": (b"GET /", b"x" * 10_000, 431),
    "header": (b"GET / HTTP/1.1\r\nX: ", b"x" * 10_000, 431),
    "headers": (b"GET / HTTP/1.1\r\n", b"X: y\r\n" * 1_000, 431),
    "headers after the body": (chunked("/v1/auth", b"0\r\n"), b"X: y\r\n" * 1_000, 413),
    "header after the body": (chunked("/v1/auth", b"0\r\nX: "), b"x" * 10_000, 413),
    "body": (chunked("/v1/auth", b""), b"64\r\n" + b"x" * 100 + b"\r\n", 413),
}


@pytest.mark.parametrize(("begun", "more", "status"), ENDLESS.values(), ids=ENDLESS.keys())
def test_a_request_that_never_ends_is_rejected(begun: bytes, more: bytes, status: int, port: int) -> None:
    with line(port) as one:
        one.send(begun)
        one.send_until_answered(more, pause=0)
        assert status == one.answer().status


@pytest.mark.parametrize(("size", "status"), [(HEAD_LIMIT - 100, 200), (HEAD_LIMIT, 431), (HEAD_LIMIT + 40_000, 431)])
def test_a_target_that_comes_at_once_is_no_longer_than_a_head_may_be(size: int, status: int, port: int) -> None:
    assert status == ask(port, request("GET", "/" + "x" * (size - 1))).status


def test_a_client_that_keeps_sending_after_an_error_is_disconnected(port: int) -> None:
    """A body that nobody reads is let through to its end, so that its client comes to see the answer; within limits."""
    with line(port) as one:
        one.send(chunked("/early", b""))
        assert 200 == one.answer().status
        one.send_until_answered(b"64\r\n" + b"x" * 100 + b"\r\n", pause=0)
        assert one.is_closed()


@pytest.mark.parametrize(
    ("path", "key"),
    [("/v1/auth", "code"), (OUTCOMES, "error"), ("/cohort", "error")],
    ids=["first", "second", "cohort"],
)
@pytest.mark.parametrize(
    "broken",
    [b"zz\r\n{}", b"2\r\n{}x\r\n", b"fffffffffffffffffff\r\n", b"-2\r\n{}"],
    ids=["no size", "too long", "huge", "negative"],
)
def test_an_invalid_chunked_body_gets_400_in_the_format_of_its_api_area_and_ends_its_reader(
    path: str, key: str, broken: bytes, port: int, echo: Echo
) -> None:
    before = echo.broken.count(path)
    with line(port) as one:
        one.send(chunked(path, b"1\r\n{\r\n"), broken)
        answer = one.answer()
        assert 400 == answer.status
        assert key in answer.body
        assert one.is_closed()
    assert b"{}" == ask(port, sized("/x", 2, b"{}")).content
    assert before + 1 == echo.broken.count(path)


NO_HTTP = {
    "TLS": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    "lower case": request("get", "/x"),
    "an unknown method": request("BREW", "/x"),
    "no path": request("GET", "x"),
    "an address without path": request("GET", "http://test"),
    "bytes beyond ASCII in the path": request("GET", "/\xff"),
    "another version": b"GET / HTTP/1.2\r\nHost: test\r\n\r\n",
    "HTTP/2": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "a space in a header's name": request("GET", "/x", "X Y: z"),
    "a header without colon": request("GET", "/x", "XY"),
    "NUL in a header": request("GET", "/x", "X: \0"),
    "two lengths": request("POST", "/x", "Content-Length: 2", "Content-Length: 3", body=b"{}"),
    "a length that is none": request("POST", "/x", "Content-Length: 2x", body=b"{}"),
    "a length below nothing": request("POST", "/x", "Content-Length: -1", body=b"{}"),
    "a length beyond counting": request("POST", "/x", "Content-Length: " + "9" * 30, body=b"{}"),
    "a length and chunks": request("POST", "/x", "Content-Length: 2", "Transfer-Encoding: chunked", body=b"0\r\n\r\n"),
    "another coding": request("POST", "/x", "Transfer-Encoding: gzip", body=b"{}"),
}


@pytest.mark.parametrize("sent", NO_HTTP.values(), ids=NO_HTTP.keys())
def test_input_that_is_not_http_gets_an_ordinary_error_response(sent: bytes, port: int) -> None:
    with line(port) as one:
        one.send(sent)
        assert 400 == first_envelope(one.answer())
        assert one.is_closed()


def test_bytes_after_a_request_do_not_take_its_answer(port: int) -> None:
    with line(port) as one:
        one.send(sized("/x", 2, b"{}") + b"GARBAGE\r\n\r\n")
        answer = one.answer()
        assert (200, b"{}", "close") == (answer.status, answer.content, answer.headers["connection"])
        assert one.is_closed()


def test_the_record_of_an_endless_body_has_the_status_that_was_sent(echo: Echo) -> None:
    response: list[RequestRecord] = []
    app = Edge(echo, draining=Draining(), observe=response.append)
    with serving(app, wait=0.5, body_limit=LIMIT) as port, line(port) as slow, line(port) as leaving:
        slow.send(sized("/x", 2, b"["))
        leaving.send(sized("/x", 2, b"["))
        leaving.connection.close()
        assert 408 == slow.answer().status
        assert soon(lambda: len(response) == 2)
    assert {408, None} == {each.status for each in response}


def test_headers_behind_a_body_are_none_of_the_request(port: int) -> None:
    answer = ask(port, chunked("/x", b"2\r\n{}\r\n0\r\nX-Request-Id: from-behind\r\n\r\n"))
    assert 200 == answer.status
    assert "from-behind" != answer.headers["x-request-id"]


def test_expect_100_continue_is_answered_or_rejected_at_once(port: int) -> None:
    with line(port) as one:
        one.send(request("POST", "/x", "Content-Length: 2", "Expect: 100-continue"))
        assert 100 == one.answer().status
        one.send(b"{}")
        assert b"{}" == one.answer().content
        one.send(request("POST", "/early", "Content-Length: 2", "Expect: 100-continue"))
        assert 200 == one.answer().status


@pytest.mark.parametrize("protocol", ["websocket", "h2c", "TLS/1.3"])
def test_a_request_to_upgrade_is_ignored(protocol: str, port: int) -> None:
    upgrade = ("Connection: Upgrade", f"Upgrade: {protocol}", "Content-Length: 2")
    with line(port) as one:
        for _ in range(2):
            one.send(request("POST", "/x", *upgrade, body=b"{}"))
            assert (200, b"{}") == ((answer := one.answer()).status, answer.content)


OTHER_HOSTS = {
    "HTTP/1.1 without Host": b"GET /early HTTP/1.1\r\n\r\n",
    "two hosts": request("GET", "/early", "Host: other"),
    "the same host twice": request("GET", "/early", "host: test"),
    "HTTP/1.0 with two hosts": b"GET /early HTTP/1.0\r\nHost: a\r\nHost: b\r\n\r\n",
    "HTTP/1.0 with Upgrade": b"GET /early HTTP/1.0\r\nHost: test\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n",
    "HTTP/1.0 with Upgrade alone": b"GET /early HTTP/1.0\r\nUpgrade: websocket\r\n\r\n",
    "an upgrade without Host": b"GET /early HTTP/1.1\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n",
}


@pytest.mark.parametrize("sent", OTHER_HOSTS.values(), ids=OTHER_HOSTS.keys())
def test_a_request_whose_host_or_protocol_is_in_doubt_is_refused(sent: bytes, port: int) -> None:
    with line(port) as one:
        one.send(sent)
        assert 400 == first_envelope(one.answer())
        assert one.is_closed()


def test_http_1_0_needs_no_host(port: int) -> None:
    assert 200 == ask(port, b"GET /early HTTP/1.0\r\n\r\n").status


@pytest.mark.parametrize(("count", "status"), [(99, 200), (100, 431), (8_000, 431)])
def test_a_request_has_a_hundred_headers_at_most(count: int, status: int, port: int) -> None:
    assert status == ask(port, request("GET", "/early", *["A: "] * count)).status


def test_a_body_below_the_minimum_rate_gets_408_long_before_the_time_limit(echo: Echo) -> None:
    serving_slowly = serving(Edge(echo, draining=Draining()), wait=600.0, body_rate=MinimumRate(500, 0.5))
    with serving_slowly as port, line(port) as slow, line(port) as resting:
        for one in (slow, resting):
            one.send(sized("/x", LIMIT, b"1"))
        slow.send_until_answered(b"1", pause=0.1)
        assert [408, 408] == [first_envelope(one.answer()) for one in (slow, resting)]


def test_a_client_that_takes_an_answer_too_slowly_is_left(echo: Echo) -> None:
    """It takes 20 kB now and then, and so would hold the answer for ever."""
    pace = MinimumRate(1_000_000, 0.5)
    with serving(Edge(echo, draining=Draining()), wait=600.0, response_rate=pace) as port, line(port) as slow:
        slow.send(request("GET", "/large"))

        def is_left() -> bool:
            left = slow.connection.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) != 0
            if not left:
                slow.connection.recv(20_000)
                time.sleep(0.1)
            return left

        assert soon(is_left, 60)


def test_requests_behind_another_are_parsed_only_when_their_turn_comes(impatient: int, echo: Echo) -> None:
    count = 5_000
    with line(impatient) as one:
        one.send(request("GET", "/late") + request("GET", "/early") * count)
        assert [200] * (count + 1) == [one.answer().status for _ in range(count + 1)]


def test_unread_request_bytes_are_bounded_over_all_connections(echo: Echo) -> None:
    """Heads without an end from one address: beyond its share they are refused, small requests are answered."""
    half = b"GET / HTTP/1.1\r\nHost: test\r\nX: " + b"x" * 30_000
    with serving(Edge(echo, draining=Draining()), budget=1_000_000) as port, ExitStack() as open_lines:
        lines = [open_lines.enter_context(line(port)) for _ in range(20)]
        for one in lines:
            one.send(half)
        refused = [one for one in lines if select.select([one.connection], [], [], 0.5)[0]]
        assert 20 - 250_000 // 30_000 <= len(refused) < 20
        assert {503} == {one.answer().status for one in refused}
        assert 200 == ask(port, request("GET", "/early")).status
