"""Checks whether the schema may be created in a database, and whether everything that was created before is there."""

import re
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from psycopg import Connection

from domain.errors import GrowthringsError
from projections import statements
from projections.views import generations
from projections.views.registry import VIEWS

SQL = statements.load(__file__, "schema_check")

_TABLE = re.compile(r"^create table (\w+) \((.*?)^\);", re.MULTILINE | re.DOTALL)
_DROPPED = re.compile(r"^drop table (\w+)", re.MULTILINE)
_UNIQUE = re.compile(r"\b(?:primary key|unique)\b")


class MigrationRefused(GrowthringsError):
    """The schema cannot or must not be created; the message tells the operator why. Nothing has been changed."""


def check_encoding(connection: Connection[Any]) -> None:
    encoding = connection.info.parameter_status("server_encoding")
    if encoding != "UTF8":
        raise MigrationRefused(
            f"the database {connection.info.dbname} has the encoding {encoding} instead of UTF8: make another, with "
            "`create database … template template0 encoding 'UTF8'`"
        )


def check_schema(connection: Connection[Any], applied: Collection[str]) -> None:
    """Refuse a log in another schema. Earlier versions used the schema that the search path of the role or the database
    named."""
    for schema, is_named in connection.execute(SQL["elsewhere"]).fetchall():
        if is_named or not applied:
            raise MigrationRefused(
                f"there is a log in the schema {schema}, but only the schema public is used: move its tables and views "
                f"there with `alter table {schema}.… set schema public`, or use another database"
            )


def check_objects(connection: Connection[Any], texts: Mapping[str, bytes], applied: Collection[str]) -> None:
    """Refuse a database that lacks a table created before, or already uses the name of a table to be created."""
    ours, coming = {"migrations": 1} if applied else {}, {} if applied else {"migrations": 1}
    for name, text in texts.items():
        (ours if name in applied else coming).update(tables_of(text.decode()))
        for table in _DROPPED.findall(text.decode()) if name in applied else ():
            del ours[table]
    found = _objects(connection, [*ours, *coming])
    _refuse_missing([table for table, unique in ours.items() if found.get(table, -1) < unique])
    made = generations.all_generations(connection) if "views" in ours else []
    for name, latest in VIEWS.latest.items():
        numbers = [(each, VIEWS.of(name, each.version) or latest) for each in made if each.view == name]
        ours |= {f"{table}_g{each.generation}": 0 for each, code in numbers for table in code.tables}
        ours |= {table: 0 for each, code in numbers if each.live for table in code.tables}
        if not numbers:
            coming |= {**dict.fromkeys(latest.tables, 0), **{f"{table}_g1": 0 for table in latest.tables}}
    found = _objects(connection, [*ours, *coming])
    _refuse_missing([table for table in ours if table not in found])
    if taken := [name for name in coming if name in found]:
        raise MigrationRefused(foreign(taken))


def _objects(connection: Connection[Any], names: Sequence[str]) -> dict[str, int]:
    return dict(connection.execute(SQL["objects"], {"names": list(names)}).fetchall())


def _refuse_missing(tables: Sequence[str]) -> None:
    if tables:
        raise MigrationRefused(
            f"{_listed(tables)} {'is' if len(tables) == 1 else 'are'} missing in the database, or without keys: was a "
            "backup restored only in part? Restore all of it into an empty database"
        )


def foreign(names: Sequence[str]) -> str:
    return (
        f"the database already has {_listed(names)}, made by something else or left by a restore that failed: "
        "use a database that is empty"
    )


def _listed(names: Sequence[str]) -> str:
    return ", ".join(sorted(names))


def tables_of(text: str) -> dict[str, int]:
    """The tables that a migration creates, each with the number of its unique indexes."""
    return {name: len(_UNIQUE.findall(columns)) for name, columns in _TABLE.findall(text)}
