"""Removing a measurement frees its key. A body fat outlives its weight; a weight is revised if its body fat goes."""

from domain import measurement
from domain.dedupe import Freed, Held
from domain.measurement import MeasurementRecorded, MeasurementRemoved
from domain.partition import stream
from tests.domain.measurement_decisions import remove
from tests.examples import (
    BODY_FAT,
    CHILD,
    NOON,
    WEIGHT,
    body_fat_carried,
    body_fat_recorded,
    body_fat_revised,
    measurement_removed,
    measurements_withdrawn,
    weight_recorded,
    weight_revised,
)
from tests.given import given

NEXT = "5a62be07de34500146d9c599"

body_fat_removed = measurement_removed(originator_id=stream(CHILD, BODY_FAT), kind="body_fat")


def test_removing_a_weight_removes_it() -> None:
    given(weight_recorded()).when(remove(WEIGHT)).then(measurement_removed())


def test_removing_a_weight_leaves_its_body_fat() -> None:
    given(weight_recorded(body_fat=20.1), body_fat_carried()).when(remove(WEIGHT)).then(measurement_removed())


def test_removing_a_body_fat_that_came_alone_touches_nothing_else() -> None:
    given(weight_recorded(), body_fat_recorded()).when(remove(BODY_FAT)).then(body_fat_removed)


def test_removing_a_body_fat_takes_it_off_the_weight_it_came_with() -> None:
    given(weight_recorded(body_fat=20.1), body_fat_carried()).when(remove(BODY_FAT)).then(
        body_fat_removed, weight_revised()
    )


def test_removing_a_body_fat_that_was_revised_takes_it_off_the_weight_that_revised_it() -> None:
    given(body_fat_recorded(), weight_recorded(body_fat=19.4), body_fat_revised(value=19.4)).when(
        remove(BODY_FAT)
    ).then(
        measurement_removed(originator_id=stream(CHILD, BODY_FAT), kind="body_fat", originator_version=3),
        weight_revised(cause=f"{stream(CHILD, BODY_FAT)}:3"),
    )


def test_removing_a_body_fat_whose_weight_is_gone_touches_nothing_else() -> None:
    given(weight_recorded(body_fat=20.1), body_fat_carried(), measurement_removed()).when(remove(BODY_FAT)).then(
        body_fat_removed
    )


def test_removing_a_body_fat_takes_it_off_the_later_of_two_weights() -> None:
    first, second = weight_recorded(body_fat=20.1), stream(CHILD, NEXT)
    again = weight_recorded(originator_id=second, body_fat=19.4, value=70.4)
    revised = body_fat_revised(value=19.4, carrier=second, cause=f"{second}:1")
    given(first, body_fat_carried(), measurement_removed(), again, revised).when(remove(BODY_FAT)).then(
        measurement_removed(originator_id=stream(CHILD, BODY_FAT), kind="body_fat", originator_version=3),
        weight_revised(originator_id=second, value=70.4, cause=f"{stream(CHILD, BODY_FAT)}:3"),
    )


def test_a_weight_recorded_again_without_body_fat_is_not_touched_by_the_removal_of_the_old_one() -> None:
    again = weight_recorded(originator_id=stream(CHILD, NEXT))
    given(weight_recorded(body_fat=20.1), body_fat_carried(), measurement_removed(), again).when(remove(BODY_FAT)).then(
        body_fat_removed
    )


def test_a_body_fat_is_not_taken_off_a_weight_that_has_lost_it_already() -> None:
    given(weight_recorded(body_fat=20.1), body_fat_carried(), weight_revised()).when(remove(BODY_FAT)).then(
        body_fat_removed
    )


def test_a_body_fat_recorded_after_the_linked_one_was_removed_is_not_linked() -> None:
    later = body_fat_recorded(originator_id=stream(CHILD, NEXT))
    given(weight_recorded(body_fat=20.1), body_fat_carried(), body_fat_removed, weight_revised(), later).when(
        remove(NEXT)
    ).then(measurement_removed(originator_id=stream(CHILD, NEXT), kind="body_fat"))


def test_a_weight_whose_body_fat_was_removed_can_be_removed() -> None:
    given(weight_recorded(body_fat=20.1), body_fat_carried(), body_fat_removed, weight_revised()).when(
        remove(WEIGHT)
    ).then(measurement_removed(originator_version=3))


def test_a_removal_has_the_time_of_the_measurement_and_its_own() -> None:
    (removed,) = measurement.DEDUPE[MeasurementRemoved](measurement_removed())
    (recorded,) = measurement.DEDUPE[MeasurementRecorded](weight_recorded())
    assert isinstance(recorded, Held)
    assert isinstance(removed, Freed)
    assert recorded.key == removed.key


def test_a_withdrawal_is_in_the_partition_of_the_child() -> None:
    given(weight_recorded(happened_at=NOON)).when(lambda known: measurement.withdraw(CHILD)).then(
        measurements_withdrawn()
    )
