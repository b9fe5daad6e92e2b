"""`growthrings keys rotate`: a new key signs, the old ones still check, and nobody notices."""

import shutil
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from tests.acceptance import refusals
from tests.acceptance.client import WEIGHT, Api, refused
from tests.running.processes import run_briefly, serving, soon
from tests.running.programme import client, enrol
from tests.running.rotating import Pair, is_sentences, kid_of, kids, login, rotate, rotate_ago, settings
from tests.running.single_api import answering

DAY = 24 * 60 * 60


@pytest.fixture(scope="module")
def pair(new_database: Callable[..., str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    folder, database_url = tmp_path_factory.mktemp("rotating"), new_database(64)
    (folder / "other").mkdir()
    (folder / "other" / "keys").symlink_to(folder / "one" / "keys")
    with (
        serving(folder / "one", settings(database_url)) as one,
        serving(folder / "other", settings(database_url)) as other,
        client(one.url) as api,
        client(other.url) as other_api,
    ):
        programme = enrol(api)
        yield Pair(folder, database_url, api, other_api, programme, programme.child())
        for run in (one, other):
            assert "Traceback" not in run.err.read_text()


def test_a_key_rotation_prints_the_new_key_id_and_needs_no_database(pair: Pair) -> None:
    ended = rotate(pair.folder / "one")
    assert (0, "") == (ended.returncode, ended.stderr)
    assert soon(lambda: kids(pair.one)[0] in ended.stdout), ended.stdout
    assert not (pair.folder / "one" / "postgres").exists(), "it needs no database"


def test_a_login_after_a_rotation_is_signed_by_the_new_key_at_every_process(pair: Pair) -> None:
    before = kid_of(login(pair.one))
    kid = pair.rotate()
    assert before != kid
    assert {kid} == {kid_of(login(api)) for api in pair.both}


def test_tokens_of_all_generations_are_good_at_every_process(pair: Pair) -> None:
    tokens = [pair.programme.token, login(pair.one)]
    for _ in range(2):
        pair.rotate()
        tokens += [login(api) for api in pair.both]
    assert len({kid_of(token) for token in tokens}) >= 3
    assert pair.accept(*tokens)


def test_the_jwks_shows_the_signing_key_first_and_the_old_ones_after_it(pair: Pair) -> None:
    old = kids(pair.one)
    new = pair.rotate()
    for api in pair.both:
        shown = api.get("/.well-known/jwks.json").json()["keys"]
        assert new == shown[0]["kid"]
        assert sorted([new, *old]) == sorted(key["kid"] for key in shown)
        for key in shown:
            assert not {"d", "p", "q", "dp", "dq", "qi", "oth", "k"} & key.keys()
        token = login(api)
        assert jwt.decode(token, jwt.PyJWKSet.from_dict({"keys": shown})[new], ["RS256"], issuer="growthrings")


def test_a_token_of_the_new_key_is_good_at_every_process_from_the_first_moment(pair: Pair) -> None:
    """A user logs in through one process and sends a request to another at once, while keys rotate."""
    ended, odd, seen = threading.Event(), list[int](), set[str]()

    def log_in_and_ask(there: Api, here: Api) -> None:
        while not ended.is_set():
            token = login(there)
            seen.add(kid_of(token))
            odd.extend(status for api in (here, there) if (status := pair.status(api, token)) != 200)

    with ThreadPoolExecutor() as pool:
        asking = [pool.submit(log_in_and_ask, *apis) for apis in (pair.both, pair.both[::-1])]
        try:
            rotated = {pair.rotate() for _ in range(3)}
            assert soon(lambda: rotated <= seen)
        finally:
            ended.set()
        for each in asking:
            each.result()
    assert [] == odd


def test_of_rotations_at_the_same_time_none_spoils_another(pair: Pair) -> None:
    token, before = login(pair.one), kids(pair.one)
    with ThreadPoolExecutor() as pool:
        outcomes = list(pool.map(lambda _: rotate(pair.folder / "one"), range(4)))
    assert {0, 1} >= {ended.returncode for ended in outcomes}, outcomes
    assert all(is_sentences(ended.stdout + ended.stderr) for ended in outcomes)
    new = sum(ended.returncode == 0 for ended in outcomes)
    assert new >= 1
    assert soon(lambda: all(len(kids(api)) == len(before) + new for api in pair.both)), (before, kids(pair.one))
    assert set(before) < set(kids(pair.one)) == set(kids(pair.other))
    assert soon(lambda: kids(pair.one)[0] == kids(pair.other)[0])
    assert pair.accept(token, *(login(api) for api in pair.both))


def test_only_the_owner_can_read_the_files_of_keys(pair: Pair) -> None:
    pair.rotate()
    assert 0o700 == pair.keys.stat().st_mode & 0o777
    assert {0o600} == {file.stat().st_mode & 0o777 for file in pair.keys.rglob("*")}


def test_a_copy_of_the_keys_is_followed_too(pair: Pair) -> None:
    """On another machine, where a copy is brought after each rotation."""
    old = login(pair.one)
    copy = pair.folder / "copied" / "keys"
    shutil.copytree(pair.keys, copy)
    pair.rotate()
    new = login(pair.one)
    with answering(copy.parent, settings(pair.database_url)) as run, client(run.url) as api:
        assert 200 == pair.status(api, old)
        assert refusals.BAD_TOKEN == refused(api.with_token(new).get(WEIGHT.path(pair.child)))
        shutil.copytree(pair.keys, copy, dirs_exist_ok=True)
        assert soon(lambda: pair.status(api, new) == 200)
        assert soon(lambda: kid_of(login(api)) == kid_of(new))
        assert 200 == pair.status(api, old)


def test_an_old_key_checks_tokens_until_the_last_has_expired(pair: Pair) -> None:
    almost = DAY - 60
    token, last = login(pair.one), signed_ago(pair, almost)
    rotate_ago(pair.folder / "one", almost)
    assert soon(lambda: all(kids(api)[0] != kid_of(token) for api in pair.both))
    assert all(kid_of(token) in kids(api) for api in pair.both)
    assert pair.accept(token, last)


def test_an_old_key_checks_nothing_once_the_last_has_expired(pair: Pair) -> None:
    token = login(pair.one)
    rotate_ago(pair.folder / "one", DAY + 3600)
    for api in pair.both:
        assert soon(lambda api=api: kid_of(token) not in kids(api))  # type: ignore[misc]
        assert refusals.BAD_TOKEN == refused(api.with_token(token).get(WEIGHT.path(pair.child)))
    assert pair.accept(login(pair.one))


def signed_ago(pair: Pair, seconds: int) -> str:
    """A token of the key that signs now, made so long ago."""
    private: Any = load_pem_private_key((pair.keys / "private.pem").read_bytes(), None)
    made = int(time.time()) - seconds
    claims = jwt.decode(login(pair.one), options={"verify_signature": False}) | {"iat": made, "exp": made + DAY}
    return jwt.encode(claims, private, "RS256", {"kid": kids(pair.one)[0]})


def test_rotating_keys_in_a_path_that_is_not_a_folder_is_explained_in_sentences(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    ended = rotate(tmp_path / "file")
    assert (1, "") == (ended.returncode, ended.stdout)
    assert is_sentences(ended.stderr)
    assert str(tmp_path / "file") in ended.stderr


@pytest.mark.parametrize("words", [("keys",), ("keys", "turn"), ("keys", "rotate", "now")], ids=" ".join)
def test_an_unknown_keys_command_is_reported_in_sentences(words: tuple[str, ...]) -> None:
    ended = run_briefly(*words)
    assert (2, "") == (ended.returncode, ended.stdout)
    assert is_sentences(ended.stderr)
