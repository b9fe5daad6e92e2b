"""The permissions on a child's measurements; a change of a relation takes effect at once."""

from collections.abc import Callable
from typing import NamedTuple

import httpx
import pytest

from tests.acceptance import refusals
from tests.acceptance.client import UNKNOWN_ID, WEIGHT, Api, Kind, User, each_kind, refused
from tests.acceptance.people import (
    APPLICATION,
    CHILD,
    EDUCATOR,
    FAMILY,
    HEALTH_PROFESSIONAL,
    Account,
    People,
)


class Row(NamedTuple):
    role: Account | None
    related: bool
    post: bool
    get: bool
    delete: bool


MATRIX = {
    "admin": Row(None, False, post=False, get=True, delete=False),
    "application": Row(APPLICATION, True, post=True, get=True, delete=True),
    "child itself": Row(CHILD, True, post=True, get=True, delete=False),
    "another child": Row(CHILD, False, post=False, get=False, delete=False),
    "its educator": Row(EDUCATOR, True, post=True, get=True, delete=True),
    "another educator": Row(EDUCATOR, False, post=False, get=False, delete=False),
    "its family": Row(FAMILY, True, post=True, get=True, delete=True),
    "another family": Row(FAMILY, False, post=False, get=False, delete=False),
    "its health professional": Row(HEALTH_PROFESSIONAL, True, post=False, get=True, delete=False),
    "another health professional": Row(HEALTH_PROFESSIONAL, False, post=False, get=False, delete=False),
}

LATER = "2019-06-20T13:00:00Z"

Call = Callable[[Api, Kind, str, str], httpx.Response]

POSTS: dict[str, tuple[int, Call]] = {
    "an object": (201, lambda api, kind, child, _: api.post(kind.path(child), kind.reading(timestamp=LATER))),
    "an array": (
        207,
        lambda api, kind, child, _: api.post(kind.path(child), [kind.reading(timestamp=LATER)]),
    ),
    "an empty array": (207, lambda api, kind, child, _: api.post(kind.path(child), [])),
}
GETS: dict[str, tuple[int, Call]] = {
    "the list": (200, lambda api, kind, child, _: api.get(kind.path(child))),
    "one": (200, lambda api, kind, child, id: api.get(kind.path(child, id))),
    "what is not there": (404, lambda api, kind, child, _: api.get(kind.path(child, UNKNOWN_ID))),
}
DELETES: dict[str, tuple[int, Call]] = {
    "one": (204, lambda api, kind, child, id: api.delete(kind.path(child, id))),
    "what is not there": (204, lambda api, kind, child, _: api.delete(kind.path(child, UNKNOWN_ID))),
}

each_role = pytest.mark.parametrize("row", MATRIX.values(), ids=MATRIX.keys())


def api_of(row: Row, people: People, child: User) -> Api:
    if row.role is None:
        return people.admin
    if row.related:
        return people.as_(people.related(row.role, child))
    return people.as_(people.related(row.role, people.child()))


def check(allowed: bool, expected: int, call: Call, api: Api, kind: Kind, child: User, application: Api) -> None:
    recorded = kind.record(application, child.id)
    response = call(api, kind, child.id, recorded["id"])
    if allowed:
        assert expected == response.status_code, response.text
    else:
        assert refusals.FORBIDDEN == refused(response)
        assert [recorded] == kind.listed(application, child.id)


@each_kind
@each_role
@pytest.mark.parametrize("what", POSTS)
def test_recording_a_measurement_needs_a_role_and_a_relation_to_the_child(
    what: str, row: Row, kind: Kind, people: People, application: Api, child: User
) -> None:
    expected, call = POSTS[what]
    check(row.post, expected, call, api_of(row, people, child), kind, child, application)


@each_kind
@each_role
@pytest.mark.parametrize("what", GETS)
def test_reading_measurements_needs_a_role_and_a_relation_to_the_child(
    what: str, row: Row, kind: Kind, people: People, application: Api, child: User
) -> None:
    expected, call = GETS[what]
    check(row.get, expected, call, api_of(row, people, child), kind, child, application)


@each_kind
@each_role
@pytest.mark.parametrize("what", DELETES)
def test_deleting_a_measurement_needs_a_role_and_a_relation_to_the_child(
    what: str, row: Row, kind: Kind, people: People, application: Api, child: User
) -> None:
    expected, call = DELETES[what]
    check(row.delete, expected, call, api_of(row, people, child), kind, child, application)


