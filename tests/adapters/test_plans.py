"""Questions stay fast while the log grows: every statement of theirs finds its rows by an index."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any

import psycopg
import pytest
from psycopg import sql

from adapters.http.schemas import filters, query_parameters
from adapters.postgres.readers import accounts
from adapters.postgres.readers.accounts import SQL
from adapters.postgres.readers.audit import events_statement
from adapters.postgres.readers.lists import BYTES
from adapters.postgres.readers.measurements import list_statement
from application.command import Actor
from application.queries.audit import ListAuditEvents
from application.queries.measurements import ReadMeasurements
from application.queries.query import Paging
from projections.inline.directory import SQL as DIRECTORY
from tests.conftest import PARTITIONS

CHILD = "5a62be07d6f33400146c9b61"
FILL = (
    """insert into users (id, role, username, password_hash, profile)
    select lpad(to_hex(n), 24, '0'), 'child', n::text, '', '{}' from generate_series(1, 20000) n""",
    """insert into users (id, role, username, password_hash, institution_id, profile)
    select 'u' || lpad(to_hex(n), 23, '0'), (array['admin', 'educator', 'family'])[1 + n % 3], 'u' || n, '',
        'i' || lpad(to_hex(n % 700), 23, '0'), '{}' from generate_series(1, 20000) n""",
    """insert into ties (owner_id, child_id, group_id)
    select lpad(to_hex(n), 24, '0'), lpad(to_hex(n + 1), 24, '0'), 'g' from generate_series(1, 20000) n""",
    """insert into ties (owner_id, child_id, group_id)
    select 'u' || lpad(to_hex(n % 20000), 23, '0'), lpad(to_hex(n + 1), 24, '0'), 'g' || lpad(to_hex(n / 4), 23, '0')
    from generate_series(1, 40000) n""",
    """insert into groups (id, owner_id, name)
    select 'g' || lpad(to_hex(n), 23, '0'), 'u' || lpad(to_hex(n % 5000), 23, '0'), n::text
    from generate_series(1, 20000) n""",
    """insert into institutions (id, type, name)
    select 'i' || lpad(to_hex(n), 23, '0'), 'school', n::text from generate_series(1, 20000) n""",
    """insert into events (part, seq, originator_id, originator_version, topic, state)
    select n % 8, n / 8 + 1, lpad(to_hex(n), 24, '0'), 1, 't', '{}' from generate_series(0, 49999) n""",
    """insert into measurements_g1 (part, child_id, kind, id, taken_at, value, unit, institution_id)
    select n % 8, lpad(to_hex(n % 500), 24, '0'), 'weight', lpad(to_hex(n), 24, '0'),
        timestamptz '2020-01-01' + n * interval '1 hour', n, 'kg', 'i' from generate_series(1, 50000) n""",
    """insert into audit_trail_g1 (part, seq, stream, version, name, event, happened_at, recorded_at, actor_id,
        actor_role, request_id, cause, subject_id, outcome_id)
    select n % 8, n / 8 + 1, n::text, 1, n::text, 'entry.recorded.v1', now(), now(), 'u', 'admin', n::text, 'c',
        's' || n % 500, 'o' || n % 20 from generate_series(0, 49999) n""",
    """insert into audit_subjects_g1 (part, seq, subject_id)
    select n % 8, n / 8 + 1, lpad(to_hex(n % 500), 24, '0') from generate_series(0, 49999) n""",
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


@pytest.mark.parametrize("sent", QUESTIONS, ids=str)
def test_a_list_of_measurements_uses_no_sequential_scan(sent: list[tuple[str, str]], filled: str) -> None:
    everything = ReadMeasurements(actor=Actor("a" * 24, "application"), child_id=CHILD, kind="weight")
    asked = query_parameters.read(sent, filters.LIST)
    query = filters.narrowed(everything, asked, now=datetime(2024, 1, 1, tzinfo=UTC))
    statement, operands = list_statement(query, PARTITIONS)
    with psycopg.connect(filled) as connection:
        assert [] == scans(connection, statement, operands, but=("views", "places"))


def scans(connection: psycopg.Connection[Any], statement: sql.Composable, parameters: Any, but: Sequence[str]) -> Any:
    """The lines of the plan in which a table is read from end to end, those of the named ones aside."""
    plan = [line for (line,) in connection.execute(sql.SQL("explain ") + statement, parameters).fetchall()]
    return [line for line in plan if "Seq Scan" in line and not any(f" on {table}" in line for table in but)]


ACCOUNTS: dict[tuple[str, bool], dict[str, str | None]] = {
    ("institutions", False): {"id": None},
    ("institutions", True): {"id": f"i{700:023x}"},
    ("users", False): {"id": None, "role": "educator"},
    ("users", True): {"id": f"u{701:023x}", "role": "educator"},
    ("groups", False): {"id": None},
    ("groups", True): {"id": f"g{701:023x}"},
}
"""A list of accounts, or one of it, and what is asked for."""

WHOLE = {("institutions", False): ("institutions",)}
"""What is counted as a whole: institutions are few, and every one of them is in the list."""

PAGES = [(100, 0), (10, 40), (1, 0)]


def test_every_list_of_accounts_has_a_plan_test() -> None:
    lists = {name for name, text in SQL.items() if "{condition}" in text}
    assert {(name, one) for name in lists for one in (False, True)} == set(ACCOUNTS)


@pytest.mark.parametrize("limits", PAGES, ids=str)
@pytest.mark.parametrize(("name", "one"), ACCOUNTS)
def test_a_list_of_accounts_uses_no_sequential_scan(name: str, one: bool, limits: tuple[int, int], filled: str) -> None:
    limit, offset = (1, 0) if one else limits
    asked = {"actor_id": f"u{701:023x}", "limit": limit, "offset": offset, "bytes": BYTES, **ACCOUNTS[name, one]}
    with psycopg.connect(filled) as connection:
        statement = accounts.list_statement(name, Paging(), one=one)
        assert [] == scans(connection, statement, asked, WHOLE.get((name, one), ()))


@pytest.mark.parametrize(
    ("statement", "asked"),
    [
        (accounts.CREDENTIALS, {"actor_id": CHILD}),
        (sql.SQL(DIRECTORY["login"]), {"username": "u701"}),
    ],
    ids=["credentials", "login"],
)
def test_a_query_for_one_user_uses_no_sequential_scan(
    statement: sql.Composable, asked: dict[str, str], filled: str
) -> None:
    with psycopg.connect(filled) as connection:
        assert [] == scans(connection, statement, asked, ())


AUDIT: list[dict[str, Any]] = [
    {},
    {"subject": CHILD},
    {"subject": "s7"},
    {"subject": "o7", "events": frozenset(("entry.recorded.v1",))},
    {"actor_id": "u", "stream": "7"},
]


@pytest.mark.parametrize("asked", AUDIT, ids=str)
def test_a_page_of_the_audit_reads_no_table_from_end_to_end(asked: dict[str, Any], filled: str) -> None:
    query = ListAuditEvents(actor=Actor("a" * 24, "admin"), **asked)
    statement, parameters = events_statement(query, PARTITIONS)
    with psycopg.connect(filled) as connection:
        assert [] == scans(connection, statement, {**parameters, "parts": list(range(PARTITIONS))}, ())


@pytest.mark.parametrize("subject", [f"{7:024x}", "s7", "o7"])
def test_events_about_a_subject_are_found_by_its_indexes(subject: str, filled: str) -> None:
    query = ListAuditEvents(actor=Actor("a" * 24, "admin"), subject=subject)
    statement, parameters = events_statement(query, PARTITIONS)
    parameters |= {"parts": list(range(PARTITIONS))}
    with psycopg.connect(filled) as connection:
        text = sql.SQL("explain (analyze, format json) ") + statement
        (((plan,),),) = connection.execute(text, parameters).fetchall()
        assert read_by(plan["Plan"]) < 5_000


def read_by(plan: dict[str, Any]) -> float:
    """The rows that the scans of a plan have looked at."""
    below = sum(map(read_by, plan.get("Plans", ())))
    is_scan = plan["Node Type"] in ("Index Scan", "Index Only Scan", "Bitmap Heap Scan", "Seq Scan")
    seen = plan["Actual Rows"] + plan.get("Rows Removed by Filter", 0) if is_scan else 0
    return float(below + seen * plan["Actual Loops"])
