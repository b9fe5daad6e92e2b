"""User names in Unicode NFC, together with older names that were registered exactly as sent."""

from collections.abc import Callable, Iterator
from contextlib import closing
from itertools import count

import pytest
from psycopg_pool import AsyncConnectionPool

from adapters.postgres.connections import connector
from adapters.postgres.query_pools import QueryPool
from adapters.postgres.readers.accounts import AccountsReader
from adapters.processes.prepare import equal_name_notices
from domain.refusal import AlreadyRegistered
from tests.adapters.world import World, settle_in

_numbers = count()


@pytest.fixture(scope="module")
def database_url(new_database: Callable[..., str]) -> str:
    return new_database()


@pytest.fixture(scope="module")
def world(database_url: str) -> Iterator[World]:
    made = settle_in(connector(database_url))
    with closing(made.log):
        yield made


@pytest.fixture
def forms() -> tuple[str, str]:
    """A new name, composed and decomposed. Commands take names as they are: in NFC from a client of today."""
    number = next(_numbers)
    return f"Jos\u00e9 {number}", f"Jose\u0301 {number}"


async def logs_in(database_url: str, username: str) -> str | None:
    """The id of the user whom the name names."""
    async with AsyncConnectionPool(database_url, open=False) as connections:
        pool = QueryPool(connections, wait=10)
        found = await AccountsReader(pool, pool).login(username)
    return None if found is None else found.user_id


async def test_a_name_that_was_registered_as_sent_is_found_in_both_forms(
    world: World, database_url: str, forms: tuple[str, str]
) -> None:
    _, decomposed = forms
    user_id = world.id(world.register("child", decomposed))
    assert [user_id, user_id] == [await logs_in(database_url, form) for form in forms]
    assert None is await logs_in(database_url, forms[0].upper())


def test_a_name_that_is_equal_to_one_that_was_registered_as_sent_is_taken(world: World, forms: tuple[str, str]) -> None:
    composed, decomposed = forms
    first = world.id(world.register("child", decomposed))
    refused = world.outcome(world.register("educator", composed))
    assert isinstance(refused, AlreadyRegistered)
    assert "Educator" == refused.title
    world.id(world.remove_user(first))
    world.id(world.register("educator", composed))


def test_the_second_of_equal_user_names_in_a_batch_is_rejected(world: World, forms: tuple[str, str]) -> None:
    composed, decomposed = forms
    first, second = world.run(world.register("child", decomposed), world.register("child", composed))
    assert isinstance(first, list)
    assert isinstance(second, list)
    assert isinstance(second[0], AlreadyRegistered)


async def test_user_names_equal_after_normalization_still_log_in_and_are_reported(
    world: World, database_url: str, forms: tuple[str, str]
) -> None:
    composed, decomposed = forms
    ids = [world.id(world.register("child", composed)), world.id(world.register("child", decomposed))]
    assert ids == [await logs_in(database_url, form) for form in forms]
    (told,) = [each for each in equal_name_notices(database_url) if ids[0] in each]
    assert all(id in told for id in ids)
    assert ascii(decomposed) in told
