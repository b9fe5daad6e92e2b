"""The base of the commands of accounts: one partition, and an actor that still exists."""

from collections.abc import Iterable

from application import permissions
from application.command import Command
from application.ports import BatchState, Reads
from domain.partition import ACCOUNTS


class AccountCommand(Command, frozen=True, kw_only=True):
    def partition_keys(self) -> Iterable[str]:
        return (ACCOUNTS,)

    def reads(self, reads: Reads) -> None:
        reads.users.add(self.actor.id)

    def admit(self, known: BatchState) -> None:
        permissions.check_actor(self.actor, known)
