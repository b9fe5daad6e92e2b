"""A list that would be too large is cut, and its link reads the rest: every row comes exactly once."""

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest
from msgspec.structs import replace
from psycopg import Connection
from psycopg_pool import AsyncConnectionPool

from adapters.http.schemas import paging
from adapters.http.schemas.query_parameters import ParameterValues
from adapters.postgres.query_pools import QueryPool
from adapters.postgres.readers import lists
from adapters.postgres.readers.accounts import AccountsReader
from adapters.postgres.readers.measurements import MeasurementsReader
from adapters.postgres.readers.outcomes import OutcomesReader
from application.command import Actor
from application.queries.groups import ListGroups
from application.queries.institutions import ListInstitutions
from application.queries.measurements import Order, ReadMeasurements
from application.queries.outcomes import ListEntries, ListOutcomes, Slice
from application.queries.query import Page, Paging, Position
from application.queries.users import ListUsers
from domain.measurement import Reading
from tests.adapters.rebuilding import BEHIND
from tests.adapters.world import NOON, World
from tests.conftest import PARTITIONS
from tests.projecting import projecting
from tests.running.processes import soon

MIB = 1024 * 1024
FIVE = 5


class Lists:
    """Five things of every sort, and the questions that list them, from a page or from a position on."""

    def __init__(self, world: World, pool: QueryPool, connect: Callable[[str], Connection[Any]]) -> None:
        self.world, self._pool, self._connect = world, pool, connect
        educator = world.id(world.register("educator"))
        self.educator = Actor(educator, "educator", world.admin.scopes)
        (self.child,) = world.children_apart(1)
        self.outcome_id = world.id(world.outcome_of("steps", "steps"))
        self.families: list[str] = []
        for number in range(FIVE):
            self.add(number)

    def add(self, number: int) -> None:
        """One more of each, later than those that there are."""
        world = self.world
        self.families.append(world.id(world.register("family", children=(self.child,))))
        world.id(world.institution(f"school {number}"))
        world.id(world.group(self.educator, f"group {number}", [self.child]))
        world.id(world.outcome_of(f"outcome {number}", "height"))
        reading = Reading(self.child, "weight", NOON.replace(minute=number), 30.5 - number % 2, "kg" * (1 + number % 3))
        world.id(replace(world.weights(self.child, []), readings=[reading]))
        assert world.run(world.entries(self.outcome_id, "anna", [number]))

    def catch_up(self) -> None:
        with projecting(self._connect), self._connect("looking") as session:
            session.autocommit = True
            assert soon(lambda: session.execute(BEHIND.encode()).fetchall() == [(0,)], 60)

    async def measurements(self, paging: Paging, *order: str) -> Page[Any]:
        by = tuple(Order(each.removeprefix("-"), descending=each.startswith("-")) for each in order)
        asked = ReadMeasurements(
            actor=self.world.application, child_id=self.child, kind="weight", order=by, paging=paging
        )
        return await MeasurementsReader(self._pool, PARTITIONS).measurements(asked)

    async def users(self, paging: Paging) -> Page[Any]:
        return await self._accounts.users(ListUsers(actor=self.world.admin, role="family", paging=paging))

    async def institutions(self, paging: Paging) -> Page[Any]:
        return await self._accounts.institutions(ListInstitutions(actor=self.world.admin, paging=paging))

    async def groups(self, paging: Paging) -> Page[Any]:
        return await self._accounts.groups(ListGroups(actor=self.educator, paging=paging))

    async def outcomes(self, paging: Paging) -> Page[Any]:
        asked = ListOutcomes(actor=self.world.admin, metric_key="height", slice=_slice(paging))
        return await OutcomesReader(self._pool, PARTITIONS).outcomes(asked)

    async def entries(self, paging: Paging) -> Page[Any]:
        asked = ListEntries(actor=self.world.admin, outcome_id=self.outcome_id, slice=_slice(paging))
        return await OutcomesReader(self._pool, PARTITIONS).entries(asked)

    @property
    def _accounts(self) -> AccountsReader:
        return AccountsReader(self._pool, self._pool)


def _slice(paging: Paging) -> Slice:
    return Slice(paging.limit, paging.offset, paging.after)


