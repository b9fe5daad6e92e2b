"""Set the password of a user without the old one: by an admin, or from the command line."""

from collections.abc import Callable, Sequence
from typing import ClassVar

from application.account_command import AccountCommand
from application.ports import BatchState, Reads
from domain import user
from domain.event import Fact
from domain.refusal import NotFound


class ResetPassword(AccountCommand, frozen=True, kw_only=True):
    """`password_hash` is the hash to store."""

    name: ClassVar[str] = "reset_password"

    user_id: str
    password_hash: str

    @property
    def items(self) -> Sequence[str]:
        return (self.user_id,)

    def reads(self, reads: Reads) -> None:
        super().reads(reads)
        reads.users.add(self.user_id)
        reads.histories.add(user.stream_of(self.user_id))

    def decide(self, item: str, known: BatchState, *, new_id: Callable[[], str]) -> tuple[str, Sequence[Fact]]:
        current = user.fold(known.history(user.stream_of(item)))
        if current is None:
            raise NotFound(user.TITLE)
        return item, [user.reset_password(current, password_hash=self.password_hash)]


class ResetPasswordLocally(ResetPassword, frozen=True, kw_only=True):
    """Its actor is the service."""

    name: ClassVar[str] = "reset_password_locally"

    def admit(self, known: BatchState) -> None:
        """Everybody who can run commands on the machine is permitted: the way back in when no admin can log in."""
