"""Every response of the running service has the common headers, and no request causes an internal error."""

from urllib.parse import urlsplit

import httpx
import pytest

from tests.acceptance import refusals
from tests.acceptance.audit import EVENTS, trail
from tests.acceptance.client import KINDS, NOON, UNKNOWN_ID, WEIGHT, Api, User, nothing, refused
from tests.acceptance.outcomes import UNKNOWN
from tests.adapters.raw_http import ask, request
from tests.service import Service

HEADERS = {
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cache-control": "no-store",
    "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
}

OF_ITS_OWN = {"date", "x-request-id"}
"""Headers that no two answers have in common."""

PUBLIC = ["/health/live", "/.well-known/jwks.json"]
FOR_ADMINS = [
    "/v1/institutions?limit=2",
    f"/v1/institutions/{UNKNOWN_ID}",
    "/v1/children?limit=1",
    f"/v1/families/{UNKNOWN_ID}",
    "/v1/outcomes?limit=1",
    f"/v1/outcomes/{UNKNOWN}/trend",
    f"{EVENTS}?limit=1",
    "/v1/audit/streams/x",
    "/nowhere",
]

MANY = "a=1&" * 10_000
LONG = "x" * 60_000
HOSTILE = {
    "a port that is none": request("GET", "/nowhere", host="test:port"),
    "a port beyond ports": request("GET", "/v1/auth", host="test:99999999"),
    "half an address as host": request("POST", "/v1/auth", host="[::1"),
    "a host that is none": request("GET", "/v1/institutions", host="a b"),
    "two hosts": request("GET", "/v1/auth", "Host: test:port"),
    "no host": b"GET /v1/auth HTTP/1.1\r\n\r\n",
    "HTTP/1.0": b"GET /v1/auth HTTP/1.0\r\n\r\n",
    "NUL in the path": request("GET", "/v1/institutions/%00"),
    "a slash within an id": request("GET", f"/v1/institutions/{UNKNOWN_ID[:12]}%2F{UNKNOWN_ID[12:]}"),
    "half a percentage": request("GET", "/v1/%zz%f%"),
    "no UTF-8 in the path": request("GET", "/v1/outcomes/%FF%ED%A0%80"),
    "no UTF-8 in the query": request("GET", "/v1/institutions?%FF=%ED%A0%80"),
    "NUL in the query": request("GET", "/v1/audit/events?%00=%00"),
    "many parameters": request("GET", f"/v1/outcomes?{MANY}"),
    "a long path": request("GET", f"/v1/institutions/{LONG}"),
    "a long path on the fast lane": request("POST", WEIGHT.path(LONG)),
    "a long query on the fast lane": request("POST", f"{WEIGHT.path(UNKNOWN_ID)}?{MANY}", "Content-Length: 0"),
    "an address": request("GET", "http://elsewhere:port/v1/institutions"),
    "slashes": request("GET", "//v1///institutions//"),
    "a way up": request("GET", "/v1/../v1/institutions/.."),
    "no path at all": request("OPTIONS", "*"),
    "CONNECT": request("CONNECT", "/v1/auth"),
    "TRACE": request("TRACE", "/v1/institutions"),
    "PROPFIND": request("PROPFIND", WEIGHT.path(UNKNOWN_ID)),
    "a header beyond ASCII": request("POST", WEIGHT.path(UNKNOWN_ID), "Authorization: Bearer \xff\xfe", "X: \xff"),
    "two tokens": request("GET", "/v1/institutions", "Authorization: Bearer a", "Authorization: Bearer b"),
    "a token of one letter, often": request("GET", "/v1/institutions", "Authorization: Bearer " + "x" * 50_000),
    "a body where none belongs": request("GET", "/health/nowhere", "Content-Length: 5", body=b"hello"),
    "a login that is packed": request("POST", "/v1/auth", "Content-Encoding: gzip", "Content-Length: 2", body=b"{}"),
    "a very deep login": request("POST", "/v1/auth", "Content-Length: 20000", body=b"[" * 10_000 + b"]" * 10_000),
}


def is_dressed(answer: httpx.Response) -> bool:
    assert HEADERS.items() <= dict(answer.headers).items()
    assert not {"server", "x-powered-by", "strict-transport-security"} & answer.headers.keys()
    assert not [name for name in answer.headers if name.startswith("access-control")]
    return len(answer.headers["x-request-id"]) == 24


def test_every_answer_has_an_id_of_its_own_and_the_headers_of_all(
    anyone: Api, admin: Api, application: Api, child: User
) -> None:
    path, reading = WEIGHT.path(child.id), WEIGHT.reading()
    packed = admin.request("POST", path, b"{}", content_type="application/json", content_encoding="gzip")
    answers = {
        200: application.get(path),
        201: application.post(path, reading),
        207: application.post(path, [reading]),
        400: application.post(path, {}),
        401: anyone.post(path, reading),
        403: admin.post(path, reading),
        404: admin.get("/v1/nowhere"),
        405: anyone.request("PUT", path),
        409: application.post(path, reading),
        413: application.post(path, [0] * 10_001),
        415: application.request("POST", path, b"{}", content_type="text/plain"),
    }
    assert set(answers) == {answer.status_code for answer in answers.values()}
    removed = application.delete(WEIGHT.path(child.id, answers[201].json()["id"]))
    assert nothing(removed)
    every = [*answers.values(), removed, packed, anyone.get("/health/live"), anyone.get("/v1/outcomes")]
    assert all(map(is_dressed, every))
    assert len(every) == len({answer.headers["x-request-id"] for answer in every})


