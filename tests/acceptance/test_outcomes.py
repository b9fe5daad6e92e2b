"""Outcomes: created, read, listed, changed, and one of each name only."""

import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import pytest

from tests.acceptance.client import Api, Body, at_once, stamp, statuses
from tests.acceptance.outcomes import (
    OUTCOMES,
    UNKNOWN,
    answer,
    id_of,
    moment,
    new_outcome,
    query,
    refusal,
    request,
    user_id,
)
from tests.acceptance.people import unique

GENERATED = ("id", "created_by", "created_at", "updated_at")
FULL: Body = {"description": "Of the watch", "unit": "steps", "direction": "lower_is_better"}

LOOK_ALIKES: list[Body] = [
    {"name": "b", "metric_key": "a b"},
    {"name": "a b", "metric_key": "b"},
    {"name": "b", "metric_key": "a"},
    {"name": "B", "metric_key": "a"},
    {"name": "b ", "metric_key": "a"},
    {"name": 'b","a', "metric_key": "a"},
    {"name": "b", "metric_key": 'a","b'},
    {"name": "c", "metric_key": "a|b"},
    {"name": "b|c", "metric_key": "a"},
    {"name": "c", "metric_key": "a\x1fb"},
    {"name": "b\x1fc", "metric_key": "a"},
    {"name": "é", "metric_key": "a"},
    {"name": "e\u0301", "metric_key": "a"},
    {"name": "\\u0000", "metric_key": "a"},
]


def listed(api: Api, **parameters: str | int) -> tuple[list[Body], int]:
    body = answer(api.get(query(OUTCOMES, **parameters)))
    assert {"outcomes", "total"} == body.keys()
    return body["outcomes"], body["total"]


def several(api: Api, count: int, **changes: Any) -> list[Body]:
    """Outcomes of one brand, the latest first."""
    brand = unique("brand")
    made = [new_outcome(api, brand_id=brand, name=f"number {n}", **changes).body for n in range(count)]
    return made[::-1]


def test_an_outcome_has_all_ten_members(admin: Api) -> None:
    sent = request()
    before = datetime.now(UTC) - timedelta(seconds=1)
    made = answer(admin.post(OUTCOMES, sent), 201)
    id_of(made)
    left_out = {"description": None, "unit": None, "direction": "higher_is_better"}
    generated = {
        "created_by": user_id(admin),
        **{member: made[member] for member in ("id", "created_at", "updated_at")},
    }
    assert sent | left_out | generated == made
    assert made["created_at"] == made["updated_at"]
    assert moment(stamp(before)) < moment(made["created_at"]) < moment(stamp(before)) + timedelta(minutes=1)


@pytest.mark.parametrize(
    "changes",
    [
        FULL,
        {"description": "", "unit": ""},
        {"name": "\U0001f600 é e\u0301 \u202e \t\n", "description": "line\r\nline", "unit": "µg/m³"},
        {"name": "' or '1'='1", "metric_key": "%s {} $1 \\"},
    ],
    ids=ascii,
)
def test_a_created_outcome_is_returned_and_can_be_read(changes: Body, admin: Api, application: Api) -> None:
    made = new_outcome(admin, **changes).body
    assert changes == {member: made[member] for member in changes}
    for api in (admin, application):
        assert made == answer(api.get(f"{OUTCOMES}/{made['id']}"))
        assert made == answer(api.get(f"{OUTCOMES}/{made['id'].upper()}"))


def test_members_that_the_service_sets_are_ignored(admin: Api) -> None:
    sent = request(colour=[1e300, {"\x00": "\ud800"}], **dict.fromkeys(GENERATED, "x"))
    made = answer(admin.post(OUTCOMES, sent), 201)
    id_of(made)
    assert "colour" not in made
    assert user_id(admin) == made["created_by"]
    assert moment(made["created_at"]) == moment(made["updated_at"])


def test_ids_increase_with_time(admin: Api) -> None:
    ids = [made["id"] for made in several(admin, 5)]
    assert sorted(ids, reverse=True) == ids


def test_a_list_is_of_a_brand_and_a_metric_the_latest_first(admin: Api, application: Api) -> None:
    steps = several(admin, 3)
    brand = steps[0]["brand_id"]
    sleep = new_outcome(admin, brand_id=brand, metric_key="sleep").body
    other = new_outcome(admin, metric_key=unique("metric")).body
    for api in (admin, application):
        assert ([sleep, *steps], 4) == listed(api, brand_id=brand)
        assert (steps, 3) == listed(api, brand_id=brand, metric_key="steps")
        assert ([other], 1) == listed(api, metric_key=other["metric_key"])
        assert ([], 0) == listed(api, brand_id=brand, metric_key=other["metric_key"])
        assert ([], 0) == listed(api, brand_id=brand.upper())
        assert ([other, sleep, *steps], True) == (listed(api)[0][:5], listed(api)[1] >= 5)


@pytest.mark.parametrize(
    ("parameters", "start", "end"),
    [
        ({"limit": 2}, 0, 2),
        ({"limit": 2, "offset": 1}, 1, 3),
        ({"offset": 3}, 3, 5),
        ({"offset": 0, "limit": 1000}, 0, 5),
        ({"offset": 1_000_000}, 5, 5),
        ({}, 0, 5),
    ],
    ids=str,
)
def test_a_page_is_a_part_of_the_list_and_counts_the_whole(
    parameters: dict[str, str | int], start: int, end: int, admin: Api
) -> None:
    made = several(admin, 5)
    assert (made[start:end], 5) == listed(admin, brand_id=made[0]["brand_id"], **parameters)


