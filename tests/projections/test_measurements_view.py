"""The view `measurements` has a row for each measurement that is there, and says of it what was recorded last."""

from typing import Any

import pytest
from psycopg import Cursor

from domain.partition import stream
from projections.views.registry import VIEWS
from projections.views.view import PositionedEvent
from tests.examples import (
    BODY_FAT,
    CHILD,
    OTHER_CHILD,
    body_fat_recorded,
    body_fat_revised,
    measurement_removed,
    measurements_withdrawn,
    weight_recorded,
)
from tests.projections.laws import rows_of

MEASUREMENTS = VIEWS.latest["measurements"]

RECORDED = PositionedEvent(3, 1, body_fat_recorded())


@pytest.mark.parametrize(
    "changes",
    [{"value": 0.0}, {"unit": "points"}, {"institution_id": "5a62be07de34500146d9c888"}],
    ids=lambda changes: next(iter(changes)),
)
def test_a_revision_determines_its_row_in_whatever_page_it_comes(cursor: Cursor[Any], changes: dict[str, Any]) -> None:
    """Or a rebuilt view would differ from the live one."""
    revised = PositionedEvent(3, 2, body_fat_revised(**changes))
    expected = rows_of(cursor, MEASUREMENTS, [[RECORDED, revised]])
    assert expected == rows_of(cursor, MEASUREMENTS, [[RECORDED], [revised]])


@pytest.mark.parametrize("cut", [0, 1])
def test_a_removed_measurement_has_no_row(cursor: Cursor[Any], cut: int) -> None:
    events = [
        RECORDED,
        PositionedEvent(3, 2, measurement_removed(originator_id=stream(CHILD, BODY_FAT), kind="body_fat")),
    ]
    assert [] == rows_of(cursor, MEASUREMENTS, [events[:cut], events[cut:]])


@pytest.mark.parametrize("cut", [0, 1, 2])
def test_a_withdrawal_deletes_all_rows_of_the_child_and_no_others(cursor: Cursor[Any], cut: int) -> None:
    other = PositionedEvent(3, 4, weight_recorded(originator_id=stream(OTHER_CHILD, BODY_FAT), child_id=OTHER_CHILD))
    events = [RECORDED, PositionedEvent(3, 2, weight_recorded()), PositionedEvent(3, 3, measurements_withdrawn())]
    expected = rows_of(cursor, MEASUREMENTS, [[other]])
    assert expected == rows_of(cursor, MEASUREMENTS, [[other, *events[:cut]], events[cut:]])
