"""Readings become the items of responses."""

import msgspec
from msgspec import UNSET

from adapters.http.schemas import readings
from domain.measurement import Kind

HEIGHT = Kind("height", "Height", "heights", companion="arm_span")


def test_the_companion_of_an_item_is_named_after_its_kind() -> None:
    make = readings.item_type(HEIGHT)
    item = make("1f", "2024-06-20T14:40:00.000Z", 110.5, "cm", "2f", 109.0)  # type: ignore[call-arg]
    assert 109.0 == msgspec.to_builtins(item)["arm_span"]


def test_an_item_without_a_companion_leaves_its_member_out() -> None:
    item = readings.item_type(HEIGHT)(UNSET, "2024-06-20T14:40:00.000Z", 110.5, "cm", "2f")
    assert {"timestamp", "value", "unit", "child_id"} == msgspec.to_builtins(item).keys()
