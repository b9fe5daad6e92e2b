"""Every event that the log may hold, by its permanent name, and the JSON that it is stored as.

An event whose members change gets a name of the next version. What is stored under the older one is never rewritten: a
step from each version to the next makes of it what the newer one would say.
"""

from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any

import msgspec

from domain.audit import AuditRead
from domain.entry import EntryRecorded
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
"""Members of one version of an event → those of the next."""

OLDER: dict[str, tuple[str, Step]] = {
    "measurement.removed.v1": ("measurement.removed.v2", removed_v1_to_v2),
}
"""Name that nothing is stored under any more → the next version's, and the step to it."""

_decoders = {name: msgspec.json.Decoder(event) for name, event in EVENTS.items()}

encode = msgspec.json.Encoder().encode
"""The state of an event as JSON."""


class Undecodable(Exception):
    """A stored event whose name is unknown, or whose state is not an event of that name."""


class _Recorded(msgspec.Struct):
    recorded_at: datetime


class _Origin(msgspec.Struct):
    origin: _Recorded


_decode_origin = msgspec.json.Decoder(_Origin).decode


def recorded_at(state: bytes) -> datetime:
    """When the event of a state was recorded, whatever event it is. Undecodable."""
    try:
        return _decode_origin(state).origin.recorded_at
    except msgspec.DecodeError as error:
        raise Undecodable(str(error)) from error


def decode(stored_name: str, state: bytes) -> Event:
    """The event that was stored under the name, as its latest version. Undecodable where that cannot be."""
    try:
        if stored_name in OLDER:
            stored_name, state = _latest(stored_name, state)
        event = _decoders[stored_name].decode(state)
    except (KeyError, msgspec.DecodeError) as error:
        raise Undecodable(f"{stored_name}: {error}") from error
    if not event.has_envelope:
        raise Undecodable(f"{stored_name}: its state has no complete envelope")
    return event


def _latest(name: str, state: bytes) -> tuple[str, bytes]:
    members = msgspec.json.decode(state, type=dict[str, Any])
    while name in OLDER:
        name, step = OLDER[name]
        members = step(members)
    return name, encode(members)


def latest_name(stored_name: str) -> str:
    """The name that an event has now which was stored under another."""
    while stored_name in OLDER:
        stored_name, _ = OLDER[stored_name]
    return stored_name


def versions_of(name: str) -> frozenset[str]:
    """What a name of events stands for: itself, or without its version every version that may be stored."""
    return frozenset((name, *(stored for stored in (*EVENTS, *OLDER) if stored.rpartition(".v")[0] == name)))


def names_of(events: Iterable[type[Event]]) -> frozenset[str]:
    """All names, of older versions too, that events of these sorts are stored under."""
    latest = {event.stored_name for event in events}
    return frozenset(name for name in (*EVENTS, *OLDER) if latest_name(name) in latest)
