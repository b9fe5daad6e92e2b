"""Measurements of a child, of two kinds: weight and body fat.

Events · state and its fold · decisions.
"""

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from math import isfinite
from typing import Any, ClassVar

from msgspec import Struct

from domain import dedupe
from domain.event import Event, Fact
from domain.known import Known
from domain.partition import stream
from domain.refusal import AlreadyRegistered


class Kind(Struct, frozen=True):
    """A kind of measurement. `unit` is the unit of all its values, None if each measurement has its own. `companion` is
    the kind of which a value may be sent with this one, in a member of that name; it is no other kind's companion."""

    name: str
    title: str
    path: str
    unit: str | None = None
    companion: str | None = None


KINDS = {
    kind.name: kind
    for kind in (
        Kind("weight", "Weight", "weights", companion="body_fat"),
        Kind("body_fat", "Body Fat", "bodyfats", unit="%"),
    )
}


class Reading(Struct, frozen=True):
    """A measured value to record. `companion_value` is the value of the companion kind that was sent with it."""

    child_id: str
    kind: str
    taken_at: datetime
    value: float
    unit: str
    companion_value: float | None = None


# Events


class MeasurementRecorded(Event, frozen=True, kw_only=True):
    """A measurement was recorded; `happened_at` is when it was taken.

    `companion_value` and `companion` (a stream) are those of the companion that was sent with it. In a companion,
    `carrier` is the stream of the measurement with which it was sent.
    """

    stored_name: ClassVar[str] = "measurement.recorded.v1"

    child_id: str
    institution_id: str
    kind: str
    value: float
    unit: str
    companion_value: float | None = None
    companion: str | None = None
    carrier: str | None = None


class MeasurementRevised(MeasurementRecorded, frozen=True, kw_only=True):
    """The value, the companion or the carrier of a measurement changed: all of its members after the change."""

    stored_name: ClassVar[str] = "measurement.revised.v1"


class MeasurementRemoved(Event, frozen=True, kw_only=True):
    """A measurement was removed; its dedupe key is free again.

    `institution_id` is that of the measurement; None in events of version 1, which did not have it.
    """

    stored_name: ClassVar[str] = "measurement.removed.v2"

    child_id: str
    institution_id: str | None
    kind: str
    taken_at: datetime


def removed_v1_to_v2(members: dict[str, Any]) -> dict[str, Any]:
    """Version 1 had no institution: it is only in the earlier events of the stream."""
    return {**members, "institution_id": None}


class MeasurementsWithdrawn(Event, frozen=True, kw_only=True):
    """All measurements of a child were removed, as the child was."""

    stored_name: ClassVar[str] = "measurements.withdrawn.v1"

    child_id: str


# State


class Measurement(Struct, frozen=True):
    stream: str
    version: int
    child_id: str
    institution_id: str
    kind: str
    taken_at: datetime
    value: float
    unit: str
    companion_value: float | None = None
    companion: str | None = None
    carrier: str | None = None


def fold(events: Iterable[Event], state: Measurement | None = None) -> Measurement | None:
    """The measurement after `events` of its stream, in order; None before the first and after its removal.

    `state`: the measurement before them.
    """
    for event in events:
        match event:
            case MeasurementRecorded():
                state = Measurement(
                    event.originator_id,
                    event.originator_version,
                    event.child_id,
                    event.institution_id,
                    event.kind,
                    event.happened_at,
                    event.value,
                    event.unit,
                    event.companion_value,
                    event.companion,
                    event.carrier,
                )
            case MeasurementRemoved() | MeasurementsWithdrawn():
                state = None
    return state


def key(child_id: str, kind: str, taken_at: datetime) -> dedupe.Key:
    """There is one measurement of a kind per child and time."""
    return dedupe.key(child_id, kind, taken_at)


def _recorded(event: MeasurementRecorded) -> Sequence[dedupe.Change]:
    return (dedupe.Held(key(event.child_id, event.kind, event.happened_at), event.originator_id),)


