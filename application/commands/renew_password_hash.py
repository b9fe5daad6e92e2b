"""Store another hash of the actor's password, which a login has just proved to be right."""

from collections.abc import Callable, Sequence
from typing import ClassVar

from application.account_command import AccountCommand
from application.commands.change_password import NewPassword
from application.ports import BatchState, Reads
from domain import user
from domain.event import Fact
from domain.refusal import UserGone


class RenewPasswordHash(AccountCommand, frozen=True, kw_only=True):
    """The password stays the same, so tokens stay valid."""

    name: ClassVar[str] = "renew_password_hash"

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
        renewed = user.renew_hash(current, replaced=item.replaced, password_hash=item.password_hash)
        return current.user_id, renewed
