"""Record measurements of one child: one, or an array of them."""

from collections.abc import Callable, Iterable, Sequence
from typing import ClassVar

from application import permissions
from application.command import Command
from application.ports import BatchState, Reads
from domain import dedupe, measurement
from domain.event import Fact
from domain.measurement import KINDS, Reading
from domain.partition import name_of
from domain.refusal import Refusal


class RecordMeasurements(Command, frozen=True, kw_only=True):
    """`readings` in the order in which they were sent, with a Refusal for each invalid one."""

    name: ClassVar[str] = "record_measurements"

    child_id: str
    readings: Sequence[Reading | Refusal]

    @property
    def items(self) -> Sequence[Reading | Refusal]:
        return self.readings

    def partition_keys(self) -> Iterable[str]:
        return (self.child_id,)

    def reads(self, reads: Reads) -> None:
        permissions.reads_of_child(self.name, self.actor, self.child_id, reads)
        for reading in self.readings:
            if isinstance(reading, Reading):
                reads.keys.add(measurement.key(reading.child_id, reading.kind, reading.taken_at))
                companion = _companion(reading)
                if companion is not None:
                    reads.keys.add(companion)

    def follow(self, known: BatchState, reads: Reads) -> None:
        for reading in self.readings:
            if isinstance(reading, Reading):
                companion = _companion(reading)
                holder = None if companion is None else known.holder(companion)
                if holder is not None:
                    reads.histories.add(holder)

    def admit(self, known: BatchState) -> None:
        permissions.check_child(self.name, self.actor, self.child_id, known)

    def decide(
        self, item: Reading | Refusal, known: BatchState, *, new_id: Callable[[], str]
    ) -> tuple[str, Sequence[Fact]]:
        if isinstance(item, Refusal):
            raise item
        child = known.user(self.child_id)
        facts = measurement.record(
            item,
            known,
            institution_id=(child and child.institution_id) or "",
            new_id=new_id,
        )
        return name_of(facts[0].stream), facts


def _companion(reading: Reading) -> dedupe.Key | None:
    kind = KINDS[reading.kind].companion
    if kind is None or reading.companion_value is None:
        return None
    return measurement.key(reading.child_id, kind, reading.taken_at)
