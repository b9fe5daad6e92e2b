"""Entries of outcomes: parses an element of a body, and renders an entry for responses."""

import re
import sys
from collections.abc import Iterator
from datetime import datetime
from typing import Any

import msgspec
from msgspec import UNSET, Raw, Struct, UnsetType

from adapters import times
from adapters.http.schemas import json_values, members
from adapters.http.schemas.members import Members
from application.queries.outcomes import EntryRow
from domain.entry import Entry
from domain.refusal import (
    NotADecimal,
    NotAnObject,
    NotANumber,
    NotATime,
    Refusal,
    TooLarge,
    UnsafeText,
    without_frames,
)

REQUIRED = ("subject_id", "brand_id", "value")

_DECIMAL = re.compile(r"-?[0-9]+(\.[0-9]+)?")
DIGITS = 38
VALUE = DIGITS + len("-.")
"""Maximum characters of a value."""

METADATA = {"bytes": 16_384, "members": 100, "levels": 8}
"""Limits of an entry's metadata: bytes as sent, members of all its objects together, and levels of nesting."""

_STRINGS = re.compile(rb'"(?:[^"\\]|\\.)*+"')
_BRACKETS = re.compile(rb"[\[\]{}]")

_decode = msgspec.json.Decoder().decode


class EntryItem(Struct, frozen=True, gc=False):
    """An entry in a response. A rejected entry has no `id`."""

    id: str | UnsetType
    outcome_id: str
    subject_id: str
    brand_id: str
    value: str
    recorded_at: str
    metadata: Any


def item(entry: Entry, id: str | UnsetType = UNSET) -> EntryItem:
    return EntryItem(
        id,
        entry.outcome_id,
        entry.subject_id,
        entry.brand_id,
        entry.value,
        times.render(entry.recorded_at),
        entry.metadata,
    )


def item_of_row(row: EntryRow, outcome_id: str) -> EntryItem:
    return EntryItem(
        row.id,
        outcome_id,
        row.subject_id,
        row.brand_id,
        row.value,
        times.render(row.recorded_at),
        Raw(row.metadata.encode()),
    )


def read(sent: dict[str, Raw], outcome_id: str, now: datetime) -> Entry | Refusal:
    """The entry of one element, or its Refusal. `now` is the default of `recorded_at`."""
    try:
        found = members.read(sent, REQUIRED)
        return Entry(
            outcome_id=outcome_id,
            subject_id=found.text("subject_id"),
            brand_id=found.text("brand_id"),
            value=_value(found),
            recorded_at=_time(found, now),
            metadata=_metadata(found),
        )
    except Refusal as refusal:
        return without_frames(refusal)


def _value(sent: Members) -> str:
    text = sent.text("value", least=0, most=VALUE)
    if not _DECIMAL.fullmatch(text) or sum(map(str.isdigit, text)) > DIGITS:
        raise NotADecimal("value", DIGITS)
    return text


def _time(sent: Members, now: datetime) -> datetime:
    if "recorded_at" not in sent:
        return now.replace(microsecond=now.microsecond // 1000 * 1000)
    time = times.parse(sent.text("recorded_at", least=0))
    if time is None:
        raise NotATime("recorded_at")
    return time


def _metadata(sent: Members) -> dict[str, Any]:
    """A JSON object. U+0000 and numbers beyond a double are rejected at any level."""
    if "metadata" not in sent:
        return {}
    raw = sent.sent["metadata"]
    if not json_values.opens_with(raw, b"{"):
        raise NotAnObject("metadata")
    for unit, size in _sizes(raw):
        if size > METADATA[unit]:
            raise TooLarge("metadata", METADATA[unit], unit)
    try:
        metadata: dict[str, Any] = _decode(raw)
        _check(metadata)
    except (msgspec.DecodeError, RecursionError) as error:
        raise NotAnObject("metadata") from error
    return metadata


def _sizes(raw: Raw) -> Iterator[tuple[str, int]]:
    """Sizes of the metadata by unit, from its text alone: values are made only if all limits hold."""
    yield "bytes", len(memoryview(raw))
    bare = _STRINGS.sub(b"", bytes(raw))
    yield "members", bare.count(b":")
    depth = deepest = 0
    for bracket in _BRACKETS.findall(bare):
        depth += 1 if bracket in b"{[" else -1
        deepest = max(deepest, depth)
    yield "levels", deepest


def _check(value: Any) -> None:
    match value:
        case str():
            if "\0" in value:
                raise UnsafeText("metadata")
        case int():
            if abs(value) > sys.float_info.max:
                raise NotANumber("metadata")
        case list():
            for element in value:
                _check(element)
        case dict():
            for name, member in value.items():
                _check(name)
                _check(member)
