"""Remove children of other institutions from groups that an earlier version allowed."""

from collections.abc import Callable, Sequence
from typing import ClassVar

from application.account_command import AccountCommand
from application.commands.register_user import may_be_in_group
from application.ports import BatchState, Reads
from domain import group
from domain.event import Fact


class TakeOutStrangers(AccountCommand, frozen=True, kw_only=True):
    """Sent by the service at an upgrade. A group without such children stays as it is."""

    name: ClassVar[str] = "take_out_strangers"

    group_ids: Sequence[str]

    @property
    def items(self) -> Sequence[str]:
        return self.group_ids

    def reads(self, reads: Reads) -> None:
        super().reads(reads)
        reads.histories.update(map(group.stream_of, self.group_ids))

    def follow(self, known: BatchState, reads: Reads) -> None:
        for group_id in self.group_ids:
            current = group.fold(known.history(group.stream_of(group_id)))
            if current is not None:
                reads.users.update((current.owner_id, *current.children))

    def admit(self, known: BatchState) -> None:
        """The service may always."""

    def decide(self, item: str, known: BatchState, *, new_id: Callable[[], str]) -> tuple[str, Sequence[Fact]]:
        current = group.fold(known.history(group.stream_of(item)))
        if current is None:
            return item, []
        return item, group.revise(
            current,
            name=current.name,
            children=tuple(each for each in current.children if may_be_in_group(each, current.owner_id, known)),
            school_class=current.school_class,
            known=known,
        )
