"""Every event that the log may hold, by its permanent name, and the JSON that it is stored as."""

from datetime import datetime

import msgspec

from domain.entry import EntryRecorded
from domain.event import Event
from domain.family import FamilyTied, FamilyUntied
from domain.group import GroupDisbanded, GroupFormed, GroupRevised
from domain.institution import InstitutionRegistered, InstitutionRemoved
from domain.measurement import MeasurementRecorded, MeasurementRemoved, MeasurementRevised, MeasurementsWithdrawn
from domain.outcome import OutcomeCreated, OutcomeRevised
from domain.user import PasswordChanged, UserRegistered, UserRemoved

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
        FamilyTied,
        FamilyUntied,
        GroupFormed,
        GroupRevised,
        GroupDisbanded,
        OutcomeCreated,
        OutcomeRevised,
        EntryRecorded,
    )
}

_decoders = {name: msgspec.json.Decoder(event) for name, event in EVENTS.items()}

encode = msgspec.json.Encoder().encode
"""The state of an event as JSON."""


class _Recorded(msgspec.Struct):
    recorded_at: datetime


class _Origin(msgspec.Struct):
    origin: _Recorded


_decode_origin = msgspec.json.Decoder(_Origin).decode


def recorded_at(state: bytes) -> datetime:
    """When the event of a state was recorded, whatever event it is."""
    return _decode_origin(state).origin.recorded_at


class Undecodable(Exception):
    """A stored event whose name is unknown, or whose state is not an event of that name."""


def decode(stored_name: str, state: bytes) -> Event:
    """The event that was stored under the name. Undecodable where that cannot be."""
    try:
        return _decoders[stored_name].decode(state)
    except (KeyError, msgspec.DecodeError) as error:
        raise Undecodable(f"{stored_name}: {error}") from error
