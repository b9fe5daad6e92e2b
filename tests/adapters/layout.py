"""Puts a database under native partitioning, and tells which of the project's statements were run."""

import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self

import psycopg
from psycopg import AsyncCursor, Copy, Cursor, ServerCursor
from psycopg.sql import SQL, Composable, Identifier

from projections import statements

PROJECT = Path(__file__).parents[2]
PACKAGES = ("domain", "application", "projections", "adapters")

STATEMENTS: dict[tuple[str, str], str] = {
    (file.stem, name): text
    for package in PACKAGES
    for file in sorted((PROJECT / package).rglob("sql/*.sql"))
    for name, text in statements.parse(file).items()
}
"""Every named statement of the project, by file and name."""


def partition_natively(connection: psycopg.Connection[Any]) -> set[str]:
    """Put every table with a column `part` under list partitioning, a partition of its own for each head.

    The names of the tables. Views of them are gone, and have to be made again.
    """
    parts = [part for (part,) in connection.execute("select part from heads").fetchall()]
    tables = {
        name
        for (name,) in connection.execute(
            "select c.relname from pg_class c join pg_attribute a on a.attrelid = c.oid and a.attname = 'part'"
            " where c.relkind = 'r' and c.relnamespace = 'public'::regnamespace"
        )
    }
    with connection.transaction():
        for table in tables:
            names = {"old": Identifier(table), "new": Identifier(f"{table}_new")}
            connection.execute(
                SQL("create table {new} (like {old} including all) partition by list (part)").format(**names)
            )
            for part in parts:
                of_part = Identifier(f"{table}_p{part}")
                connection.execute(
                    SQL("create table {of_part} partition of {new} for values in ({part})").format(
                        **names, of_part=of_part, part=part
                    )
                )
            connection.execute(SQL("insert into {new} select * from {old}").format(**names))
            connection.execute(SQL("drop table {old} cascade").format(**names))
            connection.execute(SQL("alter table {new} rename to {old}").format(**names))
    return tables


class Executed:
    """The texts of what was run with success by cursors of these classes."""

    def __init__(self) -> None:
        texts = self.texts = set[str]()

        def note(query: Any) -> None:
            if isinstance(query, Composable):
                query = query.as_string()
            texts.add(query.decode() if isinstance(query, bytes) else query)

        class Noting(Cursor[Any]):
            def execute(self, query: Any, *args: Any, **kwargs: Any) -> Self:
                super().execute(query, *args, **kwargs)
                note(query)
                return self

            @contextmanager
            def copy(self, statement: Any, *args: Any, **kwargs: Any) -> Iterator[Copy]:
                with super().copy(statement, *args, **kwargs) as copy:
                    yield copy
                note(statement)

        class NotingOnServer(ServerCursor[Any]):
            def execute(self, query: Any, *args: Any, **kwargs: Any) -> Self:
                super().execute(query, *args, **kwargs)
                note(query)
                return self

        class AsyncNoting(AsyncCursor[Any]):
            async def execute(self, query: Any, *args: Any, **kwargs: Any) -> Self:
                await super().execute(query, *args, **kwargs)
                note(query)
                return self

        self.cursor, self.server_cursor, self.async_cursor = Noting, NotingOnServer, AsyncNoting

    def missing(self) -> list[tuple[str, str]]:
        """The statements that were not run."""
        return sorted(at for at, text in STATEMENTS.items() if not _was_run(text, self.texts))


def _was_run(statement: str, texts: Iterable[str]) -> bool:
    """Gaps of a statement, such as `{table}`, may have been filled with anything; doubled braces beside them are then
    single ones."""
    if re.search(r"\{\w+\}", statement):
        statement = statement.replace("{{", "{").replace("}}", "}")
    pattern = re.compile(re.sub(r"\\\{\w+\\\}", ".+", re.escape(statement)), re.DOTALL)
    return any(pattern.search(text) for text in texts)
