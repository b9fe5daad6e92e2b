"""Readings: parses an element of a body, and renders a measurement for responses."""

import math
import re
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import cast

import msgspec
from msgspec import UNSET, Raw, Struct, UnsetType

from adapters import times
from adapters.http.schemas import json_values, lengths
from domain.measurement import KINDS, Kind, Reading
from domain.refusal import (
    BadTimestamp,
    EmptyText,
    MembersMissing,
    Negative,
    NotANumber,
    Refusal,
    TextTooLong,
    without_frames,
)

_DIGITS = re.compile(r"[0-9]+(\.[0-9]+)?")


class Item(Struct, frozen=True, gc=False):
    """A measurement in a response. Absent members are left out."""

    id: str | UnsetType
    timestamp: str
    value: float
    unit: str
    child_id: str


def item_type(kind: Kind) -> type[Item]:
    """The struct of a kind's items. It has a member named after the companion, if the kind has one."""
    if kind.companion is None:
        return Item
    companion = (kind.companion, float | UnsetType, UNSET)
    struct = msgspec.defstruct(Item.__name__, [companion], bases=(Item,), frozen=True, gc=False)
    return cast("type[Item]", struct)


ITEM_TYPES = {kind.name: item_type(kind) for kind in KINDS.values()}


def item(reading: Reading, id: str | UnsetType = UNSET) -> Item:
    members = (id, times.render(reading.taken_at), reading.value, reading.unit, reading.child_id)
    make: Callable[..., Item] = ITEM_TYPES[reading.kind]
    return make(*members) if reading.companion_value is None else make(*members, reading.companion_value)


def read(members: Mapping[str, Raw], kind: Kind, child_id: str) -> Reading | Refusal:
    """The reading of one element, or its Refusal."""
    try:
        return _reading(members, kind, child_id)
    except Refusal as refusal:
        return without_frames(refusal)


def _reading(members: Mapping[str, Raw], kind: Kind, child_id: str) -> Reading:
    """Checks in the order of the contract: timestamp, value, unit, missing members, companion."""
    taken_at = _timestamp(members["timestamp"]) if "timestamp" in members else None
    value = _number(members["value"], "value") if "value" in members else None
    unit = kind.unit
    if unit is None and "unit" in members:
        unit = _unit(members["unit"])
    if taken_at is None or value is None or unit is None:
        parts = {"timestamp": taken_at, "value": value, "unit": unit}
        raise MembersMissing(tuple(name for name, part in parts.items() if part is None))
    companion = None
    if kind.companion is not None and kind.companion in members:
        companion = _number(members[kind.companion], kind.companion)
    return Reading(child_id, kind.name, taken_at, value, unit, companion)


def _timestamp(raw: Raw) -> datetime:
    most = lengths.of("timestamp")
    if json_values.cannot_be_within(most, raw):
        raise TextTooLong("timestamp", most)  # before its type is checked: that error would quote it
    if not json_values.opens_with(raw, b'"'):
        raise BadTimestamp(bytes(raw).decode())
    try:
        text = msgspec.json.decode(raw, type=str)
    except msgspec.DecodeError as error:
        raise BadTimestamp(bytes(raw).decode()[1:-1]) from error
    if len(text) > most:
        raise TextTooLong("timestamp", most)
    time = times.parse(text)
    if time is None:
        raise BadTimestamp(text)
    return time


def _number(raw: Raw, member: str) -> float:
    """A number from 0 up, sent as a number or as digits."""
    text = bytes(raw).decode()
    if text.startswith('"'):
        text = text[1:-1]
        if not _DIGITS.fullmatch(text):
            raise NotANumber(member)
    elif text[0] not in "-0123456789":
        raise NotANumber(member)
    number = float(text) if len(text) <= lengths.NUMBER else math.inf
    if not math.isfinite(number):
        raise NotANumber(member)
    if number < 0:
        raise Negative(member)
    return number


def _unit(raw: Raw) -> str:
    unit = json_values.text_of(raw, "unit", lengths.of("unit"))
    if not unit:
        raise EmptyText("unit")
    return unit
