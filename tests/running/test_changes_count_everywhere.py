"""A change of groups, families and users through one process takes effect at another from the next request on."""

import json
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from tests.acceptance import refusals
from tests.acceptance.client import WEIGHT, Api, User, refused
from tests.acceptance.people import APPLICATION, CHILD, EDUCATOR, HEALTH_PROFESSIONAL, Account, People, unique
from tests.running.processes import WITH_PASSWORD, Run, serving
from tests.running.programme import client, enrol, instant

ROUNDS = 10

each_owner = pytest.mark.parametrize("account", [EDUCATOR, HEALTH_PROFESSIONAL], ids=["educator", "health"])


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("everywhere")


@pytest.fixture(scope="module")
def settings(new_database: Callable[..., str]) -> dict[str, str]:
    return {**WITH_PASSWORD, "DATABASE_URL": new_database(64), "GROWTHRINGS_LOGIN_LIMIT": "off"}


@pytest.fixture(scope="module")
def one(folder: Path, settings: dict[str, str]) -> Iterator[Run]:
    with serving(folder / "one", settings) as run:
        yield run


@pytest.fixture(scope="module")
def other(folder: Path, settings: dict[str, str], one: Run) -> Iterator[Run]:
    """On another machine: the same database, and the same key from a secret store."""
    key = (one.data / "keys" / "private.pem").read_text()
    with serving(folder / "other", settings | {"GROWTHRINGS_PRIVATE_KEY": key}) as run:
        yield run
        assert not (run.data / "keys").exists()


@dataclass(frozen=True)
class Two:
    """Who changes something `here`, and what is asked `there` right after."""

    here: People
    there: Api

    def token(self, user: User) -> str:
        token = self.here.as_(user).token
        assert token
        return token

    def asks(self, token: str, child: User) -> httpx.Response:
        return self.there.with_token(token).get(WEIGHT.path(child.id))

    def weighs(self, token: str, child: User) -> httpx.Response:
        return self.there.with_token(token).post(WEIGHT.path(child.id), WEIGHT.reading(timestamp=instant()))

    def statuses(self, token: str, child: User) -> tuple[int, int]:
        """Of GET and of POST."""
        return self.asks(token, child).status_code, self.weighs(token, child).status_code


def allowed(account: Account) -> tuple[int, int]:
    """Health professionals never post."""
    return (200, 403) if account is HEALTH_PROFESSIONAL else (200, 201)


NO = (403, 403)


@pytest.fixture(scope="module", params=["from the one to the other", "from the other to the one"])
def two(request: pytest.FixtureRequest, one: Run, other: Run) -> Iterator[Two]:
    runs = (one, other) if request.param == "from the one to the other" else (other, one)
    with client(runs[0].url) as here, client(runs[1].url) as there:
        yield Two(enrol(here).people, there)


def send(api: Api, method: str, path: str, body: object) -> httpx.Response:
    return api.request(method, path, json.dumps(body).encode(), content_type="application/json")


def groups(account: Account, owner: User, group_id: str = "") -> str:
    return f"{account.path}/{owner.id}/children/groups/{group_id}".rstrip("/")


def form(api: Api, account: Account, owner: User, *children: User) -> str:
    """The id of the group."""
    body = {"name": unique("group"), "children": [child.id for child in children]}
    answer = api.post(groups(account, owner), body)
    assert 201 == answer.status_code, answer.text
    return str(answer.json()["id"])


@each_owner
def test_a_group_counts_from_when_it_is_formed_to_when_it_is_disbanded(account: Account, two: Two) -> None:
    owner, child = two.here.create(account), two.here.child()
    api, token = two.here.as_(owner), two.token(owner)
    assert NO == two.statuses(token, child)
    for _ in range(ROUNDS):
        group_id = form(api, account, owner, child)
        assert allowed(account) == two.statuses(token, child)
        assert 204 == api.delete(groups(account, owner, group_id)).status_code
        assert NO == two.statuses(token, child)


