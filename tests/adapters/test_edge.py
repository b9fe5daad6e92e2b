"""Every response has a request id and the common headers, and every request is observed once."""

import asyncio
import json
from collections.abc import Callable
from typing import Any, cast

import httpx
import pytest
from litestar import Response, get
from litestar.types import ASGIApp, Receive, Scope, Send

from adapters.http.edge import application
from adapters.http.edge.cors import Cors
from adapters.http.edge.draining import Draining
from adapters.http.edge.edge import Edge, RequestRecord
from adapters.http.edge.requests import HttpRequest, json_response, request_id
from adapters.refusal_messages import SERVER_FAULT

ORIGIN, OTHER = "https://app.example.org", "https://app.example.org.evil.test"
SANE = ["a", "0", "x" * 64, "A-b_c.d", "0123456789abcdef01234567", "...", "--"]
NOT_SANE = ["", "x" * 65, "a b", "a/b", "ä", "a,b", "<b>", "a\t", "%00", '"']


@get("/things/{thing:str}")
async def thing(request: HttpRequest) -> Response[bytes]:
    return json_response({"id": request_id(request)}, 200)


@get("/page")
async def page(request: HttpRequest) -> Response[bytes]:
    headers = {"Content-Security-Policy": "default-src 'self'", "Cache-Control": "max-age=60"}
    return Response(b"page", media_type="text/html", headers=headers)


@get("/bug")
async def bug(request: HttpRequest) -> Response[bytes]:
    raise RuntimeError("a bug")


async def broken(scope: Scope, receive: Receive, send: Send) -> None:
    raise RuntimeError("a bug in the framework")


async def broken_off(scope: Scope, receive: Receive, send: Send) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": []})
    raise RuntimeError("a bug in the middle")


class Client:
    """Asks an edge, and keeps what it was told of the requests."""

    def __init__(self, behind: ASGIApp, **settings: Any) -> None:
        self.seen: list[RequestRecord] = []
        edge = Edge(behind, **{"draining": Draining(), **settings}, observe=self.seen.append)
        self._transport = httpx.ASGITransport(cast("Any", edge))
        self._http = httpx.AsyncClient(transport=self._transport, base_url="http://test")

    async def ask(self, method: str, path: str, **headers: str) -> httpx.Response:
        sent = {name.replace("_", "-").encode(): value.encode() for name, value in headers.items()}
        return await self._http.request(method, path, headers=sent)

    def told(self) -> list[tuple[str, str, int | None]]:
        assert all(each.seconds >= 0 for each in self.seen)
        return [(each.method, each.route, each.status) for each in self.seen]


Asking = Callable[..., Client]


@pytest.fixture
async def asking() -> Asking:
    routed = application.create([thing, page, bug])

    def client(behind: ASGIApp | None = None, **settings: Any) -> Client:
        return Client(behind or routed, **settings)

    return client


def is_dressed(answer: httpx.Response) -> bool:
    return (
        len(answer.headers["x-request-id"]) > 0
        and answer.headers["x-content-type-options"] == "nosniff"
        and answer.headers["referrer-policy"] == "no-referrer"
        and answer.headers["cache-control"] == "no-store"
        and answer.headers["content-security-policy"] == "default-src 'none'; frame-ancestors 'none'"
    )


async def test_every_request_is_observed_once_under_its_route_template(asking: Asking) -> None:
    client = asking()
    asked = [("GET", "/things/7"), ("HEAD", "/things/8"), ("OPTIONS", "/things/9"), ("PUT", "/things/9"), ("GET", "/x")]
    answers = [await client.ask(*each) for each in [*asked, ("GET", "/bug")]]
    assert all(map(is_dressed, answers))
    assert [
        ("GET", "/things/{thing}", 200),
        ("HEAD", "/things/{thing}", 200),
        ("OPTIONS", "/things/{thing}", 204),
        ("PUT", "unknown", 405),
        ("GET", "unknown", 404),
        ("GET", "/bug", 500),
    ] == client.told()
    assert {"GET", "HEAD", "OPTIONS"} == set(answers[3].headers["allow"].split(", "))


@pytest.mark.parametrize("sent", SANE)
async def test_a_valid_request_id_of_the_client_is_reused(sent: str, asking: Asking) -> None:
    answer = await asking().ask("GET", "/things/7", x_request_id=sent)
    assert (sent, sent) == (answer.headers["x-request-id"], answer.json()["id"])


@pytest.mark.parametrize("sent", NOT_SANE, ids=ascii)
async def test_an_id_that_is_none_is_replaced(sent: str, asking: Asking) -> None:
    answer = await asking().ask("GET", "/things/7", x_request_id=sent)
    assert answer.headers["x-request-id"] == answer.json()["id"] != sent
    assert len(answer.json()["id"]) == 24