Ask = Callable[[Lists, Paging], Awaitable[Page[Any]]]

QUESTIONS: dict[str, Ask] = {
    **{name: getattr(Lists, name) for name in ("users", "institutions", "groups", "outcomes", "entries")},
    "measurements": Lists.measurements,
    "measurements by time": lambda of, paging: of.measurements(paging, "timestamp"),
    "measurements by value": lambda of, paging: of.measurements(paging, "-value"),
    "measurements by unit and time": lambda of, paging: of.measurements(paging, "unit", "-timestamp"),
}

every_list = pytest.mark.parametrize("ask", QUESTIONS.values(), ids=QUESTIONS)


@pytest.fixture
async def of(world: World, database: str, connect: Callable[[str], Connection[Any]]) -> AsyncIterator[Lists]:
    async with AsyncConnectionPool(database, kwargs={"autocommit": True}, open=False) as connections:
        lists_of = Lists(world, QueryPool(connections, wait=10), connect)
        lists_of.catch_up()
        yield lists_of


async def follow(of: Lists, ask: Ask, page: Page[Any], limit: int = 100) -> list[str]:
    """The ids of what is left of a page that was cut short."""
    ids = []
    while page.rest is not None:
        page = await ask(of, Paging(limit=limit, after=page.rest))
        ids += [row.id for row in page.rows]
    return ids


@every_list
async def test_a_page_that_fits_is_not_cut(ask: Ask, of: Lists) -> None:
    page = await ask(of, Paging())
    assert (page.total, None) == (len(page.rows), page.rest)


@every_list
@pytest.mark.parametrize("size", [1, 10, 100])
async def test_the_rest_of_a_cut_list_comes_once_and_in_order(
    size: int, ask: Ask, of: Lists, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = await ask(of, Paging())
    monkeypatch.setattr(lists, "BYTES", size)
    page = await ask(of, Paging())
    ids = [row.id for row in page.rows]
    assert size > 1 or len(ids) == 1
    assert whole.total == page.total
    assert [row.id for row in whole.rows] == ids + await follow(of, ask, page)


@every_list
async def test_pages_count_rows_as_if_nothing_had_been_cut(
    ask: Ask, of: Lists, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = [row.id for row in (await ask(of, Paging())).rows]
    monkeypatch.setattr(lists, "BYTES", 1)
    for number in (1, 2, 3):
        page = await ask(of, Paging(number, 2))
        ids = [row.id for row in page.rows] + await follow(of, ask, page, 2)
        assert whole[2 * number - 2 : 2 * number] == ids


@every_list
async def test_concurrent_writes_neither_repeat_nor_hide_a_row_of_a_cut_list(
    ask: Ask, of: Lists, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = [row.id for row in (await ask(of, Paging())).rows]
    monkeypatch.setattr(lists, "BYTES", 1)
    page = await ask(of, Paging())
    of.add(50)
    of.catch_up()
    found = [row.id for row in page.rows] + await follow(of, ask, page)
    assert whole == [id for id in found if id in whole]
    assert len(found) == len(set(found))


async def test_measurements_with_texts_of_many_megabytes_come_one_by_one(of: Lists) -> None:
    world = of.world
    for minute in range(3):
        assert world.id(world.weights(of.child, [30 + minute], unit="z" * (5 * MIB)))
    of.catch_up()
    page = await of.measurements(Paging())
    assert (FIVE + 3, 1) == (page.total, len(page.rows))
    assert FIVE + 2 == len(await follow(of, Lists.measurements, page))
    by_unit: Ask = lambda of, paging: of.measurements(paging, "unit")  # noqa: E731
    page = await by_unit(of, Paging())
    assert FIVE + 3 == len(page.rows) + len(await follow(of, by_unit, page))


@pytest.mark.parametrize("key", [("a" * 24,), (NOON, "b"), (30.5, "kg", "c")])
def test_a_cursor_says_again_where_an_answer_was_cut(key: tuple[Any, ...]) -> None:
    position = Position(key, 17)
    read = paging.AFTER.value(paging.text_of(position))
    assert position == paging.after(ParameterValues({"after": [read]}), *map(type, key))
