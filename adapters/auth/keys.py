"""The signing keys: the key that signs tokens and the keys it has replaced, from a folder or from a setting.

keys/
  private.pem             signs tokens; only its owner can read it
  retired-<until>.pem     the public half of an earlier key: valid until that time, in seconds since 1970
"""

import fcntl
import hashlib
import os
import time
from base64 import urlsafe_b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from secrets import token_hex
from stat import S_IRWXG, S_IRWXO
from typing import Any

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
    load_pem_public_key,
)
from msgspec import Struct

from adapters.errors import CommandFailed

FILE = "private.pem"
RETIRED = "retired-{}.pem"

LIFETIME = 24 * 60 * 60
"""Seconds for which a token is valid."""

GRACE = 60
"""Seconds that a retired key outlives its last token: for clocks that are behind, and for tokens signed during the
rotation."""


SIZE = 2048
"""Bits of a key."""


class UnusableKey(CommandFailed):
    """The key of the setting or of the folder cannot sign tokens."""


class CheckingKey(Struct, frozen=True):
    """A key that verifies tokens until `until`, in seconds since 1970. `jwk` is its JSON Web Key (RFC 7517)."""

    public: RSAPublicKey
    jwk: dict[str, Any]
    until: float = float("inf")


class KeyRing(Struct, frozen=True):
    """The keys, as they were read. `checking` has them by `kid`; the signing key is the first."""

    kid: str
    signing: RSAPrivateKey
    checking: dict[str, CheckingKey]


def ensure_private_key(folder: Path) -> RSAPrivateKey:
    """The private key in the folder; it is created with mode 600 if it does not exist. Concurrent starts are safe.
    UnusableKey when other users have access to the file."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    file = folder / FILE
    if not file.exists():
        draft = _draft(folder, _pem(_new_key()))
        try:
            os.link(draft, file)
        except FileExistsError:
            pass  # a concurrent start was faster: use its key
        finally:
            draft.unlink()
    if file.stat().st_mode & (S_IRWXG | S_IRWXO):
        raise UnusableKey(f"{file} signs tokens, and others than its owner have access to it: chmod 600 {file}")
    loaded = load_pem_private_key(file.read_bytes(), password=None)
    if not isinstance(loaded, RSAPrivateKey):
        raise TypeError(f"{file} does not hold an RSA key")
    return loaded


def given(pem: str) -> KeyRing:
    """One private key, as the PEM text of it; line breaks may also be written as `\\n`. UnusableKey."""
    try:
        signing = load_pem_private_key(pem.replace("\\n", "\n").encode(), password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise UnusableKey("it is not a private key in PEM format without a password") from error
    if not isinstance(signing, RSAPrivateKey) or signing.key_size < SIZE:
        raise UnusableKey(f"it is not an RSA key of at least {SIZE} bits")
    kid, key = _checking(signing.public_key())
    return KeyRing(kid, signing, {kid: key})


def read(folder: Path) -> KeyRing:
    """The keys of a folder."""
    signing = ensure_private_key(folder)
    kid, key = _checking(signing.public_key())
    retired: dict[str, CheckingKey] = {}
    for file, until in sorted(_retired(folder), key=lambda found: found[1]):
        public = load_pem_public_key(file.read_bytes())
        if isinstance(public, RSAPublicKey):
            retired.update([_checking(public, until)])
    return KeyRing(kid, signing, {kid: key} | {other: old for other, old in retired.items() if other != kid})


def rotate(folder: Path, *, ends_others: bool = False) -> str:
    """Create a new signing key and return its `kid`. The old key verifies its tokens until they expire. With
    `ends_others`, as after a theft, all tokens issued before become invalid.

    An interrupted rotation leaves the old key in place. OSError when the folder has no key.
    """
    (folder / FILE).stat()
    with _alone(folder):
        now = time.time()
        _tidy(folder, now)
        if ends_others:
            for file, _ in _retired(folder):
                file.unlink()
        else:
            _retire(folder, now)
        new = _new_key()
        _draft(folder, _pem(new)).rename(folder / FILE)
        _sync(folder)
    return _checking(new.public_key())[0]


def _retire(folder: Path, now: float) -> None:
    """Keep the public half of the signing key until the last of its tokens has expired."""
    old = ensure_private_key(folder).public_key()
    public = old.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    until = int(now) + LIFETIME + GRACE
    while (folder / RETIRED.format(until)).exists():
        until += 1  # two rotations in one second
    _draft(folder, public).rename(folder / RETIRED.format(until))


def _tidy(folder: Path, now: float) -> None:
    """Remove expired keys, and the drafts of interrupted rotations."""
    for file, until in _retired(folder):
        if until < now:
            file.unlink()
    for draft in folder.glob("draft-*"):
        if draft.stat().st_mtime < now - GRACE:
            draft.unlink()


def _retired(folder: Path) -> Iterator[tuple[Path, int]]:
    for file in folder.glob(RETIRED.format("*")):
        until = file.stem.partition("-")[2]
        if until.isdecimal():
            yield file, int(until)


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """One rotation at a time."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _new_key() -> RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=SIZE)


def _pem(key: RSAPrivateKey) -> bytes:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def _draft(folder: Path, pem: bytes) -> Path:
    """A new file with the key, synced to disk, that only its owner can read."""
    draft = folder / f"draft-{token_hex(8)}"
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as opened:
        opened.write(pem)
        opened.flush()
        os.fsync(descriptor)
    return draft


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _checking(public: RSAPublicKey, until: float = float("inf")) -> tuple[str, CheckingKey]:
    """The key with its `kid`, which is its thumbprint (RFC 7638)."""
    numbers = public.public_numbers()
    required = {"e": _base64(numbers.e), "kty": "RSA", "n": _base64(numbers.n)}
    canonical = "{" + ",".join(f'"{name}":"{value}"' for name, value in sorted(required.items())) + "}"
    kid = urlsafe_b64encode(hashlib.sha256(canonical.encode()).digest()).rstrip(b"=").decode()
    return kid, CheckingKey(public, required | {"kid": kid, "use": "sig", "alg": "RS256"}, until)


def _base64(number: int) -> str:
    return urlsafe_b64encode(number.to_bytes((number.bit_length() + 7) // 8, "big")).rstrip(b"=").decode()
