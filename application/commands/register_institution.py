"""Register an institution."""

from collections.abc import Callable, Sequence
from typing import ClassVar

from msgspec import Struct

from application.account_command import AccountCommand
from application.ports import BatchState, Reads
from domain import institution
from domain.event import Fact


class NewInstitution(Struct, frozen=True):
    type: str
    name: str
    address: str | None = None
    latitude: float | None = None
    longitude: float | None = None


class RegisterInstitution(AccountCommand, frozen=True, kw_only=True):
    name: ClassVar[str] = "register_institution"

    institution: NewInstitution

    @property
    def items(self) -> Sequence[NewInstitution]:
        return (self.institution,)

    def reads(self, reads: Reads) -> None:
        super().reads(reads)
        reads.keys.add(institution.key(self.institution.name))

    def decide(
        self, item: NewInstitution, known: BatchState, *, new_id: Callable[[], str]
    ) -> tuple[str, Sequence[Fact]]:
        institution_id = new_id()
        return institution_id, institution.register(
            institution_id=institution_id,
            type=item.type,
            name=item.name,
            address=item.address,
            latitude=item.latitude,
            longitude=item.longitude,
            known=known,
        )
