"""The scripts make their environment where it is not there, and where it cannot be used any more."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.service import ROOT

MAKING = "Making the environment"
SITE = "lib/python{}.{}/site-packages"

NEWEST = """#!/bin/sh
[ "$1" = -c ] && exit 0
shift 3
rm -rf "$1"
mkdir -p "$1/bin" "$1/{site}"
cp "$(dirname "$0")/within" "$1/bin/python"
"""
"""Stands for the newest Python of the machine: makes an environment."""

WITHIN = """#!/bin/sh
[ "$2" = pip ] && exit 0
exec {python} "$@"
"""
"""Stands for the interpreter of an environment, whose pip has nothing to install."""


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A clone with nothing in it but what makes the environment."""
    root = tmp_path / "clone"
    (root / "scripts").mkdir(parents=True)
    shutil.copy(ROOT / "scripts" / "environment", root / "scripts")
    (root / "requirements.lock").write_text("first")
    machine = tmp_path / "machine"
    machine.mkdir()
    for name, text in (("python3.13", NEWEST), ("within", WITHIN)):
        (machine / name).write_text(text.format(python=sys.executable, site=SITE.format(*sys.version_info)))
        (machine / name).chmod(0o755)
    return root


def made(root: Path) -> bool:
    """Whether the environment was made for a command, which was run in any case."""
    ended = subprocess.run(
        [root / "scripts" / "environment", "python", "-c", "print('run')"],
        env={**os.environ, "PATH": f"{root.parent / 'machine'}:{os.environ['PATH']}"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert "run\n" == ended.stdout
    return MAKING in ended.stderr


def test_an_environment_is_made_once(root: Path) -> None:
    assert [True, False, False] == [made(root) for _ in range(3)]


def test_an_environment_of_another_lock_is_made_anew(root: Path) -> None:
    assert made(root)
    (root / "requirements.lock").write_text("second")
    assert [True, False] == [made(root) for _ in range(2)]


def test_an_environment_whose_interpreter_is_gone_is_made_anew(root: Path) -> None:
    assert made(root)
    python = root / ".venv" / "bin" / "python"
    python.unlink()
    python.symlink_to(root / "gone")
    assert [True, False] == [made(root) for _ in range(2)]


def test_an_environment_whose_interpreter_has_become_another_version_is_made_anew(root: Path) -> None:
    assert made(root)
    (root / ".venv" / SITE.format(*sys.version_info)).parent.rename(root / ".venv" / "lib" / "python3.1")
    assert [True, False] == [made(root) for _ in range(2)]


def test_an_interpreter_that_fails_for_once_costs_nobody_the_environment(root: Path) -> None:
    assert made(root)
    python = root / ".venv" / "bin" / "python"
    works = python.read_text()
    python.write_text(works.replace("exec", f"[ -e {root}/failed ] || {{ touch {root}/failed; kill -9 $$; }}\nexec"))
    assert [False, False] == [made(root) for _ in range(2)]
    assert (root / "failed").exists()
