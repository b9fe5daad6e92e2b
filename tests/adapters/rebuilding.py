"""A log in which everything comes up, with views that are where it is: copied for each test that rebuilds something."""

import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg import Connection, Cursor, sql
from psycopg.sql import Identifier

from adapters.cli.views import Operator
from adapters.postgres.connections import connector
from adapters.postgres.event_store import PostgresEventStore
from projections.projector.projector import Projector
from projections.projector.sessions import session_name
from projections.rebuild import rebuild
from projections.rebuild.inline_views import INLINE
from projections.rebuild.rebuild import Rebuild
from projections.views.registry import VIEWS
from projections.views.view import Page, Tables, View
from tests import databases
from tests.adapters.workload import Workload
from tests.adapters.world import World, settle_in
from tests.projecting import at_work
from tests.running.processes import soon

EVERYTHING: dict[str, View] = {**VIEWS.latest, **INLINE}

everything = pytest.mark.parametrize("name", EVERYTHING)
each_view = pytest.mark.parametrize("name", VIEWS.latest)
each_inline = pytest.mark.parametrize("name", INLINE)

Session = tuple[Connection[Any], str]
"""With its application name."""

GROUPS = 120

BEHIND = """
select count(*) from (select part, max(seq) as seq from events group by part) e
cross join views v
where v.grown and coalesce(
    (select max(p.seq) from places p where p.part = e.part and p.view = v.view and p.generation = v.generation), 0
) < e.seq
"""

LIVE_BEHIND = f"{BEHIND} and v.live and v.view = %s"


@dataclass(frozen=True)
class Copy:
    """A database of a test's own. `world` has one session from the beginning to the end."""

    url: str
    world: World

    @property
    def connect(self) -> Callable[[str], Connection[Any]]:
        return connector(self.url)

    @contextmanager
    def session(self, kind: str = "rebuild") -> Iterator[Session]:
        """A session, and its name; it is gone afterwards, also in the eyes of others."""
        name = session_name(kind)
        with self.connect(name) as connection:
            connection.autocommit = True
            yield connection, name
        is_there = "select pid from pg_stat_activity where application_name = %s"
        assert soon(lambda: not self.ask(is_there, name))

    def ask(self, statement: str | sql.Composed, *values: Any) -> list[tuple[Any, ...]]:
        with psycopg.connect(self.url) as connection:
            cursor = connection.execute(statement.encode() if isinstance(statement, str) else statement, values)
            return cursor.fetchall() if cursor.description else []

    def operator(self) -> Operator:
        return Operator(self.url, Path())

    def rebuild(self, name: str, *, accept_differences: bool = False) -> int:
        """The exit code."""
        return self.operator().rebuild([name], workers=1, accept_differences=accept_differences, anew=False)

    def live(self, name: str) -> int:
        ((generation,),) = self.ask("select generation from views where view = %s and live", name)
        return int(generation)

    def rows(self, name: str) -> dict[str, list[tuple[str]]]:
        """What questions and commands find, by table."""
        rows = sql.SQL("select t::text from {} t order by 1")
        return {table: self.ask(rows.format(Identifier(table))) for table in EVERYTHING[name].tables}

    def serving(self, name: str) -> dict[str, int]:
        """The tables, not their names, that are behind the plain names."""
        suffix = "" if name in INLINE else f"_g{self.live(name)}"
        return {table: self.ask("select %s::regclass::oid", table + suffix)[0][0] for table in EVERYTHING[name].tables}

    def events(self, name: str) -> set[tuple[Any, ...]]:
        """Those of the log that a view cares about, by stream and version."""
        asked = "select originator_id, originator_version from events where topic = any (%s)"
        return set(self.ask(asked, list(EVERYTHING[name].topics)))

    @contextmanager
    def projecting(self) -> Iterator[None]:
        projector = Projector(self.connect, poll=0.01)
        thread = threading.Thread(target=projector.run)
        thread.start()
        try:
            yield
        finally:
            projector.stop()
            thread.join()

    def catch_up_live(self, name: str) -> None:
        """Let the projectors bring what serves to the end of the log: an inline projection is always there."""
        with self.projecting():
            assert soon(lambda: self.ask(LIVE_BEHIND, name) == [(0,)], 20)

    def catch_up(self) -> None:
        """Let the projectors bring every generation they keep to the end of the log."""
        with self.projecting():
            assert soon(lambda: self.ask(BEHIND) == [(0,)], 20)


@dataclass(frozen=True)
class Filled:
    """What copies are made of."""

    server: str
    name: str
    world: World

    @contextmanager
    def copy(self) -> Iterator[Copy]:
        with databases.copied(self.server, self.name) as url:
            log = PostgresEventStore(connector(url))
            try:
                yield Copy(url, self.world.reopened(log))
            finally:
                log.close()


@cache
def filled(server: str, new_database: Callable[..., str]) -> Filled:
    """A database that was filled with commands at random."""
    url = new_database()
    world = settle_in(connector(url))
    try:
        workload = Workload(world, seed=5)
        for _ in range(GROUPS):
            workload.run_group()
        workload.leave_something()
        Copy(url, world).catch_up()
    finally:
        world.log.close()
    with psycopg.connect(url) as connection:
        connection.execute("analyze")
    return Filled(server, databases.name_of(url), world)


def begun(session: Session, name: str) -> Rebuild:
    connection, builder = session
    return rebuild.begin(connection, builder, name)


def grown(session: Session, name: str) -> Rebuild:
    """A rebuild that has everything but to compare and to switch before it."""
    going = begun(session, name)
    for _ in going.fill():
        pass
    going.finish()
    return going


@contextmanager
def kept_from_projectors(copy: Copy, name: str, generation: int) -> Iterator[None]:
    """Somebody else holds the leases of a generation, and is at work, until the block ends."""
    owner = session_name("projector")
    with at_work(copy.connect, owner):
        copy.ask("update leases set owner = %s where view = %s and generation = %s", owner, name, generation)
        yield


def count_filled_events(monkeypatch: pytest.MonkeyPatch) -> Counter[tuple[str, int]]:
    """How often each event, by stream and version, is given to a view that grows, from now on."""
    counts: Counter[tuple[str, int]] = Counter()
    for view in EVERYTHING.values():
        monkeypatch.setattr(type(view), "fill", _counted(type(view).fill, counts))
    return counts


def _counted(fill: Any, counts: Counter[tuple[str, int]]) -> Any:
    def fill_and_count(view: View, cursor: Cursor[Any], tables: Tables, page: Page) -> None:
        fill(view, cursor, tables, page)
        counts.update((each.event.originator_id, each.event.originator_version) for each in page)

    return fill_and_count
