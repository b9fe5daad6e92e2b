"""Metadata of an entry is taken or refused, however deep it is nested, and however large it is."""

from datetime import UTC, datetime

import pytest
from msgspec import Raw

from adapters.http import entry_items
from domain.entry import Entry
from domain.refusal import NotAnObject, TextTooLong

NOW = datetime(2026, 3, 1, tzinfo=UTC)


def read(metadata: str) -> object:
    sent = {"subject_id": '"ann"', "brand_id": '"clinic"', "value": '"1.5"', "metadata": metadata}
    return entry_items.read({name: Raw(value.encode()) for name, value in sent.items()}, "outcome", NOW)


@pytest.mark.parametrize(("opening", "closing"), [("[", "]"), ('{"a":', "}")])
def test_however_deep_it_is_nested_it_is_taken_or_refused(opening: str, closing: str) -> None:
    sorts = [type(read('{"x":' + opening * depth + "1" + closing * depth + "}")) for depth in range(1, 1_500)]
    assert {Entry, NotAnObject} == set(sorts)
    assert sorts == sorted(sorts, key=lambda sort: sort is NotAnObject)  # what is too deep stays too deep


def test_what_is_too_large_is_refused_before_it_is_read() -> None:
    room = entry_items.METADATA - len('{"a":""}')
    assert isinstance(read('{"a":"' + "x" * room + '"}'), Entry)
    assert isinstance(read('{"a":"' + "x" * (room + 1) + '"}'), TextTooLong)
    assert isinstance(read('{"a":[' + "[]," * 30_000 + "}"), TextTooLong)
