"""A measurement of a kind is recorded once per child and time; a body fat may be sent with a weight."""

from datetime import timedelta, timezone

import pytest

from domain import measurement
from domain.measurement import KINDS, Measurement
from domain.partition import stream
from domain.refusal import AlreadyRegistered
from tests.domain.measurement_decisions import record
from tests.example_commands import body_fat_reading, reading
from tests.examples import (
    BODY_FAT,
    CHILD,
    INSTITUTION,
    NOON,
    OTHER_CHILD,
    WEIGHT,
    body_fat_carried,
    body_fat_recorded,
    body_fat_revised,
    measurement_removed,
    measurements_withdrawn,
    new_id,
    weight_recorded,
    weight_revised,
)
from tests.given import given

NEXT = "5a62be07de34500146d9c599"


def test_a_weight_is_recorded_with_its_value_and_unit() -> None:
    given().when(record(reading())).then(weight_recorded())


def test_a_body_fat_is_recorded_with_its_value() -> None:
    given().when(record(body_fat_reading())).then(body_fat_recorded())


def test_a_weight_with_a_body_fat_records_both() -> None:
    given().when(record(reading(companion_value=20.1))).then(weight_recorded(body_fat=20.1), body_fat_carried())


def test_a_body_fat_of_0_is_a_value() -> None:
    given().when(record(reading(companion_value=0.0))).then(weight_recorded(body_fat=0.0), body_fat_carried(value=0.0))


def test_a_weight_of_0_in_stones_is_a_weight() -> None:
    given().when(record(reading(value=0.0, unit="st"))).then(weight_recorded(value=0.0, unit="st"))


def test_a_body_fat_sent_with_a_weight_is_in_percent() -> None:
    given().when(record(reading(unit="lb", companion_value=20.1))).then(
        weight_recorded(unit="lb", body_fat=20.1), body_fat_carried(unit="%")
    )


def test_a_second_weight_at_the_same_instant_is_refused() -> None:
    given(weight_recorded()).when(record(reading(value=71.0), NEXT)).refuses(AlreadyRegistered("Weight"))


def test_a_second_body_fat_at_the_same_instant_is_refused() -> None:
    given(body_fat_recorded()).when(record(body_fat_reading(), NEXT)).refuses(AlreadyRegistered("Body Fat"))


@pytest.mark.parametrize("hours", [-23, -3, 1, 14])
def test_the_same_instant_in_another_zone_is_the_same_instant(hours: int) -> None:
    elsewhere = NOON.astimezone(timezone(timedelta(hours=hours)))
    given(weight_recorded()).when(record(reading(taken_at=elsewhere), NEXT)).refuses(AlreadyRegistered("Weight"))


def test_a_body_fat_that_was_sent_with_a_weight_is_not_recorded_again() -> None:
    given(weight_recorded(body_fat=20.1), body_fat_carried()).when(record(body_fat_reading(), NEXT)).refuses(
        AlreadyRegistered("Body Fat")
    )


def test_a_weight_that_is_refused_leaves_the_body_fat_untouched() -> None:
    given(weight_recorded(), body_fat_recorded()).when(record(reading(companion_value=9.9), NEXT)).refuses(
        AlreadyRegistered("Weight")
    )


def test_weights_a_millisecond_apart_are_both_recorded() -> None:
    later = NOON + timedelta(milliseconds=1)
    given(weight_recorded()).when(record(reading(taken_at=later), NEXT)).then(
        weight_recorded(originator_id=stream(CHILD, NEXT), happened_at=later)
    )


def test_another_child_may_be_measured_at_the_same_instant() -> None:
    given(weight_recorded()).when(record(reading(child_id=OTHER_CHILD), NEXT)).then(
        weight_recorded(originator_id=stream(OTHER_CHILD, NEXT), child_id=OTHER_CHILD)
    )


