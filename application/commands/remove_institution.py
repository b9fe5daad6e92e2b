"""Remove an institution that has no users; nothing changes if there is no such institution."""

from collections.abc import Callable, Sequence
from typing import ClassVar

from application.account_command import AccountCommand
from application.ports import BatchState, Reads
from domain import institution
from domain.event import Fact


class RemoveInstitution(AccountCommand, frozen=True, kw_only=True):
    name: ClassVar[str] = "remove_institution"

    institution_id: str

    @property
    def items(self) -> Sequence[str]:
        return (self.institution_id,)

    def reads(self, reads: Reads) -> None:
        super().reads(reads)
        reads.histories.add(institution.stream_of(self.institution_id))
        reads.members.add(self.institution_id)

    def decide(self, item: str, known: BatchState, *, new_id: Callable[[], str]) -> tuple[str, Sequence[Fact]]:
        current = institution.fold(known.history(institution.stream_of(item)))
        if current is None:
            return item, []
        return item, [institution.remove(current, users=known.members(item))]
