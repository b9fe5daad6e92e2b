"""A log that commands write to without HTTP, and what its view should hold."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from itertools import count
from typing import Any
from uuid import uuid4

import psycopg
from psycopg import Connection

from adapters.postgres.connections import connector
from adapters.postgres.event_store import PostgresEventStore
from application.command import Actor, Command
from application.commands.record_measurements import RecordMeasurements
from application.commands.register_first_admin import SERVICE, RegisterFirstAdmin
from application.commands.register_user import NewUser
from application.commands.remove_measurement import RemoveMeasurement
from application.permissions import scopes_of
from application.processor import Processor
from domain.catalogue import decode
from domain.measurement import Reading
from projections.views.measurements import fold
from projections.views.view import PositionedEvent
from tests.running.processes import soon
from tests.running.programme import START

Connect = Callable[[str], Connection[Any]]

BATCH = 20

_moments = count()


class Weighing:
    """Writes weights of some children: of each batch, one is removed again. One thread's."""

    def __init__(self, connect: Connect, children: int = 12) -> None:
        self._log = PostgresEventStore(connect)
        self._processor = Processor(self._log)
        (application,) = self._register("application")
        self._actor = Actor(application, "application", frozenset(scopes_of("application")))
        self.children = self._register(*["child"] * children)

    def close(self) -> None:
        self._log.close()

    def _register(self, *roles: str) -> list[str]:
        new = [NewUser(role, uuid4().hex, "no hash") for role in roles]
        return [self.run(RegisterFirstAdmin(actor=SERVICE, request_id=uuid4().hex[:24], user=each))[0] for each in new]

    def run(self, command: Command) -> list[str]:
        """The ids that it answers with: nothing that is written here is refused."""
        answer = self._processor.run([command], oldest_waits=True)[0]
        assert isinstance(answer, list), answer
        assert all(isinstance(outcome, str) for outcome in answer)
        return [str(outcome) for outcome in answer]

    def weigh(self, child_id: str, number: int = BATCH) -> None:
        taken_at = [START + timedelta(milliseconds=next(_moments)) for _ in range(number)]
        readings = [Reading(child_id, "weight", moment, 20.5, "kg", 11.5) for moment in taken_at]
        asked: dict[str, Any] = {"actor": self._actor, "request_id": uuid4().hex[:24], "child_id": child_id}
        ids = self.run(RecordMeasurements(**asked, readings=readings))
        self.run(RemoveMeasurement(**asked, kind="weight", measurement_id=ids[0]))

    def weigh_all(self, times: int = 1) -> None:
        for _ in range(times):
            for child_id in self.children:
                self.weigh(child_id)


@contextmanager
def weighing(url: str, **how: int) -> Iterator[Weighing]:
    writer = Weighing(connector(url), **how)
    try:
        yield writer
    finally:
        writer.close()


def expected_rows(url: str) -> list[tuple[Any, ...]]:
    """The rows of the view, as they follow from the whole log at once."""
    with psycopg.connect(url) as connection:
        stored = connection.execute("select part, seq, topic, state from events order by part, seq").fetchall()
    rows = fold(PositionedEvent(part, seq, decode(topic, state)) for part, seq, topic, state in stored).rows()
    return sorted(rows)


def rows(url: str) -> list[tuple[Any, ...]]:
    with psycopg.connect(url) as connection:
        connection.execute("set timezone = 'UTC'")
        return connection.execute(
            "select part, child_id, kind, id, taken_at, value, unit, companion_value, institution_id from measurements"
            " order by part, child_id, kind, id"
        ).fetchall()


def caught_up(url: str, seconds: float = 20.0) -> bool:
    """Whether every place reaches the end of its partition within so many seconds."""
    with psycopg.connect(url, autocommit=True) as connection:
        return soon(lambda: connection.execute(BEHIND).fetchone() == (0,), seconds)


BEHIND = """
select count(*) from (select part, max(seq) as seq from events group by part) e
where coalesce((select max(p.seq) from places p where p.part = e.part and p.view = 'measurements'), 0) < e.seq
"""
