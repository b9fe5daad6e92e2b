"""The service that the acceptance tests drive over real HTTP."""

from collections.abc import Callable, Iterator

import pytest

from tests.acceptance.fixtures import *  # noqa: F403  # fixtures are found by name
from tests.service import Service, serve


@pytest.fixture(scope="session")
def service(new_database: Callable[..., str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """Of two processes, so that whatever is asked at once is asked of both."""
    with serve(tmp_path_factory.mktemp("data"), {"DATABASE_URL": new_database(64)}, workers=2) as running:
        yield running
