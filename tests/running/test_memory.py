"""Requests of clients, however many and however wrong, neither stay in the memory of an API process nor fill it."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import msgspec
import pytest

from adapters.processes.prepare import prepare
from adapters.settings import Settings
from tests.adapters.raw_http import ask, line, request
from tests.running.processes import PASSWORD, WITH_PASSWORD
from tests.running.single_api import answering

MIB = 1024 * 1024

BUDGET = 128 * MIB
"""Bytes of bodies, by default."""

BASE = 100 * MIB
"""Bytes that a process may grow by beside the bodies: what they are made into, and what the allocator keeps."""

HUGE = 159 * MIB // 10


@dataclass(frozen=True)
class Api:
    """An API process, and the tokens of those who ask it."""

    pid: int
    port: int
    admin: str
    scale: str
    weights: str
    entries: str

    def size(self, name: str = "VmRSS") -> int:
        """Bytes in memory; `VmHWM`: the most since `forget_peak`."""
        status = Path(f"/proc/{self.pid}/status").read_text().splitlines()
        (found,) = (line for line in status if line.startswith(f"{name}:"))
        return int(found.split()[1]) * 1024

    def forget_peak(self) -> None:
        Path(f"/proc/{self.pid}/clear_refs").write_text("5")


@pytest.fixture(scope="module")
def api(new_database: Callable[..., str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Api]:
    folder = tmp_path_factory.mktemp("memory")
    url = new_database()
    prepare(Settings(database_url=url, admin_password=PASSWORD, argon2_memory=64), folder / "data", url)
    with (
        answering(folder / "data", {**WITH_PASSWORD, "DATABASE_URL": url}) as run,
        httpx.Client(base_url=run.url, timeout=60) as http,
    ):

        def post(path: str, content: Any, token: str = "") -> Any:
            answer = http.post(path, json=content, headers={"Authorization": f"Bearer {token}"} if token else {})
            assert answer.status_code < 300, answer.text
            return answer.json()

        admin = post("/v1/auth", {"username": "admin", "password": PASSWORD})["access_token"]
        school = post("/v1/institutions", {"type": "school", "name": "Hill School"}, admin)
        user = {"password": "long enough", "institution_id": school["id"]}
        child = post("/v1/children", {**user, "username": "kim", "gender": "female", "age": 9}, admin)
        post("/v1/applications", {**user, "username": "scale", "application_name": "Scale"}, admin)
        outcome = post("/v1/outcomes", {"name": "Weight", "brand_id": "farm", "metric_key": "chick"}, admin)
        scale = post("/v1/auth", {"username": "scale", "password": "long enough"})["access_token"]
        port = urlsplit(run.url).port
        assert port is not None
        yield Api(
            run.process.pid,
            port,
            admin,
            scale,
            f"/v1/children/{child['id']}/weights",
            f"/v1/outcomes/{outcome['id']}/entries",
        )


def posted(path: str, body: bytes, token: str = "") -> bytes:
    authorization = [f"Authorization: Bearer {token}"] if token else []
    return request("POST", path, *authorization, f"Content-Length: {len(body)}", body=body)


START = datetime(2000, 1, 1, tzinfo=UTC)

LARGE = 1_000_000
"""Bytes: two hundred such bodies are more than what a process may grow by."""

PAD = "x" * 20_000


def at(minute: int) -> str:
    return (START + timedelta(minutes=minute)).strftime("%Y-%m-%dT%H:%M:00Z")


def weights(first: int, count: int, **members: Any) -> bytes:
    """The JSON of an array, of so many minutes."""
    each = [{"timestamp": at(first + minute), "value": 30.4, "unit": "kg", **members} for minute in range(count)]
    return msgspec.json.encode(each)


def entries(first: int, count: int) -> bytes:
    metadata = {"pad": PAD[:16_000]}
    return msgspec.json.encode(
        [
            {"subject_id": "s", "brand_id": "farm", "value": "1", "recorded_at": at(minute), "metadata": metadata}
            for minute in range(first, first + count)
        ]
    )


def get(api: Api, target: str) -> bytes:
    return request("GET", target, f"Authorization: Bearer {api.scale}")


KINDS: dict[str, tuple[int, Callable[[Api, int], bytes]]] = {
    "logins that are too large": (413, lambda api, n: posted("/v1/auth", b"x" * LARGE)),
    "logins of junk": (400, lambda api, n: posted("/v1/auth", b"x" * 16_000)),
    "logins of nobody": (401, lambda api, n: posted("/v1/auth", b'{"username": "%d", "password": "x"}' % n)),
    "weights that are refused": (
        400, lambda api, n: posted(api.weights, weights(n, 1, value="x", pad=PAD * 12)[1:-1], api.scale)),
    "arrays that are refused": (207, lambda api, n: posted(api.weights, weights(n, 50, value="x", pad=PAD), api.scale)),
    "arrays that are no JSON": (400, lambda api, n: posted(api.weights, weights(n, 50, pad=PAD)[:-1], api.scale)),
    "arrays that are there": (207, lambda api, n: posted(api.weights, weights(0, 50, pad=PAD), api.scale)),
    "arrays that are new": (207, lambda api, n: posted(api.weights, weights(50 * n, 50, pad=PAD), api.scale)),
    "entries that are there": (207, lambda api, n: posted(api.entries, entries(0, 60), api.scale)),
    "unknown paths": (404, lambda api, n: get(api, f"/{n}" + "x" * 60_000)),
    "ids that are none": (400, lambda api, n: get(api, f"/v1/children/{n}{'x' * 60_000}/weights")),
    "queries": (400, lambda api, n: get(api, f"/v1/outcomes?brand_id={n}" + "&brand_id=x" * 5_000)),
}  # fmt: skip


@pytest.mark.parametrize("kind", KINDS)
def test_two_hundred_requests_leave_nothing_in_the_process(kind: str, api: Api) -> None:
    status, made = KINDS[kind]
    with line(api.port) as one:
        for number in range(220):
            if number == 20:
                before = api.size()  # what is kept once, as code and connections, is kept by now
            one.send(made(api, number))
            assert status == one.answer().status
        assert api.size() - before < 40 * MIB


def small(api: Api) -> Iterator[bytes]:
    """Requests of other clients, that are answered while others fill what they may."""
    yield get(api, "/v1/outcomes")
    yield posted("/v1/auth", msgspec.json.encode({"username": "scale", "password": "long enough"}))
    yield posted(api.weights, weights(0, 1), api.admin)  # who may not, but its token is looked at


@pytest.mark.parametrize(
    ("count", "statuses", "made"),
    [
        (35, {413}, lambda api: posted("/v1/auth", b"x" * HUGE)),
        (40, {400, 503}, lambda api: posted(api.weights, b"[" + b"x" * HUGE, api.scale)),
        (40, {207, 503}, lambda api: posted(api.weights, weights(0, 10_000, pad="x" * 1_500), api.scale)),
        (40, {413}, lambda api: posted(api.weights, weights(0, 1, pad="x" * HUGE)[1:-1], api.scale)),
    ],
    ids=["logins", "arrays of junk", "arrays", "single weights"],
)
def test_parallel_bodies_take_no_more_than_their_budget_and_others_are_answered(
    count: int, statuses: set[int], made: Callable[[Api], bytes], api: Api
) -> None:
    sent = made(api)
    base = api.size()
    api.forget_peak()
    with ThreadPoolExecutor(count) as senders:
        answers = [senders.submit(ask, api.port, sent) for _ in range(count)]
        while not all(answer.done() for answer in answers):
            assert [200, 200, 403] == [ask(api.port, each).status for each in small(api)]
    told = [answer.result().status for answer in answers]
    assert statuses >= set(told)
    if 503 in told:
        assert {"1"} == {answer.result().headers["retry-after"] for answer in answers if answer.result().status == 503}
        assert b'unavailable_total{kind="bodies"}' in ask(api.port, request("GET", "/metrics")).content
    assert min(statuses) in told
    assert api.size("VmHWM") - base < BUDGET + BASE


def test_bodies_in_chunks_count_too(api: Api) -> None:
    """Forty clients send arrays without an end; what they may send is not enough to fill the process."""
    base = api.size()
    api.forget_peak()
    head = request("POST", api.weights, f"Authorization: Bearer {api.scale}", "Transfer-Encoding: chunked")
    chunk = b"10000\r\n" + b"[" * 65_536 + b"\r\n"
    with ThreadPoolExecutor(40) as senders:
        answers = [senders.submit(ask, api.port, head, *[chunk] * 250, b"0\r\n\r\n") for _ in range(40)]
        told = {answer.result().status for answer in answers}
    assert {400, 503} >= told
    assert api.size("VmHWM") - base < BUDGET + BASE
