"""What the acceptance tests of outcomes share: their envelope, an outcome that one can write to and ask."""

import json
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

import httpx
import jwt

from tests.acceptance.client import NOON, Api, Body, is_json
from tests.acceptance.people import ACCOUNTS, APPLICATION, People, unique

OUTCOMES = "/v1/outcomes"
CORRELATIONS = "/v1/correlations/compute"
COHORT_TREND, CHANGEPOINT, CORRELATE = "/cohort/trend", "/cohort/changepoint", "/patterns/correlate"
UNKNOWN = "0192a3b4-c5d6-7e8f-9a0b-1c2d3e4f5061"
MAX_BYTES = 256 * 1024
"""Of one outcome or entry."""

MAX_STATISTICS_BYTES = 16 * 1024 * 1024
MAX_ITEMS = 10_000
STRANGERS = [account for account in ACCOUNTS if account is not APPLICATION]

CODES = {
    400: "validation_error",
    401: "unauthenticated",
    403: "forbidden",
    404: "not_found",
    405: "method_not_allowed",
    409: "conflict",
    413: "payload_too_large",
    415: "unsupported_media_type",
    503: "unavailable",
}


def refusal(status: int, response: httpx.Response) -> str:
    """The message of a refusal, which has nothing beside it but its code."""
    assert status == response.status_code, response.text[:2_000]
    assert is_json(response)
    body: Body = response.json()
    assert {"error": CODES[status], "message": body["message"]} == body
    assert isinstance(body["message"], str)
    assert body["message"]
    return body["message"]


def invalid(member: str, response: httpx.Response) -> None:
    """A 400 whose message names the member."""
    assert member in refusal(400, response)


def no_number(text: str) -> None:
    raise AssertionError(f"{text} is no JSON")


def answer(response: httpx.Response, status: int = 200) -> Body:
    """The object of a response, which holds no NaN and no Infinity."""
    assert status == response.status_code, response.text[:2_000]
    assert is_json(response)
    body: Body = json.loads(response.content, parse_constant=no_number)
    return body


def patiently(call: Callable[[], httpx.Response]) -> httpx.Response:
    """The first answer that is not 503; a view that is behind after thousands of entries asks to come again."""
    for _ in range(60):
        response = call()
        if response.status_code != 503:
            break
        refusal(503, response)
        time.sleep(int(response.headers["retry-after"]))
    return response


def id_of(body: Body) -> str:
    """The id of what was created: a UUID of version 7, written as such."""
    made = UUID(body["id"])
    assert (str(made), 7) == (body["id"], made.version)
    return str(made)


def multi_status(response: httpx.Response) -> tuple[list[Body], list[tuple[int, Any]]]:
    """The accepted items, and of the refused each code with its item."""
    body = answer(response, 207)
    assert {"success", "error"} == body.keys()
    for entry in body["success"]:
        assert {"code": 201, "item": entry["item"]} == entry
        id_of(entry["item"])
    for entry in body["error"]:
        assert {"code", "error", "message", "item"} == entry.keys()
        assert CODES[entry["code"]] == entry["error"]
        assert isinstance(entry["message"], str)
        assert entry["message"]
    refused = [(entry["code"], entry["item"]) for entry in body["error"]]
    return [entry["item"] for entry in body["success"]], refused


def query(path: str, /, **parameters: str | int) -> str:
    """The path with its parameters escaped; `from_` is the parameter `from`."""
    return f"{path}?{urlencode({name.rstrip('_'): value for name, value in parameters.items()})}"


def moment(text: str) -> datetime:
    """A time in the one form in which times go out."""
    return datetime.strptime(text, "%Y-%m-%dT%H:%M:%S.%fZ")  # noqa: DTZ007  # compared with its like only


@dataclass(frozen=True)
class Outcome:
    """An outcome, with the token of somebody who may read it and write to it."""

    api: Api
    body: Body

    @property
    def id(self) -> str:
        return str(self.body["id"])

    @property
    def path(self) -> str:
        return f"{OUTCOMES}/{self.id}"

    @property
    def entries_path(self) -> str:
        return f"{self.path}/entries"

    def entry(self, **changes: Any) -> Body:
        """A request that is accepted, unless the changes spoil it."""
        valid = {"subject_id": "anna", "brand_id": self.body["brand_id"], "value": "70.20", "recorded_at": NOON}
        return valid | changes

    def stored(self, **changes: Any) -> Body:
        """What is answered to `entry(**changes)`, without the id."""
        return {"outcome_id": self.id, "metadata": {}} | self.entry(**changes)

    def post(self, body: Any) -> httpx.Response:
        return self.api.post(self.entries_path, body)

    def record(self, **changes: Any) -> Body:
        made = answer(self.post(self.entry(**changes)), 201)
        id_of(made)
        return made

    def enter(self, rows: Iterable[tuple[str, str, float | str]], **changes: Any) -> None:
        """Record rows of subject, time and value, all in one request."""
        items = [self.entry(subject_id=who, recorded_at=at, value=str(value), **changes) for who, at, value in rows]
        success, error = multi_status(self.post(items))
        assert (len(items), []) == (len(success), error)

    def listed(self, **parameters: str | int) -> tuple[list[Body], int]:
        body = answer(self.api.get(query(self.entries_path, **parameters)))
        assert {"entries", "total"} == body.keys()
        return body["entries"], body["total"]

    def ask(self, what: str, **parameters: str | int) -> Body:
        """The answer to an analytics query, `summary` for one."""
        return answer(self.api.get(query(f"{self.path}/{what}", **parameters)))


def request(**changes: Any) -> Body:
    """A POST of an outcome that is accepted, of a brand of its own."""
    return {"name": "Steps a day", "brand_id": unique("brand"), "metric_key": "steps"} | changes


def new_outcome(api: Api, **changes: Any) -> Outcome:
    made = answer(api.post(OUTCOMES, request(**changes)), 201)
    id_of(made)
    return Outcome(api, made)


def user_id(api: Api) -> str:
    claims: Body = jwt.decode(api.token or "", options={"verify_signature": False})
    return str(claims["sub"])


def strangers(people: People) -> dict[str, Api]:
    """Somebody of each role that has nothing to do with outcomes."""
    return {account.sub_type: people.as_(people.someone(account)) for account in STRANGERS}


def day(number: int, time: str = "12:00:00.000Z") -> str:
    """A time on a day of March 2019, which began on a Friday."""
    return f"2019-03-{number:02}T{time}"
