"""Slopes and differences are computed with exact decimals at every endpoint."""

from typing import Any

import pytest

from tests.acceptance.client import Api
from tests.acceptance.outcomes import Outcome, day, new_outcome

EVERYTHING: dict[str, dict[str, Any]] = {
    "all of it": {},
    "from before the first": {"from_": "1990-01-01"},
    "up to after the last": {"to": "2090-01-01"},
    "parts of days": {"from_": "1990-01-01T01:00:00.000Z", "to": "2090-01-01T01:00:00.000Z"},
}
"""Ways to ask for all values."""

FLAT: dict[str, list[list[str]]] = {
    "as far up as down": [["15.1"], ["15.4"], ["15.4"], ["15.1"]],
    "the same every day": [["0.1", "0.2", "0.3"], ["0.2"], ["0.3", "0.1"]],
    "of means that are no decimals": [["1", "0", "0"], ["0", "2", "0", "0", "0", "0"], ["0.5", "0.5", "0"]],
    "with many digits": [
        ["0.1000000000000000000000000000000000001"],
        ["1"],
        ["0.1000000000000000000000000000000000001"],
    ],
}
"""Values of a subject, day by day, whose daily means have slope 0."""

RISING: dict[str, list[list[str]]] = {
    "by what no float tells apart": [
        ["1.0000000000000000000000000000000000001"],
        ["1.0000000000000000000000000000000000002"],
    ],
    "from a third to what is just more": [["1", "0", "0"], ["0.3333333333333333333333333333333333334"]],
}


def subject(outcome: Outcome, name: str, days: list[list[str]]) -> None:
    rows = [
        (name, day(number, f"{hour:02}:00:00.000Z"), value)
        for number, values in enumerate(days, 1)
        for hour, value in enumerate(values)
    ]
    outcome.enter(rows)


@pytest.mark.parametrize("asked", EVERYTHING.values(), ids=EVERYTHING)
@pytest.mark.parametrize("direction", ["higher_is_better", "lower_is_better"])
def test_a_flat_subject_is_not_improving(direction: str, asked: dict[str, Any], admin: Api) -> None:
    outcome = new_outcome(admin, direction=direction)
    for name, days in FLAT.items():
        subject(outcome, name, days)
    assert 0 == outcome.ask("summary", **asked)["improving"]


@pytest.mark.parametrize("asked", EVERYTHING.values(), ids=EVERYTHING)
def test_a_subject_that_rises_by_less_than_floats_tell_is_improving(asked: dict[str, Any], admin: Api) -> None:
    outcome = new_outcome(admin)
    for name, days in RISING.items():
        subject(outcome, name, days)
    subject(outcome, "on one day only", [["1", "2"]])
    assert 1 == outcome.ask("summary", **asked)["improving"]


def test_subjects_with_values_on_one_day_only_are_not_improving(admin: Api) -> None:
    outcome = new_outcome(admin)
    subject(outcome, "anna", [["1", "2"]])
    assert outcome.ask("summary")["improving"] is None


def test_groups_in_which_all_changed_by_the_same_do_not_differ(admin: Api) -> None:
    outcome = new_outcome(admin)
    for group, firsts in {"a": ["15.0", "0.3", "70.2"], "b": ["1.1", "2.20"]}.items():
        for number, first in enumerate(firsts):
            last = f"{float(first) + 0.1:.1f}"
            rows = [(f"{group}{number}", day(1), first), (f"{group}{number}", day(2), last)]
            outcome.enter(rows, metadata={"group": group})
    found = outcome.ask("compare", by="group")
    assert [(0.1, None, None)] * 2 == [
        (each["mean_change"], each["p_value"], each["better"]) for each in found["groups"]
    ]
    assert 1 == found["p_value"]
