"""Outcomes of an institution that count the weights and body fats of its children."""

from functools import partial
from typing import Any

import pytest

from tests.acceptance.client import BODY_FAT, KINDS, NOON, WEIGHT, Api, Body, Kind, User, at_once, each_kind, statuses
from tests.acceptance.outcomes import CORRELATIONS, Outcome, answer, day, new_outcome, refusal
from tests.acceptance.people import People, unique
from tests.acceptance.reference import assert_close, correlation
from tests.acceptance.reference_outcomes import rows_of, series, summary, trend

METRICS = {"weights": "weight", "bodyfats": "body_fat"}


@pytest.fixture
def school(admin: Api) -> People:
    """An institution of its own, whose outcomes count no child of another test."""
    made = admin.post("/v1/institutions", {"type": "school", "name": unique("school")})
    return People(admin, answer(made, 201)["id"])


def fed(school: People, kind: Kind, **changes: Any) -> Outcome:
    """An outcome that counts the measurements of a kind."""
    return new_outcome(school.admin, brand_id=school.institution_id, metric_key=METRICS[kind.collection], **changes)


def values(outcome: Outcome, **parameters: str) -> list[float]:
    """The values of single days, in their order."""
    points = outcome.ask("series", granularity="day", **parameters)["points"]
    assert all(point["minimum"] == point["mean"] == point["maximum"] for point in points)
    return [point["mean"] for point in points]


def count(outcome: Outcome, **parameters: str) -> int:
    return int(outcome.ask("summary", **parameters)["count"])


@each_kind
def test_measurements_from_before_and_after_an_outcome_are_counted(
    kind: Kind, school: People, application: Api
) -> None:
    anna, ben = school.child(), school.child()
    rows: list[tuple[str, str, float]] = [(child.id, day(n), 20 + n * n) for child in (anna, ben) for n in range(1, 4)]
    rows += [(anna.id, day(9, "23:59:59.999Z"), 0.1), (ben.id, day(10, "00:30:00.000+01:00"), 70.3)]
    outcome = None
    for index, (child_id, at, value) in enumerate(rows):
        if index == 3:
            outcome = fed(school, kind)
        kind.record(application, child_id, timestamp=at, value=value)
    assert outcome is not None
    times = {"first_at": day(1), "last_at": day(9, "23:59:59.999Z")}
    for asked in (outcome, Outcome(application, outcome.body), fed(school, kind, name="Later")):
        same = {"outcome_id": asked.id}
        assert_close(same | summary(rows_of(rows)) | times, asked.ask("summary"))
        assert_close(series(rows_of(rows), "day"), asked.ask("series", granularity="day")["points"])
        assert_close(trend(rows_of(rows)), asked.ask("trend"))
        assert_close(trend(rows_of(rows[:3] + rows[6:7])), asked.ask("trend", subject_id=anna.id))
        assert 3 == count(asked, from_=day(2, "12:00:00.001Z"), to=day(9, "23:59:59.999Z"))
        assert ([], 0) == asked.listed()


@each_kind
def test_only_children_of_the_institution_and_only_their_metric_are_counted(
    kind: Kind, school: People, people: People, application: Api
) -> None:
    (other_kind,) = set(KINDS) - {kind}
    other_kind.record(application, school.child().id)
    kind.record(application, people.child().id)
    outcome = fed(school, kind)
    assert 0 == count(outcome)
    kind.record(application, school.child().id, value=31)
    assert [31] == values(outcome)
    for changes in ({"metric_key": "steps"}, {"metric_key": METRICS[kind.collection].upper()}, {"brand_id": "x"}):
        same: Body = {"brand_id": school.institution_id, "metric_key": METRICS[kind.collection], "name": unique("x")}
        assert 0 == count(new_outcome(school.admin, **(same | changes)))


def test_an_outcome_with_a_unit_counts_measurements_of_that_unit(school: People, application: Api) -> None:
    child = school.child()
    for number, unit in enumerate(["kg", "lb", "kg", "KG", "kg "], 1):
        WEIGHT.record(application, child.id, timestamp=day(number), value=number, unit=unit)
    pounds = fed(school, WEIGHT, name="lb", unit="lb")
    assert [2] == values(pounds)
    assert [1, 3] == values(fed(school, WEIGHT, name="kg", unit="kg"))
    assert [1, 2, 3, 4, 5] == values(fed(school, WEIGHT, name="any"))
    answer(school.admin.patch(pounds.path, {"unit": "kg"}))
    assert [1, 3] == values(pounds)


def test_the_unit_of_a_body_fat_is_percent(school: People, application: Api) -> None:
    BODY_FAT.record(application, school.child().id, value=20)
    assert [20] == values(fed(school, BODY_FAT, name="%", unit="%"))
    assert [] == values(fed(school, BODY_FAT, name="kg", unit="kg"))


def test_a_body_fat_that_travels_with_a_weight_is_counted_as_it_was_revised(school: People, application: Api) -> None:
    child, weights, fats = school.child(), fed(school, WEIGHT), fed(school, BODY_FAT)
    WEIGHT.record(application, child.id, timestamp=day(1), body_fat=20.1)
    BODY_FAT.record(application, child.id, timestamp=day(2), value=19)
    assert ([70.2], [20.1, 19]) == (values(weights), values(fats))
    WEIGHT.record(application, child.id, timestamp=day(2), body_fat=18.5)
    assert ([70.2, 70.2], [20.1, 18.5]) == (values(weights), values(fats))
    assert 409 == application.post(WEIGHT.path(child.id), WEIGHT.reading(timestamp=day(1), body_fat=0)).status_code
    assert [20.1, 18.5] == values(fats)


