"""Commands that break in one place."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from msgspec.structs import replace

from application.commands.record_measurements import RecordMeasurements
from application.ports import BatchState, Reads
from domain.event import Event, Origin
from domain.measurement import MeasurementRecorded
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
    """Breaks in what it makes of the events that it should decide."""

    def decide(
        self, item: Any, known: BatchState, *, origin: Origin, new_id: Callable[[], str]
    ) -> tuple[str, Sequence[Event]]:
        outcome, events = super().decide(item, known, origin=origin, new_id=new_id)
        return outcome, [self.broken(event, known) for event in events if isinstance(event, MeasurementRecorded)]

    def broken(self, event: MeasurementRecorded, known: BatchState) -> Event:
        raise Bug


class BreaksInDecide(_Decides, frozen=True, kw_only=True):
    pass


class LooksUpWhatItHasNotSaid(_Decides, frozen=True, kw_only=True):
    def broken(self, event: MeasurementRecorded, known: BatchState) -> Event:
        known.user("somebody else")
        raise AssertionError("not reached")


class DecidesWhatIsNoJson(_Decides, frozen=True, kw_only=True):
    def broken(self, event: MeasurementRecorded, known: BatchState) -> Event:
        return replace(event, unit=object())


class DecidesALoneSurrogate(_Decides, frozen=True, kw_only=True):
    def broken(self, event: MeasurementRecorded, known: BatchState) -> Event:
        return replace(event, unit="\ud800")


class WritesOutsideItsPartition(_Decides, frozen=True, kw_only=True):
    """And in none that the group has locked by chance."""

    def broken(self, event: MeasurementRecorded, known: BatchState) -> Event:
        key = next(key for key in map("{:024x}".format, range(1_000)) if partition(key, PARTITIONS) not in known.parts)
        return replace(event, originator_id=stream(key, "x"))


class TakesAVersion(_Decides, frozen=True, kw_only=True):
    """Which the log refuses: its stream has a first event already."""

    def broken(self, event: MeasurementRecorded, known: BatchState) -> Event:
        return replace(event, originator_id=stream(self.child_id, "taken"))


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
