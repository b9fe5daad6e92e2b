"""A database whose views are of older versions of their code."""

from typing import Any

from psycopg import Connection, sql

from projections.views import generations
from projections.views.view import View, tables_of


def serve_as_before(connection: Connection[Any], view: View) -> None:
    """Let a view that has seen nothing be of an older version, as if it had been made then."""
    tables = tables_of(view, 1)
    with connection.cursor() as cursor:
        for table in tables.values():
            cursor.execute(sql.SQL("drop table if exists {} cascade").format(table))
        cursor.execute("delete from views where view = %s", [view.name])
        cursor.execute("delete from leases where view = %s", [view.name])
        generations.create(cursor, view, 1, tables, built=True)
        view.index(cursor, tables)
        generations.go_live(cursor, view, 1)
    connection.commit()
