"""All events by their permanent stored names, and their JSON.

An event whose members change gets a new name with the next version. States stored under the older name are never
rewritten: a step from each version to the next converts them when they are decoded.
"""

from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any

import msgspec

from domain.audit import AuditRead
from domain.entry import EntryRecorded
from domain.errors import GrowthringsError
from domain.event import Event
from domain.group import GroupDisbanded, GroupFormed, GroupRevised
from domain.institution import InstitutionRegistered, InstitutionRemoved
from domain.measurement import (
    MeasurementRecorded,
    MeasurementRemoved,
    MeasurementRevised,
    MeasurementsWithdrawn,
    removed_v1_to_v2,
)
from domain.outcome import OutcomeCreated, OutcomeRevised
from domain.user import (
    FamilyLinked,
    FamilyUnlinked,
    PasswordChanged,
    PasswordHashRenewed,
    PasswordReset,
    UserRegistered,
    UserRemoved,
)

EVENTS: dict[str, type[Event]] = {
    event.stored_name: event
    for event in (
        MeasurementRecorded,
        MeasurementRevised,
        MeasurementRemoved,
        MeasurementsWithdrawn,
        InstitutionRegistered,
        InstitutionRemoved,
        UserRegistered,
        UserRemoved,
        PasswordChanged,
        PasswordReset,
        PasswordHashRenewed,
        FamilyLinked,
        FamilyUnlinked,
        GroupFormed,
        GroupRevised,
        GroupDisbanded,
        OutcomeCreated,
        OutcomeRevised,
        EntryRecorded,
        AuditRead,
    )
}

Step = Callable[[dict[str, Any]], dict[str, Any]]
"""The members of one version of an event → those of the next version."""

OLDER: dict[str, tuple[str, Step]] = {
    "measurement.removed.v1": ("measurement.removed.v2", removed_v1_to_v2),
}
"""A name that new events no longer get → the name of the next version, and the step to it."""

_decoders = {name: msgspec.json.Decoder(event) for name, event in EVENTS.items()}

encode = msgspec.json.Encoder().encode
"""Encodes an event as the JSON that is stored as its state."""


class Undecodable(GrowthringsError):
    """A stored event has an unknown name, or a state that is no event of that name."""


class _Recorded(msgspec.Struct):
    recorded_at: datetime


class _Origin(msgspec.Struct):
    origin: _Recorded


_decode_origin = msgspec.json.Decoder(_Origin).decode


def recorded_at(state: bytes) -> datetime:
    """The time at which the event of a state was recorded, without decoding the rest. Undecodable."""
    try:
        return _decode_origin(state).origin.recorded_at
    except msgspec.DecodeError as error:
        raise Undecodable(str(error)) from error


def decode(stored_name: str, state: bytes) -> Event:
    """The event that was stored under the name, in its latest version. Undecodable."""
    try:
        if stored_name in OLDER:
            stored_name, state = _latest(stored_name, state)
        event = _decoders[stored_name].decode(state)
    except (KeyError, msgspec.DecodeError) as error:
        raise Undecodable(f"{stored_name}: {error}") from error
    if not event.has_envelope:
        raise Undecodable(f"{stored_name}: the envelope of its state is not complete")
    return event


def _latest(name: str, state: bytes) -> tuple[str, bytes]:
    members = msgspec.json.decode(state, type=dict[str, Any])
    while name in OLDER:
        name, step = OLDER[name]
        members = step(members)
    return name, encode(members)


def latest_name(stored_name: str) -> str:
    """The name that an event of this stored name has now."""
    while stored_name in OLDER:
        stored_name, _ = OLDER[stored_name]
    return stored_name


def versions_of(name: str) -> frozenset[str]:
    """The stored names that a name stands for: itself, and if it has no version, all versions of that event."""
    return frozenset((name, *(stored for stored in (*EVENTS, *OLDER) if stored.rpartition(".v")[0] == name)))


def names_of(events: Iterable[type[Event]]) -> frozenset[str]:
    """All names, including older versions, under which events of these types are stored."""
    latest = {event.stored_name for event in events}
    return frozenset(name for name in (*EVENTS, *OLDER) if latest_name(name) in latest)
