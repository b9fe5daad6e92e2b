"""Users for the tests: each is new, under a name that nobody else has."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import uuid4

from tests.acceptance.client import Api, Body, User

PASSWORD = "correct horse 9"


@dataclass(frozen=True)
class Account:
    """A type of account: its name in refusals, its `sub_type`, what its POST must hold."""

    collection: str
    name: str
    sub_type: str
    required: tuple[str, ...]

    @property
    def path(self) -> str:
        return f"/v1/{self.collection}"


LOGIN = ("username", "password", "institution_id")
CHILD = Account("children", "Child", "child", (*LOGIN, "gender", "age"))
EDUCATOR = Account("educators", "Educator", "educator", LOGIN)
HEALTH_PROFESSIONAL = Account("healthprofessionals", "Health Professional", "healthprofessional", LOGIN)
APPLICATION = Account("applications", "Application", "application", (*LOGIN, "application_name"))
FAMILY = Account("families", "Family", "family", (*LOGIN, "children"))
ACCOUNTS = (CHILD, EDUCATOR, HEALTH_PROFESSIONAL, APPLICATION, FAMILY)


def unique(word: str) -> str:
    return f"{word} {uuid4()}"


@dataclass(frozen=True)
class People:
    """Creates users as the admin."""

    admin: Api
    institution_id: str

    def request(self, account: Account, **changes: object) -> Body:
        """A POST that is accepted; a family's `children` must be given by the caller."""
        valid: Body = {
            "username": unique(account.name),
            "password": PASSWORD,
            "institution_id": self.institution_id,
            "gender": "female",
            "age": 11,
            "application_name": "scale",
            "children": [],
        }
        return {member: valid[member] for member in account.required} | changes

    def create(self, account: Account, **changes: object) -> User:
        body = self.request(account, **changes)
        response = self.admin.post(account.path, body)
        assert 201 == response.status_code, response.text
        return User(response.json()["id"], body["username"], body["password"], response.json())

    def child(self) -> User:
        return self.create(CHILD)

    def application(self) -> User:
        return self.create(APPLICATION)

    def family_of(self, *children: User) -> User:
        return self.create(FAMILY, children=[child.id for child in children])

    def educator_of(self, *children: User) -> User:
        return self.with_group(EDUCATOR, children)

    def health_professional_of(self, *children: User) -> User:
        return self.with_group(HEALTH_PROFESSIONAL, children)

    def with_group(self, account: Account, children: Sequence[User]) -> User:
        user = self.create(account)
        if children:
            self.add_group(account, user, children)
        return user

    def add_group(self, account: Account, owner: User, children: Sequence[User]) -> None:
        body = {"name": unique("group"), "children": [child.id for child in children]}
        response = self.as_(owner).post(f"{account.path}/{owner.id}/children/groups", body)
        assert 201 == response.status_code, response.text

    def someone(self, account: Account) -> User:
        """A user of that type who has to do with no child of a test."""
        return self.family_of(self.child()) if account is FAMILY else self.create(account)

    def related(self, account: Account, child: User) -> User:
        """A user of that type whose child it is: itself, its educator, its family …"""
        match account.sub_type:
            case "child":
                return child
            case "family":
                return self.family_of(child)
            case "application":
                return self.application()
            case _:
                return self.with_group(account, [child])

    def as_(self, user: User) -> Api:
        return self.admin.as_(user)

    def remove(self, user: User) -> None:
        assert 204 == self.admin.delete(f"/v1/users/{user.id}").status_code
