"""Metadata is accepted or rejected by its bytes, members and levels, before any value is made."""

import json
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Raw

from adapters.http.schemas import entries
from adapters.http.schemas.entries import METADATA
from domain.entry import Entry
from domain.refusal import NotAnObject, TooLarge

NOW = datetime(2026, 3, 1, tzinfo=UTC)

texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0")) | st.sampled_from(
    ['"', "\\", '\\"', "{", '[":', "}]"]
)
metadata = st.dictionaries(
    texts,
    st.recursive(
        st.none() | st.booleans() | st.integers(-(2**63), 2**64) | texts,
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    ),
)


def read(metadata: str) -> object:
    sent = {"subject_id": '"ann"', "brand_id": '"clinic"', "value": '"1.5"', "metadata": metadata}
    return entries.read({name: Raw(value.encode()) for name, value in sent.items()}, "outcome", NOW)


def refused(metadata: str) -> tuple[str, int]:
    """What there is too much of, and how much there may be."""
    refusal = read(metadata)
    assert isinstance(refusal, TooLarge), refusal
    assert "metadata" == refusal.member
    return refusal.unit, refusal.most


def members_and_levels(value: object) -> tuple[int, int]:
    if not isinstance(value, dict | list):
        return 0, 0
    inner = [members_and_levels(each) for each in (value.values() if isinstance(value, dict) else value)]
    members = sum(count for count, _ in inner) + (len(value) if isinstance(value, dict) else 0)
    return members, 1 + max((level for _, level in inner), default=0)


@pytest.mark.parametrize(("opening", "closing"), [("[", "]"), ('{"a":', "}")])
def test_metadata_is_refused_from_the_ninth_level_on(opening: str, closing: str) -> None:
    for depth in (*range(1, 99), 1_500, 4_000):
        nested = '{"x":' + opening * depth + "1" + closing * depth + "}"
        if depth < METADATA["levels"]:
            assert isinstance(read(nested), Entry)
        else:
            assert refused(nested) in (("levels", 8), *((("members", 100), ("bytes", 16_384)) if depth > 98 else ()))


def test_metadata_has_a_hundred_members_at_most_those_of_inner_objects_included() -> None:
    hundred = {"inner": dict.fromkeys(map(str, range(50))), **dict.fromkeys(map(str, range(49)))}
    assert isinstance(read(json.dumps(hundred)), Entry)
    assert ("members", 100) == refused(json.dumps({**hundred, "one more": 1}))
    assert ("members", 100) == refused(json.dumps([{"x": 1}] * 101).join(('{"list":', "}")))


def test_metadata_has_16_kib_at_most_as_it_is_sent() -> None:
    room = METADATA["bytes"] - len('{"a":""}')
    assert isinstance(read('{"a":"' + "x" * room + '"}'), Entry)
    assert ("bytes", 16_384) == refused('{"a":"' + "x" * (room + 1) + '"}')
    assert ("bytes", 16_384) == refused('{"a":[' + "[]," * 30_000 + "}")


@given(metadata)
def test_metadata_limits_ignore_the_contents_of_strings(value: dict[str, object]) -> None:
    members, levels = members_and_levels(value)
    sent = json.dumps(value)
    if members <= METADATA["members"] and levels <= METADATA["levels"] and len(sent) <= METADATA["bytes"]:
        assert isinstance(read(sent), Entry)
    else:
        assert isinstance(read(sent), TooLarge)


def test_metadata_that_is_no_object_is_refused_as_such_however_large() -> None:
    assert isinstance(read("[" + "{}," * 30_000 + "{}]"), NotAnObject)
