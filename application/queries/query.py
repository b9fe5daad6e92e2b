"""What a query is: somebody's question, under a name that the table of permissions knows."""

from typing import Any, ClassVar, Generic, Protocol, TypeVar

from msgspec import Struct

from application.command import Actor

T = TypeVar("T")


class Query(Struct, frozen=True, kw_only=True):
    name: ClassVar[str]

    actor: Actor


class Position(Struct, frozen=True):
    """Where an answer was cut short: what its last row is sorted by, and how many rows of the page are left."""

    key: tuple[Any, ...]
    left: int


class Window(Protocol):
    """Which rows of a list: up to `limit` after `offset` others; or the rest of a page that was cut short."""

    @property
    def limit(self) -> int: ...

    @property
    def offset(self) -> int: ...

    @property
    def after(self) -> Position | None: ...


class Paging(Struct, frozen=True):
    """Page 1 is the first; `limit` is how many there are on one."""

    page: int = 1
    limit: int = 100
    after: Position | None = None

    @property
    def offset(self) -> int:
        """How many come before the page; no more than a database counts."""
        return min((self.page - 1) * self.limit, 2**62)


class Page(Struct, Generic[T], frozen=True):
    """`total` counts what matches, on whatever page. `rest`: where a page ends that was cut short, as its answer would
    have been too large."""

    rows: list[T]
    total: int
    rest: Position | None = None
