"""A clock that was ahead for a while, and was put right: its events are of a time to come."""

import asyncio
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import msgspec
import psycopg
from msgspec.structs import replace
from psycopg import Connection

from domain.catalogue import decode, encode
from tests.adapters.in_process import InProcess, in_process
from tests.projecting import projecting

AHEAD = timedelta(days=2)


async def school(client: InProcess, name: str, session: psycopg.Connection[Any]) -> str:
    """The id of an institution that was registered while the clock was ahead."""
    made = await client.post("/v1/institutions", {"type": "school", "name": name})
    stored = "select part, seq, topic, state from events where originator_id like '%%' || %s"
    ((part, seq, topic, state),) = session.execute(stored, [made["id"]]).fetchall()
    event = decode(topic, state)
    later = replace(event, origin=replace(event.origin, recorded_at=event.origin.recorded_at + AHEAD))
    session.execute("update events set state = %s where part = %s and seq = %s", [encode(later), part, seq])
    return str(made["id"])


async def asked(client: InProcess, path: str) -> Any:
    status, answer = await client.ask("GET", path)
    assert status == 200, answer
    return msgspec.json.decode(answer)


async def test_a_state_is_that_after_the_last_event_though_that_is_of_a_time_to_come(
    database: str, session: psycopg.Connection[Any], connect: Callable[[str], Connection[Any]], tmp_path: Path
) -> None:
    async with in_process(database, tmp_path) as client:
        with projecting(connect):
            path = f"/v1/audit/streams/{await school(client, 'Hill School', session)}/state"
            state = await asked(client, path)
            assert (1, "Hill School") == (state["version"], state["state"]["name"])


async def test_a_view_that_stands_still_is_behind_though_its_next_event_is_of_a_time_to_come(
    database: str, session: psycopg.Connection[Any], tmp_path: Path
) -> None:
    async with in_process(database, tmp_path) as client:
        lags = []
        await school(client, "Hill School", session)
        for _ in range(3):
            (view,) = [each for each in await asked(client, "/v1/views") if each["view"] == "measurements"]
            assert view["lag_events"] > 0
            lags.append(view["lag_seconds"])
            await asyncio.sleep(0.05)
        assert lags == sorted(set(lags))
