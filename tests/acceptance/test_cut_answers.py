"""An answer that would be too large is cut short, and `Link` leads to the rest of its page."""

import pytest

from tests.acceptance.client import WEIGHT, Api, Body, User, refused
from tests.acceptance.outcomes import Outcome, answer, day, invalid, new_outcome, query
from tests.acceptance.people import People

MIB = 1024 * 1024
MANY = 600
"""Entries with 15 KiB of metadata each: 9 MiB."""


@pytest.fixture(scope="module")
def outcome(admin: Api) -> Outcome:
    made = new_outcome(admin)
    for start in range(0, MANY, MANY // 2):
        rows = [(f"s{number}", day(1), number) for number in range(start, start + MANY // 2)]
        made.enter(rows, metadata={"note": "n" * 15_000})
    return made


def follow(outcome: Outcome, path: str) -> tuple[list[Body], int]:
    """What is answered, with what its links lead to, and how many answers that takes."""
    entries: list[Body] = []
    answers = 0
    while True:
        response = outcome.api.get(path)
        body = answer(response)
        assert len(response.content) < 6 * MIB
        assert MANY == body["total"]
        entries += body["entries"]
        answers += 1
        if "next" not in response.links:
            return entries, answers
        path = response.links["next"]["url"]


def test_every_entry_comes_once_by_following_the_links(outcome: Outcome) -> None:
    entries, answers = follow(outcome, query(outcome.entries_path, limit=1_000))
    assert MANY == len(entries) == len({entry["id"] for entry in entries})
    assert answers > 1


def test_an_offset_counts_rows_as_if_nothing_had_been_cut(outcome: Outcome) -> None:
    whole, _ = follow(outcome, query(outcome.entries_path, limit=1_000))
    first, answers = follow(outcome, query(outcome.entries_path, limit=400))
    second, _ = follow(outcome, query(outcome.entries_path, limit=400, offset=400))
    assert answers > 1
    assert [entry["id"] for entry in whole] == [entry["id"] for entry in first + second]


def test_a_page_that_fits_has_no_link(outcome: Outcome, people: People, child: User, application: Api) -> None:
    WEIGHT.record(application, child.id)
    for api, path in (
        (outcome.api, query(outcome.entries_path, limit=100)),
        (outcome.api, "/v1/institutions"),
        (application, WEIGHT.path(child.id)),
    ):
        response = api.get(path)
        assert (200, {}) == (response.status_code, response.links)


@pytest.mark.parametrize(
    "cursor", ["", "x", "e30", "WzEsWyJhIl1d", "WzEsWzIsImEiXV0", "WzEsWyIyMDIwLTAxLTAxVDAwOjAwOjAwIiwiYSJdXQ"]
)
def test_a_cursor_that_is_none_of_the_list_is_refused(cursor: str, outcome: Outcome) -> None:
    """Nonsense, places of the audit, ids alone, a number for a time, and a time without a zone."""
    invalid("after", outcome.api.get(query(outcome.entries_path, after=cursor)))


def test_a_cursor_of_another_order_is_refused(child: User, application: Api) -> None:
    response = application.get(query(WEIGHT.path(child.id), sort="timestamp", after="WzEsWyJhIl1d"))
    assert 400 == refused(response)["code"]
