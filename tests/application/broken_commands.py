"""Commands that break in one place."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from msgspec.structs import replace

from application.commands.record_measurements import RecordMeasurements
from application.ports import BatchState, Reads
from domain.event import Fact
from domain.partition import partition, stream
from tests.conftest import PARTITIONS


class Bug(Exception):
    pass


class BreaksInReads(RecordMeasurements, frozen=True, kw_only=True):
    def reads(self, reads: Reads) -> None:
        super().reads(reads)
        raise Bug


class BreaksInFollow(RecordMeasurements, frozen=True, kw_only=True):
    def follow(self, known: BatchState, reads: Reads) -> None:
        raise Bug


class BreaksInAdmit(RecordMeasurements, frozen=True, kw_only=True):
    def admit(self, known: BatchState) -> None:
        raise Bug


class BreaksInPartitionKeys(RecordMeasurements, frozen=True, kw_only=True):
    def partition_keys(self) -> Iterable[str]:
        raise Bug


class _Decides(RecordMeasurements, frozen=True, kw_only=True):
    """Replaces each fact that it should decide by a broken one."""

    def decide(self, item: Any, known: BatchState, *, new_id: Callable[[], str]) -> tuple[str, Sequence[Fact]]:
        result, facts = super().decide(item, known, new_id=new_id)
        return result, [self.broken(fact, known) for fact in facts]

    def broken(self, fact: Fact, known: BatchState) -> Fact:
        raise Bug


class BreaksInDecide(_Decides, frozen=True, kw_only=True):
    pass


class LooksUpWhatItHasNotSaid(_Decides, frozen=True, kw_only=True):
    def broken(self, fact: Fact, known: BatchState) -> Fact:
        known.user("somebody else")
        raise AssertionError("not reached")


class DecidesWhatIsNoJson(_Decides, frozen=True, kw_only=True):
    def broken(self, fact: Fact, known: BatchState) -> Fact:
        return replace(fact, event=replace(fact.event, unit=object()))


class DecidesALoneSurrogate(_Decides, frozen=True, kw_only=True):
    def broken(self, fact: Fact, known: BatchState) -> Fact:
        return replace(fact, event=replace(fact.event, unit="\ud800"))


class WritesOutsideItsPartition(_Decides, frozen=True, kw_only=True):
    """And in none that the batch has locked by chance."""

    def broken(self, fact: Fact, known: BatchState) -> Fact:
        key = next(key for key in map("{:024x}".format, range(1_000)) if partition(key, PARTITIONS) not in known.parts)
        return replace(fact, stream=stream(key, "x"))


class TakesAVersion(_Decides, frozen=True, kw_only=True):
    """The log rejects it: the stream already has its first event."""

    def broken(self, fact: Fact, known: BatchState) -> Fact:
        return replace(fact, stream=stream(self.child_id, "taken"))


FAULTY: tuple[type[RecordMeasurements], ...] = (
    BreaksInReads,
    BreaksInFollow,
    BreaksInAdmit,
    BreaksInPartitionKeys,
    BreaksInDecide,
    LooksUpWhatItHasNotSaid,
    DecidesWhatIsNoJson,
    DecidesALoneSurrogate,
    WritesOutsideItsPartition,
)
