"""The log in memory and the one in PostgreSQL, for tests that hold for both."""

from collections.abc import Callable, Collection, Iterator
from contextlib import AbstractContextManager, contextmanager

import pytest
import structlog

from adapters.postgres.connections import connector
from adapters.postgres.event_store import PostgresEventStore
from application.ports import Log
from projections.inline.batch_state import InlineBatchState
from tests.fakes import FakeLog

AnyLog = Log[InlineBatchState]

Hold = Callable[[Collection[int]], AbstractContextManager[None]]


@pytest.fixture(scope="session", autouse=True)
def plain_logs() -> None:
    """Tracebacks without values of variables: these tests log many, and rendering one takes half a second."""
    structlog.configure(processors=[structlog.processors.format_exc_info, structlog.processors.JSONRenderer()])


@pytest.fixture(scope="session")
def shared_database(new_database: Callable[..., str]) -> str:
    """One database for all tests that use ids and names of their own."""
    return new_database()


@pytest.fixture
def postgres_log(shared_database: str) -> Iterator[PostgresEventStore]:
    log = PostgresEventStore(connector(shared_database))
    yield log
    log.close()


@pytest.fixture
def fake_log() -> FakeLog:
    return FakeLog()


@pytest.fixture(params=["fake", "postgres"])
def log(request: pytest.FixtureRequest) -> AnyLog:
    found: AnyLog = request.getfixturevalue(f"{request.param}_log")
    return found


@pytest.fixture
def held_elsewhere(log: AnyLog, request: pytest.FixtureRequest) -> Hold:
    """Another writer holds partitions until the block ends."""

    @contextmanager
    def hold_in_memory(parts: Collection[int]) -> Iterator[None]:
        assert isinstance(log, FakeLog)
        log.locked_elsewhere |= set(parts)
        yield
        log.locked_elsewhere -= set(parts)

    @contextmanager
    def hold(parts: Collection[int]) -> Iterator[None]:
        other = PostgresEventStore(connector(request.getfixturevalue("shared_database")))
        other.begin(parts, ())
        yield
        other.rollback()
        other.close()

    return hold_in_memory if isinstance(log, FakeLog) else hold
