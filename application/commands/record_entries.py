"""Record entries of one outcome: one, or an array of them."""

from collections.abc import Callable, Iterable, Sequence
from typing import ClassVar

from application import permissions
from application.command import Command
from application.ids import uuid_of
from application.ports import BatchState, Reads
from domain import entry
from domain.entry import Entry
from domain.event import Fact
from domain.outcome import TITLE
from domain.refusal import NotFound, Refusal


class RecordEntries(Command, frozen=True, kw_only=True):
    """`entries` in the order in which they were sent, with a Refusal for each invalid one."""

    name: ClassVar[str] = "record_entries"

    outcome_id: str
    entries: Sequence[Entry | Refusal]

    @property
    def items(self) -> Sequence[Entry | Refusal]:
        return self.entries

    def partition_keys(self) -> Iterable[str]:
        return {each.subject_id for each in self.entries if isinstance(each, Entry)}

    def reads(self, reads: Reads) -> None:
        reads.users.add(self.actor.id)
        reads.outcomes.add(self.outcome_id)
        reads.keys.update(
            entry.key(each.outcome_id, each.subject_id, each.recorded_at)
            for each in self.entries
            if isinstance(each, Entry)
        )

    def admit(self, known: BatchState) -> None:
        permissions.check_actor(self.actor, known)
        if known.brand_of(self.outcome_id) is None and not self._is_one_invalid_entry():
            raise NotFound(TITLE)

    def _is_one_invalid_entry(self) -> bool:
        """The error of a single entry takes precedence over that of its outcome."""
        return len(self.entries) == 1 and isinstance(self.entries[0], Refusal)

    def decide(
        self, item: Entry | Refusal, known: BatchState, *, new_id: Callable[[], str]
    ) -> tuple[str, Sequence[Fact]]:
        if isinstance(item, Refusal):
            raise item
        if item.brand_id != known.brand_of(self.outcome_id):
            raise NotFound(TITLE)
        entry_id = uuid_of(new_id())
        return entry_id, entry.record(item, known, entry_id=entry_id)
