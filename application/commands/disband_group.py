"""End a group of children, by its owner; nothing changes if there is no such group."""

from collections.abc import Callable, Sequence
from typing import ClassVar

from application.account_command import AccountCommand
from application.ports import BatchState, Reads
from domain import group
from domain.event import Fact


class DisbandGroup(AccountCommand, frozen=True, kw_only=True):
    name: ClassVar[str] = "disband_group"

    group_id: str

    @property
    def items(self) -> Sequence[str]:
        return (self.group_id,)

    def reads(self, reads: Reads) -> None:
        super().reads(reads)
        reads.histories.add(group.stream_of(self.group_id))

    def decide(self, item: str, known: BatchState, *, new_id: Callable[[], str]) -> tuple[str, Sequence[Fact]]:
        current = group.fold(known.history(group.stream_of(item)))
        if current is None or current.owner_id != self.actor.id:
            return item, []
        return item, [group.disband(current)]
