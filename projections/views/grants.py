"""Whose tables are: a rebuild acts as the owner of what serves, and what it makes may be used by the same roles."""

from collections.abc import Mapping
from typing import Any

from psycopg import Connection, Cursor, sql
from psycopg.errors import InsufficientPrivilege
from psycopg.sql import Composable, Identifier

from domain.errors import GrowthringsError
from projections import statements
from projections.views.view import Tables

SQL = statements.load(__file__, "grants")


class NotOwner(GrowthringsError):
    """The session's role may not act as the owner of what serves; the message says what to do, for a person."""


def act_as_owner(connection: Connection[Any], relation: Composable) -> None:
    """Act as the role that owns a relation until the session ends: what is made in its place must be the same role's.
    NotOwner."""
    name = relation.as_string(connection)
    ((owner, role),) = connection.execute(SQL["owner"], {"relation": name}).fetchall()
    if owner == role:
        return
    try:
        connection.execute("select set_config('role', %s, false)", [owner])
    except InsufficientPrivilege as error:
        raise NotOwner(
            f"{name} belongs to the role {owner}, as which {role} cannot act: run this as {owner}, or as a superuser"
        ) from error


def copy_all(cursor: Cursor[Any], old: Tables, new: Tables) -> None:
    """Grant to other roles on new tables what they may do with the old ones of the same names; on a table that there
    was not, what they may do with the first."""
    first = next(iter(old.values()))
    for name, table in new.items():
        copy(cursor, old.get(name, first), table)


def copy(cursor: Cursor[Any], old: Composable, new: Composable) -> None:
    give(cursor, of(cursor, old), new)


Grants = Mapping[tuple[str, str | None], bool]
"""Privilege and role, None for everybody → whether the role may grant it to others."""


def of(cursor: Cursor[Any], relation: Composable) -> Grants:
    """What others than its owner may do with a relation."""
    rows = cursor.execute(SQL["privileges"], {"relation": relation.as_string(cursor)})
    return {(privilege, role): grantable for privilege, role, grantable in rows.fetchall()}


def give(cursor: Cursor[Any], grants: Grants, relation: Composable) -> None:
    for (privilege, role), grantable in grants.items():
        statement = sql.SQL("grant {} on {} to {}{}").format(
            sql.SQL(privilege),  # a word of PostgreSQL's own
            relation,
            sql.SQL("public") if role is None else Identifier(role),
            sql.SQL(" with grant option" if grantable else ""),
        )
        cursor.execute(statement)


def cannot_write(cursor: Cursor[Any], view: str, tables: Tables, *, inline: bool) -> str | None:
    """Why those who keep a view now could not keep it in other tables; None where they could."""
    for table in tables.values():
        asked = {"view": view, "inline": inline, "relation": table.as_string(cursor)}
        for (role,) in cursor.execute(SQL["roles_without_privileges"], asked).fetchall():
            return f"the role {role}, which keeps {view}, may not write {table.as_string(cursor)}: grant it that"
    return None
