"""The library used as documented: its `ProjectionRunner` runs a projection, with rows and tracking in one transaction.

It reads the library's own table of events, in a separate database with the first events of every partition.
"""

import time
from collections.abc import Sequence
from typing import Any

import psycopg
from eventsourcing.application import Application
from eventsourcing.dispatch import singledispatchmethod
from eventsourcing.persistence import Mapper, Tracking
from eventsourcing.postgres import PostgresDatastore, PostgresTrackingRecorder
from eventsourcing.projection import Projection, ProjectionRunner
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from adapters.postgres.mapper import EventMapper
from domain.catalogue import decode
from domain.measurement import MeasurementRecorded, MeasurementRemoved, MeasurementRevised, MeasurementsWithdrawn
from domain.partition import name_of, partition
from projections.views import measurements
from projections.views.view import PositionedEvent
from scripts.benchmarks.peers import LIBRARY_DATABASE
from scripts.benchmarks.rebuild_log import PARTITIONS

TABLE = {"measurements": sql.Identifier("measurements")}
COLUMNS = "part, child_id, kind, id, taken_at, value, unit, companion_value, institution_id"
PUT = f"""
insert into measurements ({COLUMNS}) values (%s, %s, %s, %s, %s, %s, %s, %s, %s)
on conflict (part, child_id, kind, id) do update set
    taken_at = excluded.taken_at, value = excluded.value, unit = excluded.unit,
    companion_value = excluded.companion_value, institution_id = excluded.institution_id
"""
REMOVE = "delete from measurements where part = %s and child_id = %s and kind = %s and id = %s"
WITHDRAW = "delete from measurements where part = %s and child_id = %s"
BEGINNING = """
select originator_id, originator_version, topic, state from events where seq <= %s order by seq, part
"""
COPY = "copy {} (originator_id, originator_version, topic, state) from stdin (format binary)"

Row = tuple[str, int, str, bytes]


class WrongRows(Exception):
    """The library's projection has other rows than the view."""


class Programme(Application[str]):
    """The application whose events are read. They are msgspec's JSON, which is faster than the library's own."""

    def construct_mapper(self) -> Mapper[str]:
        return EventMapper(self.construct_transcoder())


class Table(PostgresTrackingRecorder):
    """The view, which records its position with every change."""

    def __init__(self, datastore: PostgresDatastore, **kwargs: Any) -> None:
        super().__init__(datastore, **kwargs)
        create = [measurements.SQL["create"], measurements.SQL["index"]]
        self.sql_create_statements += [sql.SQL(each).format(**TABLE) for each in create]

    def change(self, statement: str, row: Sequence[Any], tracking: Tracking) -> None:
        with self.datastore.transaction(commit=True) as cursor:
            self._insert_tracking(cursor, tracking)
            cursor.execute(statement, row, prepare=True)


class Measurements(Projection[Table]):
    name = "measurements"
    topics = tuple(measurements.Measurements.topics)

    @singledispatchmethod
    def process_event(self, domain_event: Any, tracking: Tracking) -> None:
        self.view.insert_tracking(tracking)

    @process_event.register
    def _recorded(self, event: MeasurementRecorded, tracking: Tracking) -> None:
        key = _part(event), event.child_id, event.kind, name_of(event.originator_id)
        row = event.happened_at, event.value, event.unit, event.companion_value, event.institution_id
        self.view.change(PUT, (*key, *row), tracking)

    @process_event.register
    def _revised(self, event: MeasurementRevised, tracking: Tracking) -> None:
        self._recorded(event, tracking)

    @process_event.register
    def _removed(self, event: MeasurementRemoved, tracking: Tracking) -> None:
        key = _part(event), event.child_id, event.kind, name_of(event.originator_id)
        self.view.change(REMOVE, key, tracking)

    @process_event.register
    def _withdrawn(self, event: MeasurementsWithdrawn, tracking: Tracking) -> None:
        self.view.change(WITHDRAW, (_part(event), event.child_id), tracking)


def _part(event: Any) -> int:
    return partition(event.originator_id, PARTITIONS)


def run(conninfo: str, number: int) -> float:
    """Build the view from about `number` events. Returns events per second; raises WrongRows if its rows are wrong."""
    with psycopg.connect(conninfo) as connection:
        beginning: list[Row] = connection.execute(BEGINNING, [number // PARTITIONS]).fetchall()
    environment = _environment(_new_database(conninfo))
    with Programme(environment) as application:
        _store(conninfo, application.factory.env.name.lower() + "_events", beginning)
    last = max(place for place, row in enumerate(beginning, start=1) if row[2] in Measurements.topics)
    start = time.perf_counter()
    with ProjectionRunner(
        application_class=Programme, projection_class=Measurements, view_class=Table, env=environment
    ) as runner:
        # The runner's own wait sleeps for up to 0.8 s.
        while runner.view.max_tracking_id(runner.app_name) != last:
            runner.run_forever(timeout=0.02)
        seconds = time.perf_counter() - start
    _check(conninfo, beginning)
    return len(beginning) / seconds


def _own(conninfo: str) -> str:
    return make_conninfo(conninfo, dbname=LIBRARY_DATABASE)


def _new_database(conninfo: str) -> str:
    name = sql.Identifier(LIBRARY_DATABASE)
    with psycopg.connect(conninfo, autocommit=True) as connection:
        connection.execute(sql.SQL("drop database if exists {} with (force)").format(name))
        connection.execute(sql.SQL("create database {}").format(name))
    return _own(conninfo)


def _environment(conninfo: str) -> dict[str, str]:
    server = conninfo_to_dict(conninfo)
    return {
        "PERSISTENCE_MODULE": "eventsourcing.postgres",
        "ORIGINATOR_ID_TYPE": "text",
        "POSTGRES_DBNAME": LIBRARY_DATABASE,
        "POSTGRES_HOST": str(server["host"]),
        "POSTGRES_PORT": str(server.get("port", 5432)),
        "POSTGRES_USER": str(server["user"]),
        "POSTGRES_PASSWORD": str(server.get("password", "")),
    }


def _store(conninfo: str, table: str, beginning: Sequence[Row]) -> None:
    events = sql.Identifier(table)
    with psycopg.connect(_own(conninfo), autocommit=True) as connection:
        with connection.cursor() as cursor, cursor.copy(sql.SQL(COPY).format(events)) as copy:
            copy.set_types(("text", "int8", "text", "bytea"))
            for row in beginning:
                copy.write_row(row)
        connection.execute(sql.SQL("vacuum (analyze) {}").format(events))


def _check(conninfo: str, beginning: Sequence[Row]) -> None:
    events = [decode(topic, state) for _, _, topic, state in beginning]
    page = [PositionedEvent(_part(event), seq, event) for seq, event in enumerate(events)]
    expected = set(measurements.fold(page).rows())
    with psycopg.connect(_own(conninfo), options="-c timezone=UTC") as connection:
        found = set(connection.execute(f"select {COLUMNS} from measurements").fetchall())
    if found != expected:
        raise WrongRows(f"{len(found - expected)} rows too many, {len(expected - found)} missing")
