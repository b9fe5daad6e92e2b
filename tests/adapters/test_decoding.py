"""Large bodies are decoded in threads, not on the event loop."""

import threading
from pathlib import Path
from typing import Any

import msgspec
import pytest

from adapters.http.edge import decoding, request_body
from adapters.http.schemas.members import Members
from domain.refusal import Unreadable
from tests.adapters.in_process import in_process


@pytest.mark.parametrize(("size", "by_the_loop"), [(1, True), (decoding.LARGE - 1, True), (decoding.LARGE, False)])
async def test_work_on_a_large_body_is_done_in_a_thread(size: int, by_the_loop: bool) -> None:
    worker = await decoding.run(size, threading.current_thread)
    assert by_the_loop == (worker is threading.current_thread())


@pytest.mark.parametrize("size", [1, decoding.LARGE])
async def test_a_refusal_is_raised_wherever_it_is_found(size: int) -> None:
    def refuse(of: str) -> None:
        raise Unreadable(of)

    with pytest.raises(Unreadable, match="this"):
        await decoding.run(size, refuse, of="this")


MANY = {"values": [30.25] * 10_000, "x": list(range(10_000)), "y": [1.5] * 9_999 + [2.5]}


async def test_values_of_statistics_and_children_of_groups_are_made_in_threads_where_they_are_many(
    database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[tuple[str, bool]] = []

    def seen(name: str, make: Any) -> Any:
        def made_here(sent: Members, *arguments: Any) -> Any:
            made.append((name, threading.current_thread() is threading.main_thread()))
            return make(sent, *arguments)

        return made_here

    for name in ("numbers", "ids"):
        monkeypatch.setattr(Members, name, seen(name, getattr(Members, name)))
    async with in_process(database, tmp_path) as client:
        for path in ("/cohort/trend", "/cohort/changepoint", "/patterns/correlate"):
            assert await client.post(path, MANY)
        school = await client.post("/v1/institutions", {"type": "school", "name": "Hill School"})
        educator = {"username": "ann", "password": "long enough", "institution_id": school["id"]}
        path = f"/v1/educators/{(await client.post('/v1/educators', educator))['id']}/children/groups"
        await client.log_in("ann", "long enough")
        group = {"name": "4b", "children": [f"{number:024x}" for number in range(2_000)]}
        status, _ = await client.ask("POST", path, [msgspec.json.encode(group)])
        assert 400 == status  # nobody has these ids
    assert [*[("numbers", False)] * 5, ("ids", False)] == made
    assert request_body.ITEM > len(msgspec.json.encode(group)) > decoding.LARGE