@each_kind
def test_a_measurement_that_is_removed_is_counted_no_more(kind: Kind, school: People, application: Api) -> None:
    child, outcome = school.child(), fed(school, kind)
    made = [kind.record(application, child.id, timestamp=day(n), value=n) for n in (1, 2, 3)]
    assert [1, 2, 3] == values(outcome)
    assert 204 == application.delete(kind.path(child.id, made[1]["id"])).status_code
    assert [1, 3] == values(outcome)
    kind.record(application, child.id, timestamp=day(2), value=7)
    assert [1, 7, 3] == values(outcome)
    for measurement in kind.listed(application, child.id):
        assert 204 == application.delete(kind.path(child.id, measurement["id"])).status_code
    assert (0, []) == (count(outcome), values(outcome))


@each_kind
def test_a_child_that_is_removed_is_counted_no_more(kind: Kind, school: People, application: Api) -> None:
    gone, there, outcome = school.child(), school.child(), fed(school, kind)
    for number, child in enumerate([gone, there, gone], 1):
        kind.record(application, child.id, timestamp=day(number), value=number)
    assert 2 == outcome.ask("summary")["subjects"]
    school.remove(gone)
    for asked in (outcome, fed(school, kind, name="Later")):
        assert (1, [2]) == (asked.ask("summary")["subjects"], values(asked))
        assert 0 == count(asked, subject_id=gone.id)


@each_kind
def test_entries_and_measurements_of_a_child_are_values_of_one_subject(
    kind: Kind, school: People, application: Api
) -> None:
    child, outcome = school.child(), fed(school, kind)
    kind.record(application, child.id, timestamp=day(1), value=10)
    made = outcome.record(subject_id=child.id, recorded_at=day(1), value="20")
    outcome.record(subject_id="anna", recorded_at=day(1), value="30")
    actual = outcome.ask("summary")
    assert (3, 2, 20) == (actual["count"], actual["subjects"], actual["mean"])
    assert (2, 15) == (count(outcome, subject_id=child.id), outcome.ask("summary", subject_id=child.id)["mean"])
    assert ([made], 1) == outcome.listed(subject_id=child.id)
    refusal(409, outcome.post(outcome.entry(subject_id=child.id, recorded_at=day(1))))


def test_an_array_of_measurements_is_counted_at_once(school: People, application: Api) -> None:
    child, outcome = school.child(), fed(school, WEIGHT)
    items = [WEIGHT.reading(timestamp=f"2019-06-20T12:{n:02}:00Z", value=n) for n in range(60)]
    assert 207 == application.post(WEIGHT.path(child.id), [*items, items[0], None]).status_code
    assert (60, 29.5) == (count(outcome), outcome.ask("summary")["mean"])


def test_measurements_of_many_at_once_are_all_counted(school: People, application: Api) -> None:
    outcome, children = fed(school, WEIGHT), [school.child() for _ in range(8)]
    calls = [
        partial(application.post, WEIGHT.path(child.id), WEIGHT.reading(timestamp=day(n)))
        for child in children
        for n in range(1, 9)
    ]
    assert {201: 64} == statuses(at_once(calls))
    assert (64, 8) == (count(outcome), outcome.ask("summary")["subjects"])


def test_the_values_that_were_sent_are_the_values_that_are_counted(school: People, application: Api) -> None:
    sent = [0.1, 1e-300, 1e15 + 0.5, 123456.789, 5e-324]
    child, outcome = school.child(), fed(school, WEIGHT)
    for number, value in enumerate(sent, 1):
        WEIGHT.record(application, child.id, timestamp=day(number), value=value)
    assert sent == values(outcome)


def test_weights_beyond_what_can_be_summed_are_no_server_fault(school: People, application: Api) -> None:
    child, outcome = school.child(), fed(school, WEIGHT)
    for number in range(1, 5):
        WEIGHT.record(application, child.id, timestamp=day(number), value=1.7e308 - number * 1e306)
    for what in ("summary", "series?granularity=day", "series?granularity=month", "trend"):
        response = outcome.api.get(f"{outcome.path}/{what}")
        assert answer(response) if response.status_code == 200 else refusal(400, response)


def test_weight_and_body_fat_of_an_institution_correlate(school: People, application: Api) -> None:
    pairs = [(70.2, 20.1), (71, 21), (69, 20.4), (73.5, 22), (68, 18.2), (70, 20)]
    children: list[User] = [school.child(), school.child()]
    for number, (weight, fat) in enumerate(pairs):
        at = NOON.replace("06-20", f"06-{20 + number // 2}")
        WEIGHT.record(application, children[number % 2].id, timestamp=at, value=weight, body_fat=fat)
    body = {
        "outcome_id_a": fed(school, WEIGHT).id,
        "outcome_id_b": fed(school, BODY_FAT).id,
        "brand_id": school.institution_id,
    }
    actual = answer(application.post(CORRELATIONS, body))
    expected = correlation([weight for weight, _ in pairs], [fat for _, fat in pairs])
    assert_close(
        [expected["statistic"], expected["p_value"], 6, "strong", "positive"],
        [actual[name] for name in ("coefficient", "p_value", "sample_size", "strength", "direction")],
    )
