"""Inline projections as views that a rebuild fills, with the same statements as the commands.

Their new tables have the same names in a schema of their own; the search path decides which tables a statement uses.
"""

from collections.abc import Mapping
from typing import Any, LiteralString

from psycopg import Connection, Cursor
from psycopg.sql import SQL, Identifier

from domain.catalogue import names_of
from domain.partition import ACCOUNTS, partition
from domain.user import UserRegistered, UserRemoved
from projections import log, statements
from projections.inline import dedupe_index, directory
from projections.views.view import Page, Tables, View

REBUILD_SQL = statements.load(__file__, "rebuild")

SCHEMA = "growing"
TEMPORARY = "pg_temp"


class Inline(View):
    """Maintained in the transactions of commands. `partitioned`: whether the tables have a column `part`."""

    version = 1
    partitioned: bool

    def __init__(self, schema: str = SCHEMA) -> None:
        """`schema`: of the tables to fill; `TEMPORARY` is that of the session."""
        self._schema = schema

    @property
    def build_tables(self) -> Tables:
        """The tables that a rebuild fills."""
        return {table: Identifier(self._schema, table) for table in self.tables}

    @property
    def serving_tables(self) -> Tables:
        """The live tables, found by the search path."""
        return {table: Identifier(table) for table in self.tables}

    def create(self, cursor: Cursor[Any], tables: Tables) -> None:
        if self._schema != TEMPORARY:
            cursor.execute(SQL("create schema if not exists {}").format(Identifier(self._schema)))
        for name, table in tables.items():
            cursor.execute(SQL("create table {} (like {} including all)").format(table, Identifier(name)))

    def write(self, cursor: Cursor[Any], tables: Tables, page: Page) -> None:
        ((path,),) = cursor.execute("select current_setting('search_path')").fetchall()
        cursor.execute("select set_config('search_path', %s || ', ' || %s, true)", [self._schema, path])
        self._write(cursor, page)
        # Later statements of the transaction use the live tables again.
        cursor.execute("select set_config('search_path', %s, true)", [path])

    def _write(self, cursor: Cursor[Any], page: Page) -> None:
        raise NotImplementedError


class DedupeIndex(Inline):
    name = "dedupe_index"
    tables = ("dedupe_index",)
    topics = names_of(dedupe_index.RULES)
    partitioned = True
    stored_rows: Mapping[str, LiteralString] = {"dedupe_index": dedupe_index.SQL["stored_rows"]}

    def _write(self, cursor: Cursor[Any], page: Page) -> None:
        dedupe_index.write(cursor, dedupe_index.fold(event for _, _, event in page), log.partition_count(cursor))


class Directory(Inline):
    name = "directory"
    version = 2
    tables = ("institutions", "users", "groups", "ties", "outcomes")
    topics = names_of(directory.EVENTS)
    partitioned = False

    def _write(self, cursor: Cursor[Any], page: Page) -> None:
        directory.write(cursor, directory.fold(event for _, _, event in page))


def missing_inline_views(connection: Connection[Any]) -> list[str]:
    """The inline projections that are empty although the log has events for them, as after an interrupted import.

    Only empty projections are found; a replay finds every difference.
    """
    partitions = log.partition_count(connection)
    asked = {
        "part": partition(ACCOUNTS, partitions) if partitions else 0,
        "registered": list(names_of({UserRegistered})),
        "removed": list(names_of({UserRemoved})),
    }
    return [name for (name,) in connection.execute(REBUILD_SQL["missing_inline_views"], asked)]


INLINE: dict[str, Inline] = {each.name: each for each in (DedupeIndex(), Directory())}
