"""Questions stay fast while the log grows: every statement of theirs finds its rows by an index."""

from collections.abc import Callable
from datetime import UTC, datetime

import psycopg
import pytest
from psycopg import sql

from adapters.http import filters
from adapters.postgres.reader import list_statement
from application.command import Actor
from application.queries.measurements import ListMeasurements
from tests.conftest import PARTITIONS

CHILD = "5a62be07d6f33400146c9b61"
FILL = (
    """insert into users (id, role, username, password_hash, profile)
    select lpad(to_hex(n), 24, '0'), 'child', n::text, '', '{}' from generate_series(1, 20000) n""",
    """insert into ties (owner_id, child_id, group_id)
    select lpad(to_hex(n), 24, '0'), lpad(to_hex(n + 1), 24, '0'), 'g' from generate_series(1, 20000) n""",
    """insert into events (part, seq, originator_id, originator_version, topic, state)
    select n % 8, n / 8 + 1, lpad(to_hex(n), 24, '0'), 1, 't', '{}' from generate_series(0, 49999) n""",
    """insert into measurements_g1 (part, child_id, kind, id, taken_at, value, unit, institution_id)
    select n % 8, lpad(to_hex(n % 500), 24, '0'), 'weight', lpad(to_hex(n), 24, '0'),
        timestamptz '2020-01-01' + n * interval '1 hour', n, 'kg', 'i' from generate_series(1, 50000) n""",
    "analyze",
)

QUESTIONS: tuple[list[tuple[str, str]], ...] = (
    [],
    [("page", "3"), ("limit", "10")],
    [("sort", "timestamp,-value")],
    [("timestamp", "gte:2020-01-01"), ("timestamp", "lt:2021-01-01")],
    [("period", "1m")],
    [("value", "gt:60"), ("unit", "k*")],
)


@pytest.fixture(scope="module")
def filled(new_database: Callable[..., str]) -> str:
    """Views and directory with so many rows that reading all of them would be the worse plan."""
    url = new_database()
    with psycopg.connect(url) as connection:
        for statement in FILL:
            connection.execute(statement)
    return url


@pytest.mark.parametrize("parameters", QUESTIONS, ids=str)
def test_a_list_reads_no_table_from_end_to_end(parameters: list[tuple[str, str]], filled: str) -> None:
    everything = ListMeasurements(actor=Actor("a" * 24, "application"), child_id=CHILD, kind="weight")
    query = filters.read(parameters, everything, now=datetime(2024, 1, 1, tzinfo=UTC))
    statement, operands = list_statement(query, PARTITIONS)
    with psycopg.connect(filled) as connection:
        plan = connection.execute(sql.SQL("explain ") + statement, operands).fetchall()
    scans = [line for (line,) in plan if "Seq Scan" in line and " on views" not in line and " on places" not in line]
    assert [] == scans, "\n".join(line for (line,) in plan)
