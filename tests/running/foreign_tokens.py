"""What a service that trusts another issuer is shown: good tokens of it, and every kind of bad one."""

import hmac
import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import jwt
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key

from tests.acceptance.client import WEIGHT, Api, User
from tests.running.issuer import Issuer, Key, assembled, base64, claims_of, new_key
from tests.running.processes import Run
from tests.running.programme import Programme

RSA, EC, ED = new_key("RS256"), new_key("ES256"), new_key("EdDSA")
KEYS = (RSA, EC, new_key("ES384"), new_key("ES512"), ED)
ALGORITHMS = {
    **dict.fromkeys(("RS256", "RS384", "RS512", "PS256", "PS384", "PS512"), RSA),
    **{key.algorithm: key for key in KEYS[1:]},
}
SECRET = b"a secret that both of them know, long enough for HS256"
SYMMETRIC = {"kty": "oct", "kid": "symmetric", "use": "sig", "alg": "HS256", "k": base64(SECRET).decode()}
ENCRYPTING = new_key(kid="encrypting")
STRANGER = new_key()


@dataclass(frozen=True)
class World:
    run: Run
    issuer: Issuer
    programme: Programme
    user: User
    child: str
    api: Api

    @property
    def own(self) -> Key:
        """The service's own key."""
        private: Any = load_pem_private_key((self.run.data / "keys" / "private.pem").read_bytes(), None)
        return Key(jwt.get_unverified_header(self.programme.token)["kid"], private, "RS256")

    def claims(self, **changes: object) -> dict[str, Any]:
        return claims_of(**{"sub": self.user.id} | changes)

    def reads(self, token: str) -> int:
        return self.api.with_token(token).get(WEIGHT.path(self.child)).status_code


def good(world: World) -> str:
    return RSA.sign(world.claims())


def symmetric(world: World, secret: bytes, kid: str = RSA.kid) -> str:
    header = {"alg": "HS256", "typ": "JWT", "kid": kid}
    return assembled(header, world.claims(), lambda message: hmac.digest(secret, message, "sha256"))


def public(encoding: Encoding, format: PublicFormat) -> bytes:
    return RSA.private.public_key().public_bytes(encoding, format)


PEM = public(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
LARGE = {"note": "x" * 40_000}
FUTURE = 10_000_000_000
REFUSED: dict[str, Callable[[World], str]] = {
    "alg none": lambda it: assembled({"alg": "none", "kid": RSA.kid}, it.claims(), lambda _: b""),
    "alg None": lambda it: assembled({"alg": "None", "kid": RSA.kid}, it.claims(), lambda _: b"x"),
    "alg none without kid": lambda it: assembled({"alg": "none"}, it.claims(), lambda _: b""),
    "no alg": lambda it: assembled({"kid": RSA.kid}, it.claims(), lambda _: b"x"),
    "alg is a list": lambda it: RSA.sign(it.claims(), alg=["RS256"]),
    "alg is a number": lambda it: RSA.sign(it.claims(), alg=256),
    "alg in lower case": lambda it: RSA.sign(it.claims(), alg="rs256"),
    "HS256 with the public PEM": lambda it: symmetric(it, PEM),
    "HS256 with the stripped PEM": lambda it: symmetric(it, PEM.strip()),
    "HS256 with PKCS1": lambda it: symmetric(it, public(Encoding.PEM, PublicFormat.PKCS1)),
    "HS256 with DER": lambda it: symmetric(it, public(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)),
    "HS256 with the JWK": lambda it: symmetric(it, json.dumps(RSA.jwk()).encode()),
    "HS256 with the modulus": lambda it: symmetric(it, RSA.jwk()["n"].encode()),
    "HS256 with nothing": lambda it: symmetric(it, b""),
    "HS256 with a secret of the JWKS": lambda it: symmetric(it, SECRET, "symmetric"),
    "a key for encrypting": lambda it: ENCRYPTING.sign(it.claims()),
    "another key": lambda it: STRANGER.sign(it.claims(), kid=RSA.kid),
    "a key that the token brings": lambda it: STRANGER.sign(it.claims(), kid=RSA.kid, jwk=STRANGER.jwk()),
    "another kid": lambda it: RSA.sign(it.claims(), kid=EC.kid),
    "EdDSA in the name of RSA": lambda it: ED.sign(it.claims(), kid=RSA.kid),
    "RSA in the name of EdDSA": lambda it: RSA.sign(it.claims(), kid=ED.kid),
    "ES256 in the name of ES384": lambda it: EC.sign(it.claims(), kid=KEYS[2].kid),
    "unknown kid": lambda it: STRANGER.sign(it.claims()),
    "no kid": lambda it: STRANGER.sign(it.claims(), kid=None),
    "kid is a number": lambda it: RSA.sign(it.claims(), kid=7),
    "kid is a list": lambda it: RSA.sign(it.claims(), kid=[RSA.kid]),
    "kid is a path": lambda it: STRANGER.sign(it.claims(), kid="../../keys/private.pem"),
    "kid is a lone surrogate": lambda it: STRANGER.sign(it.claims(), kid="\ud800\0"),
    "an extension that is critical": lambda it: RSA.sign(it.claims(), crit=["x"], x=1),
    "another issuer": lambda it: RSA.sign(it.claims(iss="https://elsewhere.example")),
    "nearly the issuer": lambda it: RSA.sign(it.claims(iss="https://issuer.example/")),
    "no issuer": lambda it: RSA.sign(it.claims(iss=None)),
    "several issuers": lambda it: RSA.sign(it.claims(iss=["https://issuer.example", "growthrings"])),
    "in our name": lambda it: RSA.sign(it.claims(iss="growthrings")),
    "in our name with our kid": lambda it: RSA.sign(it.claims(iss="growthrings"), kid=it.own.kid),
    "our key in its name": lambda it: it.own.sign(it.claims()),
    "our key in its name with its kid": lambda it: it.own.sign(it.claims(), kid=RSA.kid),
    "iat in the future": lambda it: RSA.sign(it.claims(iat=int(time.time()) + 90)),
    "iat far in the future": lambda it: RSA.sign(it.claims(iat=FUTURE, exp=FUTURE + 60)),
    "nbf in the future": lambda it: RSA.sign(it.claims(nbf=int(time.time()) + 90)),
    "iat is text": lambda it: RSA.sign(it.claims(iat="now")),
    "iat without end": lambda it: RSA.sign(it.claims(iat=float("inf"))),
    "exp without end": lambda it: RSA.sign(it.claims(exp=float("inf"))),
    "exp is no number": lambda it: RSA.sign(it.claims(exp=float("nan"))),
    "no exp": lambda it: RSA.sign(it.claims(exp=None)),
    "no sub": lambda it: RSA.sign(it.claims(sub=None)),
    "sub is a number": lambda it: RSA.sign(it.claims(sub=7)),
    "claims are a list": lambda _: RSA.sign([1]),
    "claims are null": lambda _: RSA.sign(None),
    "50 kB that are signed": lambda it: RSA.sign(it.claims(**LARGE)),
    "50 kB of header": lambda it: RSA.sign(it.claims(), **LARGE),
    "50 kB that we signed": lambda it: it.own.sign(it.claims(iss="growthrings", **LARGE)),
    "60 kB of nothing": lambda _: "x" * 60_000,
    "60 kB of signature": lambda it: good(it) + "x" * 60_000,
    "60 kB of dots": lambda _: "." * 60_000,
}
