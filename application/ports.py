"""The ports of the application: the event log, and what a batch has loaded from it."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Protocol, TypeVar

from msgspec import Struct, field

from domain.dedupe import Key
from domain.errors import GrowthringsError
from domain.event import Event


class Reads(Struct):
    """Everything that the commands of a batch look up. The log loads it in a fixed number of statements.

    `histories`: streams. `members`: institutions whose users are counted. `links`: pairs of owner (a family, or the
    owner of a group) and child. `names`: user names in Unicode NFC.
    """

    keys: set[Key] = field(default_factory=set)
    histories: set[str] = field(default_factory=set)
    users: set[str] = field(default_factory=set)
    institutions: set[str] = field(default_factory=set)
    members: set[str] = field(default_factory=set)
    outcomes: set[str] = field(default_factory=set)
    links: set[tuple[str, str]] = field(default_factory=set)
    names: set[str] = field(default_factory=set)


class UserRow(Struct, frozen=True):
    """The row of a user in the directory. `password_changed_at`: when the password was last changed or reset; None if
    it never was."""

    role: str
    institution_id: str | None
    password_changes: int = 0
    password_changed_at: datetime | None = None


class BatchState(Protocol):
    """What was loaded for a batch, together with what the batch has decided since.

    A lookup that no command of the batch has added to Reads is a KeyError: a bug of the command.
    """

    @property
    def parts(self) -> frozenset[int]:
        """The partitions that are locked for the batch."""

    @property
    def recorded_at(self) -> datetime:
        """The time of the batch in the log: later than that of every event in its partitions."""

    def holder(self, key: Key) -> str | None: ...

    def history(self, stream: str) -> list[Event]: ...

    def version(self, stream: str) -> int:
        """The version of the last event in a stream; 0 for one that was neither read nor written by the batch, which
        must be new."""

    def user(self, user_id: str) -> UserRow | None: ...

    def has_institution(self, institution_id: str) -> bool: ...

    def members(self, institution_id: str) -> int:
        """The number of users of an institution."""

    def brand_of(self, outcome_id: str) -> str | None:
        """The brand of an outcome; None if there is no such outcome."""

    def is_linked(self, owner_id: str, child_id: str) -> bool: ...

    def is_taken(self, name: str) -> bool:
        """Whether a user has a name whose Unicode NFC form is this."""

    def apply(self, events: Sequence[Event], states: Sequence[bytes]) -> None:
        """Add decided events, with their JSON, so that later decisions of the batch see them."""


class LogUnavailable(GrowthringsError):
    """The log cannot be reached, or partitions stay locked. Nothing of the batch was stored, with one exception: if the
    connection was lost during the commit and that could not be settled in time, all of it may be."""


class PartitionsHeld(LogUnavailable):
    """Another session held the partitions for longer than the batch waited."""


class LogLost(LogUnavailable):
    """The connection was lost before the batch was stored: it can be run again."""


class AppendRefused(GrowthringsError):
    """The log rejects a lookup or an event of the batch; nothing of it was stored."""


class CommitInDoubt(GrowthringsError):
    """The connection was lost during the commit. `Log.settle` finds out whether the batch was stored."""


K = TypeVar("K", bound=BatchState)


class Log(Protocol[K]):
    """The event log as the processor uses it, one batch at a time: begin, load, append, commit; or begin, load, roll
    back. Every step may raise LogUnavailable, which ends the batch like a rollback."""

    @property
    def partitions(self) -> int: ...

    def begin(self, wait_for: Collection[int], if_free: Collection[int]) -> K:
        """Lock partitions: wait for those in `wait_for`, and add those in `if_free` that nobody holds."""

    def load(self, known: K, reads: Reads) -> None:
        """Load into `known` what is not in it yet. AppendRefused if a lookup has a value that cannot be stored."""

    def append(self, known: K) -> None:
        """Store the events that were applied to `known`, and their inline projections. AppendRefused."""

    def commit(self, known: K) -> None:
        """Commit the batch. CommitInDoubt if the acknowledgement does not arrive."""

    def rollback(self) -> None: ...

    def settle(self, known: K) -> bool:
        """Whether a batch in doubt was stored. Waits for its transaction to end; CommitInDoubt after too long."""
