"""Queries about accounts. They read the directory, which is never behind the event log."""

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import msgspec
from msgspec import Struct
from psycopg import sql

from adapters.postgres.query_pools import QueryPool
from adapters.postgres.readers import lists
from adapters.postgres.readers.actor import ACTOR, actor_row, check_actor
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
from projections.inline.directory import SQL as DIRECTORY

SQL = statements.load(__file__, "accounts")
CREDENTIALS = sql.SQL(SQL["credentials"]).format(actor=ACTOR)

ONE = Paging(limit=1)
BY_ID: lists.Keys = [("id", True)]

L = TypeVar("L", Institution, User, Group)

_decode_profile = msgspec.json.Decoder(Profile).decode
_decode_groups = msgspec.json.Decoder(list[Group]).decode


class Login(Struct, frozen=True):
    """The user of a login: what the password is checked against, and what the token will contain."""

    user_id: str
    role: str
    password_hash: str
    password_changes: int


class AccountsReader:
    """Every query raises UserGone if the actor is no longer registered in its role."""

    def __init__(self, pool: QueryPool, identification: QueryPool) -> None:
        """`identification`: connections that are reserved for logins and checks of actors."""
        self._pool = pool
        self._identification = identification

    async def check(self, actor: Actor) -> None:
        """UserGone."""
        await check_actor(self._identification, actor)

    async def login(self, username: str) -> Login | None:
        """The user with this name; None if there is none."""
        rows = await self._identification.rows(DIRECTORY["login"], {"username": username})
        return Login(*rows[0]) if rows else None

    async def hash_parameters(self) -> list[tuple[str, int]]:
        """The parameters of the stored password hashes, each with the number of its hashes."""
        return [
            (parameters, number)
            for parameters, number in await self._identification.rows(DIRECTORY["hash_parameters"], {})
        ]

    async def credentials(self, actor: Actor) -> tuple[str, str]:
        """The actor's user name and password hash. UserGone."""
        rows = await self._identification.rows(CREDENTIALS, {"actor_id": actor.id})
        permissions.check_there(actor, actor_row(rows[0][0] if rows else None))
        _, username, password_hash = rows[0]
        return username, password_hash

    async def institutions(self, query: ListInstitutions) -> Page[Institution]:
        return await self._page("institutions", _institution, query.actor, query.paging)

    async def institution(self, query: ReadInstitution) -> Institution:
        """NotFound."""
        page = await self._page("institutions", _institution, query.actor, ONE, id=query.institution_id)
        if not page.rows:
            raise NotFound(institution.TITLE)
        return page.rows[0]

    async def users(self, query: ListUsers) -> Page[User]:
        return await self._page("users", _user, query.actor, query.paging, role=query.role)

    async def user(self, query: ReadUser) -> User:
        """Forbidden if the actor may read only itself; NotFound if no user of this role has the id."""
        page = await self._page("users", _user, query.actor, ONE, id=query.user_id, role=query.role)
        permissions.check_own(query.name, query.actor, query.user_id, query.role)
        if not page.rows:
            raise NotFound(TITLES[query.role])
        return page.rows[0]

    async def groups(self, query: ListGroups) -> Page[Group]:
        return await self._page("groups", _group, query.actor, query.paging)

    async def group(self, query: ReadGroup) -> Group:
        """NotFound."""
        page = await self._page("groups", _group, query.actor, ONE, id=query.group_id)
        if not page.rows:
            raise NotFound(group.TITLE)
        return page.rows[0]

    async def _page(
        self,
        name: str,
        to_row: Callable[[Sequence[Any]], L],
        actor: Actor,
        paging: Paging,
        *,
        id: str | None = None,
        **parameters: str,
    ) -> Page[L]:
        """A page of a list, or the one row with the id. UserGone."""
        values = {"actor_id": actor.id, "id": id, **lists.parameters(paging), **parameters}
        rows = await self._pool.rows(list_statement(name, paging, one=id is not None), values)
        permissions.check_there(actor, actor_row(rows[0][0]))
        return lists.page(paging, [row[1:] for row in rows], to_row, lambda row: (row.id,))


def list_statement(name: str, paging: Paging, *, one: bool) -> sql.Composed:
    """The statement for a list or, with `one`, for the row with the parameter `id`."""
    condition = sql.SQL("id = %(id)s") if one else sql.SQL("true")
    return lists.with_list(SQL[name], {"condition": condition, "rest": lists.rest(paging, BY_ID)})


def _institution(row: Sequence[Any]) -> Institution:
    return Institution(*row)


def _group(row: Sequence[Any]) -> Group:
    return Group(*row)


def _user(row: Sequence[Any]) -> User:
    id, role, username, institution_id, profile, children, groups = row
    return User(id, role, username, institution_id, _decode_profile(profile), children, _decode_groups(groups))
