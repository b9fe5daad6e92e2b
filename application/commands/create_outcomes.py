"""Create outcomes: one definition, or an array of them."""

from collections.abc import Callable, Sequence
from typing import ClassVar

from application.account_command import AccountCommand
from application.ids import uuid_of
from application.ports import BatchState, Reads
from application.queries.outcomes import OutcomeRow, outcome_row
from domain import outcome
from domain.event import Event, Origin
from domain.outcome import Definition
from domain.refusal import Refusal


class CreateOutcomes(AccountCommand, frozen=True, kw_only=True):
    """`definitions` as they were sent: what could not be read is the Refusal of its item."""

    name: ClassVar[str] = "create_outcomes"

    definitions: Sequence[Definition | Refusal]

    @property
    def items(self) -> Sequence[Definition | Refusal]:
        return self.definitions

    def reads(self, reads: Reads) -> None:
        super().reads(reads)
        reads.keys.update(outcome.key(each) for each in self.definitions if isinstance(each, Definition))

    def decide(
        self, item: Definition | Refusal, known: BatchState, *, origin: Origin, new_id: Callable[[], str]
    ) -> tuple[OutcomeRow, Sequence[Event]]:
        if isinstance(item, Refusal):
            raise item
        events = outcome.create(item, known, outcome_id=uuid_of(new_id()), origin=origin, cause=self.name)
        return outcome_row(events), events
