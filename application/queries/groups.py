"""Queries for the groups of children of one owner."""

from typing import ClassVar

from application.command import State
from application.queries.query import Paging, Query


class ListGroups(Query, frozen=True, kw_only=True):
    """The groups of the actor, latest formed first."""

    name: ClassVar[str] = "list_groups"

    paging: Paging = Paging()


class ReadGroup(Query, frozen=True, kw_only=True):
    """One group of the actor."""

    name: ClassVar[str] = "read_group"

    group_id: str


class Group(State, frozen=True):
    """`children` are ids, ascending."""

    name: str
    children: list[str]
    school_class: str | None = None
