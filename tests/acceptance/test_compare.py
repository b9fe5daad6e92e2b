"""Cohorts of an outcome side by side: what changed between a subject's first value and its last."""

from typing import Any

import pytest

from tests.acceptance.client import Api, Body
from tests.acceptance.outcomes import Outcome, answer, day, new_outcome, query
from tests.acceptance.reference import assert_close, mean, p_of_groups, p_of_pairs

Cohorts = dict[str, list[tuple[float, float]]]
"""First and last value of each subject of a group."""

# Weights before and after, of two treatments and none (Hand et al., 1993, the first eight of each).
COHORTS: Cohorts = {
    "CBT": [
        (80.5, 82.2),
        (84.9, 85.6),
        (81.5, 81.4),
        (82.6, 81.9),
        (79.9, 76.4),
        (88.7, 103.6),
        (94.9, 98.4),
        (76.3, 93.4),
    ],
    "Cont": [
        (80.7, 80.2),
        (89.4, 80.1),
        (91.8, 86.4),
        (74, 86.3),
        (78.1, 76.1),
        (88.3, 78.1),
        (87.3, 75.1),
        (75.1, 86.7),
    ],
    "FT": [
        (83.8, 95.2),
        (83.3, 94.3),
        (86, 91.5),
        (82.5, 91.9),
        (86.7, 100.3),
        (79.6, 76.7),
        (76.9, 76.8),
        (94.2, 101.6),
    ],
}


def enter(outcome: Outcome, cohorts: Cohorts, by: str = "treatment", **more: Any) -> None:
    """A first, a middle and a last value of each subject, the last one sent first."""
    for value, subjects in cohorts.items():
        rows = [
            (f"{value} {number}", day(at + number), changed)
            for number, (first, last) in enumerate(subjects)
            for at, changed in ((20, last), (10, -1_000), (1, first))
        ]
        outcome.enter(rows, metadata={by: value, **more})


def compared(outcome: Outcome, cohorts: Cohorts, by: str = "treatment") -> Body:
    """What is answered, the groups in the order of their values."""
    groups, all_changes = [], []
    higher = outcome.body["direction"] == "higher_is_better"
    for value, subjects in sorted(cohorts.items()):
        changes = [last - first for first, last in subjects]
        p = p_of_pairs(changes)
        group = {
            **{"value": value, "subjects": len(subjects), "mean_first": float(mean([first for first, _ in subjects]))},
            **{"mean_last": float(mean([last for _, last in subjects])), "mean_change": float(mean(changes))},
            **{"p_value": p, "better": (mean(changes) > 0) == higher if p < 0.05 else None},
        }
        groups.append(group)
        all_changes.append(changes)
    return {"outcome_id": outcome.id, "by": by, "groups": groups, "p_value": p_of_groups(all_changes)}


def asked(outcome: Outcome, by: str = "treatment", **more: str) -> Body:
    """The answer with its groups in the order of their values."""
    actual = outcome.ask("compare", by=by, **more)
    return actual | {"groups": sorted(actual["groups"], key=lambda group: str(group["value"]))}


@pytest.mark.parametrize("direction", ["higher_is_better", "lower_is_better"])
def test_groups_are_compared_by_the_changes_of_their_subjects(direction: str, admin: Api, application: Api) -> None:
    outcome = new_outcome(admin, direction=direction)
    enter(outcome, COHORTS)
    expected = compared(outcome, COHORTS)
    assert {None, direction == "higher_is_better"} == {group["better"] for group in expected["groups"]}
    for api in (admin, application):
        assert_close(expected, asked(Outcome(api, outcome.body)))


def test_a_group_that_goes_the_wrong_way_is_worse(admin: Api) -> None:
    outcome = new_outcome(admin)
    cohorts: Cohorts = {"down": [(5, 1), (6, 3), (7, 2.5), (4, 1)], "up": [(1, 5), (3, 6), (2.5, 7), (1, 4)]}
    enter(outcome, cohorts)
    actual = asked(outcome)
    assert_close(compared(outcome, cohorts), actual)
    assert [False, True] == [group["better"] for group in actual["groups"]]


def test_a_change_of_the_direction_counts_in_the_next_answer(admin: Api) -> None:
    outcome = new_outcome(admin)
    enter(outcome, COHORTS)
    changed = answer(admin.patch(outcome.path, {"direction": "lower_is_better"}))
    assert_close(compared(Outcome(admin, changed), COHORTS), asked(outcome))


def test_a_subject_belongs_to_the_group_of_its_first_entry(admin: Api) -> None:
    outcome = new_outcome(admin)
    cohorts: Cohorts = {"a": [(1, 3), (2, 2.5), (4, 7)], "b": [(1, 2), (5, 4), (6, 6.5)]}
    for value, subjects in cohorts.items():
        other = "b" if value == "a" else "a"
        for number, (first, last) in enumerate(subjects):
            subject = f"{value}{number}"
            outcome.record(subject_id=subject, recorded_at=day(9), value=str(last), metadata={"treatment": other})
            outcome.record(subject_id=subject, recorded_at=day(8), value="-9", metadata={"treatment": "third"})
            outcome.record(subject_id=subject, recorded_at=day(1), value=str(first), metadata={"treatment": value})
    assert_close(compared(outcome, cohorts), asked(outcome))


