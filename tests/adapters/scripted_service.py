"""A service that an import meets, and that answers as a test tells it to."""

import json
from collections.abc import Callable
from typing import Any

import httpx

from adapters.cli import import_csv
from adapters.cli.import_csv import Tally
from adapters.cli.importing.csv_rows import InvalidRow, Item
from adapters.cli.importing.retrying_client import RetryingClient

Answer = httpx.Response | Exception


class Scripted:
    """A service that gives the answers it was told to give, one after another, after a login that always works."""

    def __init__(self, *answers: Answer | Callable[[httpx.Request], Answer]) -> None:
        self._answers = iter(answers)
        self.waits: list[float] = []
        self.bodies: list[Any] = []
        self.logins = 0
        http = httpx.Client(transport=httpx.MockTransport(self._answer), base_url="http://service")
        self.client = RetryingClient(http, "admin", "secret", lambda seconds, _: self.waits.append(seconds))

    def _answer(self, request: httpx.Request) -> httpx.Response:
        if request.url.path == "/v1/auth":
            self.logins += 1
            return httpx.Response(200, json={"access_token": f"token {self.logins}"})
        assert f"Bearer token {self.logins}" == request.headers["Authorization"]
        self.bodies.append(json.loads(request.content or "null"))
        answer = next(self._answers)
        given = answer(request) if callable(answer) else answer
        if isinstance(given, Exception):
            raise given
        return given

    def send(self, *rows: Item | InvalidRow) -> Tally:
        tally = Tally()
        self.client.log_in()
        assert len(rows) == sum(import_csv.send(self.client, "id", iter(rows), tally))
        return tally


def items(number: int) -> list[Item]:
    return [Item(line, "anna", "b", str(line), "1990-01-01T00:00:00Z", {}) for line in range(2, number + 2)]


def accept(request: httpx.Request) -> httpx.Response:
    return httpx.Response(207, json={"success": json.loads(request.content), "error": []})


def refuse(code: int, message: str) -> Callable[[httpx.Request], httpx.Response]:
    def answer(request: httpx.Request) -> httpx.Response:
        error = [{"code": code, "error": "x", "message": message, "item": item} for item in json.loads(request.content)]
        return httpx.Response(207, json={"success": [], "error": error})

    return answer


def busy(status: int, **headers: str) -> httpx.Response:
    return httpx.Response(status, json={"error": "x", "message": "Later."}, headers=headers)


def after(seconds: str) -> httpx.Response:
    return httpx.Response(503, json={"error": "x", "message": "Later."}, headers={"Retry-After": seconds})
