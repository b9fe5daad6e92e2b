"""The permissions of account endpoints: each endpoint with a token of each role; the role is checked first."""

from dataclasses import dataclass
from itertools import product
from typing import NamedTuple

import jwt
import pytest

from tests.acceptance import refusals
from tests.acceptance.client import UNKNOWN_ID, Api, Body, Service, User, refused, shown
from tests.acceptance.groups import OWNERS, each_owner, owner_of_groups
from tests.acceptance.people import ACCOUNTS, CHILD, FAMILY, Account, People, unique
from tests.acceptance.test_tokens import Forger

ADMIN = frozenset({"admin"})
NOBODY: frozenset[str] = frozenset()
USERS = frozenset(account.sub_type for account in ACCOUNTS)
ROLES = ("admin", *(account.sub_type for account in ACCOUNTS))

each_account = pytest.mark.parametrize("account", ACCOUNTS, ids=[account.sub_type for account in ACCOUNTS])


class Endpoint(NamedTuple):
    """A request by template (`{child}` is the child's id), who may make it, and how those are answered."""

    method: str
    path: str
    who: frozenset[str]
    status: int

    @property
    def content(self) -> bytes | None:
        """An empty object, which a POST or PUT refuses only after it is seen who asks."""
        return b"{}" if self.method in ("POST", "PUT", "PATCH") else None


def of_collection(account: Account) -> list[Endpoint]:
    own = frozenset({account.sub_type})
    return [
        Endpoint("POST", account.path, ADMIN, 400),
        Endpoint("GET", account.path, ADMIN, 200),
        Endpoint("GET", f"{account.path}/{{{account.sub_type}}}", ADMIN | own, 200),
        Endpoint("GET", f"{account.path}/{{other_{account.sub_type}}}", ADMIN, 200),
        Endpoint("GET", f"{account.path}/{UNKNOWN_ID}", ADMIN, 404),
    ]


def of_groups(account: Account) -> list[Endpoint]:
    own, group = frozenset({account.sub_type}), f"{{group_of_{account.sub_type}}}"
    mine = f"{account.path}/{{{account.sub_type}}}/children/groups"
    others = [f"{account.path}/{id}/children/groups" for id in (f"{{other_{account.sub_type}}}", UNKNOWN_ID)]
    methods = [("POST", "", 400), ("GET", "", 200), *((method, f"/{group}", 200) for method in ("GET", "PATCH"))]
    return [
        *(Endpoint(method, mine + end, own, status) for method, end, status in methods),
        Endpoint("DELETE", f"{mine}/{UNKNOWN_ID}", own, 204),
        *(Endpoint(method, other + end, NOBODY, 403) for other in others for method, end, _ in methods),
        *(Endpoint("DELETE", f"{other}/{group}", NOBODY, 403) for other in others),
    ]


ENDPOINTS = [
    Endpoint("POST", "/v1/institutions", ADMIN, 400),
    Endpoint("GET", "/v1/institutions", ADMIN, 200),
    Endpoint("GET", "/v1/institutions/{institution}", ADMIN, 200),
    Endpoint("DELETE", f"/v1/institutions/{UNKNOWN_ID}", ADMIN, 204),
    *(endpoint for account in ACCOUNTS for endpoint in of_collection(account)),
    Endpoint("POST", "/v1/families/{family}/children/{child}", ADMIN, 200),
    Endpoint("DELETE", f"/v1/families/{{family}}/children/{UNKNOWN_ID}", ADMIN, 204),
    *(endpoint for account in OWNERS for endpoint in of_groups(account)),
    Endpoint("DELETE", f"/v1/users/{UNKNOWN_ID}", ADMIN, 204),
    Endpoint("PUT", "/v1/users/{self}/password", ADMIN | USERS, 400),
    Endpoint("PUT", "/v1/users/{other_child}/password", NOBODY, 403),
    Endpoint("PUT", "/v1/users/{other_family}/password", NOBODY, 403),
    Endpoint("PUT", f"/v1/users/{UNKNOWN_ID}/password", NOBODY, 403),
]
MATRIX = list(product(ENDPOINTS, ROLES))


@dataclass(frozen=True)
class Scene:
    """One user of each role, another of each, and what they own."""

    apis: dict[str, Api]
    ids: dict[str, str]

    def request(self, endpoint: Endpoint, role: str) -> tuple[Api, str]:
        return self.apis[role], endpoint.path.format(**self.ids, self=self.ids[role])


@pytest.fixture(scope="module")
def scene(people: People) -> Scene:
    child = people.child()
    users: dict[str, User] = {account.sub_type: people.related(account, child) for account in ACCOUNTS}
    assert people.admin.token
    ids = {"admin": jwt.decode(people.admin.token, options={"verify_signature": False})["sub"]}
    ids |= {sub_type: user.id for sub_type, user in users.items()}
    ids |= {f"other_{account.sub_type}": people.someone(account).id for account in ACCOUNTS}
    apis = {"admin": people.admin} | {sub_type: people.as_(user) for sub_type, user in users.items()}
    for account in OWNERS:
        own = shown(apis[account.sub_type].get(f"{account.path}/{ids[account.sub_type]}"))
        ids[f"group_of_{account.sub_type}"] = own["children_groups"][0]["id"]
    return Scene(apis, ids | {"institution": people.institution_id})


