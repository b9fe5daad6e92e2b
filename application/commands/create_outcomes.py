"""Create outcomes: one, or an array of them."""

from collections.abc import Callable, Sequence
from typing import ClassVar

from application.account_command import AccountCommand
from application.ids import uuid_of
from application.ports import BatchState, Reads
from application.queries.outcomes import OutcomeRow, outcome_row
from domain import outcome
from domain.event import Fact
from domain.outcome import Definition
from domain.refusal import Refusal


class CreateOutcomes(AccountCommand, frozen=True, kw_only=True):
    """`definitions` in the order in which they were sent, with a Refusal for each invalid one."""

    name: ClassVar[str] = "create_outcomes"

    definitions: Sequence[Definition | Refusal]

    @property
    def items(self) -> Sequence[Definition | Refusal]:
        return self.definitions

    def reads(self, reads: Reads) -> None:
        super().reads(reads)
        reads.keys.update(outcome.key(each) for each in self.definitions if isinstance(each, Definition))

    def decide(
        self, item: Definition | Refusal, known: BatchState, *, new_id: Callable[[], str]
    ) -> tuple[OutcomeRow, Sequence[Fact]]:
        if isinstance(item, Refusal):
            raise item
        outcome_id = uuid_of(new_id())
        now = known.recorded_at
        row = outcome_row(outcome_id, item, created_by=self.actor.id, created_at=now, updated_at=now)
        return row, outcome.create(item, known, outcome_id=outcome_id)
