"""Fixtures of the acceptance tests; they need the session's `service`."""

from collections.abc import Iterator

import httpx
import pytest

from tests.acceptance.client import Api, Service, User
from tests.acceptance.people import People, unique

__all__ = ["admin", "anyone", "application", "child", "people"]


@pytest.fixture(scope="session")
def anyone(service: Service) -> Iterator[Api]:
    """Requests without a token."""
    limits = httpx.Limits(max_connections=100, max_keepalive_connections=100)
    with httpx.Client(base_url=service.url, timeout=120, limits=limits) as http:
        yield Api(http)


@pytest.fixture(scope="session")
def admin(anyone: Api, service: Service) -> Api:
    return anyone.login(service.admin_username, service.admin_password)


@pytest.fixture(scope="session")
def people(admin: Api) -> People:
    response = admin.post("/v1/institutions", {"type": "school", "name": unique("school")})
    assert 201 == response.status_code, response.text
    return People(admin, response.json()["id"])


@pytest.fixture(scope="session")
def application(people: People) -> Api:
    """Requests of an application, which may do everything with any child's measurements."""
    return people.as_(people.application())


@pytest.fixture
def child(people: People) -> User:
    """A child without measurements."""
    return people.child()
