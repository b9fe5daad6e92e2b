"""What a command is: somebody's wish, in one or many items, that is decided as a whole request."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any, ClassVar

from msgspec import Struct

from application.ports import BatchState, Reads
from domain.event import Fact
from domain.refusal import Refusal


class Actor(Struct, frozen=True, gc=False):
    """Who asks, as a checked token says it.

    `password_changes`: how often the user had changed its password when the token was issued. A token of another issuer
    does not know (None): what counts is when it was issued, `issued_at`, in seconds since 1970.
    """

    id: str
    role: str
    scopes: frozenset[str] = frozenset()
    password_changes: int | None = 0
    issued_at: float = 0.0


class Fault:
    """A bug in one decision; its trace is in the log under the request's id."""


class State(Struct, frozen=True):
    """What is now there, as it is shown to clients."""

    id: str


ItemResult = str | State | Refusal | Fault
"""Of one item: the id of what is now there, its state where more is shown than was sent, or why it is not."""


CommandResult = list[ItemResult] | Refusal | Fault
"""Of one command: an outcome for each item in order, or the one that stands for all of them."""


def id_of(accepted: str | State) -> str:
    return accepted.id if isinstance(accepted, State) else accepted


class Command(Struct, frozen=True, kw_only=True):
    """One request. Its items are decided in order; a refused one never undoes another."""

    name: ClassVar[str]

    actor: Actor
    request_id: str

    @property
    def items(self) -> Sequence[Any]:
        raise NotImplementedError

    def partition_keys(self) -> Iterable[str]:
        """The keys of all partitions that the command may write to."""
        raise NotImplementedError

    def reads(self, reads: Reads) -> None:
        """Add what `admit` and `decide` look up."""
        raise NotImplementedError

    def follow(self, known: BatchState, reads: Reads) -> None:
        """Add what they look up besides, once the first is known."""

    def admit(self, known: BatchState) -> None:
        """Raise the Refusal of the whole request, if there is one."""
        raise NotImplementedError

    def decide(self, item: Any, known: BatchState, *, new_id: Callable[[], str]) -> tuple[str | State, Sequence[Fact]]:
        """What to answer with and the facts of one item, or its Refusal raised.

        A state comes from what was decided. It is never read after the commit: by then it may be another command's, and
        a read may fail though the command was stored.
        """
        raise NotImplementedError
