"""Unlink a family from a child; nothing changes if they are not linked."""

from collections.abc import Callable, Sequence
from typing import ClassVar

from application.account_command import AccountCommand
from application.ports import BatchState, Reads
from domain import family, user
from domain.event import Fact


class UnlinkChild(AccountCommand, frozen=True, kw_only=True):
    name: ClassVar[str] = "untie_child"

    family_id: str
    child_id: str

    @property
    def items(self) -> Sequence[str]:
        return (self.child_id,)

    def reads(self, reads: Reads) -> None:
        super().reads(reads)
        reads.histories.add(user.stream_of(self.family_id))
        reads.links.add((self.family_id, self.child_id))

    def decide(self, item: str, known: BatchState, *, new_id: Callable[[], str]) -> tuple[str, Sequence[Fact]]:
        current = user.fold(known.history(user.stream_of(self.family_id)))
        if current is None or current.role != "family" or not known.is_linked(self.family_id, item):
            return self.family_id, []
        return self.family_id, [family.unlink(current, item)]