def test_a_comparison_takes_first_and_last_values_within_the_requested_time(admin: Api) -> None:
    outcome = new_outcome(admin)
    cohorts: Cohorts = {"a": [(1, 3), (2, 2.5), (4, 7)], "b": [(1, 2), (5, 4), (6, 6.5)]}
    for value, subjects in cohorts.items():
        for number, (first, last) in enumerate(subjects):
            rows = [("00:00:00.000Z", -99), ("06:00:00.000Z", first), ("18:00:00.000Z", last), ("18:00:00.001Z", 99)]
            outcome.enter(
                ((f"{value}{number}", day(2, at), changed) for at, changed in rows), metadata={"treatment": value}
            )
    part = {"from_": day(2, "06:00:00.000Z"), "to": day(2, "18:00:00.001Z")}
    assert_close(compared(outcome, cohorts), asked(outcome, **part))


@pytest.mark.parametrize(
    "by",
    ["treatment", "a.b", "$", "*", "0", "é \U0001f600", "' or '1'='1", "{a,b}", '"', "\\", "%s", "id", "value", " "],
)
def test_any_member_of_metadata_may_be_compared_by(by: str, admin: Api) -> None:
    outcome = new_outcome(admin)
    cohorts: Cohorts = {"": [(1, 3), (2, 2.5), (4, 7)], 'b "é\U0001f600 null': [(1, 2), (5, 4), (6, 6.5)]}
    enter(outcome, cohorts, by, nested={by: "x"})
    assert_close(compared(outcome, cohorts, by), asked(outcome, by))


def test_an_acknowledged_entry_is_in_the_next_comparison(admin: Api) -> None:
    outcome = new_outcome(admin)
    enter(outcome, COHORTS)
    for number, (first, last) in enumerate([(1.5, 2), (7, 3)]):
        for at, value in ((1, first), (2, last)):
            metadata = {"treatment": "CBT"}
            outcome.record(subject_id=f"new {number}", recorded_at=day(at), value=str(value), metadata=metadata)
    assert_close(compared(outcome, COHORTS | {"CBT": [*COHORTS["CBT"], (1.5, 2), (7, 3)]}), asked(outcome))


def test_values_that_are_no_texts_make_groups_too(admin: Api) -> None:
    outcome = new_outcome(admin)
    for value in (1, 2.5, True):
        for number in range(3):
            rows = [(f"{value} {number}", day(at), at * number % 5) for at in (1, 2)]
            outcome.enter(rows, metadata={"group": value})
    assert ["1", "2.5", "true"] == sorted(str(group["value"]).lower() for group in asked(outcome, "group")["groups"])


DOUBTFUL: dict[str, list[tuple[str, list[float]]]] = {
    "nothing": [],
    "one value": [("a", [1])],
    "one subject": [("a", [1, 2])],
    "one subject in each group": [("a", [1, 2]), ("b", [1, 3])],
    "one group": [("a", [1, 2]), ("a", [3, 5]), ("a", [2, 7])],
    "single values": [("a", [1]), ("a", [2]), ("b", [3]), ("b", [4])],
    "no change": [("a", [1, 1]), ("a", [2, 2]), ("b", [3, 3]), ("b", [4, 4])],
    "equal changes": [("a", [1, 2]), ("a", [2, 3]), ("b", [3, 5]), ("b", [4, 6])],
    "one change for all": [("a", [1, 2]), ("a", [2, 3]), ("b", [3, 4]), ("b", [4, 5])],
}


@pytest.mark.parametrize("subjects", DOUBTFUL.values(), ids=DOUBTFUL.keys())
def test_groups_that_no_test_can_be_made_of_are_no_server_fault(
    subjects: list[tuple[str, list[float]]], admin: Api
) -> None:
    outcome = new_outcome(admin)
    for number, (group, values) in enumerate(subjects):
        rows = [(str(number), day(at), value) for at, value in enumerate(values, 1)]
        outcome.enter(rows, metadata={"group": group})
    response = admin.get(query(f"{outcome.path}/compare", by="group"))
    if response.status_code != 400:
        actual = answer(response)
        assert {"outcome_id", "by", "groups", "p_value"} == actual.keys()
        assert {group["value"] for group in actual["groups"]} <= {group for group, _ in subjects}


def test_entries_without_the_member_are_no_server_fault(admin: Api) -> None:
    outcome = new_outcome(admin)
    enter(outcome, COHORTS)
    outcome.record(subject_id="without")
    others: list[Any] = [None, [], {}, ["CBT"]]
    for value in others:
        outcome.record(subject_id=str(value), metadata={"treatment": value})
    actual = asked(outcome)
    found = [group for group in actual["groups"] if group["value"] in ("CBT", "Cont", "FT")]
    assert_close(compared(outcome, COHORTS)["groups"], found)
    answer(admin.get(query(f"{outcome.path}/compare", by="nothing")))
