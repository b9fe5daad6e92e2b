"""Change the password of the actor, who has proved to know the old one."""

from collections.abc import Callable, Sequence
from typing import ClassVar

from msgspec import Struct

from application.account_command import AccountCommand
from application.ports import BatchState, Reads
from domain import user
from domain.event import Fact
from domain.refusal import UserGone


class NewPassword(Struct, frozen=True):
    """`password_hash` is the hash to store; `replaced` is the hash that the old password was checked against."""

    replaced: str
    password_hash: str


class ChangePassword(AccountCommand, frozen=True, kw_only=True):
    name: ClassVar[str] = "change_password"

    password: NewPassword

    @property
    def items(self) -> Sequence[NewPassword]:
        return (self.password,)

    def reads(self, reads: Reads) -> None:
        super().reads(reads)
        reads.histories.add(user.stream_of(self.actor.id))

    def decide(self, item: NewPassword, known: BatchState, *, new_id: Callable[[], str]) -> tuple[str, Sequence[Fact]]:
        current = user.fold(known.history(user.stream_of(self.actor.id)))
        if current is None:
            raise UserGone
        changed = user.change_password(current, replaced=item.replaced, password_hash=item.password_hash)
        return current.user_id, [changed]
