"""The library's own application reads and saves aggregates with text ids on this log."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest
from eventsourcing.application import AggregateNotFoundError, Application
from eventsourcing.persistence import (
    IntegrityError,
    MapperDeserialisationError,
    OperationalError,
    PersistenceError,
    StoredEvent,
)

from domain.catalogue import Undecodable, decode
from domain.partition import partition, stream
from domain.refusal import AlreadyRegistered
from tests.adapters.weighing import read, removed, start
from tests.adapters.world import World
from tests.conftest import PARTITIONS

CHILD, OTHER = "a" * 24, "b" * 24


@pytest.fixture
def app(database: str) -> Iterator[Application[str]]:
    application = Application[str](env={"PERSISTENCE_MODULE": "adapters.postgres.recorder", "DATABASE_URL": database})
    yield application
    application.close()


def counts(session: psycopg.Connection[Any]) -> tuple[int, int]:
    """Events and held keys."""
    row = session.execute("select (select count(*) from events), (select count(*) from dedupe_index)").fetchone()
    assert row is not None
    return row[0], row[1]


def test_an_aggregate_saved_is_the_aggregate_read(app: Application[str]) -> None:
    weighing = start(stream(CHILD, "first"))
    weighing.revise(31.5)
    app.save(weighing)
    again = read(app, weighing.id)
    assert weighing.state == again.state
    again.revise(32.5)
    app.save(again)
    assert (3, 32.5) == (read(app, weighing.id).version, read(app, weighing.id).state.value)
    assert 31.5 == read(app, weighing.id, version=2).state.value


def test_reading_an_unknown_stream_raises_the_librarys_not_found_error(app: Application[str]) -> None:
    with pytest.raises(AggregateNotFoundError):
        read(app, stream(CHILD, "nothing"))


def test_a_version_that_is_taken_is_the_librarys_conflict_and_stores_nothing(
    app: Application[str], session: psycopg.Connection[Any]
) -> None:
    weighing = start(stream(CHILD, "first"))
    app.save(weighing)
    one, two = read(app, weighing.id), read(app, weighing.id)
    one.revise(1.0)
    two.revise(2.0)
    app.save(one)
    with pytest.raises(IntegrityError):
        app.save(two, start(stream(OTHER, "beside")))
    assert (2, 1) == counts(session)
    app.save(start(stream(OTHER, "after")))
    assert (3, 2) == counts(session)


def test_a_key_that_is_held_is_the_librarys_conflict(app: Application[str], session: psycopg.Connection[Any]) -> None:
    app.save(start(stream(CHILD, "first")))
    with pytest.raises(IntegrityError):
        app.save(start(stream(CHILD, "second")))
    assert (1, 1) == counts(session)


def test_events_that_the_library_saves_move_the_dedupe_index(world: World, database: str) -> None:
    (child,) = world.children(1)
    with Application[str](env={"PERSISTENCE_MODULE": "adapters.postgres.recorder", "DATABASE_URL": database}) as app:
        weighing = start(stream(child, "first"))
        app.save(weighing)
        assert isinstance(world.outcome(world.weights(child, [0])), AlreadyRegistered)
        app.save(removed(weighing))
        assert isinstance(world.outcome(world.weights(child, [0])), str)


def test_the_logs_time_goes_on_after_what_the_library_says_though_the_clock_is_behind(
    world: World, database: str, session: psycopg.Connection[Any]
) -> None:
    (child,) = world.children(1)
    tomorrow = datetime.now(UTC) + timedelta(days=1)
    with Application[str](env={"PERSISTENCE_MODULE": "adapters.postgres.recorder", "DATABASE_URL": database}) as app:
        app.save(start(stream(child, "first"), recorded_at=tomorrow))
    id = world.id(world.weights(child, [1]))
    last = "select topic, state from events where originator_id = %s"
    ((topic, state),) = session.execute(last, [stream(child, id)]).fetchall()
    assert tomorrow < decode(topic, state).origin.recorded_at < tomorrow + timedelta(minutes=1)


def test_events_are_selected_by_version(app: Application[str]) -> None:
    weighing = start(stream(CHILD, "first"))
    for value in range(2, 6):
        weighing.revise(float(value))
    app.save(weighing, start(stream(OTHER, "other")))

    def versions(**selection: Any) -> list[int]:
        return [stored.originator_version for stored in app.recorder.select_events(weighing.id, **selection)]

    assert [1, 2, 3, 4, 5] == versions()
    assert [4, 5] == versions(gt=3)
    assert [1, 2] == versions(lte=2)
    assert [3, 4] == versions(gt=2, lte=4)
    assert [5, 4, 3, 2, 1] == versions(desc=True)
    assert [1, 2] == versions(limit=2)
    assert [4, 3] == versions(desc=True, gt=1, lte=4, limit=2)
    assert [] == versions(limit=0)
    assert [] == versions(gt=5)


def test_recorder_methods_that_need_a_total_order_of_events_are_not_implemented(app: Application[str]) -> None:
    for ask in (
        lambda: app.recorder.select_notifications(1, 10),
        app.recorder.max_notification_id,
        app.recorder.subscribe,
    ):
        with pytest.raises(
            NotImplementedError, match=f"no one order over the log's {PARTITIONS} partitions: read each"
        ):
            ask()


def test_an_event_under_an_unknown_name_is_not_saved(app: Application[str], session: psycopg.Connection[Any]) -> None:
    id = stream(CHILD, "first")
    with pytest.raises((Undecodable, PersistenceError), match="no such event"):
        app.recorder.insert_events([StoredEvent(id, 1, "no such event", b"{}")])
    assert (0, 0) == counts(session)
    app.save(start(id))
    assert (1, 1) == counts(session)


def test_a_stored_event_under_an_unknown_name_is_named_when_it_is_read(
    app: Application[str], session: psycopg.Connection[Any]
) -> None:
    id = stream(CHILD, "first")
    columns = (partition(id, PARTITIONS), id)
    session.execute("insert into events values (%s, 1, %s, 1, 'no such event', '{}')", columns)
    with pytest.raises(MapperDeserialisationError, match="no such event"):
        read(app, id)


def test_a_log_that_is_away_is_the_librarys_operational_error(
    app: Application[str], session: psycopg.Connection[Any]
) -> None:
    end = (
        "select pg_terminate_backend(pid, 5000) from pg_stat_activity"
        " where application_name = 'writer' and datname = current_database()"
    )
    for ask in (lambda: app.save(start(stream(CHILD, "first"))), lambda: app.recorder.select_events("x")):
        app.recorder.select_events("opens the session where it is not")
        session.execute(end)
        with pytest.raises(OperationalError):
            ask()
    app.save(start(stream(CHILD, "first")))
    assert (1, 1) == counts(session)
