"""A request is freed after its response, even if the garbage collector does not run."""

import asyncio
import gc
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest
from msgspec import Raw

from tests.adapters.in_process import InProcess, in_process

MARK = "mark of the bodies that a test has sent"
LARGE = 200_000
"""Bytes: more than a piece of a body has, so that it comes in several."""

PIECE = 65_536


def junk() -> bytes:
    return b"x" * LARGE + MARK.encode()


def weight(minute: int, **members: Any) -> dict[str, Any]:
    return {"timestamp": f"2026-03-01T08:{minute:02}:00Z", "value": 30.4, "unit": "kg", "note": MARK, **members}


class Sent(msgspec.Struct, frozen=True):
    """A request and the status that its answer has. The body is made when it is sent, so that nobody here keeps it."""

    path: str
    status: int
    body: Callable[[], bytes]
    method: str = "POST"
    query: bytes = b""


def array(elements: Callable[[int], Any]) -> Callable[[], bytes]:
    return lambda: msgspec.json.encode([elements(minute) for minute in range(50)])


PAD = "x" * 5_000

REQUESTS = {
    "a login of junk": Sent("/v1/auth", 400, lambda: junk()[-10_000:]),
    "a login that is too large": Sent("/v1/auth", 413, junk),
    "a login without password": Sent("/v1/auth", 400, lambda: msgspec.json.encode({"username": MARK})),
    "a login of nobody": Sent("/v1/auth", 401, lambda: msgspec.json.encode({"username": MARK, "password": "x"})),
    "a weight of junk": Sent("/v1/children/{child}/weights", 400, junk),
    "a weight of a bad value": Sent("/v1/children/{child}/weights", 400,
                                    lambda: msgspec.json.encode(weight(1, value="x", pad=PAD))),
    "a weight of a bad unit": Sent("/v1/children/{child}/weights", 400,
                                   lambda: msgspec.json.encode(weight(1, pad=PAD)).replace(b'"kg"', b'"\\ud800"')),
    "a weight of nobody": Sent("/v1/children/" + "0" * 24 + "/weights", 400,
                               lambda: msgspec.json.encode(weight(1, pad=PAD))),
    "a weight": Sent("/v1/children/{child}/weights", 201, lambda: msgspec.json.encode(weight(59, pad=PAD))),
    "weights": Sent("/v1/children/{child}/weights", 207, array(lambda minute: weight(minute, pad=PAD))),
    "the same weights": Sent("/v1/children/{child}/weights", 207, array(lambda minute: weight(minute, pad=PAD))),
    "weights that are all bad": Sent("/v1/children/{child}/weights", 207,
                                     array(lambda minute: weight(minute, value=MARK, pad=PAD))),
    "weights with lone surrogates": Sent(
        "/v1/children/{child}/weights", 207,
        lambda: array(lambda minute: weight(minute, pad=PAD))().replace(b'"kg"', b'"\\ud800"')),
    "an institution without name": Sent("/v1/institutions", 400, lambda: msgspec.json.encode({"type": MARK})),
    "an institution twice": Sent("/v1/institutions", 409, lambda: msgspec.json.encode(
        {"type": "school", "name": "Hill School", "address": MARK})),
    "a child of no institution": Sent("/v1/children", 400, lambda: msgspec.json.encode(
        {"username": MARK, "password": "long enough", "institution_id": "0" * 24, "gender": "female", "age": 9})),
    "entries": Sent("/v1/outcomes/{outcome}/entries", 207, array(lambda minute: {**entry(minute)})),
    "the same entries": Sent("/v1/outcomes/{outcome}/entries", 207, array(lambda minute: {**entry(minute)})),
    "entries that are all bad": Sent("/v1/outcomes/{outcome}/entries", 207,
                                     array(lambda minute: {**entry(minute), "value": MARK})),
    "entries of junk": Sent("/v1/outcomes/{outcome}/entries", 400, junk),
    "values that are none": Sent("/cohort/trend", 400, lambda: msgspec.json.encode({"values": [MARK] * 1_000})),
    "an unknown path": Sent("/v1/" + "x" * 50_000 + MARK, 404, lambda: b"", "GET"),
    "an unknown method": Sent("/v1/auth/", 405, junk, "PUT"),
    "an id that is none": Sent("/v1/children/" + "x" * 50_000 + MARK + "/weights", 400, lambda: b"", "GET"),
    "a limit that is none": Sent("/v1/outcomes", 400, lambda: b"", "GET", b"limit=" + b"x" * 50_000 + MARK.encode()),
    "a query": Sent("/v1/outcomes", 200, lambda: b"", "GET", b"brand_id=" + b"x" * 150 + MARK.encode()),
}  # fmt: skip


def entry(minute: int) -> dict[str, Any]:
    return {
        "subject_id": "s", "brand_id": "farm", "value": "1", "recorded_at": f"2026-03-01T08:{minute:02}:00Z",
        "metadata": {"note": MARK, "pad": PAD},
    }  # fmt: skip


@pytest.fixture
async def client(database: str, tmp_path: Path) -> AsyncIterator[tuple[InProcess, dict[str, str]]]:
    async with in_process(database, tmp_path / "data") as client:
        school = await client.post("/v1/institutions", {"type": "school", "name": "Hill School"})
        user = {"password": "long enough", "institution_id": school["id"]}
        child = await client.post("/v1/children", {**user, "username": "kim", "gender": "female", "age": 9})
        await client.post("/v1/applications", {**user, "username": "scale", "application_name": "Scale"})
        definition = {"name": "Weight", "brand_id": "farm", "metric_key": "chick"}
        outcome = await client.post("/v1/outcomes", definition)
        yield client, {"child": child["id"], "outcome": outcome["id"]}


def kept() -> list[str]:
    """What anything that the collector knows of holds of what was sent."""
    found = []
    for holder in gc.get_objects():
        if holder is REQUESTS or isinstance(holder, Sent):
            continue
        for each in gc.get_referents(holder):
            if isinstance(each, str | bytes | bytearray | Raw) and _is_marked(each):
                found.append(f"{type(holder)}: {str(holder)[:200]}")
    return found


def _is_marked(text: str | bytes | bytearray | Raw) -> bool:
    if isinstance(text, str):
        return len(text) > len(MARK) and MARK in text
    return MARK.encode() in bytes(text)


ADMINS = ("/v1/auth", "/v1/institutions", "/v1/children")


async def test_a_request_body_is_freed_once_it_was_answered(client: tuple[InProcess, dict[str, str]]) -> None:
    in_process, ids = client
    left: dict[str, list[str]] = {}
    gc.collect()
    gc.disable()
    try:
        for by in ("admin", "scale"):
            await in_process.log_in(by, "secret of the first" if by == "admin" else "long enough")
            for name, sent in REQUESTS.items():
                if (sent.path in ADMINS) == (by == "admin"):
                    assert sent.status == await answered(in_process, sent, ids), name
                    for _ in range(10):  # the writer's thread may still be about to let go
                        if not (found := kept()):
                            break
                        await asyncio.sleep(0.05)
                    if found:
                        left[name] = found[:3]
                        gc.collect()
        assert {} == left
    finally:
        gc.enable()


async def answered(client: InProcess, sent: Sent, ids: dict[str, str]) -> int:
    body = sent.body()
    pieces = [body[at : at + PIECE] for at in range(0, len(body), PIECE)] or [b""]
    del body
    path = sent.path.replace("{child}", ids["child"]).replace("{outcome}", ids["outcome"])
    status, _ = await client.ask(sent.method, path, pieces, sent.query)
    return status