@pytest.mark.parametrize("request_id", ["x", "scale-7.2026_" + "0" * 51])
def test_an_id_that_came_with_a_command_is_in_the_audit_trail(
    request_id: str, application: Api, admin: Api, child: User
) -> None:
    request_id = f"{child.id}.{request_id}"[:64]
    path, headers = WEIGHT.path(child.id), {"content_type": "application/json", "x_request_id": request_id}
    content = f'{{"timestamp": "{NOON}", "value": 30, "unit": "kg"}}'.encode()
    answer = application.request("POST", path, content, **headers)
    assert (201, request_id) == (answer.status_code, answer.headers["x-request-id"])
    removed = application.request("DELETE", f"{path}/{answer.json()['id']}", x_request_id=request_id)
    assert (204, request_id) == (removed.status_code, removed.headers["x-request-id"])
    events = trail(admin, request_id=request_id)
    assert ["measurement.recorded", "measurement.removed"] == [event["event"].rsplit(".", 1)[0] for event in events]
    assert {request_id} == {event["request_id"] for event in events}


@pytest.mark.parametrize("path", PUBLIC + FOR_ADMINS)
def test_head_is_answered_as_get_without_the_body(path: str, anyone: Api, admin: Api) -> None:
    for api in (anyone, admin):
        got, head = api.get(path), api.request("HEAD", path)
        assert b"" == head.content
        assert got.status_code == head.status_code
        assert without(got.headers) == without(head.headers)
        assert len(got.content) == int(head.headers["content-length"])


def without(headers: httpx.Headers) -> dict[str, str]:
    return {name: value for name, value in headers.items() if name not in OF_ITS_OWN}


@pytest.mark.parametrize(
    ("path", "allowed"),
    [
        ("/health/ready", {"GET", "HEAD", "OPTIONS"}),
        ("/v1/auth", {"POST", "OPTIONS"}),
        ("/v1/institutions", {"GET", "HEAD", "POST", "OPTIONS"}),
        (f"/v1/users/{UNKNOWN_ID}/password", {"PUT", "OPTIONS"}),
        (f"/v1/outcomes/{UNKNOWN}", {"GET", "HEAD", "PATCH", "OPTIONS"}),
        *((kind.path(UNKNOWN_ID), {"GET", "HEAD", "POST", "OPTIONS"}) for kind in KINDS),
        (WEIGHT.path(UNKNOWN_ID, UNKNOWN_ID), {"GET", "HEAD", "DELETE", "OPTIONS"}),
    ],
)
def test_a_path_says_which_methods_it_has(path: str, allowed: set[str], anyone: Api) -> None:
    options, brew = anyone.request("OPTIONS", path), anyone.request("PROPFIND", path)
    assert nothing(options)
    assert 405 == brew.status_code
    for answer in (options, brew):
        assert allowed == set(answer.headers["allow"].split(", "))
        assert is_dressed(answer)


def test_an_unknown_path_has_no_methods(anyone: Api) -> None:
    assert refusals.no_endpoint("/v1/nowhere") == refused(anyone.request("OPTIONS", "/v1/nowhere"))


def test_a_head_of_what_only_takes_posts_names_itself(anyone: Api) -> None:
    head, other = anyone.request("HEAD", "/v1/auth"), anyone.request("GET", "/v1/auth")
    assert 405 == head.status_code
    assert len(other.content) + len("HEAD") - len("GET") == int(head.headers["content-length"])


@pytest.mark.parametrize("sent", HOSTILE.values(), ids=HOSTILE.keys())
def test_no_request_is_answered_with_a_fault(sent: bytes, service: Service, anyone: Api) -> None:
    answer = ask(urlsplit(service.url).port or 0, sent)
    assert 400 <= answer.status < 500
    assert {"code", "message"} <= answer.body.keys() or {"error", "message"} == answer.body.keys()
    assert answer.headers["x-request-id"]
    assert 200 == anyone.get("/health/live").status_code


def test_a_packed_body_is_refused(application: Api, child: User) -> None:
    for encoding in ("gzip", "br", "gzip, identity"):
        answer = application.request("POST", WEIGHT.path(child.id), b"{}", content_encoding=encoding)
        assert refusals.MEDIA_TYPE == refused(answer)
    content = f'{{"timestamp": "{NOON}", "value": 30, "unit": "kg"}}'.encode()
    assert 201 == application.request("POST", WEIGHT.path(child.id), content, content_encoding="Identity").status_code
