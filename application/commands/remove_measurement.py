"""Remove one measurement of a child; nothing changes if there is none."""

from collections.abc import Callable, Iterable, Sequence
from typing import ClassVar

from application import permissions
from application.command import Command
from application.ports import BatchState, Reads
from domain import measurement
from domain.event import Fact
from domain.partition import stream


class RemoveMeasurement(Command, frozen=True, kw_only=True):
    name: ClassVar[str] = "remove_measurement"

    child_id: str
    kind: str
    measurement_id: str

    @property
    def items(self) -> Sequence[str]:
        return (stream(self.child_id, self.measurement_id),)

    def partition_keys(self) -> Iterable[str]:
        return (self.child_id,)

    def reads(self, reads: Reads) -> None:
        permissions.reads_of_child(self.name, self.actor, self.child_id, reads)
        reads.histories.update(self.items)

    def follow(self, known: BatchState, reads: Reads) -> None:
        for item in self.items:
            current = measurement.fold(known.history(item))
            if current is not None and current.carrier is not None:
                reads.histories.add(current.carrier)

    def admit(self, known: BatchState) -> None:
        permissions.check_child(self.name, self.actor, self.child_id, known)

    def decide(self, item: str, known: BatchState, *, new_id: Callable[[], str]) -> tuple[str, Sequence[Fact]]:
        current = measurement.fold(known.history(item))
        if current is None or current.kind != self.kind:
            return item, []
        return item, measurement.remove(current, known)
