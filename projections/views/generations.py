"""The generations of a view: their tables, and the plain names by which questions know those of the live one."""

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
    """`built`: kept by projectors. `builder`: the session that grows it, or has grown it."""

    view: str
    generation: int
    version: int
    live: bool
    built: bool
    builder: str | None

    @property
    def key(self) -> dict[str, Any]:
        """As parameters of statements."""
        return {"view": self.view, "generation": self.generation}


class UnknownVersion(GrowthringsError):
    """A live generation is of a version that this code does not have; the message says which, for a person."""


class NamesInUse(GrowthringsError):
    """Something else than a view of ours has these plain names."""

    def __init__(self, names: Sequence[str]) -> None:
        super().__init__(f"something else in the database is called {', '.join(names)}")
        self.names = names


class OutdatedView(Struct, frozen=True):
    """A view that is served by an older version of its code."""

    view: str
    live: int
    latest: int


def all_generations(connection: Connection[Any]) -> list[Generation]:
    return [Generation(*row) for row in connection.execute(SQL["all_generations"]).fetchall()]


def lock_generations(cursor: Cursor[Any], view: str) -> list[Generation]:
    """The generations of a view, oldest first; until the transaction ends nobody else changes them."""
    return [Generation(view, *row) for row in cursor.execute(SQL["lock_generations"], {"view": view}).fetchall()]


def prepare(connection: Connection[Any], views: Views = VIEWS) -> None:
    """Give every view that has none a first generation, live at once; of those that an older version serves, let the
    plain names mean what questions ask for now. Run under the lock of the migrations. UnknownVersion."""
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
            f"the view {generation.view} is served by version {generation.version} of its code, which is not here: "
            "roll it back with the code that has it"
        )
    return code


def outdated_views(connection: Connection[Any], views: Views = VIEWS) -> list[OutdatedView]:
    """The views that an older version of their code serves."""
    return [
        OutdatedView(each.view, each.version, views.latest[each.view].version)
        for each in all_generations(connection)
        if each.live and each.view in views.latest and each.version != views.latest[each.view].version
    ]


def create(cursor: Cursor[Any], view: View, generation: int, tables: Tables, *, built: bool) -> None:
    """Create a generation that has seen nothing yet; unless it is `built`, a rebuild brings it to where the log is."""
    view.create(cursor, tables)
    parameters = {"view": view.name, "generation": generation, "version": view.version, "built": built}
    cursor.execute(SQL["insert_generation"], parameters)
    cursor.execute(SQL["insert_leases"], parameters)


def go_live(cursor: Cursor[Any], view: View, generation: int, before: View | None = None) -> None:
    """Let the plain names mean this generation; those that only the code of the one `before` it has are dropped."""
    publish(cursor, view, generation)
    for name in _names(before) - _names(view) if before else ():
        cursor.execute(sql.SQL("drop view if exists {}").format(Identifier(name)))
    cursor.execute(SQL["set_live"], {"view": view.name, "generation": generation})


def publish(cursor: Cursor[Any], view: View, generation: int) -> None:
    """Let the plain names mean this generation. Grants on them stay; a new name gets those of another of the view.
    NamesTaken."""
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
    """Drop a generation that is not live, with all that is known of it."""
    # Whoever writes a page holds the leases, and then waits for the tables: the other way round would deadlock.
    cursor.execute(SQL["lock_leases"], generation.key)
    for table in tables:
        cursor.execute(sql.SQL("drop table if exists {}").format(table))
    # Whoever waits for one of these rows waits no longer than for the commit.
    for statement in ("delete_generation", "delete_checkpoints", "delete_parked", "delete_workers", "delete_leases"):
        cursor.execute(SQL[statement], generation.key)
