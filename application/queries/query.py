"""Queries: requests to read something, each with a name in the table of permissions."""

from typing import Any, ClassVar, Generic, Protocol, TypeVar

from msgspec import Struct

from application.command import Actor

T = TypeVar("T")


class Query(Struct, frozen=True, kw_only=True):
    name: ClassVar[str]

    actor: Actor


class Position(Struct, frozen=True):
    """Where a page was cut short: the sort key of its last row, and the number of rows of the page that are missing."""

    key: tuple[Any, ...]
    left: int


class Window(Protocol):
    """A range of rows of a list: at most `limit` after `offset` others, or the rest of a page that was cut short."""

    @property
    def limit(self) -> int: ...

    @property
    def offset(self) -> int: ...

    @property
    def after(self) -> Position | None: ...


class Paging(Struct, frozen=True):
    """Page 1 is the first; `limit` is the number of rows on each."""

    page: int = 1
    limit: int = 100
    after: Position | None = None

    @property
    def offset(self) -> int:
        """The number of rows before the page, at most what PostgreSQL can count."""
        return min((self.page - 1) * self.limit, 2**62)


class Page(Struct, Generic[T], frozen=True):
    """`total` is the number of matching rows on all pages. `rest`: where this page was cut short, because the response
    would have been too large."""

    rows: list[T]
    total: int
    rest: Position | None = None