@each_owner
def test_the_children_that_a_group_is_given_count_and_those_before_no_longer(account: Account, two: Two) -> None:
    owner, first, second = two.here.create(account), two.here.child(), two.here.child()
    api, token = two.here.as_(owner), two.token(owner)
    path = groups(account, owner, form(api, account, owner, first))
    for _ in range(ROUNDS // 2):
        for now, before in ((second, first), (first, second)):
            assert 200 == send(api, "PATCH", path, {"children": [now.id]}).status_code
            assert allowed(account) == two.statuses(token, now)
            assert NO == two.statuses(token, before)


def test_a_new_name_of_a_group_changes_nothing_for_its_children(two: Two) -> None:
    owner, child, stranger = two.here.create(EDUCATOR), two.here.child(), two.here.child()
    api, token = two.here.as_(owner), two.token(owner)
    path = groups(EDUCATOR, owner, form(api, EDUCATOR, owner, child))
    for changes in ({"name": unique("renamed")}, {"school_class": "3B"}, {"school_class": None}, {}):
        assert 200 == send(api, "PATCH", path, changes).status_code
        assert (200, 201) == two.statuses(token, child)
        assert NO == two.statuses(token, stranger)


def test_a_child_of_two_groups_stays_until_both_are_gone(two: Two) -> None:
    owner, child = two.here.create(EDUCATOR), two.here.child()
    api, token = two.here.as_(owner), two.token(owner)
    first, second = form(api, EDUCATOR, owner, child), form(api, EDUCATOR, owner, child)
    assert 204 == api.delete(groups(EDUCATOR, owner, first)).status_code
    assert (200, 201) == two.statuses(token, child)
    assert 204 == api.delete(groups(EDUCATOR, owner, second)).status_code
    assert NO == two.statuses(token, child)


def test_a_family_tie_counts_from_when_it_is_made_to_when_it_is_undone(two: Two) -> None:
    family, child = two.here.family_of(two.here.child()), two.here.child()
    token, path = two.token(family), f"/v1/families/{family.id}/children/{child.id}"
    assert NO == two.statuses(token, child)
    for _ in range(ROUNDS):
        assert 200 == two.here.admin.request("POST", path).status_code
        assert (200, 201) == two.statuses(token, child)
        assert 204 == two.here.admin.delete(path).status_code
        assert NO == two.statuses(token, child)


def test_a_removed_user_is_refused_by_every_process(two: Two) -> None:
    child = two.here.child()
    for account in (APPLICATION, EDUCATOR, HEALTH_PROFESSIONAL):
        user = two.here.related(account, child)
        token = two.token(user)
        assert 200 == two.asks(token, child).status_code
        two.here.remove(user)
        for answer in (two.asks(token, child), two.weighs(token, child)):
            # What a health professional may never do is refused before anyone looks whether there is one.
            never = answer.request.method == "POST" and account is HEALTH_PROFESSIONAL
            assert (refusals.FORBIDDEN if never else refusals.GONE) == refused(answer)
        login = two.there.post("/v1/auth", {"username": user.username, "password": user.password})
        assert refusals.BAD_LOGIN == refused(login)


def test_a_child_that_is_removed_is_nowhere(two: Two) -> None:
    application = two.token(two.here.application())
    for _ in range(ROUNDS // 2):
        child = two.here.child()
        own, educator = two.token(child), two.token(two.here.educator_of(child))
        family = two.token(two.here.family_of(child, two.here.child()))
        assert {(200, 201)} == {two.statuses(token, child) for token in (own, educator, family, application)}
        two.here.remove(child)
        for token in (educator, family, application):
            assert refusals.no_child(child.id) == refused(two.asks(token, child))
            assert refusals.no_child(child.id) == refused(two.weighs(token, child))
        assert refusals.GONE == refused(two.asks(own, child))
        assert refusals.GONE == refused(two.weighs(own, child))


def test_a_registered_child_has_its_permissions_at_once_in_every_process(two: Two) -> None:
    for _ in range(ROUNDS):
        child = two.here.create(CHILD)
        assert (200, 201) == two.statuses(str(two.there.as_(child).token), child)


def test_a_new_password_counts_at_once_and_the_old_one_no_longer(two: Two) -> None:
    user = two.here.child()
    token, password = two.token(user), user.password
    for turn in range(ROUNDS // 4):
        body = {"old_password": password, "new_password": f"another {turn}"}
        answer = send(two.here.admin.with_token(token), "PUT", f"/v1/users/{user.id}/password", body)
        assert 204 == answer.status_code, answer.text
        old = two.there.post("/v1/auth", {"username": user.username, "password": password})
        assert refusals.BAD_LOGIN == refused(old)
        password = body["new_password"]
        assert (401, 401) == two.statuses(token, user)
        token = str(two.there.login(user.username, password).token)
        assert (200, 201) == two.statuses(token, user)


def test_each_of_many_owners_who_change_at_once_sees_its_own_change(two: Two) -> None:
    def change(_: int) -> None:
        owner, child = two.here.create(EDUCATOR), two.here.child()
        api, token = two.here.as_(owner), two.token(owner)
        for _ in range(ROUNDS // 2):
            group_id = form(api, EDUCATOR, owner, child)
            assert (200, 201) == two.statuses(token, child)
            assert 204 == api.delete(groups(EDUCATOR, owner, group_id)).status_code
            assert NO == two.statuses(token, child)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(change, range(8)))
