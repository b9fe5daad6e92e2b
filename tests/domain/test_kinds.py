"""A third kind of measurement costs one entry in the table of kinds."""

from typing import Any

import pytest

from domain.measurement import KINDS, Kind
from domain.partition import stream
from domain.refusal import AlreadyRegistered
from tests.domain.weighing import record, remove
from tests.example_commands import reading
from tests.examples import (
    BODY_FAT,
    CHILD,
    WEIGHT,
    body_fat_carried,
    body_fat_recorded,
    body_fat_revised,
    measurement_removed,
    weight_recorded,
    weight_revised,
)
from tests.given import given

MUSCLE = "5a62be07de34500146d9c577"
muscle: dict[str, Any] = {"originator_id": stream(CHILD, MUSCLE), "kind": "muscle"}
by_muscle: dict[str, Any] = {"carrier": stream(CHILD, MUSCLE), "cause": f"{stream(CHILD, MUSCLE)}:1"}


@pytest.fixture(autouse=True)
def a_third_kind(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(KINDS, "muscle", Kind("muscle", "Muscle", "muscles", companion="body_fat"))


@pytest.mark.parametrize("member", ["name", "title", "path"])
def test_no_two_kinds_share_a_name_a_title_or_a_path(member: str) -> None:
    said = [getattr(kind, member) for kind in KINDS.values()]
    assert sorted(set(said)) == sorted(said)


def test_each_kind_stands_under_its_name() -> None:
    assert list(KINDS) == [kind.name for kind in KINDS.values()]


def test_a_companion_has_a_unit_of_its_own_since_a_reading_names_only_one_and_carries_nothing_itself() -> None:
    companions = [KINDS[kind.companion] for kind in KINDS.values() if kind.companion is not None]
    assert [] == [kind.name for kind in companions if kind.unit is None or kind.companion is not None]


def test_a_third_kind_is_recorded_once_per_instant() -> None:
    given().when(record(reading(kind="muscle"), MUSCLE)).then(weight_recorded(**muscle))
    given(weight_recorded(**muscle)).when(record(reading(kind="muscle"), WEIGHT)).refuses(AlreadyRegistered("Muscle"))


def test_a_third_kind_does_not_meet_a_weight_at_its_instant() -> None:
    given(weight_recorded()).when(record(reading(kind="muscle"), MUSCLE)).then(weight_recorded(**muscle))


def test_a_third_kind_brings_its_companion() -> None:
    given().when(record(reading(kind="muscle", companion_value=20.1), MUSCLE, BODY_FAT)).then(
        weight_recorded(body_fat=20.1, **muscle), body_fat_carried(**by_muscle)
    )


def test_a_third_kind_revises_the_companion_that_is_there() -> None:
    given(body_fat_recorded()).when(record(reading(kind="muscle", companion_value=9.9), MUSCLE)).then(
        weight_recorded(body_fat=9.9, **muscle), body_fat_revised(value=9.9, **by_muscle)
    )


def test_a_companion_that_is_removed_comes_off_the_third_kind() -> None:
    given(weight_recorded(body_fat=20.1, **muscle), body_fat_carried(**by_muscle)).when(remove(BODY_FAT)).then(
        measurement_removed(originator_id=stream(CHILD, BODY_FAT), kind="body_fat"), weight_revised(**muscle)
    )
