"""A third kind of measurement costs one entry in the table of kinds."""

from typing import Any

import pytest

from domain.measurement import KINDS, Kind
from domain.partition import stream
from domain.refusal import AlreadyRegistered
from tests.domain.measurement_decisions import record, remove
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


def test_every_kind_is_in_the_table_under_its_name() -> None:
    assert list(KINDS) == [kind.name for kind in KINDS.values()]


def test_a_companion_kind_has_a_fixed_unit_and_no_companion() -> None:
    companions = [KINDS[kind.companion] for kind in KINDS.values() if kind.companion is not None]
    assert [] == [kind.name for kind in companions if kind.unit is None or kind.companion is not None]


def test_a_third_kind_is_recorded_once_per_instant() -> None:
    given().when(record(reading(kind="muscle"), MUSCLE)).then(weight_recorded(**muscle))
    given(weight_recorded(**muscle)).when(record(reading(kind="muscle"), WEIGHT)).refuses(AlreadyRegistered("Muscle"))


def test_a_third_kind_is_recorded_at_the_time_of_a_weight() -> None:
    given(weight_recorded()).when(record(reading(kind="muscle"), MUSCLE)).then(weight_recorded(**muscle))


def test_a_third_kind_is_recorded_with_its_companion() -> None:
    given().when(record(reading(kind="muscle", companion_value=20.1), MUSCLE, BODY_FAT)).then(
        weight_recorded(body_fat=20.1, **muscle), body_fat_carried(**by_muscle)
    )


def test_a_third_kind_revises_an_existing_companion() -> None:
    given(body_fat_recorded()).when(record(reading(kind="muscle", companion_value=9.9), MUSCLE)).then(
        weight_recorded(body_fat=9.9, **muscle), body_fat_revised(value=9.9, **by_muscle)
    )


def test_a_removed_companion_is_taken_off_the_third_kind() -> None:
    given(weight_recorded(body_fat=20.1, **muscle), body_fat_carried(**by_muscle)).when(remove(BODY_FAT)).then(
        measurement_removed(originator_id=stream(CHILD, BODY_FAT), kind="body_fat"), weight_revised(**muscle)
    )
