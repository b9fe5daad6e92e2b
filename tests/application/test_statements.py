"""The number of statements of a batch does not depend on the number of its commands."""

from collections.abc import Callable, Iterable, Iterator
from typing import Any

import psycopg
import pytest
from psycopg import Cursor

from adapters.postgres.event_store import PostgresEventStore
from application.command import Command, State
from tests.application.mixes import MIXES
from tests.application.world import World

SIZES = [1, 10, 60]

sent: list[str] = []


class CountingCursor(Cursor[Any]):
    def execute(self, query: Any, *arguments: Any, **options: Any) -> Any:
        sent.append(str(query))
        return super().execute(query, *arguments, **options)

    def executemany(self, query: Any, params_seq: Iterable[Any], *, returning: bool = False) -> None:
        each = list(params_seq)
        sent.extend([str(query)] * len(each))
        super().executemany(query, each, returning=returning)

    def copy(self, statement: Any, params: Any = None, *, writer: Any = None) -> Any:
        sent.append(str(statement))
        return super().copy(statement, params, writer=writer)


@pytest.fixture
def world(shared_database: str) -> Iterator[World]:
    log = PostgresEventStore(
        lambda name: psycopg.connect(shared_database, application_name=name, cursor_factory=CountingCursor)
    )
    yield World(log)
    log.close()


def statements(world: World, group: list[Command]) -> int:
    """The number of statements for a batch whose commands are all accepted."""
    sent.clear()
    answers = world.processor.run(group, oldest_waits=False)
    assert len(group) == len(answers)
    for answer in answers.values():
        assert isinstance(answer, list)
        assert all(isinstance(outcome, str | State) for outcome in answer)
    return len(sent)


@pytest.mark.parametrize("mix", MIXES)
def test_the_number_of_statements_does_not_depend_on_the_size_of_the_batch(
    world: World, mix: Callable[[World, int], list[Command]]
) -> None:
    counts = []
    for size in SIZES:
        world.child = world.registered("child").id
        counts.append(statements(world, mix(world, size)))
    assert [counts[0]] * len(SIZES) == counts
    assert counts[0] <= 25
