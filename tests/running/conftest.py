"""A service with its own database, for all tests that only want one that is alive."""

from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from tests.running.processes import Run, serving
from tests.running.programme import Programme, client, enrol


@dataclass(frozen=True)
class Alive:
    run: Run
    programme: Programme


@pytest.fixture(scope="session")
def alive(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Alive]:
    with serving(tmp_path_factory.mktemp("alive") / "data") as run, client(run.url) as api:
        yield Alive(run, enrol(api))
