"""Texts in the log may be longer than those that are taken now: what is stored stays readable."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psycopg
from argon2 import PasswordHasher

from domain import measurement
from domain.catalogue import decode, encode
from domain.entry import Entry
from projections.views.registry import VIEWS
from tests import examples
from tests.adapters.in_process import PASSWORD, in_process
from tests.adapters.world import NOON, World
from tests.projecting import projecting
from tests.running.processes import soon

LENGTH = 15 * 2**20


def test_a_measurement_with_a_unit_of_15_mib_is_decoded_and_folded() -> None:
    large = examples.weight_recorded(unit="x" * LENGTH)
    event = decode(large.stored_name, encode(large))
    assert large == event
    there = measurement.fold([event])
    assert there is not None
    assert 70.2 == there.value


def test_a_unit_of_15_mib_and_deep_metadata_are_projected(
    world: World, session: psycopg.Connection[Any], connect: Callable[[str], psycopg.Connection[Any]]
) -> None:
    (child,) = world.children(1)
    world.id(world.weights(child, [0], unit="x" * LENGTH))
    outcome = world.id(world.outcome_of("Weight"))
    metadata: dict[str, Any] = {f"member {number}": number for number in range(20_000)}
    for _ in range(200):
        metadata = {"deeper": metadata}
    entries = world.entries(outcome, "subject", [])
    entry = Entry(outcome, "x" * 500, world.institution_id, "1.5", NOON, metadata)
    world.id(type(entries)(actor=entries.actor, request_id="request", outcome_id=outcome, entries=[entry]))

    def counted() -> list[tuple[Any, ...]]:
        return session.execute(
            "select (select max(length(unit)) from measurements), (select count(*) from entries),"
            " (select count(*) from audit_trail), (select count(*) from events), (select count(*) from parked_events)"
        ).fetchall()

    with projecting(connect):
        assert soon(lambda: (found := counted()[0])[0] == LENGTH and found[1] == 2 and found[2] == found[3], 60)
    assert 0 == counted()[0][4]
    assert {"measurements", "outcomes", "audit_trail"} == set(VIEWS.latest)


async def test_metadata_that_an_earlier_version_took_972_levels_deep_is_shown_to_an_auditor(
    database: str,
    world: World,
    session: psycopg.Connection[Any],
    connect: Callable[[str], psycopg.Connection[Any]],
    tmp_path: Path,
) -> None:
    session.execute("update users set password_hash = %s", [PasswordHasher(memory_cost=64).hash(PASSWORD)])
    outcome = world.id(world.outcome_of("Weight"))
    metadata: dict[str, Any] = {"deepest": 1}
    for _ in range(971):
        metadata = {"deeper": metadata}
    entries = world.entries(outcome, "subject", [])
    entry = Entry(outcome, "x", world.institution_id, "1.5", NOON, metadata)
    command = type(entries)(actor=entries.actor, request_id="request", outcome_id=outcome, entries=[entry])
    entry_id = await asyncio.to_thread(world.id, command)
    async with in_process(database, tmp_path) as client:
        with projecting(connect):
            status, answer = await client.ask("GET", f"/v1/audit/streams/{entry_id}")
            assert (200, 972) == (status, answer.count(b"deep"))
