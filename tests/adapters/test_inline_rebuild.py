"""Inline projections rebuilt from the log equal those written in the commands' transactions."""

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import psycopg
import pytest
from psycopg.sql import SQL, Identifier

from adapters.postgres.connections import connector
from adapters.postgres.event_store import SQL as LOG
from domain.catalogue import EVENTS, decode
from domain.partition import ACCOUNTS
from projections.inline import dedupe_index, directory
from tests.adapters.workload import Workload
from tests.adapters.world import settle_in
from tests.conftest import PARTITIONS

TABLES = ("dedupe_index", "institutions", "users", "groups", "ties", "outcomes")
GROUPS = 200
PAGES: dict[str, Callable[[random.Random], int]] = {
    "single events": lambda _: 1,
    "small pages": lambda choice: choice.randint(1, 7),
    "pages of any size": lambda choice: choice.choice([1, 2, 3, 10, 100, 1000]),
    "whole partitions": lambda _: 1_000_000,
}
"""How many events are read at once."""


@dataclass(frozen=True)
class Written:
    """The address of a log to which a workload with that seed has written."""

    url: str
    seed: int


@pytest.fixture(scope="module", params=range(4))
def written(request: pytest.FixtureRequest, new_database: Callable[[], str]) -> Written:
    seed: int = request.param
    url = new_database()
    world = settle_in(connector(url))
    workload = Workload(world, seed)
    for _ in range(GROUPS):
        workload.run_group()
    workload.leave_something()
    world.log.close()
    return Written(url, seed)


@pytest.fixture
def session(written: Written) -> Iterator[psycopg.Connection[Any]]:
    with psycopg.connect(written.url, autocommit=True) as connection:
        yield connection


def rebuild(connection: psycopg.Connection[Any], choice: random.Random, size: Callable[[random.Random], int]) -> None:
    """Read the log page by page, the partitions in any order, into tables of another schema."""
    connection.execute("drop schema if exists rebuilt cascade")
    connection.execute("create schema rebuilt")
    for table in TABLES:
        name = Identifier(table)
        connection.execute(SQL("create table rebuilt.{0} (like public.{0} including all)").format(name))
    connection.execute("set search_path to rebuilt, public")
    places = dict.fromkeys(range(PARTITIONS), 0)
    while places:
        part = choice.choice(list(places))
        parameters = {"part": part, "seq": places[part], "limit": size(choice)}
        page = connection.execute(LOG["after"], parameters).fetchall()
        if not page:
            del places[part]
            continue
        places[part] = page[-1][0]
        events = [decode(topic, state) for *_, topic, state in page]
        with connection.cursor() as cursor:
            dedupe_index.write(cursor, dedupe_index.fold(events), PARTITIONS)
            directory.write(cursor, directory.fold(events))


def test_the_inline_projections_rebuilt_from_the_log_equal_the_live_ones_row_for_row(
    written: Written, session: psycopg.Connection[Any]
) -> None:
    topics = {topic for (topic,) in session.execute("select distinct topic from events")}
    assert set(EVENTS) == topics
    for pages, size in PAGES.items():
        rebuild(session, random.Random(written.seed), size)
        for table in TABLES:
            name = Identifier(table)
            assert session.execute(SQL("table rebuilt.{} limit 1").format(name)).fetchall()
            for one, other in (("public", "rebuilt"), ("rebuilt", "public")):
                difference = SQL("table {}.{} except all table {}.{}").format(
                    Identifier(one), name, Identifier(other), name
                )
                assert [] == session.execute(difference).fetchall(), f"{table}, {pages}, what {one} alone has"


def test_nothing_is_left_of_who_was_removed(session: psycopg.Connection[Any]) -> None:
    users = "(select id from users)"
    for left in (
        f"select * from ties where owner_id not in {users} or child_id not in {users}",
        f"select * from groups where owner_id not in {users}",
        "select * from ties where group_id not in (select id from groups union all select id from users)",
        "select username from users group by username having count(*) > 1",
    ):
        assert [] == session.execute(left.encode()).fetchall()
    for keys, rows in (("usernames", "users"), ("institutions", "institutions"), ("groups/%", "groups")):
        counted = session.execute(
            SQL("select count(*) from {} union all select count(*) from dedupe_index where scope like {}").format(
                Identifier(rows), f"{ACCOUNTS}/{keys}"
            )
        ).fetchall()
        assert counted[0] == counted[1]
