"""The committed scripts work from a clean clone on any machine."""

import os
import re
import subprocess
import tomllib
from pathlib import Path

import pytest

from tests.service import ROOT

SCRIPTS = [path for path in sorted((ROOT / "scripts").iterdir()) if path.is_file() and path.suffix == ""]


def committed() -> list[Path]:
    """Every file that is committed, or would be."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        check=True,
    ).stdout
    return [path for name in listed.decode().split("\0") if name and (path := ROOT / name).is_file()]


def contents() -> dict[str, str]:
    return {str(path.relative_to(ROOT)): path.read_text() for path in committed()}


@pytest.mark.parametrize("script", [*SCRIPTS, ROOT / ".ci" / "run"], ids=lambda path: path.name)
def test_a_script_is_executable_bash_that_says_what_it_does(script: Path) -> None:
    first, second = script.read_text().splitlines()[:2]
    assert "#!/usr/bin/env bash" == first
    assert re.fullmatch(r"# .+\.", second), "what it does, in a sentence"
    assert os.access(script, os.X_OK)
    subprocess.run(["bash", "-n", script], check=True)


def test_the_documented_scripts_exist() -> None:
    assert {"serve", "test", "demo", "check", "bench"} <= {script.name for script in SCRIPTS}


def test_no_committed_file_knows_the_machine_that_it_was_written_on() -> None:
    """Folders of this machine, or hosts of package indexes."""
    machine = re.compile(
        r"(?<![\w.])/(work|root|home)/|pypi\.|pythonhosted|(?<!no-emit-)index-url|://[^/\s]*artifact", re.I
    )
    found = {
        name: machine.findall(text) for name, text in contents().items() if name != "tests/running/test_scripts.py"
    }
    assert {} == {name: hits for name, hits in found.items() if hits}


def test_every_locked_requirement_has_hashes_and_no_address() -> None:
    lock = (ROOT / "requirements.lock").read_text()
    assert "://" not in lock
    assert "--extra-index" not in lock
    requirements = [
        requirement for requirement in lock.replace("\\\n", " ").splitlines() if requirement and requirement[0] != "#"
    ]
    assert len(requirements) > 20
    assert [] == [each for each in requirements if not re.match(r"[a-z0-9.-]+==\S+ .*--hash=sha256:[0-9a-f]{64}", each)]


def dependencies() -> list[str]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    groups = project.get("dependency-groups", {}).values()
    return [*project["project"]["dependencies"], *(each for group in groups for each in group)]


def test_every_direct_dependency_has_its_reason_and_is_locked() -> None:
    text = (ROOT / "pyproject.toml").read_text()
    locked = set(re.findall(r"^([a-z0-9.-]+)==", (ROOT / "requirements.lock").read_text(), re.MULTILINE))
    for dependency in dependencies():
        assert re.search(rf'^ +"{re.escape(dependency)}", +# \S.+', text, re.MULTILINE), dependency
        assert re.split(r"[\[<>=!~ ]", dependency)[0].lower() in locked
