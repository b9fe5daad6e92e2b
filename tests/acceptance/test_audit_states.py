"""The state of one aggregate as it was at one time, as it was known at another."""

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest

from tests.acceptance import refusals
from tests.acceptance.audit import STREAMS, exact, exactly, facts, state
from tests.acceptance.client import BODY_FAT, NOON, WEIGHT, Api, Body, User, nothing, refused, shown
from tests.acceptance.outcomes import Outcome, new_outcome, query

QUESTIONS = 100
"""Asked while others write."""

NOT_IN_THE_FUTURE = f"{refusals.A_TIME}, not in the future"

BEFORE_NOON = "2019-06-20T11:59:59.999Z"


@pytest.fixture
def scale(application: Api) -> Api:
    return application


@pytest.fixture
def outcome(admin: Api) -> Outcome:
    return new_outcome(admin, name="Steps", unit="steps")


def test_the_audit_shows_a_measurement_as_it_was_before_its_removal(admin: Api, scale: Api, child: User) -> None:
    weight = WEIGHT.record(scale, child.id, value=31.25)
    before = state(admin, weight["id"])
    assert (1, 31.25) == (before["version"], before["state"]["value"])
    scale.delete(WEIGHT.path(child.id, weight["id"]))
    after = state(admin, weight["id"])
    assert (2, None) == (after["version"], after["state"])
    assert before == state(admin, weight["id"], known_at=before["known_at"])
    as_of = state(admin, weight["id"], as_of=before["known_at"], known_at=after["known_at"])
    assert before | {name: after[name] for name in ("known_at",)} | {"as_of": before["known_at"]} == as_of
    assert None is state(admin, weight["id"], as_of=facts(admin, weight["id"])[1]["happened_at"])["state"]
    never = state(admin, weight["id"], as_of=BEFORE_NOON)
    assert (0, None) == (never["version"], never["state"])
    assert (1, 31.25) == _version_and_value(state(admin, weight["id"], as_of=NOON))


def test_the_audit_shows_measurements_and_outcomes_as_they_were_before_a_revision(
    admin: Api, scale: Api, child: User, outcome: Outcome
) -> None:
    fat = BODY_FAT.record(scale, child.id, value=17.5)
    fat_before, before = state(admin, fat["id"]), state(admin, outcome.id)
    WEIGHT.record(scale, child.id, body_fat=18.25)
    shown(admin.patch(outcome.path, {"name": "Paces"}))
    assert (2, 18.25) == _version_and_value(state(admin, fat["id"]))
    assert fat_before == state(admin, fat["id"], known_at=fat_before["known_at"])
    assert (2, 18.25) == _version_and_value(state(admin, fat["id"], as_of=NOON))
    assert "Paces" == state(admin, outcome.id)["state"]["definition"]["name"]
    assert before == state(admin, outcome.id, known_at=before["known_at"])
    assert "Steps" == state(admin, outcome.id, as_of=before["known_at"])["state"]["definition"]["name"]


def test_a_state_is_known_from_the_microsecond_on_in_which_it_was_recorded(admin: Api, child: User) -> None:
    (fact,) = facts(admin, child.id)
    at = exactly(fact["recorded_at"])
    earlier = state(admin, child.id, known_at=exact(at - timedelta(microseconds=1)))
    assert (0, None) == (earlier["version"], earlier["state"])
    assert 1 == state(admin, child.id, known_at=exact(at))["version"]


def test_a_known_at_in_the_future_is_rejected(admin: Api, child: User) -> None:
    now = exactly(state(admin, child.id)["known_at"])
    for later in (timedelta(minutes=1), timedelta(days=36_500)):
        response = admin.get(query(f"{STREAMS}/{child.id}/state", known_at=exact(now + later)))
        assert refusals.bad_parameter("known_at", NOT_IN_THE_FUTURE) == refused(response)
    assert 1 == state(admin, child.id, as_of=exact(now + timedelta(days=36_500)))["version"]


@pytest.mark.parametrize("name", ["as_of", "known_at"])
@pytest.mark.parametrize("value", ["", "x", "now", "2019-13-01", "2019-06-20T25:00:00Z", "%00", "1677-01-01"])
def test_an_audit_time_that_cannot_be_parsed_is_rejected(name: str, value: str, admin: Api, child: User) -> None:
    response = admin.get(f"{STREAMS}/{child.id}/state?{name}={value}")
    expected = NOT_IN_THE_FUTURE if name == "known_at" else refusals.A_TIME
    assert refusals.bad_parameter(name, expected) == refused(response)


def test_the_same_question_has_the_same_answer_while_others_write(admin: Api, scale: Api, child: User) -> None:
    """Asked for now, and again with its own time at once and in the end; each weight revises the body fat."""
    fat = BODY_FAT.record(scale, child.id, value=1)
    enough = threading.Event()

    def revise() -> int:
        count = 0
        while not enough.is_set():
            count += 1
            weight = WEIGHT.record(scale, child.id, body_fat=count)
            assert nothing(scale.delete(WEIGHT.path(child.id, weight["id"])))
        return count

    def ask(_: int) -> Body:
        first = state(admin, fat["id"])
        assert first == state(admin, fat["id"], known_at=first["known_at"])
        return first

    with ThreadPoolExecutor(5) as pool:
        writer = pool.submit(revise)
        try:
            answers = list(pool.map(ask, range(QUESTIONS)))
        finally:
            enough.set()
        assert writer.result() > 1
    for answer in answers:
        assert answer == state(admin, fat["id"], known_at=answer["known_at"])
    recorded = [fact["recorded_at"] for fact in facts(admin, fat["id"])]
    for answer in answers:
        assert answer["version"] == sum(at <= answer["known_at"] for at in recorded)
    assert len({answer["version"] for answer in answers}) > 1


def _version_and_value(told: Body) -> tuple[int, Any]:
    return told["version"], told["state"]["value"]
