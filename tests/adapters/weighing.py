"""A measurement as the `eventsourcing` library wants an aggregate, built from our events."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any

from eventsourcing.application import Application

from domain import measurement
from domain.event import Event, Origin
from domain.measurement import Measurement, MeasurementRecorded, MeasurementRemoved, MeasurementRevised
from domain.partition import KEY_LENGTH
from tests.adapters.world import NOON


class Weighing:
    """An id, a version, and events that wait to be saved."""

    def __init__(self, state: Measurement) -> None:
        self.id, self.version, self.state = state.stream, state.version, state
        self._pending: list[Event] = []

    def revise(self, value: float) -> None:
        self._take(recorded(self.id, self.version + 1, value, MeasurementRevised))

    def _take(self, event: MeasurementRecorded) -> None:
        self._pending.append(event)
        self.version, self.state = event.originator_version, known(event)

    def collect_events(self) -> Sequence[Any]:
        events, self._pending = self._pending, []
        return events


def start(id: str, recorded_at: datetime | None = None) -> Weighing:
    event = recorded(id, 1, 30.5, recorded_at=recorded_at)
    weighing = Weighing(known(event))
    weighing._pending.append(event)
    return weighing


def project(_: Weighing | None, events: Iterable[Event]) -> Weighing | None:
    state = measurement.fold(events)
    return None if state is None else Weighing(state)


def known(event: Event) -> Measurement:
    state = measurement.fold([event])
    assert state is not None
    return state


def origin(recorded_at: datetime | None = None) -> Origin:
    return Origin(recorded_at or datetime.now(UTC), "educator", "educator", "request")


def recorded(
    id: str,
    version: int,
    value: float,
    event: type[MeasurementRecorded] = MeasurementRecorded,
    recorded_at: datetime | None = None,
) -> MeasurementRecorded:
    return event(
        originator_id=id,
        originator_version=version,
        happened_at=NOON,
        origin=origin(recorded_at),
        cause="library",
        child_id=id[:KEY_LENGTH],
        institution_id="school",
        kind="weight",
        value=value,
        unit="kg",
    )


def removed(weighing: Weighing) -> MeasurementRemoved:
    return MeasurementRemoved(
        originator_id=weighing.id,
        originator_version=weighing.version + 1,
        happened_at=NOON,
        origin=origin(),
        cause="library",
        child_id=weighing.state.child_id,
        institution_id=weighing.state.institution_id,
        kind="weight",
        taken_at=NOON,
    )


def read(app: Application[str], id: str, version: int | None = None) -> Weighing:
    weighing: Weighing = app.repository.get(id, version=version, projector_func=project)
    return weighing