@each_kind
@pytest.mark.parametrize("account", [EDUCATOR, HEALTH_PROFESSIONAL], ids=lambda account: str(account.name))
def test_a_new_group_counts_from_the_next_request_on(
    kind: Kind, account: Account, people: People, application: Api, child: User
) -> None:
    recorded = kind.record(application, child.id)
    user = people.create(account)
    api = people.as_(user)
    assert refusals.FORBIDDEN == refused(api.get(kind.path(child.id)))
    people.add_group(account, user, [people.child()])
    assert refusals.FORBIDDEN == refused(api.get(kind.path(child.id)))
    people.add_group(account, user, [people.child(), child])
    assert [recorded] == kind.listed(api, child.id)


@each_kind
def test_a_child_may_be_in_many_families_and_groups(kind: Kind, people: People, child: User) -> None:
    relatives = [
        people.family_of(child, people.child()),
        people.family_of(child),
        people.educator_of(people.child(), child),
        people.educator_of(child),
        people.health_professional_of(child),
    ]
    assert [[]] * 5 == [kind.listed(people.as_(relative), child.id) for relative in relatives]


@each_kind
@pytest.mark.parametrize("role", [EDUCATOR, FAMILY, HEALTH_PROFESSIONAL], ids=lambda account: str(account.name))
def test_after_a_child_is_removed_nobody_reaches_its_measurements(
    kind: Kind, role: Account, people: People, application: Api, child: User
) -> None:
    recorded = kind.record(application, child.id)
    relative, own = people.as_(people.related(role, child)), people.as_(child)
    assert [recorded] == kind.listed(relative, child.id)
    people.remove(child)
    for api in (application, relative, people.admin):
        assert refusals.no_child(child.id) == refused(api.get(kind.path(child.id)))
        assert refusals.no_child(child.id) == refused(api.get(kind.path(child.id, recorded["id"])))
    assert refusals.no_child(child.id) == refused(application.post(kind.path(child.id), kind.reading()))
    assert refusals.no_child(child.id) == refused(application.delete(kind.path(child.id, recorded["id"])))
    assert refusals.GONE == refused(own.get(kind.path(child.id)))


@each_kind
@pytest.mark.parametrize(
    "role", [APPLICATION, CHILD, EDUCATOR, FAMILY, HEALTH_PROFESSIONAL], ids=lambda account: str(account.name)
)
def test_the_token_of_a_removed_user_is_refused(
    kind: Kind, role: Account, people: People, application: Api, child: User
) -> None:
    user = people.related(role, child)
    api = people.as_(user)
    assert 200 == api.get(kind.path(child.id)).status_code
    people.remove(user)
    assert refusals.GONE == refused(api.get(kind.path(child.id)))
    assert refusals.GONE == refused(api.get(kind.path(child.id, UNKNOWN_ID)))
    if role is not HEALTH_PROFESSIONAL:
        assert refusals.GONE == refused(api.post(kind.path(child.id), kind.reading()))
        assert refusals.GONE == refused(api.post(kind.path(child.id), [kind.reading()]))
    if role not in (CHILD, HEALTH_PROFESSIONAL):
        assert refusals.GONE == refused(api.delete(kind.path(child.id, UNKNOWN_ID)))
    if role is not CHILD:
        assert [] == kind.listed(application, child.id)


@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
@each_kind
def test_a_stranger_learns_that_a_child_is_unknown_but_another_child_does_not(
    kind: Kind, method: str, people: People, child: User
) -> None:
    stranger, other = people.as_(people.create(EDUCATOR)), people.as_(child)
    path = kind.path(UNKNOWN_ID, UNKNOWN_ID if method == "DELETE" else None)
    content = b"{}" if method == "POST" else None
    assert refusals.no_child(UNKNOWN_ID) == refused(stranger.request(method, path, content))
    assert refusals.FORBIDDEN == refused(other.request(method, path, content))


def test_a_family_records_what_an_educator_reads(people: People, child: User) -> None:
    recorded = WEIGHT.record(people.as_(people.family_of(child)), child.id, body_fat=20.1)
    assert [recorded] == WEIGHT.listed(people.as_(people.educator_of(child)), child.id)
