"""Tokens: what is issued, how it is verified, which are refused."""

import time
from collections.abc import Callable
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from tests.acceptance import refusals
from tests.acceptance.client import UNKNOWN_ID, WEIGHT, Api, Body, Service, User, each_kind, refused
from tests.acceptance.people import ACCOUNTS, CHILD, HEALTH_PROFESSIONAL, Account, People

DAY = 24 * 60 * 60
READ, CREATE, DELETE = "measurements:read", "measurements:create", "measurements:delete"
SCOPES = {
    "application": {CREATE, READ, DELETE},
    "educator": {CREATE, READ, DELETE},
    "family": {CREATE, READ, DELETE},
    "child": {CREATE, READ},
    "healthprofessional": {READ},
}
ALL = f"{CREATE} {READ} {DELETE}"

each_account = pytest.mark.parametrize("account", ACCOUNTS, ids=[account.sub_type for account in ACCOUNTS])


class Forger:
    """Signs tokens of an application with the service's own key, or wrongly."""

    def __init__(self, service: Service, genuine: str) -> None:
        pem = (service.keys / "private.pem").read_bytes()
        key = load_pem_private_key(pem, None)
        assert isinstance(key, rsa.RSAPrivateKey)
        self.key = key
        self.kid: str | None = jwt.get_unverified_header(genuine).get("kid")
        self.genuine = genuine
        self.claims: Body = jwt.decode(genuine, options={"verify_signature": False})

    def sign(self, key: Any = None, algorithm: str = "RS256", kid: str | None = None, **changes: Any) -> str:
        """A token with the claims changed; a claim changed to None is left out."""
        claims = {name: value for name, value in (self.claims | changes).items() if value is not None}
        header = {"kid": kid or self.kid} if kid or self.kid else None
        return jwt.encode(claims, self.key if key is None else key, algorithm, headers=header)


@pytest.fixture(scope="module")
def forger(service: Service, application: Api) -> Forger:
    assert application.token
    return Forger(service, application.token)


@pytest.fixture(scope="module")
def jwks(anyone: Api) -> Body:
    response = anyone.get("/.well-known/jwks.json")
    assert 200 == response.status_code, response.text
    body: Body = response.json()
    return body


def verified(token: str, jwks: Body, service: Service) -> Body:
    """The claims, checked as a stranger would who knows the JWKS only."""
    kid = jwt.get_unverified_header(token)["kid"]
    claims: Body = jwt.decode(token, jwt.PyJWKSet.from_dict(jwks)[kid], ["RS256"], issuer=service.issuer)
    return claims


def measurement_scopes(claims: Body) -> set[str]:
    return {scope for scope in claims["scope"].split(" ") if scope.startswith("measurements:")}


def test_the_jwks_holds_a_public_rsa_key_and_nothing_private(jwks: Body) -> None:
    assert jwks["keys"]
    for key in jwks["keys"]:
        assert ("RSA", True, True) == (key["kty"], "n" in key, "e" in key)
        assert not {"d", "p", "q", "dp", "dq", "qi", "oth", "k"} & key.keys()


@each_account
def test_a_token_names_its_user_its_role_and_its_scopes(
    account: Account, people: People, jwks: Body, service: Service
) -> None:
    user = people.someone(account)
    before = int(time.time())
    token = people.as_(user).token
    assert token
    claims = verified(token, jwks, service)
    assert {"sub", "sub_type", "iss", "iat", "exp", "scope"} <= claims.keys()
    assert (user.id, account.sub_type) == (claims["sub"], claims["sub_type"])
    assert SCOPES[account.sub_type] == measurement_scopes(claims)
    assert DAY == claims["exp"] - claims["iat"]
    assert before - 2 <= claims["iat"] <= time.time() + 2


def test_the_token_of_the_admin_may_only_read_measurements(admin: Api, jwks: Body, service: Service) -> None:
    assert admin.token
    claims = verified(admin.token, jwks, service)
    assert ("admin", {READ}) == (claims["sub_type"], measurement_scopes(claims))


