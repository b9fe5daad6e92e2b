"""docker-compose.yml as an engine reads it, and its containers as processes of this machine."""

import json
import os
import re
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

import msgspec

from tests.running.dockerfile import Stage
from tests.service import ROOT, free_port

_VARIABLE = re.compile(r"\$\{(\w+)(?::([-?])([^}]*))?\}")


class Unset(Exception):
    """A variable without a default that the environment does not have."""


def composed(environment: Mapping[str, str]) -> dict[str, Any]:
    """The file, with the variables of an environment in their places. Unset."""

    def value(found: re.Match[str]) -> str:
        name, operator, rest = found.groups()
        if environment.get(name):
            return environment[name]
        if operator != "-":
            raise Unset(f"{name}: {rest}")
        return str(rest)

    def filled(node: Any) -> Any:
        match node:
            case str():
                return _VARIABLE.sub(value, node)
            case dict():
                return {name: filled(each) for name, each in node.items()}
            case list():
                return [filled(each) for each in node]
            case _:
                return node

    file: dict[str, Any] = filled(msgspec.yaml.decode((ROOT / "docker-compose.yml").read_text()))
    return file


def seconds(duration: str) -> float:
    """Of a duration in seconds, as the file writes them all."""
    return float(duration.removesuffix("s"))


@cache
def confined(user: str) -> list[str]:
    """Words before a command that take every capability from it, and where the system lets them give it that user.

    Its files stay those of whoever runs the tests: it can read what they can, and write where modes let their owner.
    """
    for words in (
        ["setpriv", "--no-new-privs", "unshare", "--user", f"--map-user={user}", f"--map-group={user}"],
        ["setpriv", "--no-new-privs", "--bounding-set=-all"],
    ):
        if subprocess.run([*words, "true"], capture_output=True, check=False).returncode == 0:
            return words
    return []


def tree(root: Path) -> set[Path]:
    """Everything in a folder, and the folder."""
    return {root, *(Path(folder, name) for folder, folders, names in os.walk(root) for name in folders + names)}


def let_write(root: Path, *, may: bool) -> None:
    """Give its owner the permission to write in a folder, or take it away."""
    for path in tree(root):
        if not path.is_symlink():
            path.chmod(path.stat().st_mode | 0o200 if may else path.stat().st_mode & ~0o222)


class Container:
    """One of a service: its command, its environment, and its port, which here is one of the machine's."""

    process: subprocess.Popen[bytes]

    def __init__(
        self, name: str, service: dict[str, Any], image: Stage, settings: Mapping[str, str], err: Path
    ) -> None:
        """`settings` stand for the addresses that only an engine has; `err`: where its log goes."""
        self.name = name
        self.service = service
        self.err = err
        self._image = image
        self._settings = settings
        self._port = str(free_port())
        self.url = f"http://127.0.0.1:{self._port}"

    @property
    def logged(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.err.read_text().splitlines()]

    @contextmanager
    def running(self) -> Iterator[subprocess.Popen[bytes]]:
        """Its process, for as long as the block runs."""
        with self.err.open("wb") as logged:
            self.process = subprocess.Popen(
                self._here([*self._image.words("ENTRYPOINT"), *self.service["command"]]),
                env=self._environment(),
                cwd=self._image.path("."),
                stderr=logged,
            )
        try:
            yield self.process
        finally:
            self.process.kill()
            self.process.wait()

    def run(self, *words: str) -> subprocess.CompletedProcess[str]:
        """A command in it that ends by itself."""
        return subprocess.run(
            self._here(list(words)),
            env=self._environment(),
            cwd=self._image.path("."),
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    def check_health(self) -> subprocess.CompletedProcess[str]:
        return self.run(*self.service["healthcheck"]["test"][1:])

    def _here(self, words: list[str]) -> list[str]:
        inside = [self._port if word == "8000" else word for word in words]
        return [*confined(self._image.user), *inside]

    def _environment(self) -> dict[str, str]:
        given = {name: self._image.here(value) for name, value in self.service["environment"].items()}
        return {**self._image.environment, **given, **self._settings}


def containers(services: dict[str, Any], image: Stage, settings: Mapping[str, str], notes: Path) -> Iterator[Container]:
    """Those of the project's own image, named as an engine names them; their logs go into the folder `notes`."""
    for name, service in services.items():
        for number in range(service.get("deploy", {}).get("replicas", 1) if "build" in service else 0):
            each = f"{name}-{number + 1}"
            yield Container(each, service, image, settings, notes / f"{each}.err")
