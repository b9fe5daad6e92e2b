"""Commands: requests to change something, with one or many items, and their results."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any, ClassVar

from msgspec import Struct

from application.ports import BatchState, Reads
from domain.event import Fact
from domain.refusal import Refusal


class Actor(Struct, frozen=True, gc=False):
    """The user who sent a command or a query, according to a checked token.

    `password_changes`: how often the user had changed its password when the token was issued. A token of another issuer
    does not have it (None): then `issued_at` counts, in seconds since 1970.
    """

    id: str
    role: str
    scopes: frozenset[str] = frozenset()
    password_changes: int | None = 0
    issued_at: float = 0.0


class Fault:
    """The result of a bug in a decision. The log has its traceback, with the id of the request."""


class State(Struct, frozen=True):
    """The state of something after a command, as clients see it."""

    id: str


ItemResult = str | State | Refusal | Fault
"""The result of one item: an id, a State if the response shows more than was sent, or the reason why it failed."""


CommandResult = list[ItemResult] | Refusal | Fault
"""The result of one command: that of each item in order, or a single one for all of them."""


def id_of(accepted: str | State) -> str:
    return accepted.id if isinstance(accepted, State) else accepted


class Command(Struct, frozen=True, kw_only=True):
    """A request to change something. Its items are decided in order; a refused item does not undo the others."""

    name: ClassVar[str]

    actor: Actor
    request_id: str

    @property
    def items(self) -> Sequence[Any]:
        raise NotImplementedError

    def partition_keys(self) -> Iterable[str]:
        """The partition keys of all streams that the command may write to."""
        raise NotImplementedError

    def reads(self, reads: Reads) -> None:
        """Add everything that `admit` and `decide` look up."""
        raise NotImplementedError

    def follow(self, known: BatchState, reads: Reads) -> None:
        """Add what they look up in addition, which depends on what was read first."""

    def admit(self, known: BatchState) -> None:
        """Raise a Refusal to refuse the command as a whole."""
        raise NotImplementedError

    def decide(self, item: Any, known: BatchState, *, new_id: Callable[[], str]) -> tuple[str | State, Sequence[Fact]]:
        """The result and the facts of one item. Raises its Refusal.

        A State comes from the decision. It is never read after the commit: another command may have changed it by
        then, and the read may fail although the command was stored.
        """
        raise NotImplementedError
