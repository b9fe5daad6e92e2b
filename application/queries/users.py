"""Queries for users."""

from typing import ClassVar

from application.command import State
from application.queries.groups import Group
from application.queries.query import Paging, Query
from domain.user import Profile


class ListUsers(Query, frozen=True, kw_only=True):
    """The users of one role, latest registered first."""

    name: ClassVar[str] = "list_users"

    role: str
    paging: Paging = Paging()


class ReadUser(Query, frozen=True, kw_only=True):
    name: ClassVar[str] = "read_user"

    role: str
    user_id: str


class User(State, frozen=True):
    """`children`: ids of a family's children, ascending. `groups`: those that the user owns, oldest first."""

    role: str
    username: str
    institution_id: str | None
    profile: Profile
    children: list[str]
    groups: list[Group]