def _removed(event: MeasurementRemoved) -> Sequence[dedupe.Change]:
    return (dedupe.Freed(key(event.child_id, event.kind, event.taken_at)),)


def _withdrawn(event: MeasurementsWithdrawn) -> Sequence[dedupe.Change]:
    return (dedupe.ScopeFreed(event.child_id),)


DEDUPE: dedupe.Rules = {
    MeasurementRecorded: _recorded,
    MeasurementRemoved: _removed,
    MeasurementsWithdrawn: _withdrawn,
}
"""How the events change dedupe keys."""


# Decisions


def record(reading: Reading, known: Known, *, institution_id: str, new_id: Callable[[], str]) -> list[Fact]:
    """Record a reading of a child. A companion that was sent with it is recorded, or revised if there is one.

    The first fact is that of the reading itself. AlreadyRegistered if there is one at that time. ValueError if a value
    is not finite: JSON has no number for it.
    """
    if not (isfinite(reading.value) and isfinite(reading.companion_value or 0.0)):
        raise ValueError(f"a measured value must be finite: {reading.value}, {reading.companion_value}")
    kind = KINDS[reading.kind]
    if known.holder(key(reading.child_id, kind.name, reading.taken_at)) is not None:
        raise AlreadyRegistered(kind.title)
    recorded = stream(reading.child_id, new_id())
    companion = None
    if kind.companion is not None and reading.companion_value is not None:
        companion = _carry(
            reading,
            reading.companion_value,
            KINDS[kind.companion],
            known,
            recorded,
            institution_id=institution_id,
            new_id=new_id,
        )
    fact = Fact(
        recorded,
        MeasurementRecorded(
            child_id=reading.child_id,
            institution_id=institution_id,
            kind=kind.name,
            value=reading.value,
            unit=reading.unit,
            companion_value=reading.companion_value if companion else None,
            companion=companion.stream if companion else None,
        ),
        happened_at=reading.taken_at,
    )
    return [fact, companion] if companion else [fact]


def _carry(
    reading: Reading,
    value: float,
    kind: Kind,
    known: Known,
    carrier: str,
    *,
    institution_id: str,
    new_id: Callable[[], str],
) -> Fact:
    """The fact of the companion: it revises the measurement at that time, or records a new one."""
    holder = known.holder(key(reading.child_id, kind.name, reading.taken_at))
    existing = None if holder is None else fold(known.history(holder))
    event = MeasurementRecorded if existing is None else MeasurementRevised
    return Fact(
        stream(reading.child_id, new_id()) if existing is None else existing.stream,
        event(
            child_id=reading.child_id,
            institution_id=institution_id,
            kind=kind.name,
            value=value,
            unit=kind.unit or reading.unit,
            carrier=carrier,
        ),
        happened_at=reading.taken_at,
    )


def remove(measurement: Measurement, known: Known) -> list[Fact]:
    """Remove a measurement. If it was sent with another one, that one is revised: it has no companion any more."""
    removed = Fact(
        measurement.stream,
        MeasurementRemoved(
            child_id=measurement.child_id,
            institution_id=measurement.institution_id,
            kind=measurement.kind,
            taken_at=measurement.taken_at,
        ),
    )
    carrier = None if measurement.carrier is None else fold(known.history(measurement.carrier))
    if carrier is None or carrier.companion != measurement.stream:
        return [removed]
    return [
        removed,
        Fact(
            carrier.stream,
            MeasurementRevised(
                child_id=carrier.child_id,
                institution_id=carrier.institution_id,
                kind=carrier.kind,
                value=carrier.value,
                unit=carrier.unit,
                carrier=carrier.carrier,
            ),
            happened_at=carrier.taken_at,
        ),
    ]


def withdrawals(child_id: str) -> str:
    """The stream of the event that removes all measurements of a child."""
    return stream(child_id, "measurements")


def withdraw(child_id: str) -> Fact:
    """Remove all measurements of a child, in the child's partition. It happens once: ids are never used again."""
    return Fact(withdrawals(child_id), MeasurementsWithdrawn(child_id=child_id))
