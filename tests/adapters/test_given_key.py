"""A key that a setting gives: the same on every machine, on no disk."""

import asyncio
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, Encoding, NoEncryption, PrivateFormat

from adapters.auth.keys import UnusableKey
from adapters.auth.own_keys import OwnKeys, key_source
from adapters.auth.tokens import Tokens
from adapters.settings import VARIABLES, Settings, from_environment
from domain.refusal import NotAuthenticated
from tests.running.processes import run_briefly

USER = "507f191e810c19729de860ea"


def pem(key: PrivateKeyTypes, password: bytes | None = None) -> str:
    secret = BestAvailableEncryption(password) if password else NoEncryption()
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, secret).decode()


@pytest.fixture(scope="module")
def given() -> str:
    return pem(rsa.generate_private_key(65537, 2048))


def tokens(data: Path, settings: Settings) -> Tokens:
    return Tokens(OwnKeys(key_source(settings, data)), "growthrings")


def accepts(checks: Tokens, issues: Tokens) -> bool:
    """NotAuthenticated."""
    return asyncio.run(checks.actor(f"Bearer {issues.issue(USER, 'child', 0)}")).id == USER


@pytest.mark.parametrize("newline", ["\n", "\\n"])
def test_processes_with_the_same_configured_key_accept_each_others_tokens_and_write_no_file(
    given: str, newline: str, tmp_path: Path
) -> None:
    one, other = (
        tokens(tmp_path / name, from_environment({VARIABLES["private_key"]: text}))
        for name, text in (("one", given), ("other", given.replace("\n", newline)))
    )
    assert accepts(other, one)
    assert [] == list(tmp_path.iterdir())


def test_a_folder_that_a_setting_names_is_shared(tmp_path: Path) -> None:
    shared = from_environment({VARIABLES["keys"]: str(tmp_path / "shared")})
    one, other = (tokens(tmp_path / name, shared) for name in ("one", "other"))
    assert accepts(other, one)
    assert [tmp_path / "shared"] == list(tmp_path.iterdir())


def test_a_token_of_another_key_is_bad(given: str, tmp_path: Path) -> None:
    one, other = tokens(tmp_path, Settings(private_key=given)), tokens(tmp_path, Settings())
    with pytest.raises(NotAuthenticated):
        accepts(other, one)


@pytest.mark.parametrize(
    "text",
    [
        "s3cret",
        "-----BEGIN PRIVATE KEY-----\ns3cret\n-----END PRIVATE KEY-----\n",
        pem(rsa.generate_private_key(65537, 1024)),
        pem(ec.generate_private_key(ec.SECP256R1())),
        pem(rsa.generate_private_key(65537, 2048), b"s3cret"),
    ],
    ids=["no PEM", "no key", "too small", "no RSA", "with a password"],
)
def test_an_unusable_private_key_is_refused_naming_the_setting_but_not_its_value(text: str, tmp_path: Path) -> None:
    with pytest.raises(UnusableKey) as refused:
        key_source(Settings(private_key=text), tmp_path)
    assert VARIABLES["private_key"] in str(refused.value)
    assert text.splitlines()[0] not in str(refused.value)


def test_a_key_that_is_given_is_not_rotated_here(given: str, tmp_path: Path) -> None:
    ended = run_briefly("keys", "rotate", "--data", str(tmp_path), settings={VARIABLES["private_key"]: given})
    assert (1, "") == (ended.returncode, ended.stdout)
    assert VARIABLES["private_key"] in ended.stderr
    assert [] == list(tmp_path.iterdir())
