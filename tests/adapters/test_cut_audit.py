"""Audit responses that would be too large are split, and the remainder follows once and in order."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest
from psycopg import Connection

from adapters.http.api import audit
from adapters.postgres.readers import lists
from tests.adapters.in_process import InProcess, in_process
from tests.projecting import projecting

NAMES = ("one", "two", "three", "four")


async def read(client: InProcess, path: str, query: str, what: str) -> list[list[Any]]:
    """What an answer and those that its `Link` leads to say, each apart."""
    found = []
    while True:
        status, answer = await client.ask("GET", path, query=query.encode())
        assert status == 200, answer
        found.append(msgspec.json.decode(answer)[what])
        link = client.headers.get(b"link", b"").decode()
        if not link:
            return found
        assert link.startswith(f"<{path}?")
        assert link.endswith('>; rel="next"')
        query = link.partition("?")[2].partition(">")[0]


@pytest.mark.parametrize(
    ("path", "query", "what"),
    [("/v1/audit/events", "event=institution.registered", "events"), ("/v1/audit/streams/{outcome}", "", "facts")],
)
async def test_events_and_facts_that_were_cut_off_come_once_and_in_order(
    path: str,
    query: str,
    what: str,
    database: str,
    connect: Callable[[str], Connection[Any]],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with in_process(database, tmp_path) as client:
        with projecting(connect):
            for name in NAMES:
                await client.post("/v1/institutions", {"type": "school", "name": name})
            outcome = await client.post("/v1/outcomes", {"name": "one", "brand_id": "b", "metric_key": "k"})
            for name in NAMES[1:]:
                change = msgspec.json.encode({"name": name})
                assert 200 == (await client.ask("PATCH", f"/v1/outcomes/{outcome['id']}", [change]))[0]
            path = path.format(outcome=outcome["id"])
            (whole,) = await read(client, path, query, what)
            assert len(NAMES) == len(whole)
            for module in (audit, lists):
                monkeypatch.setattr(module, "BYTES", 1)
            assert [[each] for each in whole] == await read(client, path, query, what)