def test_a_body_fat_at_the_same_instant_is_revised_not_recorded_twice() -> None:
    given(body_fat_recorded()).when(record(reading(companion_value=19.4))).then(
        weight_recorded(body_fat=19.4), body_fat_revised(value=19.4)
    )


def test_an_existing_body_fat_is_revised_to_0() -> None:
    given(body_fat_recorded()).when(record(reading(companion_value=0.0))).then(
        weight_recorded(body_fat=0.0), body_fat_revised(value=0.0)
    )


def test_a_weight_without_body_fat_is_not_linked_to_an_existing_one() -> None:
    given(body_fat_recorded()).when(record(reading())).then(weight_recorded())


def test_a_body_fat_posted_later_is_not_linked_to_an_existing_weight() -> None:
    given(weight_recorded()).when(record(body_fat_reading())).then(body_fat_recorded())


def test_a_weight_revises_the_body_fat_that_an_earlier_removed_weight_brought() -> None:
    given(weight_recorded(body_fat=20.1), body_fat_carried(), measurement_removed()).when(
        record(reading(companion_value=19.4), NEXT)
    ).then(
        weight_recorded(originator_id=stream(CHILD, NEXT), body_fat=19.4),
        body_fat_revised(value=19.4, carrier=stream(CHILD, NEXT), cause=f"{stream(CHILD, NEXT)}:1"),
    )


def test_a_body_fat_that_was_revised_keeps_its_key() -> None:
    given(body_fat_recorded(), weight_recorded(body_fat=19.4), body_fat_revised(value=19.4)).when(
        record(body_fat_reading(), NEXT)
    ).refuses(AlreadyRegistered("Body Fat"))


def test_a_removed_measurement_frees_its_key() -> None:
    given(weight_recorded(), measurement_removed()).when(record(reading(), NEXT)).then(
        weight_recorded(originator_id=stream(CHILD, NEXT))
    )


def test_a_removed_body_fat_is_recorded_anew_not_revised_by_the_next_weight() -> None:
    gone = measurement_removed(originator_id=stream(CHILD, BODY_FAT), kind="body_fat")
    given(body_fat_recorded(), gone).when(record(reading(companion_value=20.1), WEIGHT, NEXT)).then(
        weight_recorded(body_fat=20.1, companion=stream(CHILD, NEXT)),
        body_fat_carried(originator_id=stream(CHILD, NEXT)),
    )


def test_a_measurement_does_not_exist_before_the_first_event_and_after_the_removal() -> None:
    assert None is measurement.fold([])
    assert None is measurement.fold([weight_recorded(), measurement_removed()])


def test_a_measurement_has_the_values_of_its_last_event() -> None:
    expected = Measurement(stream(CHILD, WEIGHT), 2, CHILD, INSTITUTION, "weight", NOON, 70.2, "kg")
    assert expected == measurement.fold([weight_recorded(body_fat=20.1), weight_revised()])


def test_a_withdrawal_frees_the_keys_of_its_child_only() -> None:
    other = weight_recorded(originator_id=stream(OTHER_CHILD, NEXT), child_id=OTHER_CHILD)
    history = (weight_recorded(body_fat=20.1), body_fat_carried(), other, measurements_withdrawn())
    again, companion = new_id(), new_id()
    given(*history).when(record(reading(companion_value=20.1), again, companion)).then(
        weight_recorded(originator_id=stream(CHILD, again), body_fat=20.1, companion=stream(CHILD, companion)),
        body_fat_carried(
            originator_id=stream(CHILD, companion), carrier=stream(CHILD, again), cause=f"{stream(CHILD, again)}:1"
        ),
    )
    given(*history).when(record(reading(child_id=OTHER_CHILD))).refuses(AlreadyRegistered("Weight"))


def test_a_kind_is_the_companion_of_one_other_kind_at_most() -> None:
    """So the carrier of a companion determines the kind of the measurement to revise."""
    companions = [kind.companion for kind in KINDS.values() if kind.companion is not None]
    assert sorted(set(companions)) == sorted(companions)
