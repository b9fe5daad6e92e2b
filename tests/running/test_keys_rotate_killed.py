"""A rotation that is killed in the middle leaves nothing unusable."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from tests.acceptance.client import Api
from tests.running.processes import environment, serving
from tests.running.programme import client
from tests.running.rotating import kid_of, kids, login, rotate, settings
from tests.running.single_api import answering
from tests.service import ROOT


def killed_at_every_step(data: Path, copies: Path) -> list[Path]:
    """What is left of a data folder by rotations that were each killed a step later; the last one was not."""
    words = [sys.executable, "-m", "tests.running.kill_rotation", str(data), str(copies)]
    subprocess.run(words, env=environment(), cwd=ROOT, capture_output=True, timeout=300, check=True)
    return sorted((copy for copy in copies.iterdir() if copy.name != "loading"), key=lambda copy: int(copy.name))


def traces(data: Path, before: dict[str, bytes]) -> tuple[str, ...]:
    """What has become of the files, whatever their names."""
    now = contents(data)
    changed = ["gone" if name not in now else "changed" for name in before if now.get(name) != before[name]]
    return tuple(sorted(changed + ["new" if now[name] else "empty" for name in now.keys() - before.keys()]))


def contents(data: Path) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in (data / "keys").iterdir()}


def test_a_key_rotation_killed_at_any_step_leaves_usable_keys(new_database: Callable[..., str], tmp_path: Path) -> None:
    """Each kind of folder that such a kill can leave is as good as one that was never rotated, or was."""
    data, with_database = tmp_path / "data", settings(new_database(64))
    with serving(data, with_database) as whole, client(whole.url) as first:
        old = login(first)
        before = contents(data)
        left = {traces(copy, before): copy for copy in killed_at_every_step(data, tmp_path / "copies")}
        left.pop((), None)  # nothing has happened to it
        assert len(left) >= 2, "at least a file was made, and put in its place"
        for copy in left.values():
            with answering(copy, with_database) as run, client(run.url) as api:
                here = login(api)
                assert good(api, old)
                assert good(api, here)
                assert kid_of(here) == kids(api)[0]
            assert 0 == rotate(copy).returncode
            assert {0o600} == {file.stat().st_mode & 0o777 for file in (copy / "keys").iterdir()}


def good(api: Api, token: str) -> bool:
    return api.with_token(token).get("/v1/institutions").status_code == 200
