"""The key pair that tokens are signed with: made at the first start, readable by its owner alone."""

import hashlib
import os
from base64 import urlsafe_b64encode
from pathlib import Path
from secrets import token_hex
from typing import Any

from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

FILE = "private.pem"


def ensure_private_key(folder: Path) -> RSAPrivateKey:
    """The private key in the folder; made there, with mode 600, where there is none. Safe for two starts at once."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    file = folder / FILE
    if not file.exists():
        key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        draft = folder / f"{FILE}.{token_hex(8)}"
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as opened:
            opened.write(pem)
            opened.flush()
            os.fsync(descriptor)
        try:
            os.link(draft, file)
        except FileExistsError:
            pass  # another start was first: its key is the one
        finally:
            draft.unlink()
    loaded = load_pem_private_key(file.read_bytes(), password=None)
    if not isinstance(loaded, RSAPrivateKey):
        raise TypeError(f"{file} holds no RSA key")
    return loaded


def public_jwk(key: RSAPrivateKey) -> dict[str, Any]:
    """The public half as a JSON Web Key (RFC 7517); `kid` is its thumbprint (RFC 7638)."""
    numbers = key.public_key().public_numbers()
    required = {"e": _base64(numbers.e), "kty": "RSA", "n": _base64(numbers.n)}
    canonical = "{" + ",".join(f'"{name}":"{value}"' for name, value in sorted(required.items())) + "}"
    thumbprint = urlsafe_b64encode(hashlib.sha256(canonical.encode()).digest()).rstrip(b"=").decode()
    return required | {"kid": thumbprint, "use": "sig", "alg": "RS256"}


def _base64(number: int) -> str:
    return urlsafe_b64encode(number.to_bytes((number.bit_length() + 7) // 8, "big")).rstrip(b"=").decode()
