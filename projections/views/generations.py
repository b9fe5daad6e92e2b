"""Generations of a view: their tables, and the plain names under which queries see the tables of the live one."""

from collections.abc import Iterable, Sequence
from typing import Any

from msgspec import Struct
from psycopg import Connection, Cursor, sql
from psycopg.errors import InvalidTableDefinition
from psycopg.sql import Composed, Identifier

from domain.errors import GrowthringsError
from projections import statements
from projections.views import grants
from projections.views.registry import VIEWS, Views
from projections.views.view import Tables, View, tables_of

SQL = statements.load(__file__, "generations")


class Generation(Struct, frozen=True):
    """`built`: projectors maintain it. `builder`: application name of the session that builds or has built it."""

    view: str
    generation: int
    version: int
    live: bool
    built: bool
    builder: str | None

    @property
    def key(self) -> dict[str, Any]:
        """Parameters of statements."""
        return {"view": self.view, "generation": self.generation}


class UnknownVersion(GrowthringsError):
    """A live generation has a version that this release does not know; the message says which one."""


class NamesInUse(GrowthringsError):
    """Relations that do not belong to this service already use these plain names."""

    def __init__(self, names: Sequence[str]) -> None:
        super().__init__(f"{', '.join(names)} in the database do not belong to this service: rename or drop them")
        self.names = names


class OutdatedView(Struct, frozen=True):
    """A view whose live generation has an older version than the code."""

    view: str
    live: int
    latest: int


def all_generations(connection: Connection[Any]) -> list[Generation]:
    return [Generation(*row) for row in connection.execute(SQL["all_generations"]).fetchall()]


def lock_generations(cursor: Cursor[Any], view: str) -> list[Generation]:
    """The generations of a view, oldest first, locked until the transaction ends."""
    return [Generation(view, *row) for row in cursor.execute(SQL["lock_generations"], {"view": view}).fetchall()]


def prepare(connection: Connection[Any], views: Views = VIEWS) -> None:
    """Create a first, live generation for every view without one, and redefine the plain names of outdated views.

    The caller holds the lock of the migrations. UnknownVersion.
    """
    live = {each.view: each for each in all_generations(connection) if each.live}
    with connection.cursor() as cursor:
        for name, latest in views.latest.items():
            if name not in live:
                tables = tables_of(latest, 1)
                create(cursor, latest, 1, tables, built=True)
                latest.index(cursor, tables)
                go_live(cursor, latest, 1)
            elif live[name].version != latest.version:
                publish(cursor, _code(live[name], views), live[name].generation)


def _code(generation: Generation, views: Views) -> View:
    code = views.of(generation.view, generation.version)
    if code is None:
        raise UnknownVersion(
            f"the live generation of {generation.view} has version {generation.version}, which this release does not "
            "have: roll the view back with the release that has it"
        )
    return code


def outdated_views(connection: Connection[Any], views: Views = VIEWS) -> list[OutdatedView]:
    """The views whose live generation has an older version than the code."""
    return [
        OutdatedView(each.view, each.version, views.latest[each.view].version)
        for each in all_generations(connection)
        if each.live and each.view in views.latest and each.version != views.latest[each.view].version
    ]


def create(cursor: Cursor[Any], view: View, generation: int, tables: Tables, *, built: bool) -> None:
    """Create an empty generation. Projectors fill it if it is `built`; otherwise a rebuild has to."""
    view.create(cursor, tables)
    parameters = {"view": view.name, "generation": generation, "version": view.version, "built": built}
    cursor.execute(SQL["insert_generation"], parameters)
    cursor.execute(SQL["insert_leases"], parameters)


def go_live(cursor: Cursor[Any], view: View, generation: int, before: View | None = None) -> None:
    """Make a generation live: point the plain names to it, and drop names that only the view `before` it has."""
    publish(cursor, view, generation)
    for name in _names(before) - _names(view) if before else ():
        cursor.execute(sql.SQL("drop view if exists {}").format(Identifier(name)))
    cursor.execute(SQL["set_live"], {"view": view.name, "generation": generation})


def publish(cursor: Cursor[Any], view: View, generation: int) -> None:
    """Point the plain names to a generation. Grants stay; a new name gets the grants of another name of the view.
    NamesInUse."""
    names = sorted(_names(view))
    if taken := cursor.execute(SQL["foreign_names"], {"names": names}).fetchall():
        raise NamesInUse([name for (name,) in taken])
    tables = tables_of(view, generation)
    existing = [name for (name,) in cursor.execute(SQL["existing_names"], {"names": names}).fetchall()]
    for name in names:
        if name in view.shown:
            selected = sql.SQL(view.shown[name]).format(**tables)
        else:
            selected = sql.SQL("table {}").format(tables[name])
        try:
            with cursor.connection.transaction():
                cursor.execute(_as(sql.SQL("create or replace view"), name, selected))
            if existing and name not in existing:
                grants.copy(cursor, Identifier(existing[0]), Identifier(name))
        except InvalidTableDefinition:
            granted = grants.of(cursor, Identifier(name))
            cursor.execute(sql.SQL("drop view {}").format(Identifier(name)))
            cursor.execute(_as(sql.SQL("create view"), name, selected))
            grants.give(cursor, granted, Identifier(name))


def _as(create: sql.SQL, name: str, selected: Composed) -> Composed:
    return sql.SQL("{} {} as {}").format(create, Identifier(name), selected)


def _names(view: View) -> set[str]:
    return {*view.tables, *view.shown}


def drop(cursor: Cursor[Any], generation: Generation, tables: Iterable[Identifier]) -> None:
    """Drop the tables of a generation that is not live, with its checkpoints, leases, workers and parked events."""
    # A projector locks leases before it writes to tables; the opposite order here would deadlock.
    cursor.execute(SQL["lock_leases"], generation.key)
    for table in tables:
        cursor.execute(sql.SQL("drop table if exists {}").format(table))
    # Sessions that wait for these rows wait only for the commit that follows.
    for statement in ("delete_generation", "delete_checkpoints", "delete_parked", "delete_workers", "delete_leases"):
        cursor.execute(SQL[statement], generation.key)
