"""Groups of children in the tests: an owner, its paths, and making them."""

from dataclasses import dataclass

import pytest

from tests.acceptance.client import Api, Body, User, shown
from tests.acceptance.people import EDUCATOR, HEALTH_PROFESSIONAL, Account, People, unique

OWNERS = (EDUCATOR, HEALTH_PROFESSIONAL)
GROUP = "Children Group"

each_owner = pytest.mark.parametrize("account", OWNERS, ids=[account.sub_type for account in OWNERS])


@dataclass(frozen=True)
class Owner:
    """An educator or a health professional, logged in."""

    account: Account
    user: User
    api: Api

    def path(self, group_id: str | None = None) -> str:
        collection = f"{self.account.path}/{self.user.id}/children/groups"
        return collection if group_id is None else f"{collection}/{group_id}"

    def make(self, *children: User, **members: object) -> Body:
        """A new group of these children; the whole answer."""
        body = {"name": unique("group"), "children": [child.id for child in children]} | members
        response = self.api.post(self.path(), body)
        assert 201 == response.status_code, response.text
        group: Body = response.json()
        return group

    def group(self, group_id: str) -> Body:
        """The group as GET shows it."""
        return shown(self.api.get(self.path(group_id)))

    def shown(self) -> Body:
        """The owner as it sees itself."""
        return shown(self.api.get(f"{self.account.path}/{self.user.id}"))


def owner_of_groups(people: People, account: Account) -> Owner:
    """A new educator or health professional without groups."""
    user = people.create(account)
    return Owner(account, user, people.as_(user))


def ids(*users: User) -> list[str]:
    """The ids as children go out: sorted, without repetition."""
    return sorted({user.id for user in users})
