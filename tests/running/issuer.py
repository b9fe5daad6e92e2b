"""Another issuer of tokens: its keys, what it signs, and its JWKS over HTTP, counted and spoiled at will."""

import json
import threading
import time
from base64 import urlsafe_b64encode
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from uuid import uuid4

from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, rsa
from jwt.algorithms import get_default_algorithms

from tests.acceptance.client import Body
from tests.running.processes import WITH_PASSWORD
from tests.service import free_port

NAME = "https://issuer.example"
SCOPE = "measurements:create measurements:read measurements:delete"

PrivateKey = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey | ed448.Ed448PrivateKey
CURVES: dict[str, ec.EllipticCurve] = {"ES256": ec.SECP256R1(), "ES384": ec.SECP384R1(), "ES512": ec.SECP521R1()}


@dataclass(frozen=True)
class Key:
    """A key pair, and the algorithm that it signs with unless told otherwise."""

    kid: str
    private: PrivateKey
    algorithm: str

    def jwk(self, **changes: object) -> Body:
        """The public half as a JWKS shows it; a member changed to None is left out."""
        public: Any = get_default_algorithms()[self.algorithm]
        shown = public.to_jwk(self.private.public_key(), as_dict=True) | {"kid": self.kid, "use": "sig"} | changes
        return {member: value for member, value in shown.items() if value is not None and member != "key_ops"}

    def sign(self, claims: object, algorithm: str | None = None, **header: object) -> str:
        """A token with these claims, whatever they are; `header` adds to `alg`, `typ` and `kid`, or replaces them."""
        alg = algorithm or self.algorithm
        whole = {"alg": alg, "typ": "JWT", "kid": self.kid} | header
        return assembled(whole, claims, lambda message: get_default_algorithms()[alg].sign(message, self.private))


def new_key(algorithm: str = "RS256", kid: str | None = None) -> Key:
    return Key(kid or uuid4().hex, _private(algorithm), algorithm)


def _private(algorithm: str) -> PrivateKey:
    if algorithm in CURVES:
        return ec.generate_private_key(CURVES[algorithm])
    if algorithm == "EdDSA":
        return ed25519.Ed25519PrivateKey.generate()
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def assembled(header: object, claims: object, sign: Callable[[bytes], bytes]) -> str:
    message = b".".join(base64(json.dumps(part).encode()) for part in (header, claims))
    return b".".join((message, base64(sign(message)))).decode()


def base64(content: bytes) -> bytes:
    return urlsafe_b64encode(content).rstrip(b"=")


def claims_of(sub: object, sub_type: object = "application", **changes: object) -> Body:
    """The claims of a token that is good; one changed to None is left out."""
    now = int(time.time())
    claims = {"sub": sub, "sub_type": sub_type, "iss": NAME, "iat": now, "exp": now + 3600, "scope": SCOPE} | changes
    return {name: value for name, value in claims.items() if value is not None}


@dataclass(frozen=True)
class Answer:
    """What the issuer answers to a fetch: the chunks are made while it is sent."""

    chunks: Callable[[], Iterable[bytes]]
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)


def plain(content: bytes, status: int = 200) -> Answer:
    return Answer(lambda: [content], status)


class Issuer:
    """Serves its keys, or the `answer` that it was told to give; `down` and `up` end and begin its listening."""

    def __init__(self) -> None:
        self.published: list[object] = []
        self.answer: Answer | None = None
        self.fetched: list[float] = []
        """When it was asked, on a clock that only goes forward."""
        self.asked: list[str] = []
        """For which paths."""
        self.open = threading.Event()
        """While it is not set, an answer is held back that was made before."""
        self.open.set()
        self.ended = threading.Event()
        self._port = free_port()
        self._server: ThreadingHTTPServer | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._port}/jwks.json"

    def publish(self, *keys: Key | object) -> None:
        """Show these keys and no others from now on."""
        self.published = [key.jwk() if isinstance(key, Key) else key for key in keys]

    def up(self) -> None:
        self._server = _Server(self, self._port)
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()

    def down(self) -> None:
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
            self._server = None

    def chunks(self) -> Iterator[bytes]:
        """The answer as of now, given when it is open."""
        made = json.dumps({"keys": self.published}).encode()
        answer = self.answer or plain(made)
        self.open.wait()
        yield from answer.chunks()

    def spoil(self, chunks: Callable[[], Iterable[bytes]]) -> None:
        self.answer = Answer(chunks)

    def endless(self) -> Iterator[bytes]:
        """A set of keys that goes on for ever, as fast as it is read."""
        yield b'{"keys": ['
        while not self.ended.is_set():
            yield b'{"kty": "RSA"},' * 4096

    def dripping(self) -> Iterator[bytes]:
        """A set of keys that goes on for ever, slowly enough for every timeout between two bytes."""
        yield b'{"keys": ['
        while not self.ended.wait(0.2):
            yield b" "


class _Server(ThreadingHTTPServer):
    def __init__(self, issuer: Issuer, port: int) -> None:
        self.issuer = issuer
        super().__init__(("127.0.0.1", port), _Handler)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Whoever hangs up in the middle may do so."""


class _Handler(BaseHTTPRequestHandler):
    server: _Server

    def do_GET(self) -> None:
        issuer = self.server.issuer
        issuer.fetched.append(time.monotonic())
        issuer.asked.append(self.path)
        status = 200 if issuer.answer is None else issuer.answer.status
        chunks = issuer.chunks()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        for name, value in (issuer.answer.headers if issuer.answer else {}).items():
            self.send_header(name, value)
        self.end_headers()
        for chunk in chunks:
            self.wfile.write(chunk)
            self.wfile.flush()

    def log_message(self, format: str, *args: object) -> None:
        """Nobody reads it."""


@contextmanager
def issuing(*keys: Key | object) -> Iterator[Issuer]:
    """An issuer that shows these keys, until the block ends."""
    issuer = Issuer()
    issuer.publish(*keys)
    issuer.up()
    try:
        yield issuer
    finally:
        issuer.ended.set()
        issuer.open.set()
        issuer.down()


def trusting(issuer: Issuer, database_url: str) -> dict[str, str]:
    """The settings of a service that accepts its tokens."""
    return {
        **WITH_PASSWORD,
        "DATABASE_URL": database_url,
        "GROWTHRINGS_LOGIN_LIMIT": "off",
        "GROWTHRINGS_JWKS_URL": issuer.url,
        "GROWTHRINGS_ISSUER": NAME,
    }