@pytest.mark.parametrize(
    ("endpoint", "role"), MATRIX, ids=[f"{role} {endpoint.method} {endpoint.path}" for endpoint, role in MATRIX]
)
def test_every_account_endpoint_admits_the_roles_of_the_contract(endpoint: Endpoint, role: str, scene: Scene) -> None:
    api, path = scene.request(endpoint, role)
    response = api.request(endpoint.method, path, endpoint.content)
    if role in endpoint.who:
        assert endpoint.status == response.status_code, response.text
    else:
        assert refusals.FORBIDDEN == refused(response)


@pytest.mark.parametrize("endpoint", ENDPOINTS, ids=[f"{row.method} {row.path}" for row in ENDPOINTS])
def test_account_endpoints_reject_requests_without_a_valid_token(endpoint: Endpoint, scene: Scene, anyone: Api) -> None:
    _, path = scene.request(endpoint, "child")
    for malformed in (path, path.replace(UNKNOWN_ID, "x")):
        assert refusals.NO_TOKEN == refused(anyone.request(endpoint.method, malformed, b"{"))
        assert refusals.BAD_TOKEN == refused(anyone.with_token("x").request(endpoint.method, malformed, b"{"))


@each_account
def test_a_forbidden_account_command_changes_nothing(account: Account, people: People, child: User) -> None:
    api, family = people.as_(people.related(account, child)), people.family_of(child)
    name = unique("school")
    assert refusals.FORBIDDEN == refused(api.post("/v1/institutions", {"type": "school", "name": name}))
    assert refusals.FORBIDDEN == refused(api.delete(f"/v1/institutions/{people.institution_id}"))
    assert refusals.FORBIDDEN == refused(api.delete(f"{FAMILY.path}/{family.id}/children/{child.id}"))
    assert refusals.FORBIDDEN == refused(api.post(CHILD.path, people.request(CHILD, username=name)))
    assert refusals.FORBIDDEN == refused(api.delete(f"/v1/users/{family.id}"))
    assert family.body == shown(people.admin.get(f"{FAMILY.path}/{family.id}"))
    assert 201 == people.admin.post("/v1/institutions", {"type": "school", "name": name}).status_code
    assert name == people.create(CHILD, username=name).username


@each_owner
def test_an_owner_cannot_access_the_groups_of_another(account: Account, people: People, child: User) -> None:
    owner = owner_of_groups(people, account)
    group = owner.make(child)
    strangers = [people.admin, *(people.as_(people.related(other, child)) for other in ACCOUNTS)]
    for stranger in strangers:
        assert refusals.FORBIDDEN == refused(stranger.patch(owner.path(group["id"]), {"name": "x"}))
        assert refusals.FORBIDDEN == refused(stranger.delete(owner.path(group["id"])))
        assert refusals.FORBIDDEN == refused(stranger.post(owner.path(), {"name": "x", "children": [child.id]}))
    assert [group] == owner.shown()["children_groups"]


@each_account
@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/v1/institutions?page=0"),
        ("GET", "/v1/institutions/x"),
        ("DELETE", "/v1/institutions/x"),
        ("DELETE", "/v1/users/x"),
        ("POST", "/v1/families/x/children/y"),
        ("DELETE", "/v1/families/x/children/y"),
        *(("GET", f"{account.path}?colour=red") for account in ACCOUNTS),
    ],
)
def test_a_role_is_checked_before_ids_and_filters(method: str, path: str, account: Account, scene: Scene) -> None:
    assert refusals.FORBIDDEN == refused(scene.apis[account.sub_type].request(method, path))


def test_a_removed_admin_is_refused_as_unregistered_at_every_account_endpoint(
    scene: Scene, people: People, service: Service, anyone: Api
) -> None:
    assert people.admin.token
    gone = anyone.with_token(Forger(service, people.admin.token).sign(sub=UNKNOWN_ID))
    link = f"/v1/families/{scene.ids['family']}/children/{scene.ids['child']}"
    paths = ["/v1/institutions", f"/v1/institutions/{people.institution_id}"]
    paths += [path for account in ACCOUNTS for path in (account.path, f"{account.path}/{UNKNOWN_ID}")]
    for path in paths:
        assert refusals.GONE == refused(gone.get(path))
    for path in (f"/v1/institutions/{people.institution_id}", link, f"/v1/users/{scene.ids['child']}"):
        assert refusals.GONE == refused(gone.delete(path))
    bodies: dict[str, Body] = {account.path: people.request(account) for account in ACCOUNTS}
    bodies[FAMILY.path]["children"] = [scene.ids["child"]]
    bodies |= {"/v1/institutions": {"type": "school", "name": unique("school")}, link: {}}
    for path, body in bodies.items():
        assert refusals.GONE == refused(gone.post(path, body))
