"""Answers about accounts, from the directory, which is never behind."""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from msgspec import Struct
from psycopg import sql

from adapters.postgres import asker
from adapters.postgres.pool import Pool
from application import permissions
from application.command import Actor
from application.queries.groups import Group, ListGroups, ReadGroup
from application.queries.institutions import Institution, ListInstitutions, ReadInstitution
from application.queries.query import Page, Paging
from application.queries.users import ListUsers, ReadUser, User
from domain import group, institution
from domain.refusal import NotFound
from domain.user import TITLES, Profile
from projections import statements
from projections.directory import SQL as DIRECTORY

SQL = statements.beside(__file__, "accounts")

ONE = Paging(limit=1)

_decode_profile = msgspec.json.Decoder(Profile).decode
_decode_groups = msgspec.json.Decoder(list[Group]).decode


class Login(Struct, frozen=True):
    """What a login is checked against, and what its token says."""

    user_id: str
    role: str
    password_hash: str
    password_changes: int


class AccountsReader:
    """Every answer says UserGone where the one who asks is no longer there."""

    def __init__(self, pool: Pool, identifying: Pool) -> None:
        """`identifying`: connections for nothing else but to say who somebody is."""
        self._pool = pool
        self._identifying = identifying

    async def check(self, actor: Actor) -> None:
        """UserGone."""
        rows = await self._identifying.rows(SQL["asker"], {"actor_id": actor.id})
        permissions.check_there(actor, asker.row(rows[0][0] if rows else None))

    async def login(self, username: str) -> Login | None:
        """The user of that name."""
        rows = await self._identifying.rows(DIRECTORY["login"], {"username": username})
        return Login(*rows[0]) if rows else None

    async def credentials(self, actor: Actor) -> tuple[str, str]:
        """The actor's own name, and what its password is checked against."""
        rows = await self._identifying.rows(SQL["credentials"], {"user_id": actor.id})
        permissions.check_there(actor, asker.row(rows[0][0] if rows else None))
        _, username, password_hash = rows[0]
        return username, password_hash

    async def institutions(self, query: ListInstitutions) -> Page[Institution]:
        rows, total = await self._page("institutions", query.actor, query.paging)
        return Page([Institution(*row) for row in rows], total)

    async def institution(self, query: ReadInstitution) -> Institution:
        """NotFound."""
        rows, _ = await self._page("institutions", query.actor, ONE, id=query.institution_id)
        if not rows:
            raise NotFound(institution.TITLE)
        return Institution(*rows[0])

    async def users(self, query: ListUsers) -> Page[User]:
        rows, total = await self._page("users", query.actor, query.paging, role=query.role)
        return Page([_user(row) for row in rows], total)

    async def user(self, query: ReadUser) -> User:
        """Forbidden where the actor may ask for itself only, NotFound where there is none of that role."""
        rows, _ = await self._page("users", query.actor, ONE, id=query.user_id, role=query.role)
        permissions.check_own(query.name, query.actor, query.user_id, query.role)
        if not rows:
            raise NotFound(TITLES[query.role])
        return _user(rows[0])

    async def groups(self, query: ListGroups) -> Page[Group]:
        rows, total = await self._page("groups", query.actor, query.paging)
        return Page([Group(*row) for row in rows], total)

    async def group(self, query: ReadGroup) -> Group:
        """NotFound."""
        rows, _ = await self._page("groups", query.actor, ONE, id=query.group_id)
        if not rows:
            raise NotFound(group.TITLE)
        return Group(*rows[0])

    async def _page(
        self, name: str, actor: Actor, paging: Paging, *, id: str | None = None, **parameters: str
    ) -> tuple[list[tuple[Any, ...]], int]:
        """The rows of a page, or the one of that id, and how many there are. UserGone."""
        asked: Mapping[str, Any] = {
            "actor_id": actor.id,
            "id": id,
            "limit": paging.limit,
            "offset": paging.offset,
            **parameters,
        }
        rows = await self._pool.rows(list_statement(name, one=id is not None), asked)
        permissions.check_there(actor, asker.row(rows[0][0]))
        return [row[2:] for row in rows if row[2] is not None], rows[0][1]


def list_statement(name: str, *, one: bool) -> sql.Composed:
    """The statement of a list, or of the one that has the `id` in question."""
    condition = sql.SQL("id = %(id)s") if one else sql.SQL("true")
    return sql.SQL(SQL[name]).format(condition=condition)


def _user(row: Sequence[Any]) -> User:
    id, role, username, institution_id, profile, children, groups = row
    return User(id, role, username, institution_id, _decode_profile(profile), children, _decode_groups(groups))
