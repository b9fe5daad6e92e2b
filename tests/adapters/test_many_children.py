"""With 100,000 children in 1,000 groups a permission check is part of a statement that is there anyway, and reads by
index."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import psycopg
import pytest
from psycopg.sql import SQL

from adapters.postgres.connections import connector
from adapters.postgres.event_store import SESSION, PostgresEventStore
from adapters.postgres.readers.measurements import list_statement
from application.command import Actor, Command
from application.processor import Processor
from application.queries.measurements import ReadMeasurements
from domain.event import Event
from domain.group import stream_of
from domain.refusal import Forbidden
from projections.inline import directory
from projections.inline.directory import SQL as DIRECTORY
from tests.application.stored_events import a_user
from tests.application.test_statements import CountingCursor, sent
from tests.conftest import PARTITIONS
from tests.example_commands import reading, record_measurements
from tests.examples import actor, group_formed

CHILDREN, GROUPS, OWNERS = 100_000, 1_000, 100


def numbered(kind: str, number: int) -> str:
    """An id."""
    return f"{kind}{number:023x}"


OWNER = actor("educator", numbered("e", 7))
APPLICATION = actor("application", numbered("a", 0))
ITS_CHILD, ANOTHERS_CHILD = numbered("c", 7 * CHILDREN // GROUPS), numbered("c", 8 * CHILDREN // GROUPS)


def accounts() -> Iterator[Event]:
    """A programme's worth: every owner has as many groups as the others, every group as many children."""
    yield a_user(APPLICATION.id, role="application")
    yield from (a_user(numbered("c", n), institution_id=numbered("b", n % OWNERS)) for n in range(CHILDREN))
    yield from (a_user(numbered("e", number), role="educator") for number in range(OWNERS))
    size = CHILDREN // GROUPS
    for number in range(GROUPS):
        children = tuple(numbered("c", child) for child in range(number * size, (number + 1) * size))
        id, owner = numbered("f", number), numbered("e", number % OWNERS)
        yield group_formed(
            originator_id=stream_of(id), group_id=id, owner_id=owner, name=f"group {number}", children=children
        )


@pytest.fixture(scope="module")
def programme(new_database: Callable[..., str]) -> str:
    """A database whose directory holds all of them."""
    url = new_database()
    with psycopg.connect(url, autocommit=True) as connection:
        with connection.transaction(), connection.cursor() as cursor:
            directory.write(cursor, directory.fold(accounts()))
        connection.execute("analyze")
    return url


@pytest.fixture
def processor(programme: str) -> Iterator[Processor[Any]]:
    log = PostgresEventStore(
        lambda name: psycopg.connect(programme, application_name=name, cursor_factory=CountingCursor)
    )
    yield Processor(log)
    log.close()


def weighing(asking: Actor, child_id: str) -> Command:
    return record_measurements(actor=asking, child_id=child_id, readings=[reading(child_id=child_id)])


def statements(processor: Processor[Any], *group: Command) -> tuple[int, Sequence[Any]]:
    """How many a group sends, and its answers."""
    sent.clear()
    answers = processor.run(group, oldest_waits=True)
    return len(sent), [answers[place] for place in range(len(group))]


def test_a_check_of_a_relation_costs_no_statement_of_its_own(processor: Processor[Any]) -> None:
    without, (recorded,) = statements(processor, weighing(APPLICATION, numbered("c", 99)))
    checked, (recorded_too,) = statements(processor, weighing(OWNER, ITS_CHILD))
    assert [str, str] == [type(outcome) for outcome in (*recorded, *recorded_too)]
    assert without == checked


def test_a_relation_that_is_not_there_is_found_missing_by_the_same_statements(processor: Processor[Any]) -> None:
    one, (refused,) = statements(processor, weighing(OWNER, ANOTHERS_CHILD))
    both, (refused_too, _) = statements(
        processor, weighing(OWNER, ANOTHERS_CHILD), weighing(APPLICATION, ANOTHERS_CHILD)
    )
    assert [Forbidden, Forbidden] == [type(refused), type(refused_too)]
    assert one <= both


@pytest.mark.parametrize("session", [{}, SESSION], ids=["any session", "the writer's"])
def test_directory_checks_use_an_index(session: Mapping[str, str], programme: str) -> None:
    asked = {"users": [OWNER.id, ITS_CHILD], "institutions": [], "members": [], "outcomes": [], "names": []}
    links = {"owners": [OWNER.id, OWNER.id], "children": [ITS_CHILD, ANOTHERS_CHILD]}
    assert [] == scans(programme, session, DIRECTORY["load"], asked | links)


def test_a_question_finds_the_relation_by_index(programme: str) -> None:
    query = ReadMeasurements(actor=OWNER, child_id=ITS_CHILD, kind="weight")
    assert [] == scans(programme, {}, *list_statement(query, PARTITIONS))


def scans(url: str, session: Mapping[str, str], statement: Any, parameters: dict[str, Any]) -> list[str]:
    """Of the plan, what reads a table of who belongs to whom from end to end; the others are empty here."""
    text = statement if not isinstance(statement, str) else SQL(statement)
    with connector(url, session)("explains") as connection:
        plan = connection.execute(SQL("explain ") + text, parameters).fetchall()
    return [line for (line,) in plan if "Seq Scan on users" in line or "Seq Scan on ties" in line]
