"""Every view there is, and the generations of each: their tables, their places, and the name that questions use."""

from typing import Any

from psycopg import Connection, sql
from psycopg.sql import Identifier

from projections import statements
from projections.measurements import Measurements
from projections.outcomes import Outcomes
from projections.view import View, tables_of

SQL = statements.beside(__file__, "views")

VIEWS: dict[str, View] = {view.name: view for view in (Measurements(), Outcomes())}


def create_missing(connection: Connection[Any]) -> None:
    """Give every view that has none a first generation, live at once. Run under the lock of the migrations."""
    with connection.cursor() as cursor:
        known = {view for (view,) in cursor.execute(SQL["known"])}
        for view in VIEWS.values():
            if view.name not in known:
                create(cursor.connection, view, 1)
                go_live(cursor.connection, view, 1)


def create(connection: Connection[Any], view: View, generation: int) -> None:
    """Create a generation that has seen nothing yet."""
    with connection.cursor() as cursor:
        view.create(cursor, tables_of(view, generation))
        parameters = {"view": view.name, "generation": generation, "version": view.version}
        cursor.execute(SQL["add"], parameters)
        cursor.execute(SQL["add_leases"], parameters)


def go_live(connection: Connection[Any], view: View, generation: int) -> None:
    """Let the plain names mean this generation."""
    for table, of_generation in tables_of(view, generation).items():
        name = Identifier(table)
        connection.execute(sql.SQL("drop view if exists {}").format(name))
        connection.execute(sql.SQL("create view {} as table {}").format(name, of_generation))
    connection.execute(SQL["set_live"], {"view": view.name, "generation": generation})
