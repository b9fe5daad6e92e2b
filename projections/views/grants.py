"""Owners and grants: a rebuild acts as the owner of the live tables, and gives its tables the same grants."""

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
    """The role of the session may not act as the owner of the live tables; the message says what to do."""


def act_as_owner(connection: Connection[Any], relation: Composable) -> None:
    """Act as the owner of a relation until the session ends, so that its replacement gets the same owner. NotOwner."""
    name = relation.as_string(connection)
    ((owner, role),) = connection.execute(SQL["owner"], {"relation": name}).fetchall()
    if owner == role:
        return
    try:
        connection.execute("select set_config('role', %s, false)", [owner])
    except InsufficientPrivilege as error:
        raise NotOwner(
            f"{name} belongs to the role {owner}, and {role} may not act as it: run this as {owner} or as a superuser"
        ) from error


def copy_all(cursor: Cursor[Any], old: Tables, new: Tables) -> None:
    """Give new tables the grants of the old tables of the same names; a table without an old one gets those of the
    first."""
    first = next(iter(old.values()))
    for name, table in new.items():
        copy(cursor, old.get(name, first), table)


def copy(cursor: Cursor[Any], old: Composable, new: Composable) -> None:
    give(cursor, of(cursor, old), new)


Grants = Mapping[tuple[str, str | None], bool]
"""(privilege, role or None for PUBLIC) → whether the role may grant it to others."""


def of(cursor: Cursor[Any], relation: Composable) -> Grants:
    """The grants on a relation to roles other than its owner."""
    rows = cursor.execute(SQL["privileges"], {"relation": relation.as_string(cursor)})
    return {(privilege, role): grantable for privilege, role, grantable in rows.fetchall()}


def give(cursor: Cursor[Any], grants: Grants, relation: Composable) -> None:
    for (privilege, role), grantable in grants.items():
        statement = sql.SQL("grant {} on {} to {}{}").format(
            sql.SQL(privilege),  # a keyword that PostgreSQL has returned
            relation,
            sql.SQL("public") if role is None else Identifier(role),
            sql.SQL(" with grant option" if grantable else ""),
        )
        cursor.execute(statement)


def cannot_write(cursor: Cursor[Any], view: str, tables: Tables, *, inline: bool) -> str | None:
    """Why the roles that maintain a view could not maintain it in these tables; None if they could."""
    for table in tables.values():
        asked = {"view": view, "inline": inline, "relation": table.as_string(cursor)}
        for (role,) in cursor.execute(SQL["roles_without_privileges"], asked).fetchall():
            return f"the role {role}, which maintains {view}, may not write to {table.as_string(cursor)}: grant it that"
    return None
