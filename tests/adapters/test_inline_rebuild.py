"""The inline projections rebuilt from the log are those that were kept in the commands' transactions."""

import random
from typing import Any

import psycopg
import pytest
from psycopg.sql import SQL, Identifier

from adapters.postgres.log import SQL as LOG
from application.command import Actor, Command
from domain.catalogue import EVENTS, decode
from domain.partition import ACCOUNTS
from projections import dedupe_index, directory
from tests.adapters.world import ALL, World
from tests.conftest import PARTITIONS

TABLES = ("dedupe_index", "institutions", "users", "groups", "ties")
GROUPS = 80
LONGEST_PAGE = 7


class Workload:
    """Groups of commands at random, so that many meet: few names, few instants, removals of anybody."""

    def __init__(self, world: World, seed: int) -> None:
        self._world, self._random = world, random.Random(seed)
        self._users: dict[str, list[str]] = {"child": world.children(4), "educator": [], "family": []}
        self._weights: list[tuple[str, str]] = []

    def run_group(self) -> None:
        commands = [self._command() for _ in range(self._random.randint(1, 8))]
        for command, answer in zip(commands, self._world.run(*commands), strict=True):
            for id in (outcome for outcome in answer if isinstance(outcome, str)) if isinstance(answer, list) else ():
                match command.name:
                    case "register_user":
                        self._users[command.items[0].role].append(id)
                    case "record_measurements":
                        self._weights.append((next(iter(command.partition_keys())), id))

    def _command(self) -> Command:
        pick, world = self._random.choice, self._world
        children = tuple(self._random.sample(self._users["child"], k=min(2, len(self._users["child"]))))
        anybody = [id for ids in self._users.values() for id in ids]
        name = f"name {self._random.randrange(30)}"
        match self._random.randrange(20):
            case 0:
                return world.institution(name)
            case 1 | 2 | 3:
                return world.register(pick(["child", "educator"]), name)
            case 4 | 5:
                return world.register("family", name, children)
            case 6 | 7 | 8 if self._users["educator"]:
                return world.group(Actor(pick(self._users["educator"]), "educator", ALL), name, children)
            case 9:
                return world.remove_user(pick(anybody))
            case 10 | 11 | 12 if self._weights:
                child, id = pick(self._weights)
                return world.remove(child, id)
            case _:
                minutes = [self._random.randrange(6) for _ in range(self._random.randint(1, 4))]
                return world.weights(pick(children), minutes, body_fat=pick([None, 20.0]))


@pytest.fixture(params=range(4))
def seed(request: pytest.FixtureRequest, world: World) -> int:
    """The seed of a workload that has been run."""
    seed: int = request.param
    workload = Workload(world, seed)
    for _ in range(GROUPS):
        workload.run_group()
    return seed


def rebuild(connection: psycopg.Connection[Any], seed: int) -> None:
    """Read the log page by page, of all sizes, the partitions in any order, into tables of another schema."""
    choice = random.Random(seed)
    connection.execute("create schema rebuilt")
    for table in TABLES:
        name = Identifier(table)
        connection.execute(SQL("create table rebuilt.{0} (like public.{0} including all)").format(name))
    connection.execute("set search_path to rebuilt, public")
    places = dict.fromkeys(range(PARTITIONS), 0)
    while places:
        part = choice.choice(list(places))
        parameters = {"part": part, "seq": places[part], "limit": choice.randint(1, LONGEST_PAGE)}
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
    seed: int, session: psycopg.Connection[Any]
) -> None:
    topics = {topic for (topic,) in session.execute("select distinct topic from events")}
    assert set(EVENTS) == topics
    rebuild(session, seed)
    for table in TABLES:
        name = Identifier(table)
        assert session.execute(SQL("table rebuilt.{} limit 1").format(name)).fetchall()
        for one, other in (("public", "rebuilt"), ("rebuilt", "public")):
            difference = SQL("table {}.{} except all table {}.{}").format(
                Identifier(one), name, Identifier(other), name
            )
            assert [] == session.execute(difference).fetchall()


def test_nothing_is_left_of_who_was_removed(seed: int, session: psycopg.Connection[Any]) -> None:
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