def test_a_token_signed_with_the_key_of_the_service_is_accepted(forger: Forger, anyone: Api, child: User) -> None:
    assert 200 == anyone.with_token(forger.sign()).get(WEIGHT.path(child.id)).status_code


def cut(token: str, part: int, replacement: str) -> str:
    parts = token.split(".")
    parts[part] = replacement
    return ".".join(parts)


STRANGER = rsa.generate_private_key(public_exponent=65537, key_size=2048)
BAD_TOKENS: dict[str, Callable[[Forger], str]] = {
    "garbage": lambda _: "garbage",
    "three dots": lambda _: "a.b.c",
    "only dots": lambda _: "..",
    "no signature": lambda forger: cut(forger.genuine, 2, ""),
    "another signature": lambda forger: cut(forger.genuine, 2, forger.sign(sub=UNKNOWN_ID).split(".")[2]),
    "other claims": lambda forger: cut(forger.genuine, 1, forger.sign(sub=UNKNOWN_ID).split(".")[1]),
    "text after the token": lambda forger: forger.genuine + "x",
    "another key": lambda forger: forger.sign(STRANGER),
    "expired with another key": lambda forger: forger.sign(STRANGER, exp=int(time.time()) - DAY),
    "unknown kid": lambda forger: forger.sign(STRANGER, kid="nobody"),
    "alg none": lambda forger: jwt.encode(forger.claims, "", "none", headers={"kid": forger.kid}),
    "alg HS256": lambda forger: forger.sign("x" * 64, "HS256"),
    "another issuer": lambda forger: forger.sign(iss="https://elsewhere.example"),
    "no issuer": lambda forger: forger.sign(iss=None),
    "no exp": lambda forger: forger.sign(exp=None),
    "no sub": lambda forger: forger.sign(sub=None),
    "sub with NUL": lambda forger: forger.sign(sub="a\0b"),
    "sub with a lone surrogate": lambda forger: forger.sign(sub="\ud800"),
    "exp is text": lambda forger: forger.sign(exp="tomorrow"),
    "a number of changes that is none": lambda forger: forger.sign(password_changes="0"),
    "a number of changes that is true": lambda forger: forger.sign(password_changes=False),
}


@pytest.mark.parametrize("make", BAD_TOKENS.values(), ids=BAD_TOKENS.keys())
def test_a_bad_token_is_refused(make: Callable[[Forger], str], forger: Forger, anyone: Api, child: User) -> None:
    api = anyone.with_token(make(forger))
    assert refusals.BAD_TOKEN == refused(api.get(WEIGHT.path(child.id)))
    assert refusals.BAD_TOKEN == refused(api.post_raw(WEIGHT.path("x"), "{"))


def test_a_token_without_a_number_of_password_changes_is_good_until_the_first(
    forger: Forger, anyone: Api, people: People, child: User
) -> None:
    user = people.application()
    api = anyone.with_token(forger.sign(sub=user.id, password_changes=None))
    assert 200 == api.get(WEIGHT.path(child.id)).status_code
    body = {"old_password": user.password, "new_password": "another one"}
    assert 204 == api.put(f"/v1/users/{user.id}/password", body).status_code
    assert refusals.BAD_TOKEN == refused(api.get(WEIGHT.path(child.id)))


@each_kind
@pytest.mark.parametrize("age", [1, 600, DAY], ids=["a second", "ten minutes", "a day"])
def test_an_expired_token_is_refused(kind: Any, age: int, forger: Forger, anyone: Api, child: User) -> None:
    now = int(time.time())
    api = anyone.with_token(forger.sign(iat=now - 2 * DAY, exp=now - age))
    for path in (kind.path(child.id), kind.path("x"), kind.path(child.id, UNKNOWN_ID)):
        assert refusals.EXPIRED == refused(api.get(path))
    assert refusals.EXPIRED == refused(api.post(kind.path(child.id), kind.reading()))
    assert refusals.EXPIRED == refused(api.delete(kind.path(child.id, UNKNOWN_ID)))


