"""Register an institution."""

from collections.abc import Callable, Iterable, Sequence
from typing import ClassVar

from msgspec import Struct

from application import permissions
from application.command import Command
from application.ports import Known, Reads
from domain import institution
from domain.event import Event, Origin
from domain.partition import ACCOUNTS


class NewInstitution(Struct, frozen=True):
    type: str
    name: str
    address: str | None = None
    latitude: float | None = None
    longitude: float | None = None


class RegisterInstitution(Command, frozen=True, kw_only=True):
    name: ClassVar[str] = "register_institution"

    institution: NewInstitution

    @property
    def items(self) -> Sequence[NewInstitution]:
        return (self.institution,)

    def partition_keys(self) -> Iterable[str]:
        return (ACCOUNTS,)

    def reads(self, reads: Reads) -> None:
        reads.users.add(self.actor.id)
        reads.keys.add(institution.key(self.institution.name))

    def admit(self, known: Known) -> None:
        permissions.check_actor(self.actor, known)

    def decide(
        self, item: NewInstitution, known: Known, *, origin: Origin, new_id: Callable[[], str]
    ) -> tuple[str, Sequence[Event]]:
        institution_id = new_id()
        return institution_id, institution.register(
            institution_id=institution_id,
            type=item.type,
            name=item.name,
            address=item.address,
            latitude=item.latitude,
            longitude=item.longitude,
            known=known,
            origin=origin,
            cause=self.name,
        )