def test_a_list_is_a_hundred_long_when_no_limit_is_given(admin: Api) -> None:
    brand = unique("brand")
    items = [request(brand_id=brand, name=f"number {n}") for n in range(103)]
    made = [entry["item"] for entry in answer(admin.post(OUTCOMES, items), 207)["success"]][::-1]
    assert (made[:100], 103) == listed(admin, brand_id=brand)
    assert (made[100:], 103) == listed(admin, brand_id=brand, offset=100)


def test_the_same_name_of_the_same_metric_and_brand_is_a_conflict(admin: Api) -> None:
    made = new_outcome(admin).body
    again = {member: made[member] for member in ("name", "brand_id", "metric_key")} | FULL
    refusal(409, admin.post(OUTCOMES, again))
    assert ([made], 1) == listed(admin, brand_id=made["brand_id"])
    for member in again.keys() - FULL.keys():
        answer(admin.post(OUTCOMES, again | {member: unique("other")}), 201)


def test_names_are_compared_exactly(admin: Api) -> None:
    brand = unique("brand")
    for names in LOOK_ALIKES:
        answer(admin.post(OUTCOMES, request(brand_id=brand, **names)), 201)
    for names in LOOK_ALIKES:
        refusal(409, admin.post(OUTCOMES, request(brand_id=brand, **names)))
    assert len(LOOK_ALIKES) == listed(admin, brand_id=brand)[1]


def test_exactly_one_of_64_equal_concurrent_outcomes_is_created(admin: Api) -> None:
    sent = request()
    assert {201: 1, 409: 63} == statuses(at_once([partial(admin.post, OUTCOMES, sent)] * 64))
    assert 1 == listed(admin, brand_id=sent["brand_id"])[1]


@pytest.mark.parametrize(
    "changes",
    [
        {"name": "Other"},
        {"description": "Other", "unit": "km"},
        {"direction": "higher_is_better"},
        {"name": "Other", "description": "", "unit": "", "direction": "lower_is_better"},
        {"name": "Steps a day"},
    ],
    ids=str,
)
def test_a_change_moves_updated_at_and_what_it_names(changes: Body, admin: Api, application: Api) -> None:
    made = new_outcome(admin, **FULL).body
    time.sleep(0.005)
    ignored: Body = {"brand_id": "x", "metric_key": "x", "id": UNKNOWN, "created_by": "x", "created_at": None}
    changed = answer(admin.patch(f"{OUTCOMES}/{made['id']}", changes | ignored))
    assert made | changes | {"updated_at": changed["updated_at"]} == changed
    assert moment(made["updated_at"]) < moment(changed["updated_at"])
    assert changed == answer(application.get(f"{OUTCOMES}/{made['id']}"))
    assert ([changed], 1) == listed(application, brand_id=made["brand_id"])


def test_a_change_keeps_the_place_in_the_list(admin: Api) -> None:
    last, first = several(admin, 2)
    changed = answer(admin.patch(f"{OUTCOMES}/{first['id']}", {"name": "Other"}))
    assert ([last, changed], 2) == listed(admin, brand_id=last["brand_id"])


def test_a_change_into_a_duplicate_is_a_conflict_and_changes_nothing(admin: Api) -> None:
    last, first = several(admin, 2)
    refusal(409, admin.patch(f"{OUTCOMES}/{first['id']}", {"name": last["name"], "unit": "km"}))
    assert ([last, first], 2) == listed(admin, brand_id=last["brand_id"])


def test_a_name_is_free_again_once_it_is_changed(admin: Api) -> None:
    old = new_outcome(admin).body
    taken = {member: old[member] for member in ("name", "brand_id", "metric_key")}
    answer(admin.patch(f"{OUTCOMES}/{old['id']}", {"name": "Other"}))
    new = answer(admin.post(OUTCOMES, taken), 201)
    refusal(409, admin.post(OUTCOMES, taken | {"name": "Other"}))
    refusal(409, admin.patch(f"{OUTCOMES}/{old['id']}", {"name": old["name"]}))
    refusal(409, admin.patch(f"{OUTCOMES}/{new['id']}", {"name": "Other"}))


def test_every_one_of_400_concurrent_changes_of_an_outcome_returns_its_own_result(admin: Api) -> None:
    (outcome,) = several(admin, 1)
    said = [f"description {n}" for n in range(400)]

    def changed(description: str) -> Body:
        return answer(admin.patch(f"{OUTCOMES}/{outcome['id']}", {"description": description}))

    with ThreadPoolExecutor(40) as pool:
        changes = list(pool.map(changed, said))
    assert said == [change["description"] for change in changes]
    last = max(changes, key=lambda change: change["updated_at"])
    assert last["updated_at"] == answer(admin.get(f"{OUTCOMES}/{outcome['id']}"))["updated_at"]


def test_exactly_one_of_32_concurrent_changes_to_the_same_name_succeeds(admin: Api) -> None:
    made = several(admin, 32)
    calls = [partial(admin.patch, f"{OUTCOMES}/{outcome['id']}", {"name": "Other"}) for outcome in made]
    assert {200: 1, 409: 31} == statuses(at_once(calls))
    assert 1 == [outcome["name"] for outcome in listed(admin, brand_id=made[0]["brand_id"])[0]].count("Other")