@pytest.mark.parametrize("header", [None, "", "Bearer"], ids=["none", "empty", "no token"])
@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", WEIGHT.path(UNKNOWN_ID)),
        ("POST", WEIGHT.path(UNKNOWN_ID)),
        ("DELETE", WEIGHT.path("x", "y")),
        ("POST", "/v1/institutions"),
        ("DELETE", f"/v1/users/{UNKNOWN_ID}"),
        ("POST", f"/v1/educators/{UNKNOWN_ID}/children/groups"),
        *(("POST", account.path) for account in ACCOUNTS),
    ],
)
def test_a_request_without_a_token_is_refused(method: str, path: str, header: str | None, anyone: Api) -> None:
    headers = None if header is None else {"Authorization": header}
    assert refusals.NO_TOKEN == refused(anyone.http.request(method, path, headers=headers))


@pytest.mark.parametrize("sub", [UNKNOWN_ID, "f" * 24], ids=["never was", "never will be"])
def test_a_token_of_a_user_who_never_was_is_refused_as_gone(sub: str, forger: Forger, anyone: Api, child: User) -> None:
    api = anyone.with_token(forger.sign(sub=sub))
    assert refusals.GONE == refused(api.get(WEIGHT.path(child.id)))
    assert refusals.GONE == refused(api.post(WEIGHT.path(child.id), WEIGHT.reading()))
    assert refusals.GONE == refused(api.delete(WEIGHT.path(child.id, UNKNOWN_ID)))


@each_kind
@pytest.mark.parametrize(
    ("scope", "allowed"),
    [
        (READ, {"GET"}),
        (CREATE, {"POST"}),
        (DELETE, {"DELETE"}),
        (f"{READ} {DELETE}", {"GET", "DELETE"}),
        (ALL, {"GET", "POST", "DELETE"}),
        ("", set()),
        (None, set()),
        ("measurements:rea", set()),
        ("measurements:reader", set()),
        ("Measurements:Read", set()),
    ],
    ids=lambda value: str(value) if not isinstance(value, set) else "",
)
def test_every_method_needs_its_scope_in_the_token(
    kind: Any, scope: str | None, allowed: set[str], forger: Forger, anyone: Api, child: User
) -> None:
    api = anyone.with_token(forger.sign(scope=scope))
    responses = {
        "GET": api.get(kind.path(child.id)),
        "POST": api.post(kind.path(child.id), kind.reading()),
        "DELETE": api.delete(kind.path(child.id, UNKNOWN_ID)),
    }
    assert allowed == {method for method, response in responses.items() if response.is_success}
    for method in responses.keys() - allowed:
        assert refusals.FORBIDDEN == refused(responses[method])


@pytest.mark.parametrize(
    ("account", "method"),
    [(CHILD, "DELETE"), (HEALTH_PROFESSIONAL, "DELETE"), (HEALTH_PROFESSIONAL, "POST")],
    ids=["child deletes", "health professional deletes", "health professional posts"],
)
def test_a_scope_that_a_role_never_gets_gives_it_nothing(
    account: Account, method: str, people: People, forger: Forger, anyone: Api, child: User
) -> None:
    user = people.related(account, child)
    api = anyone.with_token(forger.sign(sub=user.id, sub_type=account.sub_type, scope=ALL))
    assert 200 == api.get(WEIGHT.path(child.id)).status_code
    path = WEIGHT.path(child.id, UNKNOWN_ID if method == "DELETE" else None)
    content = None if method == "DELETE" else b'{"timestamp": "2019-06-20T12:00:00Z", "value": 1, "unit": "kg"}'
    assert refusals.FORBIDDEN == refused(api.request(method, path, content))


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/v1/institutions"),
        ("POST", WEIGHT.path(UNKNOWN_ID)),
        ("GET", WEIGHT.path(UNKNOWN_ID)),
        ("GET", "/v1/outcomes"),
        ("POST", "/v1/auth"),
    ],
)
def test_every_401_says_how_to_authenticate(method: str, path: str, anyone: Api) -> None:
    response = anyone.request(method, path, b'{"username": "x", "password": "x"}', content_type="application/json")
    assert (401, "Bearer") == (response.status_code, response.headers["WWW-Authenticate"])
