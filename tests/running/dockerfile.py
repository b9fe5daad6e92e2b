"""Carries out a Dockerfile without an engine: every stage is a folder that stands for the root of its file system."""

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from importlib import metadata
from pathlib import Path, PurePath
from string import Template
from typing import Any

from packaging.requirements import Requirement

INSTALLS = re.compile(r"pip .*install ")

_ABSOLUTE = re.compile(r"(?<![^\s:=])/(?=\w)")


@dataclass
class Stage:
    """`said`: what the last instruction of each name says, as it stands."""

    root: Path
    folder: str = "/"
    environment: dict[str, str] = field(default_factory=dict)
    said: dict[str, str] = field(default_factory=dict)

    def path(self, path: str) -> Path:
        """Where a path of its file system is."""
        return self.root / PurePath(self.folder, path).relative_to("/")

    def here(self, text: str) -> str:
        """A text with every path of its file system replaced by where that is."""
        return _ABSOLUTE.sub(f"{self.root}/", text)

    def words(self, instruction: str) -> list[str]:
        """What an instruction with a JSON array says, which may come after options."""
        words: list[str] = json.loads(self.said[instruction][self.said[instruction].index("[") :])
        return words

    @property
    def user(self) -> str:
        return self.said["USER"].partition(":")[0]


def build(project: Path, into: Path, *, from_index: bool) -> Stage:
    """The last stage of the project's Dockerfile. Packages come from the index, or else are those of this environment
    that the lock names. Files are given to whoever runs the tests, instead of to the image's user."""
    steps = list(_instructions(project / "Dockerfile"))
    user = next(rest for word, rest in steps if word == "USER").partition(":")[0]
    context = into / "context"
    _copy_context(project, context)
    stages: dict[str, Stage] = {}
    for word, rest in steps:
        match word:
            case "FROM":
                source, _, name = rest.partition(" AS ")
                before = stages.get(source)
                stage = Stage(into / f"stage-{len(stages)}", environment=_of_the_base(before))
                stage.root.mkdir()
                stages[name] = stage
            case "WORKDIR":
                stage.folder = rest
                stage.path(".").mkdir(parents=True, exist_ok=True)
            case "COPY":
                found = re.fullmatch(r"(?:--from=(\w+) )?(\S+) (\S+)", rest)
                assert found, rest
                origin = stages[found[1]].path(found[2]) if found[1] else context / found[2]
                _copy(origin, stage.path(found[3]))
            case "RUN":
                for command in rest.replace(user, str(os.getuid())).split("&&"):
                    if INSTALLS.search(command) and not from_index:
                        _link_packages(stage.path("requirements-run.lock"), stage.path("/venv"))
                    else:
                        _run(command, stage)
            case "ENV":
                for pair in shlex.split(rest):
                    name, _, value = pair.partition("=")
                    stage.environment[name] = Template(stage.here(value)).substitute(stage.environment)
            case "LABEL" | "USER" | "EXPOSE" | "HEALTHCHECK" | "ENTRYPOINT" | "CMD":
                stage.said[word] = rest
            case _:
                raise NotImplementedError(word)
    return stage


def _instructions(file: Path) -> Iterator[tuple[str, str]]:
    text = re.sub(r"^\s*#.*\n", "", file.read_text(), flags=re.MULTILINE).replace("\\\n", " ")
    for line in filter(None, map(str.strip, text.splitlines())):
        word, _, rest = line.partition(" ")
        yield word, re.sub(r" +", " ", rest.strip())


def _of_the_base(before: Stage | None) -> dict[str, str]:
    """The image that all begins with has a Python in its path: here that of the tests."""
    return dict(before.environment) if before else {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}


def _run(command: str, stage: Stage) -> None:
    outside = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    subprocess.run(
        ["sh", "-euc", stage.here(command)], cwd=stage.path("."), env=outside | stage.environment, check=True
    )


def _copy(origin: Path, to: Path) -> None:
    if origin.is_dir():
        shutil.copytree(origin, to, symlinks=True, dirs_exist_ok=True)
    else:
        shutil.copy2(origin, to)


def _copy_context(project: Path, to: Path) -> None:
    """What `.dockerignore` leaves of the project."""
    rules = [
        (not line.startswith("!"), _pattern(line.removeprefix("!")))
        for line in (project / ".dockerignore").read_text().splitlines()
        if line and not line.startswith("#")
    ]

    def ignored(path: PurePath) -> bool:
        verdict = False
        for ignores, pattern in rules:
            if any(pattern.fullmatch(str(each)) for each in (path, *path.parents)):
                verdict = ignores
        return verdict

    def among(folder: str, names: Iterable[str]) -> list[str]:
        return [name for name in names if ignored(PurePath(folder, name).relative_to(project))]

    shutil.copytree(project, to, symlinks=True, ignore=among)


def _pattern(text: str) -> re.Pattern[str]:
    parts: dict[str, Any] = {"**/": "(?:.*/)?", "*": "[^/]*"}
    return re.compile("".join(parts.get(each) or re.escape(each) for each in re.split(r"(\*\*/|\*)", text)))


def _link_packages(lock: Path, environment: Path) -> None:
    (site,) = environment.glob("lib/python*/site-packages")
    for line in lock.read_text().splitlines():
        if not re.match(r"[a-z0-9]", line):
            continue
        wanted = Requirement(line.rstrip("\\ "))
        if wanted.marker is not None and not wanted.marker.evaluate():
            continue
        found = metadata.distribution(wanted.name)
        assert found.version in wanted.specifier, wanted
        for top in {file.parts[0] for file in found.files or ()} - {"..", "__pycache__"}:
            if not (site / top).exists():
                (site / top).symlink_to(str(found.locate_file(top)))
