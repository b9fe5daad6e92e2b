"""What the acceptance tests share: an HTTP client that carries a token, the two kinds, the answers."""

import json
import re
from collections import Counter
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from threading import Barrier
from typing import Any, Protocol

import httpx
import pytest

Body = dict[str, Any]

NOON = "2019-06-20T12:00:00.000Z"
UNKNOWN_ID = "0123456789abcdef01234567"


class Service(Protocol):
    """The running service, as the conftest starts it."""

    @property
    def url(self) -> str: ...
    @property
    def admin_username(self) -> str: ...
    @property
    def admin_password(self) -> str: ...
    @property
    def keys(self) -> Path: ...
    @property
    def issuer(self) -> str: ...


@dataclass(frozen=True)
class User:
    """A user who was created, and what was answered then."""

    id: str
    username: str
    password: str
    body: Body


@dataclass(frozen=True)
class Api:
    """Requests with the token of one user; without a token there is no Authorization header."""

    http: httpx.Client
    token: str | None = None

    def with_token(self, token: str | None) -> "Api":
        return Api(self.http, token)

    def login(self, username: str, password: str) -> "Api":
        answer = self.with_token(None).post("/v1/auth", {"username": username, "password": password})
        assert 200 == answer.status_code, answer.text
        return self.with_token(answer.json()["access_token"])

    def as_(self, user: User) -> "Api":
        return self.login(user.username, user.password)

    def request(
        self, method: str, path: str, content: bytes | Iterable[bytes] | None = None, **headers: str
    ) -> httpx.Response:
        """Send the bytes as they stand; `content_type=…` is the header Content-Type."""
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        if self.token is not None:
            sent["Authorization"] = f"Bearer {self.token}"
        return self.http.request(method, path, content=content, headers=sent)

    def get(self, path: str) -> httpx.Response:
        return self.request("GET", path)

    def delete(self, path: str) -> httpx.Response:
        return self.request("DELETE", path)

    def post(self, path: str, body: Any) -> httpx.Response:
        """POST JSON in which everything beyond ASCII is escaped, so that lone surrogates can be sent."""
        return self.post_raw(path, json.dumps(body).encode())

    def post_raw(self, path: str, content: bytes | str) -> httpx.Response:
        sent = content.encode() if isinstance(content, str) else content
        return self.request("POST", path, sent, content_type="application/json")

    def put(self, path: str, body: Any) -> httpx.Response:
        return self.send("PUT", path, body)

    def patch(self, path: str, body: Any) -> httpx.Response:
        return self.send("PATCH", path, body)

    def send(self, method: str, path: str, body: Any) -> httpx.Response:
        """JSON by any method, escaped as `post` does it."""
        return self.request(method, path, json.dumps(body).encode(), content_type="application/json")


@dataclass(frozen=True)
class Kind:
    """One kind of measurement as clients see it."""

    collection: str
    id_name: str
    name: str
    required: tuple[str, ...]
    unit: str

    def path(self, child_id: str, measurement_id: str | None = None) -> str:
        collection = f"/v1/children/{child_id}/{self.collection}"
        return collection if measurement_id is None else f"{collection}/{measurement_id}"

    def reading(self, **changes: Any) -> Body:
        """A request that is accepted, unless the changes spoil it."""
        valid = {"timestamp": NOON, "value": 70.2, "unit": "kg"}
        return {member: valid[member] for member in self.required} | changes

    def answer(self, child_id: str, **changes: Any) -> Body:
        """What is answered to `reading(**changes)`, without the id."""
        return {"timestamp": NOON, "value": 70.2, "unit": self.unit, "child_id": child_id} | changes

    def record(self, api: Api, child_id: str, **changes: Any) -> Body:
        """Record a reading and give the whole answer."""
        response = api.post(self.path(child_id), self.reading(**changes))
        assert 201 == response.status_code, response.text
        body: Body = response.json()
        return body

    def listed(self, api: Api, child_id: str, query: str = "") -> list[Body]:
        """The list of a child, without query in the default order."""
        response = api.get(f"{self.path(child_id)}?{query}" if query else self.path(child_id))
        assert 200 == response.status_code, response.text
        body: list[Body] = response.json()
        return body


WEIGHT = Kind("weights", "weight_id", "Weight", ("timestamp", "value", "unit"), "kg")
BODY_FAT = Kind("bodyfats", "bodyfat_id", "Body Fat", ("timestamp", "value"), "%")
KINDS = (WEIGHT, BODY_FAT)
each_kind = pytest.mark.parametrize("kind", KINDS, ids=[kind.collection for kind in KINDS])


def is_json(response: httpx.Response) -> bool:
    return response.headers["content-type"].split(";")[0].strip() == "application/json"


def created(response: httpx.Response) -> Body:
    """The body of a 201 without its id, which is 24 lower-case hexadecimal characters."""
    assert 201 == response.status_code, response.text
    assert is_json(response)
    body: Body = response.json()
    assert re.fullmatch("[0-9a-f]{24}", body["id"])
    return without_id(body)


def shown(response: httpx.Response) -> Body:
    """The object of a 200."""
    assert 200 == response.status_code, response.text
    assert is_json(response)
    body: Body = response.json()
    return body


def page_of(response: httpx.Response) -> tuple[list[Body], int]:
    """The array of a 200 and its `X-Total-Count`."""
    assert 200 == response.status_code, response.text
    assert is_json(response)
    body: list[Body] = response.json()
    assert isinstance(body, list)
    return body, int(response.headers["x-total-count"])


def whole(api: Api, path: str) -> list[Body]:
    """All entries of a list, page by page, as many as each page counts."""
    entries: list[Body] = []
    for page in count(1):
        more, total = page_of(api.get(f"{path}?limit=1000&page={page}"))
        entries += more
        if len(more) < 1000:
            break
    assert len(entries) == total
    return entries


def nothing(response: httpx.Response) -> bool:
    """Whether it is a 204 without a body."""
    return (204, b"") == (response.status_code, response.content)


def refused(response: httpx.Response) -> Body:
    """The body of a refusal, whose code is the status of the response."""
    assert response.status_code >= 400, response.text
    assert is_json(response)
    body: Body = response.json()
    assert body["code"] == response.status_code
    return body


def multi_status(response: httpx.Response) -> tuple[list[Body], list[Body]]:
    """The accepted (their ids taken out) and the refused of an array."""
    assert 207 == response.status_code, response.text
    body = response.json()
    assert {"success", "error"} == body.keys()
    for entry in body["success"]:
        assert {"code", "item"} == entry.keys()
        assert re.fullmatch("[0-9a-f]{24}", entry["item"]["id"])
    return [{**entry, "item": without_id(entry["item"])} for entry in body["success"]], body["error"]


def without_id(body: Body) -> Body:
    return {member: value for member, value in body.items() if member != "id"}


def at_once(calls: Iterable[Callable[[], httpx.Response]]) -> list[httpx.Response]:
    """Make all calls at the same moment, each in its own thread."""
    waiting = list(calls)
    barrier = Barrier(len(waiting))

    def run(call: Callable[[], httpx.Response]) -> httpx.Response:
        barrier.wait()
        return call()

    with ThreadPoolExecutor(len(waiting)) as pool:
        return list(pool.map(run, waiting))


def statuses(responses: Iterable[httpx.Response]) -> dict[int, int]:
    return dict(Counter(response.status_code for response in responses))


def stamp(moment: datetime) -> str:
    """The one form in which times go out."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
