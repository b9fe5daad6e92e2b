"""While the projector stands still, a question is answered where nothing that concerns it is missing, only there."""

import os
import random
import signal
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from functools import partial

import httpx
import pytest

from tests.acceptance.client import WEIGHT, Api, Body
from tests.acceptance.outcomes import Outcome, answer, day, new_outcome, patiently, query, refusal
from tests.running.processes import PASSWORD, WITH_PASSWORD, Run, child, serving
from tests.running.programme import Programme, client, enrol, instant

QUESTIONS: dict[str, dict[str, str]] = {
    "entries": {},
    "summary": {},
    "compare": {"by": "arm"},
    "series": {"granularity": "day"},
}
ALL = set(QUESTIONS)
ADDING = {"series"}
"""It adds new entries to what the view holds."""


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Run]:
    with serving(tmp_path_factory.mktemp("unseen") / "data", {**WITH_PASSWORD, "GROWTHRINGS_READ_WAIT": "0.3"}) as run:
        yield run


@pytest.fixture(scope="module")
def programme(run: Run) -> Iterator[Programme]:
    with client(run.url) as api:
        yield enrol(api)


@pytest.fixture
def admin(run: Run) -> Iterator[Api]:
    with client(run.url) as api:
        yield api.login("admin", PASSWORD)


@contextmanager
def standing_still(run: Run) -> Iterator[None]:
    projector = child(run.data, "project")
    os.kill(projector, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(projector, signal.SIGCONT)


def ask(outcome: Outcome, what: str, **parameters: str) -> httpx.Response:
    return outcome.api.get(query(f"{outcome.path}/{what}", **QUESTIONS[what], **parameters))


def answers(outcome: Outcome) -> dict[str, Body]:
    """To every question, with patience."""
    return {what: answer(patiently(partial(ask, outcome, what))) for what in QUESTIONS}


def answered(outcome: Outcome, asked: Collection[str] = ALL, **parameters: str) -> set[str]:
    """The questions that are answered now; of the others each is told to come again."""
    responses = {what: ask(outcome, what, **parameters) for what in asked}
    for response in responses.values():
        if response.status_code != 200:
            refusal(503, response)
    return {what for what, response in responses.items() if response.status_code == 200}


def values(number: int) -> list[tuple[str, str, str]]:
    """Rows of subject, time and value, with as many digits as it happens."""
    chance = random.Random(number)
    return [
        (
            chance.choice("abc"),
            day(1 + n % 20, f"{n // 20:02}:00:00.000Z"),
            f"{chance.randint(0, 10**9)}.{'0' * (n % 4)}{n}",
        )
        for n in range(number)
    ]


def test_entries_of_another_outcome_are_not_waited_for(run: Run, admin: Api) -> None:
    mine, other = new_outcome(admin), new_outcome(admin)
    mine.enter(values(60))
    before = answers(mine)
    with standing_still(run):
        other.enter(values(40))
        assert ALL == answered(mine)
        assert before == answers(mine)
        assert ADDING == answered(other)


def test_entries_of_its_own_are_in_the_answer_or_there_is_none(run: Run, admin: Api) -> None:
    outcome, rows = new_outcome(admin), values(91)
    rows += [("a", day(25, f"{n:02}:00:00.000Z"), f"{1 if n else 3}.{'0' * 20}") for n in range(9)]  # zeros cost digits
    outcome.enter(rows[:50])
    answers(outcome)
    with standing_still(run):
        outcome.enter(rows[50:])
        assert ADDING == answered(outcome)
        series = answer(ask(outcome, "series"))
        assert 100 == sum(point["count"] for point in series["points"])
        of_a_subject = ALL - {"compare"}
        assert of_a_subject == answered(outcome, of_a_subject, subject_id="nobody")
    after = answers(outcome)
    assert series == after["series"]
    assert 100 == after["summary"]["count"] == after["entries"]["total"]


def test_reads_either_include_recent_changes_of_measurements_or_are_unavailable(
    run: Run, programme: Programme, admin: Api
) -> None:
    brand = programme.people.institution_id
    drawing = new_outcome(admin, brand_id=brand, metric_key="weight")
    other = new_outcome(admin, brand_id=brand, metric_key="steps")
    child_id, api = programme.child(), programme.application
    first = WEIGHT.record(api, child_id, timestamp=instant())
    assert 1 == answers(drawing)["summary"]["count"]
    with standing_still(run):
        second = WEIGHT.record(api, child_id, timestamp=instant())
        assert ({"entries"}, ALL) == (answered(drawing), answered(other))
    assert 2 == answers(drawing)["summary"]["count"]
    with standing_still(run):
        for weight in (first, second):
            assert 204 == api.delete(WEIGHT.path(child_id, weight["id"])).status_code
        assert ({"entries"}, ALL) == (answered(drawing), answered(other))
    assert 0 == answers(drawing)["summary"]["count"]
