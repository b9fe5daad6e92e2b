"""The peer of posts of arrays: binary COPY of rows that the service has stored, into empty copies of their tables.

A transaction copies a thousand rows of `events` and a thousand of `dedupe_index`, and commits normally.
"""

import gc
import time
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing import get_context
from multiprocessing.queues import SimpleQueue
from multiprocessing.synchronize import Barrier
from typing import Any

import psycopg
from msgspec import Struct
from psycopg import Connection, sql

from scripts.benchmarks.load import Outcome

TABLES = ("events", "dedupe_index")
SCHEMA = "bench_copy"
ROWS = 1000
"""Rows of each table per transaction."""


class Plan(Struct, frozen=True, kw_only=True):
    """How much to copy over how many connections; times in seconds."""

    conninfo: str
    pages: tuple[int, int]
    """The pages of `events` and of `dedupe_index` from which on rows are taken."""
    connections: int
    seconds: float
    warm_up: float
    rows: int
    """So many of each table per connection; when they are used up, its time ends."""


class Rows(Struct, frozen=True):
    """The rows of a table, as psycopg reads them, and the statement that copies them."""

    copy: sql.Composed
    types: list[int]
    rows: list[tuple[Any, ...]]


class Copied(Struct, frozen=True):
    """What one connection did after its warm-up: the seconds of each transaction and of all together."""

    waits: list[float]
    seconds: float


def pages(conninfo: str) -> tuple[int, int]:
    """The current number of pages of `events` and of `dedupe_index`."""
    query = "SELECT pg_relation_size(%s::regclass) / current_setting('block_size')::int"
    with psycopg.connect(conninfo) as connection:
        sizes = [connection.execute(query, [table]).fetchall()[0][0] for table in TABLES]
    return sizes[0], sizes[1]


@contextmanager
def copies(conninfo: str) -> Iterator[None]:
    """Create empty tables with the same columns, keys and indexes; they are dropped at the end."""
    schema = sql.Identifier(SCHEMA)
    drop = sql.SQL("DROP SCHEMA IF EXISTS {} CASCADE").format(schema)
    with psycopg.connect(conninfo, autocommit=True) as connection:
        connection.execute(drop)
        connection.execute(sql.SQL("CREATE SCHEMA {}").format(schema))
        for table in TABLES:
            name = sql.Identifier(table)
            like = sql.SQL("CREATE TABLE {}.{} (LIKE {} INCLUDING ALL)").format(schema, name, name)
            connection.execute(like)
        try:
            yield
        finally:
            connection.execute(drop)


def read_rows(connection: Connection, table: str, page: int, first: int, count: int) -> Rows:
    """Read rows in the order in which the service stored them."""
    connection.execute("SET synchronize_seqscans = off")
    connection.execute("SET max_parallel_workers_per_gather = 0")
    name = sql.Identifier(table)
    select = sql.SQL("SELECT * FROM {} WHERE ctid >= {}::tid OFFSET {} LIMIT {}")
    cursor = connection.execute(select.format(name, f"({page},0)", first, count))
    columns = cursor.description or []
    names = sql.SQL(", ").join(sql.Identifier(column.name) for column in columns)
    copy = sql.SQL("COPY {}.{} ({}) FROM STDIN (FORMAT BINARY)").format(sql.Identifier(SCHEMA), name, names)
    return Rows(copy, [column.type_code for column in columns], cursor.fetchall())


def copy_rows(plan: Plan, number: int, start: Barrier, done: "SimpleQueue[Copied]") -> None:
    """Run one connection in its own process. All start together once they have read their rows."""
    gc.disable()
    with psycopg.connect(plan.conninfo) as connection:
        tables = [
            read_rows(connection, table, page, number * plan.rows, plan.rows)
            for table, page in zip(TABLES, plan.pages, strict=True)
        ]
        connection.commit()
        count = min(len(table.rows) for table in tables)
        start.wait(120)
        start_at = begin = end = time.perf_counter() + plan.warm_up
        waits: list[float] = []
        for first in range(0, count - ROWS + 1, ROWS):
            sent_at = time.perf_counter()
            for table in tables:
                with connection.cursor() as cursor, cursor.copy(table.copy) as copy:
                    copy.set_types(table.types)
                    for row in table.rows[first : first + ROWS]:
                        copy.write_row(row)
            connection.commit()
            now = time.perf_counter()
            if now > start_at + plan.seconds:
                break
            if now < start_at:
                begin = now
            else:
                end = now
                waits.append(now - sent_at)
    done.put(Copied(waits, end - begin))


def run(plan: Plan) -> Outcome:
    """Run the plan. Raises RuntimeError if a connection completed nothing in the measured time."""
    spawn = get_context("spawn")
    start, done = spawn.Barrier(plan.connections), spawn.SimpleQueue()
    with copies(plan.conninfo):
        workers = [
            spawn.Process(target=copy_rows, args=(plan, number, start, done), daemon=True)
            for number in range(plan.connections)
        ]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
    if any(worker.exitcode for worker in workers):
        raise RuntimeError("a connection of the COPY peer failed")
    copied = [done.get() for _ in workers]
    if not all(each.waits for each in copied):
        raise RuntimeError("a connection of the COPY peer got nothing done; it needs more rows")
    waits = [wait for each in copied for wait in each.waits]
    seconds = sum(each.seconds for each in copied) / len(copied)
    return Outcome.of(waits, seconds, ROWS, statuses={"committed": len(waits)}, cost=0)
