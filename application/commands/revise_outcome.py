"""Change the definition of an outcome."""

from collections.abc import Callable, Sequence
from typing import ClassVar

from msgspec import UNSET, Struct, UnsetType
from msgspec.structs import replace

from application.account_command import AccountCommand
from application.ports import BatchState, Reads
from application.queries.outcomes import OutcomeRow, outcome_row
from domain import outcome
from domain.event import Fact
from domain.outcome import Definition
from domain.refusal import NotFound


class OutcomeChange(Struct, frozen=True):
    """A member that is UNSET stays as it is."""

    name: str | UnsetType = UNSET
    description: str | UnsetType = UNSET
    unit: str | UnsetType = UNSET
    direction: str | UnsetType = UNSET

    def of(self, definition: Definition) -> Definition:
        """The definition after the change."""
        changes = {name: getattr(self, name) for name in self.__struct_fields__}
        return replace(definition, **{name: value for name, value in changes.items() if value is not UNSET})


class ReviseOutcome(AccountCommand, frozen=True, kw_only=True):
    name: ClassVar[str] = "revise_outcome"

    outcome_id: str
    change: OutcomeChange

    @property
    def items(self) -> Sequence[OutcomeChange]:
        return (self.change,)

    def reads(self, reads: Reads) -> None:
        super().reads(reads)
        reads.histories.add(outcome.stream_of(self.outcome_id))

    def follow(self, known: BatchState, reads: Reads) -> None:
        """The key contains the brand and the metric, which only the history of the outcome has."""
        current = outcome.fold(known.history(outcome.stream_of(self.outcome_id)))
        if current is not None:
            reads.keys.add(outcome.key(self.change.of(current.definition)))

    def decide(
        self, item: OutcomeChange, known: BatchState, *, new_id: Callable[[], str]
    ) -> tuple[OutcomeRow, Sequence[Fact]]:
        history = known.history(outcome.stream_of(self.outcome_id))
        current = outcome.fold(history)
        if current is None:
            raise NotFound(outcome.TITLE)
        definition = item.of(current.definition)
        created = history[0].origin
        row = outcome_row(
            current.outcome_id,
            definition,
            created_by=created.actor_id,
            created_at=created.recorded_at,
            updated_at=known.recorded_at,
        )
        return row, outcome.revise(current, definition, known)
