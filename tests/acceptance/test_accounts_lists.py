"""Every list of the accounts: pages, the total, and what it does not take in a query."""

from collections.abc import Callable
from typing import NamedTuple

import pytest

from tests.acceptance import refusals
from tests.acceptance.client import Api, Body, page_of, refused, whole
from tests.acceptance.groups import OWNERS, owner_of_groups
from tests.acceptance.hostile import BAD_QUERIES
from tests.acceptance.people import ACCOUNTS, Account, People, unique

LISTS = ["institutions", *(account.collection for account in ACCOUNTS), *(f"groups of {o.collection}" for o in OWNERS)]
MADE = 5


class Listed(NamedTuple):
    """A list, who may see it, and its latest entries, latest first."""

    api: Api
    path: str
    latest: list[Body]


def institutions(people: People) -> Listed:
    bodies = [{"type": "school", "name": unique("school")} for _ in range(MADE)]
    made = [people.admin.post("/v1/institutions", body).json() for body in bodies]
    return Listed(people.admin, "/v1/institutions", made[::-1])


def users(account: Account) -> Callable[[People], Listed]:
    def make(people: People) -> Listed:
        made = [people.someone(account).body for _ in range(MADE)]
        return Listed(people.admin, account.path, made[::-1])

    return make


def groups(account: Account) -> Callable[[People], Listed]:
    def make(people: People) -> Listed:
        owner, child = owner_of_groups(people, account), people.child()
        return Listed(owner.api, owner.path(), [owner.make(child) for _ in range(MADE)][::-1])

    return make


MAKERS: list[Callable[[People], Listed]] = [institutions, *map(users, ACCOUNTS), *map(groups, OWNERS)]


@pytest.fixture(scope="module", params=MAKERS, ids=LISTS)
def listed(request: pytest.FixtureRequest, people: People) -> Listed:
    make: Callable[[People], Listed] = request.param
    return make(people)


def total(listed: Listed) -> int:
    return page_of(listed.api.get(listed.path))[1]


def test_a_list_begins_with_the_latest(listed: Listed) -> None:
    assert listed.latest == page_of(listed.api.get(listed.path))[0][:MADE]


@pytest.mark.parametrize(
    ("query", "start", "end"),
    [
        ("page=1&limit=2", 0, 2),
        ("limit=2&page=2", 2, 4),
        ("page=2&limit=1", 1, 2),
        ("limit=3", 0, 3),
        ("limit=1", 0, 1),
    ],
)
def test_a_page_is_a_part_of_the_list_and_counts_the_whole(query: str, start: int, end: int, listed: Listed) -> None:
    expected = (listed.latest[start:end], total(listed))
    assert expected == page_of(listed.api.get(f"{listed.path}?{query}"))


def test_the_pages_together_are_the_list(listed: Listed) -> None:
    entries = whole(listed.api, listed.path)
    limit = min(1000, max(2, len(entries) // 3))
    count = -(-len(entries) // limit)
    pages = [page_of(listed.api.get(f"{listed.path}?limit={limit}&page={page}"))[0] for page in range(1, count + 1)]
    assert entries == [entry for page in pages for entry in page]
    assert len(entries) == len({entry["id"] for entry in entries})


@pytest.mark.parametrize("query", ["page=1000", "page=1000&limit=1000", "page=1000000"])
def test_a_page_beyond_the_end_is_empty_and_counts_the_whole(query: str, listed: Listed) -> None:
    assert ([], total(listed)) == page_of(listed.api.get(f"{listed.path}?{query}"))


@pytest.mark.parametrize(("name", "query"), BAD_QUERIES, ids=[query for _, query in BAD_QUERIES])
def test_a_list_names_the_parameter_that_it_rejects(name: str, query: str, listed: Listed) -> None:
    whole = refusals.WHOLE.get(name)
    expected = refusals.unknown_parameter(name) if whole is None else refusals.bad_parameter(name, whole)
    assert expected == refused(listed.api.get(f"{listed.path}?{query}"))


@pytest.mark.parametrize(
    "query",
    ["%00=1", "%FF=1", "page=%FF", "=1", "=", "&&&", "page", "limit=1&limit=2", "page=" + "9" * 400, "%", "a[]=1"],
)
def test_no_query_is_a_server_fault(query: str, listed: Listed) -> None:
    response = listed.api.get(f"{listed.path}?{query}")
    if response.status_code != 200:
        answer = refused(response)
        assert refusals.fields(answer["description"]) == answer


def test_a_list_is_a_hundred_long_when_no_limit_is_given(people: People) -> None:
    owner, child = owner_of_groups(people, OWNERS[0]), people.child()
    made = [owner.make(child) for _ in range(103)][::-1]
    assert (made[:100], 103) == page_of(owner.api.get(owner.path()))
    assert (made[100:], 103) == page_of(owner.api.get(f"{owner.path()}?page=2"))
    assert (made, 103) == page_of(owner.api.get(f"{owner.path()}?limit=1000"))
    assert made[::-1] == owner.shown()["children_groups"]