async def test_an_answer_that_says_otherwise_itself_is_left_so(asking: Asking) -> None:
    answer = await asking().ask("GET", "/page")
    assert ["default-src 'self'"] == answer.headers.get_list("content-security-policy")
    assert ["max-age=60"] == answer.headers.get_list("cache-control")
    assert "nosniff" == answer.headers["x-content-type-options"]


async def test_strict_transport_security_is_sent_only_with_tls(asking: Asking) -> None:
    name = "strict-transport-security"
    assert name not in (await asking().ask("GET", "/page")).headers
    assert "max-age=31536000" == (await asking(with_tls=True).ask("GET", "/page")).headers[name]


@pytest.mark.parametrize("path", ["/v1/things", "/v1/outcomes"])
async def test_a_bug_of_the_framework_is_a_fault_in_the_envelope_of_the_family(path: str, asking: Asking) -> None:
    client = asking(broken)
    answer = await client.ask("GET", path, x_request_id="mine")
    assert is_dressed(answer)
    assert [("GET", "unknown", 500)] == client.told()
    told = answer.json()
    assert SERVER_FAULT in told.values() if "code" in told else "internal_error" == told["error"]
    assert "mine" in json.dumps(told)


async def test_an_answer_that_breaks_off_is_no_other_answer(asking: Asking) -> None:
    client = asking(broken_off)
    with pytest.raises(RuntimeError):
        await client.ask("GET", "/")
    assert [("GET", "unknown", 200)] == client.told()


async def test_a_request_given_up_at_the_end_of_the_process_gets_503(asking: Asking) -> None:
    begun = asyncio.Event()

    async def endless(scope: Scope, receive: Receive, send: Send) -> None:
        begun.set()
        await asyncio.Event().wait()

    client = asking(endless)
    waiting = asyncio.create_task(client.ask("POST", "/v1/outcomes"))
    await begun.wait()
    waiting.cancel()
    answer = await waiting
    assert (503, "unavailable", "1") == (answer.status_code, answer.json()["error"], answer.headers["retry-after"])
    assert [("POST", "unknown", 503)] == client.told()


async def test_a_process_that_ends_refuses_and_closes(asking: Asking) -> None:
    draining = Draining()
    client = asking(draining=draining)
    assert "connection" not in (await client.ask("GET", "/things/7")).headers
    draining.begin()
    answer = await client.ask("GET", "/things/7")
    assert (503, "close", 503) == (answer.status_code, answer.headers["connection"], answer.json()["code"])
    assert is_dressed(answer)
    assert answer.headers["retry-after"]
    assert 0 == draining.in_flight


async def test_pages_of_other_origins_get_no_cors_headers_without_a_setting(asking: Asking) -> None:
    client = asking()
    preflight = await client.ask("OPTIONS", "/things/7", origin=ORIGIN, access_control_request_method="GET")
    assert 204 == preflight.status_code
    for answer in (preflight, await client.ask("GET", "/things/7", origin=ORIGIN)):
        assert not [name for name in answer.headers if name.startswith("access-control") or name == "vary"]


@pytest.mark.parametrize("path", ["/things/7", "/unknown", "/bug"])
async def test_a_page_of_a_named_origin_may_ask_and_read_whatever_the_answer(path: str, asking: Asking) -> None:
    client = asking(cors=Cors(f"https://x.test , {ORIGIN}"))
    preflight = await client.ask("OPTIONS", path, origin=ORIGIN, access_control_request_method="PATCH")
    assert 204 == preflight.status_code
    assert "PATCH" in preflight.headers["access-control-allow-methods"]
    allowed = preflight.headers["access-control-allow-headers"].lower()
    assert {"authorization", "content-type", "x-request-id"} == set(allowed.split(", "))
    answer = await client.ask("GET", path, origin=ORIGIN)
    exposed = set(answer.headers["access-control-expose-headers"].lower().split(", "))
    limits = {"ratelimit-limit", "ratelimit-remaining", "ratelimit-reset", "retry-after"}
    assert {"x-total-count", "link", "x-request-id", *limits} == exposed
    for each in (preflight, answer):
        assert (ORIGIN, "Origin") == (each.headers["access-control-allow-origin"], each.headers["vary"])
        assert "access-control-allow-credentials" not in each.headers
        assert is_dressed(each)


@pytest.mark.parametrize(
    "origin", [OTHER, "null", "*", "", ORIGIN.upper(), "http://app.example.org", f"{ORIGIN}, {OTHER}"]
)
async def test_a_page_of_any_other_origin_is_allowed_nothing(origin: str, asking: Asking) -> None:
    client = asking(cors=Cors(ORIGIN))
    asked = await client.ask("OPTIONS", "/things/7", origin=origin, access_control_request_method="GET")
    for answer in (asked, await client.ask("GET", "/things/7", origin=origin), await client.ask("GET", "/things/7")):
        assert [] == [name for name in answer.headers if name.startswith("access-control")]
        assert "Origin" == answer.headers["vary"]
