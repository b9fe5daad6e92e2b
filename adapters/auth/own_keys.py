"""Our own keys in a running process, which reads them again when their folder changes."""

import hmac
import time
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from adapters.auth import keys
from adapters.auth.keys import CheckingKey, KeyRing, UnusableKey
from adapters.settings import VARIABLES, Settings
from application.outage import Outage

LOOK = 1.0
"""Seconds between two checks of the folder."""

SETTLED = 1_000_000_000
"""Nanoseconds after which no further change of the folder can have the same modification time."""


def key_folder(settings: Settings, data: Path) -> Path:
    """The folder that the settings name, or else the one in the data folder."""
    return data / "keys" if settings.keys is None else Path(settings.keys)


def key_source(settings: Settings, data: Path) -> Path | KeyRing:
    """The key in the settings, or else the folder of keys. Raises UnusableKey."""
    if settings.private_key is None:
        return key_folder(settings, data)
    try:
        return keys.given(settings.private_key)
    except UnusableKey as error:
        raise UnusableKey(f"{VARIABLES['private_key']}: {error}") from error


class OwnKeys:
    """`changes`: how often the set of keys has changed."""

    def __init__(self, source: Path | KeyRing) -> None:
        """`source`: a folder, or keys that do not change."""
        self._folder = source if isinstance(source, Path) else None
        self._seen = -1
        self._look_at = 0.0
        self._ring = keys.read(source) if isinstance(source, Path) else source
        self.changes = 0
        self._outage = Outage("keys cannot be read: those read before stay in use", "keys can be read again")

    def look(self, *, now: bool = False) -> None:
        """Read the folder again if it has changed. Unless `now`, check it at most once in LOOK seconds."""
        clock = time.monotonic()
        if self._folder is None or (not now and clock < self._look_at):
            return
        self._look_at = clock + LOOK
        try:
            changed_at = self._folder.stat().st_mtime_ns
            if changed_at == self._seen:
                return
            ring = keys.read(self._folder)
        except (OSError, ValueError, TypeError, UnusableKey) as error:
            self._outage.failed(str(error), error=error)
            return
        self._outage.works()
        self._seen = changed_at if time.time_ns() - changed_at > SETTLED else -1
        if ring.checking.keys() != self._ring.checking.keys():
            self.changes += 1
        self._ring = ring

    def signing(self) -> tuple[str, RSAPrivateKey]:
        """The key to sign with, and its `kid`."""
        self.look(now=True)
        return self._ring.kid, self._ring.signing

    def secret(self, purpose: bytes) -> bytes:
        """A secret for one purpose, derived from the signing key: the same in every process that has the key."""
        signing = self._ring.signing.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
        return hmac.digest(signing, purpose, "sha256")

    def checking(self, kid: str | None) -> CheckingKey | None:
        """The key with this `kid`, or the signing key if it is None. None if the key is unknown or has expired."""
        if kid not in self._ring.checking and kid is not None:
            self.look(now=True)
        key = self._ring.checking.get(kid or self._ring.kid)
        return None if key is None or key.until <= time.time() else key

    @property
    def jwks(self) -> list[dict[str, Any]]:
        """The public parts of all keys that have not expired, the signing key first."""
        self.look(now=True)
        return [key.jwk for key in self._ring.checking.values() if key.until > time.time()]
