"""What is kept is compared with what the log says without growing it anew, and yet to the last bit."""

import math
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from typing import Any

import pytest
from msgspec.structs import replace
from psycopg import Connection, Cursor, sql
from psycopg.sql import Identifier
from psycopg.types.json import Jsonb

from adapters.postgres import embedded
from domain.catalogue import encode
from domain.measurement import MeasurementRecorded
from domain.partition import ACCOUNTS, partition
from projections import log
from projections.verification import replay, stored_rows
from projections.verification.histories import Report
from projections.verification.stored_rows import StoredRows, all_projections
from projections.views.registry import VIEWS
from projections.views.view import Page, Tables, View
from tests.adapters.rebuilding import EVERYTHING, Copy, everything, filled
from tests.adapters.replaying import located, replayed
from tests.adapters.test_rebuild_compared import COLUMNS
from tests.adapters.workload import Workload
from tests.conftest import PARTITIONS

LEAST: dict[str, Callable[[Any], Any]] = {
    "text": lambda value: value[:-1] + chr(ord(value[-1]) + 1) if value else "" if value is None else " ",
    "bytea": lambda value: value[:-1] + bytes([value[-1] ^ 1]),
    "smallint": lambda value: value + 1,
    "integer": lambda value: value + 1,
    "bigint": lambda value: value + 1,
    "numeric": lambda value: value.next_plus(),
    "double precision": lambda value: 5e-324 if value is None else math.nextafter(value, math.inf),
    "timestamp with time zone": lambda value: value + value.resolution,
    "date": lambda value: value + value.resolution,
    "jsonb": lambda value: Jsonb({**(value or {}), "": None}),
}
"""By the type of a column: the nearest value that is another."""


@pytest.fixture
def copy(server: embedded.Server, new_database: Callable[..., str]) -> Iterator[Copy]:
    with filled(server.url, new_database).copy() as copy:
        yield copy


@pytest.fixture
def session(copy: Copy) -> Iterator[Connection[Any]]:
    with closing(copy.connect("replay")) as session:
        session.autocommit = True
        yield session


@pytest.fixture
def grown(monkeypatch: pytest.MonkeyPatch) -> set[str]:
    """The views that had to be grown anew."""
    names = set()
    grow = stored_rows._fill

    def note(cursor: Cursor[Any], view: View, tables: Tables, page: Page) -> Any:
        names.add(view.name)
        return grow(cursor, view, tables, page)

    monkeypatch.setattr(stored_rows, "_fill", note)
    return names


def of(session: Connection[Any], name: str) -> StoredRows:
    return next(each for each in all_projections(session) if each.view.name == name)


def found(session: Connection[Any], view: StoredRows, part: int) -> list[str]:
    """The tables of which a row of the partition is not what it should be."""
    report = Report()
    for _ in replay.replay(session, part, PARTITIONS, report, [view]):
        pass
    return [each.stream.split()[0] for each in report.findings]


class Table:
    def __init__(self, session: Connection[Any], name: Identifier) -> None:
        self._session, self._name = session, name
        columns = session.execute(COLUMNS, [name.as_string(session)]).fetchall()
        self.types = {column: type for column, type, _ in columns}
        self.keys = [column for column, _, is_key in columns if is_key]

    def ask(self, statement: str, column: str = "part", **values: Any) -> list[tuple[Any, ...]]:
        key = sql.SQL(", ").join(map(Identifier, self.keys))
        asked = sql.SQL(statement).format(table=self._name, column=Identifier(column), key=key)
        cursor = self._session.execute(asked, values)
        return cursor.fetchall() if cursor.description else []

    def at(self, part: int, place: int) -> str:
        """Where a row is now, by its place in the order of the key."""
        there = "select ctid from {table} where part = %(part)s order by {key} offset %(place)s limit 1"
        return str(self.ask(there, part=part, place=place)[0][0])

    @contextmanager
    def changed(self, column: str) -> Iterator[int]:
        """One value is the least bit another, as long as the block lasts; of which partition its row is."""
        part = "part" if "part" in self.types else str(partition(ACCOUNTS, PARTITIONS))
        # The last row, whose place no other is next to.
        one = f"select ctid, {part}, {{column}} from {{table}} order by {{column}} is null, ({{key}}) desc limit 1"
        there = self.ask(one, column)
        ((at, part_of_it, value),) = there
        change = "update {table} set {column} = %(value)s where ctid = %(at)s returning ctid"
        ((at,),) = self.ask(change, column, value=LEAST[self.types[column]](value), at=at)
        yield part_of_it
        self.ask(change, column, value=Jsonb(value) if isinstance(value, (dict, list)) else value, at=at)

    @contextmanager
    def followed(self, at: str) -> Iterator[None]:
        """By a row whose key is the next one."""
        column = self.keys[-1]
        ((value,),) = self.ask("select {column} from {table} where ctid = %(at)s", column, at=at)
        self.ask("create temp table more as select * from {table} where ctid = %(at)s", at=at)
        self._session.execute(
            sql.SQL("update more set {} = %s").format(Identifier(column)), [LEAST[self.types[column]](value)]
        )
        ((at,),) = self.ask("insert into {table} select * from more returning ctid")
        self.ask("drop table more")
        yield
        self.ask("delete from {table} where ctid = %(at)s", at=at)

    @contextmanager
    def without(self, at: str) -> Iterator[None]:
        self.ask("create temp table gone as select * from {table} where ctid = %(at)s", at=at)
        self.ask("delete from {table} where ctid = %(at)s", at=at)
        yield
        self.ask("insert into {table} select * from gone")
        self.ask("drop table gone")


