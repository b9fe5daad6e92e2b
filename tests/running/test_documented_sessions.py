"""The sessions of README and tutorial work as they stand, and answer as they show."""

import re
import subprocess
from collections.abc import Iterator

import pytest

from tests.running.processes import Run, environment, serving
from tests.service import ROOT

PASSWORD = "growing-up"
VARIES = re.compile(r'[0-9a-f]{24}|(?<="age_calc_date":")[0-9-]+')


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Run]:
    with serving(tmp_path_factory.mktemp("data"), {"GROWTHRINGS_ADMIN_PASSWORD": PASSWORD}) as running:
        yield running


def session(document: str) -> str:
    return "\n".join(re.findall(r"```bash\n(.+?)```", (ROOT / document).read_text(), re.DOTALL))


def output(run: Run, commands: str) -> list[str]:
    assert "http://127.0.0.1:8000" in commands
    ended = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", commands.replace("http://127.0.0.1:8000", run.url)],
        env=environment(), cwd=ROOT, capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip
    assert (0, "") == (ended.returncode, ended.stderr), ended
    return ended.stdout.splitlines()


def test_the_session_of_the_readme_answers_as_it_shows_and_can_be_pasted_again(run: Run) -> None:
    readme = session("README.md")
    shown = re.findall(r"^# ([\[{].+)$", readme, re.MULTILINE)
    assert 8 == len(shown)
    first, again = output(run, readme), output(run, readme)
    assert [VARIES.sub("…", line) for line in shown] == [VARIES.sub("…", line) for line in first]
    assert [line for line in again[:5] if not line.startswith('{"code":409,')] == []
    assert first[6:] == again[6:]


def test_the_session_of_the_tutorial_goes_on_from_that_of_the_readme(run: Run) -> None:
    lines = output(run, session("README.md") + session("docs/tutorial.md"))
    assert "30 new, 0 duplicates" in lines
    assert any('"direction":"increasing"' in line for line in lines)
