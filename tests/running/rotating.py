"""Keys that rotate, and two API processes that share them."""

import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import jwt

from tests.acceptance.client import WEIGHT, Api
from tests.running.processes import PASSWORD, WITH_PASSWORD, environment, run_briefly, soon
from tests.running.programme import Programme
from tests.service import ROOT


def settings(database_url: str) -> dict[str, str]:
    return {**WITH_PASSWORD, "DATABASE_URL": database_url, "GROWTHRINGS_LOGIN_LIMIT": "off"}


def login(api: Api) -> str:
    """The token of an admin."""
    token = api.login("admin", PASSWORD).token
    assert token
    return token


@dataclass(frozen=True)
class Pair:
    """Two API processes on one database, as on two machines: the folder with the keys is one and the same."""

    folder: Path
    database_url: str
    one: Api
    other: Api
    programme: Programme
    child: str

    @property
    def keys(self) -> Path:
        return self.folder / "one" / "keys"

    @property
    def both(self) -> tuple[Api, Api]:
        return self.one, self.other

    def rotate(self) -> str:
        """The kid of the new key, which both use by now."""
        before = kids(self.one)
        ended = rotate(self.folder / "one")
        assert 0 == ended.returncode, ended
        assert soon(lambda: all(kids(api)[0] not in before and kids(api) == kids(self.one) for api in self.both))
        return kids(self.one)[0]

    def status(self, api: Api, token: str) -> int:
        return api.with_token(token).get(WEIGHT.path(self.child)).status_code

    def accept(self, *tokens: str) -> bool:
        return {200} == {self.status(api, token) for api in self.both for token in tokens}


def rotate(data: Path) -> subprocess.CompletedProcess[str]:
    return run_briefly("keys", "rotate", "--data", str(data))


def rotate_ago(data: Path, seconds: int) -> None:
    """A rotation so long ago."""
    words = ["-m", "tests.running.clock", str(-seconds), "keys", "rotate", "--data", str(data)]
    subprocess.run([sys.executable, *words], env=environment(), cwd=ROOT, capture_output=True, timeout=60, check=True)


def kid_of(token: str) -> str:
    return str(jwt.get_unverified_header(token)["kid"])


def kids(api: Api) -> list[str]:
    """Of the JWKS, in its order."""
    return [key["kid"] for key in api.get("/.well-known/jwks.json").json()["keys"]]


def is_sentences(text: str) -> bool:
    return bool(text.strip()) and "Traceback" not in text
