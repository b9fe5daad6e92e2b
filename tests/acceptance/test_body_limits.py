"""The size limit of a body depends on its endpoint, and the refusal of a larger body names the limit."""

import pytest

from adapters.http.openapi.operations import Operation
from tests.acceptance.client import Api
from tests.acceptance.generated_requests import OPERATIONS, World
from tests.acceptance.people import People

KIB = 1024

ARRAYS = 16 * KIB * KIB
"""Bytes of arrays and of statistics, by default."""

ITEMS = {
    "record_weight": 256 * KIB,
    "record_body_fat": 256 * KIB,
    "create_outcomes": 256 * KIB,
    "revise_outcome": 256 * KIB,
    "record_entries": 256 * KIB,
    "correlate_outcomes": 256 * KIB,
}
STATISTICS = {"find_trend": ARRAYS, "find_changepoints": ARRAYS, "find_correlation": ARRAYS}

WITH_BODY = {id: each for id, each in OPERATIONS.items() if each.body is not None}


def most(operation: Operation) -> int:
    """Bytes of one object, at most."""
    if "/children/groups" in operation.path:
        return 256 * KIB
    return (ITEMS | STATISTICS).get(operation.id, 16 * KIB)


@pytest.fixture(scope="module")
def world(admin: Api, people: People) -> World:
    return World(admin, people)


@pytest.mark.parametrize("operation", WITH_BODY.values(), ids=WITH_BODY)
def test_an_object_may_be_as_large_as_its_sort_and_no_larger(
    operation: Operation, world: World, people: People, anyone: Api
) -> None:
    api, path, limit = anyone.with_token(world.token_of(operation) or None), world.path_of(operation), most(operation)
    if operation.id == "change_password":
        user = people.child()
        api, path = people.as_(user), f"/v1/users/{user.id}/password"

    def send(size: int) -> tuple[int, str]:
        empty = b'{"pad": ""}'
        content = empty[:-2] + b"x" * (size - len(empty)) + empty[-2:]
        response = api.request(operation.method, path, content)
        return response.status_code, response.json().get("description") or response.json().get("message", "")

    status, told = send(limit)
    assert status != 413, told
    assert (413, f"The limit is {limit} bytes.") == send(limit + 1)
