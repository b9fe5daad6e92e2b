"""Record that a user reads events through the audit, before they are shown."""

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import ClassVar

from application import permissions
from application.command import Command
from application.ports import BatchState, Reads
from domain import audit
from domain.event import Fact


class NoteAuditRead(Command, frozen=True, kw_only=True):
    """`stream` is its id in the log. With a time: the state at `as_of`, as it was known at `known_at`, is read."""

    name: ClassVar[str] = "note_audit_read"

    stream: str
    as_of: datetime | None = None
    known_at: datetime | None = None

    @property
    def items(self) -> Sequence[str]:
        return (self.stream,)

    def partition_keys(self) -> Iterable[str]:
        return (self.actor.id,)

    def reads(self, reads: Reads) -> None:
        reads.users.add(self.actor.id)

    def admit(self, known: BatchState) -> None:
        permissions.check_actor(self.actor, known)

    def decide(self, item: str, known: BatchState, *, new_id: Callable[[], str]) -> tuple[str, Sequence[Fact]]:
        reading_id = new_id()
        noted = audit.read(
            item, reader_id=self.actor.id, reading_id=reading_id, as_of=self.as_of, known_at=self.known_at
        )
        return reading_id, [noted]
