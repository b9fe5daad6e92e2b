"""Builds the same views with one `INSERT … SELECT` per table over the log's JSON, in the fastest form that we found.

`jsonb_to_record` parses a state once, and was faster than `json_to_record`, `json_table` or one operator per member.
Creating the indexes after the rows took two thirds of the time of creating them before. Tables that are created in the
transaction that fills them are not written to the WAL, since the server has no replicas.
"""

import time
from typing import LiteralString

import psycopg
from psycopg import Connection, sql

from projections.views.registry import VIEWS

SCHEMA = "bench_sql"
SETTINGS = "set work_mem = '128MB'; set maintenance_work_mem = '256MB'; set timezone = 'UTC'"

LAST: LiteralString = """
    e.topic in ('measurement.recorded.v1', 'measurement.revised.v1')
    and not exists (
        select from events l
        where l.part = e.part and l.originator_id = e.originator_id and l.originator_version > e.originator_version
            and l.originator_version > 1
    )
    and not exists (
        select from events w
        where w.topic = 'measurements.withdrawn.v1' and w.part = e.part and w.seq > e.seq
            and w.originator_id = substr(e.originator_id, 1, 25) || 'measurements'
    )
"""
"""Condition that an event `e` holds the current values of a measurement. Most measurements have only one event, hence
the condition that restricts the search for later events to versions above 1."""

INSERTS: dict[str, dict[str, LiteralString]] = {
    "measurements": {
        "measurements": """
insert into measurements (part, child_id, kind, id, taken_at, value, unit, companion_value, institution_id)
select e.part, s.child_id, s.kind, substr(e.originator_id, 26), s.happened_at, s.value, s.unit, s.companion_value,
    s.institution_id
from events e
cross join lateral jsonb_to_record(convert_from(e.state, 'UTF8')::jsonb) as s (
    child_id text, kind text, happened_at timestamptz, value float8, unit text, companion_value float8,
    institution_id text
)
where """
        + LAST,
    },
    "outcomes": {
        "entries": """
insert into entries (part, subject_id, source, unit, at, id, value, number, brand_id, metadata)
select e.part, s.child_id, s.institution_id || '/' || s.kind, s.unit, s.happened_at, substr(e.originator_id, 26),
    s.value, s.value::float8, '', ''
from events e
cross join lateral jsonb_to_record(convert_from(e.state, 'UTF8')::jsonb) as s (
    child_id text, institution_id text, kind text, unit text, happened_at timestamptz, value text
)
where """
        + LAST
        + """
union all
select e.part, s.subject_id, s.outcome_id, '', s.happened_at, s.entry_id, s.value, s.value::float8, s.brand_id,
    s.metadata
from events e
cross join lateral json_to_record(convert_from(e.state, 'UTF8')::json) as s (
    subject_id text, outcome_id text, happened_at timestamptz, entry_id text, value text, brand_id text, metadata text
)
where e.topic = 'entry.recorded.v1'
""",
        "subject_days": """
insert into subject_days (
    part, source, unit, subject_id, day, count, sum, sum_squares, minimum, maximum, mean
)
select part, source, unit, subject_id, (at at time zone 'UTC')::date, count(*), trim_scale(sum(value::numeric)),
    trim_scale(sum(value::numeric * value::numeric)), min(number), max(number),
    (sum(value::numeric) / count(*))::float8
from entries
group by part, source, unit, subject_id, (at at time zone 'UTC')::date
""",
        "subjects": """
insert into subjects (part, source, unit, subject_id, days, sum_x, sum_y, sum_xy)
select part, source, unit, subject_id, count(*), sum(day - date '2000-01-01'), trim_scale(sum(mean::numeric)),
    trim_scale(sum((day - date '2000-01-01') * mean::numeric))
from subject_days
group by part, source, unit, subject_id
""",
        "days": """
insert into days (part, source, unit, day, count, sum, sum_squares, minimum, maximum)
select part, source, unit, day, sum(count), trim_scale(sum(sum)), trim_scale(sum(sum_squares)), min(minimum),
    max(maximum)
from subject_days
group by part, source, unit, day
""",
    },
}
"""Statements by view and table. Each reads the log, or the tables before it."""


class RowsDiffer(Exception):
    """The rows of a rebuilt view do not match the log."""


def run(conninfo: str, view: str) -> float:
    """Create the tables of a view with their indexes in one transaction. Returns the seconds."""
    with psycopg.connect(conninfo, autocommit=True) as connection:
        connection.execute(SETTINGS)
        schema = sql.Identifier(SCHEMA)
        connection.execute(sql.SQL("create schema if not exists {}").format(schema))
        connection.execute(sql.SQL("set search_path = {}, public").format(schema))
        for table in INSERTS[view]:
            connection.execute(sql.SQL("drop table if exists {}").format(sql.Identifier(SCHEMA, table)))
        connection.execute("checkpoint")
        start = time.perf_counter()
        with connection.transaction():
            for table, insert in INSERTS[view].items():
                _make(connection, view, table, insert)
        return time.perf_counter() - start


def _make(connection: Connection, view: str, table: str, insert: LiteralString) -> None:
    like, made = sql.Identifier("public", _live(connection, view, table)), sql.Identifier(SCHEMA, table)
    connection.execute(sql.SQL("create table {} (like {})").format(made, like))
    connection.execute(insert)
    if view == "outcomes":
        connection.execute(sql.SQL("analyze {}").format(made))  # the next table is built from it
    for definition in _indexes(connection, view, table):
        connection.execute(definition.encode())


def _live(connection: Connection, view: str, table: str) -> str:
    """The table of the live generation, whose columns and indexes ours copies."""
    rows = connection.execute("select generation from views where view = %s and live", [view]).fetchall()
    return f"{table}_g{rows[0][0]}"


def _indexes(connection: Connection, view: str, table: str) -> list[str]:
    live = _live(connection, view, table)
    found = connection.execute(
        "select replace(indexdef, %s, %s) from pg_indexes where schemaname = 'public' and tablename = %s",
        [f" ON public.{live} ", f" ON {SCHEMA}.{table} ", live],
    )
    return [definition for (definition,) in found]


def check(conninfo: str, view: str) -> int:
    """The number of rows of a rebuilt view. Raises RowsDiffer if a table differs from the one created here."""
    assert set(INSERTS[view]) == set(VIEWS.latest[view].tables)
    number = 0
    with psycopg.connect(conninfo, autocommit=True) as connection:
        connection.execute(SETTINGS)
        for table in INSERTS[view]:
            made, rebuilt = sql.Identifier(SCHEMA, table), sql.Identifier("public", table)
            for one, other in ((made, rebuilt), (rebuilt, made)):
                select = sql.SQL("(table {}) except (table {}) limit 3").format(one, other)
                if rows := connection.execute(select).fetchall():
                    raise RowsDiffer(f"only {one.as_string()} has {rows}")
            counts = [
                connection.execute(sql.SQL("select count(*) from {}").format(each)).fetchall()[0][0]
                for each in (made, rebuilt)
            ]
            if counts[0] != counts[1]:
                raise RowsDiffer(f"{table}: {counts[1]} rows were rebuilt, not {counts[0]}")
            number += counts[0]
    return number
