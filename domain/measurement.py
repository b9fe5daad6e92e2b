"""Measurements of a child: weights and body fats are two kinds of one thing.

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
    """`unit` is the unit of every value of the kind, None where each measurement says its own. `companion` is the
    kind that may travel with this one, in a member of that name; it travels with no other kind."""

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
    """What somebody read off the scale. `companion_value` is the value of the kind that travels with it, or None."""

    child_id: str
    kind: str
    taken_at: datetime
    value: float
    unit: str
    companion_value: float | None = None


# Events


class MeasurementRecorded(Event, frozen=True, kw_only=True):
    """A reading was recorded; `happened_at` is when it was taken.

    With a companion: its value and stream. On the companion's side `carrier`: the stream it came with.
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
    """All that a measurement says, after a change of its value, its companion or its carrier."""

    stored_name: ClassVar[str] = "measurement.revised.v1"


class MeasurementRemoved(Event, frozen=True, kw_only=True):
    """A measurement was removed; its key is free again.

    `institution_id` is the measurement's. Version 1 did not say it: None.
    """

    stored_name: ClassVar[str] = "measurement.removed.v2"

    child_id: str
    institution_id: str | None
    kind: str
    taken_at: datetime


def removed_v1_to_v2(members: dict[str, Any]) -> dict[str, Any]:
    """Whose measurement it was stood only in the events before it."""
    return {**members, "institution_id": None}


class MeasurementsWithdrawn(Event, frozen=True, kw_only=True):
    """A child was removed, and with it all of its measurements."""

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

    `state`: before them.
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
    """One measurement of a kind per child and instant."""
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
"""What the events do to dedupe keys."""


# Decisions


def record(reading: Reading, known: Known, *, institution_id: str, new_id: Callable[[], str]) -> list[Fact]:
    """Record one reading of a child; a companion that travels with it is recorded or revised with it.

    The first fact is the reading's. AlreadyRegistered where its instant is taken; ValueError of values that are not
    finite, which JSON cannot say.
    """
    if not (isfinite(reading.value) and isfinite(reading.companion_value or 0.0)):
        raise ValueError("a measured value is finite")
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
    """The fact of the companion: a revision of the one that is there at that instant, else a new one."""
    held = known.holder(key(reading.child_id, kind.name, reading.taken_at))
    there = None if held is None else fold(known.history(held))
    event = MeasurementRecorded if there is None else MeasurementRevised
    return Fact(
        stream(reading.child_id, new_id()) if there is None else there.stream,
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
    """Remove a measurement; one that carried it says from then on that it carries nothing."""
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
    """The stream of a child that says when all of its measurements ended."""
    return stream(child_id, "measurements")


def withdraw(child_id: str) -> Fact:
    """End all measurements of a child, in the child's own partition. It happens once: a child's id never comes back."""
    return Fact(withdrawals(child_id), MeasurementsWithdrawn(child_id=child_id))
