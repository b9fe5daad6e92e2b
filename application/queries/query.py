"""What a query is: somebody's question, under a name that the table of permissions knows."""

from typing import ClassVar, Generic, TypeVar

from msgspec import Struct

from application.command import Actor

T = TypeVar("T")


class Query(Struct, frozen=True, kw_only=True):
    name: ClassVar[str]

    actor: Actor


class Paging(Struct, frozen=True):
    """Page 1 is the first; `limit` is how many there are on one."""

    page: int = 1
    limit: int = 100

    @property
    def offset(self) -> int:
        """How many come before the page; no more than a database counts."""
        return min((self.page - 1) * self.limit, 2**62)


class Page(Struct, Generic[T], frozen=True):
    """`total` counts what matches, on whatever page."""

    rows: list[T]
    total: int
