"""What the application needs of the world: a log to decide against, and what is known while deciding."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Protocol, TypeVar

from msgspec import Struct, field

from domain.dedupe import Key
from domain.event import Event


class Reads(Struct):
    """What the commands of a group say that they look up: loaded with one statement for each log table and one for
    the directory, however many commands there are. `links` are pairs of owner and child; `members` the institutions
    whose users are counted; `names` user names in Unicode NFC."""

    keys: set[Key] = field(default_factory=set)
    histories: set[str] = field(default_factory=set)
    users: set[str] = field(default_factory=set)
    institutions: set[str] = field(default_factory=set)
    members: set[str] = field(default_factory=set)
    outcomes: set[str] = field(default_factory=set)
    links: set[tuple[str, str]] = field(default_factory=set)
    names: set[str] = field(default_factory=set)


class UserRow(Struct, frozen=True):
    """What the directory says of somebody who is there. `password_changed_at`: when the password was last changed or
    reset, None where it never was."""

    role: str
    institution_id: str | None
    password_changes: int = 0
    password_changed_at: datetime | None = None


class BatchState(Protocol):
    """What was loaded for a group, and what the group has decided since.

    Looking up what no command of the group has said that it reads is a KeyError: a fault of the command.
    """

    @property
    def parts(self) -> frozenset[int]:
        """The partitions that are locked for the group."""

    @property
    def recorded_at(self) -> datetime:
        """The log's time of the group: later than that of every event in its partitions."""

    def holder(self, key: Key) -> str | None: ...

    def history(self, stream: str) -> list[Event]: ...

    def version(self, stream: str) -> int:
        """The version of the last event in a stream; 0 if neither a command has read the stream nor the batch has
        written to it: a stream that is not new has to be read before."""

    def user(self, user_id: str) -> UserRow | None: ...

    def has_institution(self, institution_id: str) -> bool: ...

    def members(self, institution_id: str) -> int:
        """How many users an institution has."""

    def brand_of(self, outcome_id: str) -> str | None:
        """The brand of an outcome, None where there is no such outcome."""

    def is_linked(self, owner_id: str, child_id: str) -> bool: ...

    def is_taken(self, name: str) -> bool:
        """Whether a user has a name that is this one in Unicode NFC."""

    def apply(self, events: Sequence[Event], states: Sequence[bytes]) -> None:
        """Take in what was decided, with its JSON, so that the next decision sees it."""


class LogUnavailable(Exception):
    """The log cannot be reached, or its partitions stay locked. Nothing of the group was stored; only where it was lost
    at its commit, and what became of it cannot be told in time, all of it may be."""


class PartitionsHeld(LogUnavailable):
    """Another session holds the partitions that were waited for."""


class LogLost(LogUnavailable):
    """The connection was lost before the group was stored: a new attempt may do."""


class AppendRefused(Exception):
    """The log does not take what the group asks for or says; nothing of it was stored."""


class CommitInDoubt(Exception):
    """The connection was lost at commit: the group may or may not be stored, `Log.settle` tells."""


K = TypeVar("K", bound=BatchState)


class Log(Protocol[K]):
    """One group at a time: begin, load, append, commit; or begin, load, roll back. Every step may say LogUnavailable,
    which ends the group as a roll-back does."""

    @property
    def partitions(self) -> int: ...

    def begin(self, wait_for: Collection[int], if_free: Collection[int]) -> K:
        """Lock partitions, waiting for the first and taking of the others those that are free."""

    def load(self, known: K, reads: Reads) -> None:
        """Add to what is known; what is known already stays as the group has left it. AppendRefused when something is
        asked for that cannot be there."""

    def append(self, known: K) -> None:
        """Write what `known` has taken in, and what follows from it; AppendRefused."""

    def commit(self, known: K) -> None:
        """End the group; CommitInDoubt when the answer does not come."""

    def rollback(self) -> None: ...

    def settle(self, known: K) -> bool:
        """Whether a group in doubt was stored after all. Waits until its transaction has ended; CommitInDoubt when even
        that cannot be told in time."""
