"""Remove a user, and all measurements of a child; nothing changes if there is no such user."""

from collections.abc import Callable, Iterable, Sequence
from typing import ClassVar

from application.account_command import AccountCommand
from application.ports import BatchState, Reads
from domain import measurement, user
from domain.event import Fact
from domain.partition import ACCOUNTS
from domain.refusal import Forbidden


class RemoveUser(AccountCommand, frozen=True, kw_only=True):
    name: ClassVar[str] = "remove_user"

    user_id: str

    @property
    def items(self) -> Sequence[str]:
        return (self.user_id,)

    def partition_keys(self) -> Iterable[str]:
        """That of the accounts, and the child's own, where its measurements are removed."""
        return (ACCOUNTS, self.user_id)

    def reads(self, reads: Reads) -> None:
        super().reads(reads)
        reads.users.add(self.user_id)
        reads.histories.add(user.stream_of(self.user_id))

    def admit(self, known: BatchState) -> None:
        super().admit(known)
        if self.user_id == self.actor.id:
            raise Forbidden

    def decide(self, item: str, known: BatchState, *, new_id: Callable[[], str]) -> tuple[str, Sequence[Fact]]:
        current = user.fold(known.history(user.stream_of(item)))
        if current is None:
            return item, []
        removed = user.remove(current)
        return item, [removed, measurement.withdraw(item)] if current.role == "child" else [removed]