@everything
def test_a_replay_finds_the_least_change_of_any_column(session: Connection[Any], name: str) -> None:
    view = of(session, name)
    for table, identifier in view.tables.items():
        there = Table(session, identifier)
        for column in there.types:
            with there.changed(column) as part:
                assert {table} == set(found(session, view, part)), column
    assert [] == [difference for part in log.partitions(session) for difference in found(session, view, part)]


@pytest.mark.parametrize("table", [table for view in EVERYTHING.values() for table in view.stored_rows])
def test_a_replay_finds_missing_and_additional_rows(
    table: str, session: Connection[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """At the beginning, the end and amid what is compared at once, and of the whole."""
    monkeypatch.setattr(stored_rows, "CHUNK", 3)
    (view,) = (each for each in all_projections(session) if table in each.view.stored_rows)
    there = Table(session, view.tables[table])
    ((part, count),) = there.ask("select part, count(*) from {table} group by part order by 2 desc limit 1")
    assert count > 8
    for place in (0, 1, 2, 3, 4, count - 1):
        with there.without(there.at(part, place)):
            assert [table] == found(session, view, part)
    with there.followed(there.at(part, count - 1)):
        assert [table] == found(session, view, part)
    assert [] == found(session, view, part)


def test_a_replay_of_an_undamaged_log_rebuilds_only_the_directory(
    copy: Copy, grown: set[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert 0 == replayed(copy, capsys).code
    assert {"directory"} == grown


def test_a_replay_compares_a_view_at_its_checkpoint(
    copy: Copy, grown: set[str], session: Connection[Any], capsys: pytest.CaptureFixture[str]
) -> None:
    workload = Workload(copy.world, seed=9)
    for _ in range(20):
        workload.run_group()
    assert 0 == replayed(copy, capsys).code
    assert {"directory"} == grown
    for name in VIEWS.latest:
        view = of(session, name)
        there = Table(session, next(iter(view.tables.values())))
        ((at, part),) = there.ask("select ctid, part from {table} limit 1")
        with there.without(at):
            assert view.tables.keys() >= set(found(session, view, part)) > set()
        assert [] == found(session, view, part)


VALUES = (0.1 + 0.2, -0.0, 0.0, 1e300, 5e-324)
UNITS = ("\uff5e", "\U0001f600", "kg", "KG", "é")


def test_a_replay_distinguishes_zeros_by_sign_and_no_equal_values(
    copy: Copy, grown: set[str], session: Connection[Any], capsys: pytest.CaptureFixture[str]
) -> None:
    (child,) = copy.world.children(1)
    for hours in range(len(VALUES)):
        copy.world.id(copy.world.weights(child, [hours]))
    recorded = [
        each for each in located(copy) if isinstance(each.event, MeasurementRecorded) and each.event.child_id == child
    ]
    for each, value, unit in zip(recorded, VALUES, UNITS, strict=True):
        assert isinstance(each.event, MeasurementRecorded)
        state = encode(replace(each.event, value=value, unit=unit))
        copy.ask("update events set state = %s where part = %s and seq = %s", state, *each.place)
    copy.catch_up()
    assert 0 == replayed(copy, capsys).code
    assert {"directory"} == grown
    for name, table, column in (("measurements", "measurements", "value"), ("outcomes", "entries", "number")):
        view = of(session, name)
        there = Table(session, view.tables[table])
        zero = "update {table} set {column} = -{column} where {column} = 0 and part = %(part)s"
        there.ask(zero, column, part=recorded[0].part)
        assert [table] * 2 == found(session, view, recorded[0].part)
        there.ask(zero, column, part=recorded[0].part)
        assert [] == found(session, view, recorded[0].part)


def test_a_replay_by_several_processes_finds_the_same(copy: Copy, capsys: pytest.CaptureFixture[str]) -> None:
    copy.ask("update measurements_g1 set unit = 'stone'")
    copy.ask("delete from events where seq = 3")
    one, two = (replayed(copy, capsys, workers=workers).told for workers in (1, 2))
    assert one | {"seconds": 0} == two | {"seconds": 0}
    assert len(one["findings"]) > 20
