"""A rebuild by another role than the one that owns the tables, or keeps them, leaves both as they were."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import make_conninfo
from psycopg.sql import SQL, Identifier

from adapters.cli.views import Operator
from adapters.postgres import embedded
from adapters.postgres.connections import connector
from adapters.postgres.event_store import PostgresEventStore
from projections.projector.projector import Projector
from projections.projector.sessions import session_name
from projections.rebuild import rebuild
from projections.rebuild.generation_build import RebuildRefused
from projections.rebuild.inline_views import INLINE
from projections.views import grants
from tests.adapters.rebuilding import LIVE_BEHIND, Copy, each_inline, each_view, everything, filled
from tests.adapters.workload import Workload
from tests.running.processes import soon

ROLES = ("owner", "keeper", "stranger")
"""Who owns all tables, who keeps them by grants, and who has the same grants and keeps nothing."""

RELATIONS = "select relname from pg_class where relnamespace = 'public'::regnamespace and relkind in ('r', 'v')"

OWNERS = """
select distinct pg_get_userbyid(relowner) from pg_class
where relnamespace in ('public'::regnamespace, to_regnamespace('growing')) and relkind in ('r', 'v')
"""

NOT_KEPT = """
select from leases l
where not exists (
    select from pg_stat_activity a where a.application_name = l.owner and starts_with(a.usename, 'keeper')
)
"""

GRANTEES = """
select c.relname, array_agg(distinct r.rolname::text order by r.rolname::text)
from pg_class c cross join aclexplode(c.relacl) a join pg_roles r on r.oid = a.grantee
where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'v')
group by c.relname
"""


@dataclass(frozen=True)
class Shared(Copy):
    """A database whose tables belong to one role, and are kept by another."""

    suffix: str

    def role(self, name: str) -> str:
        return f"{name}_{self.suffix}"

    def of(self, role: str) -> str:
        """The address for a role."""
        return make_conninfo(self.url, user=self.role(role))


@pytest.fixture
def shared(server: embedded.Server, new_database: Callable[..., str]) -> Iterator[Shared]:
    with filled(server.url, new_database).copy() as copy:
        shared = Shared(copy.url, copy.world, uuid4().hex)
        roles = [Identifier(shared.role(name)) for name in ROLES]
        owner, keeper, stranger = roles
        with psycopg.connect(copy.url, autocommit=True) as session:
            for role in roles:
                session.execute(SQL("create role {} login").format(role))
            database = Identifier(session.info.dbname)
            session.execute(SQL("grant create on database {} to {}").format(database, owner))
            session.execute(SQL("grant create on schema public to {}").format(owner))
            for (name,) in session.execute(RELATIONS).fetchall():
                session.execute(SQL("alter table {} owner to {}").format(Identifier(name), owner))
            session.execute(SQL("grant all on all tables in schema public to {}, {}").format(keeper, stranger))
        yield shared
    with psycopg.connect(server.url, autocommit=True) as session:
        for role in roles:
            session.execute(SQL("drop role {}").format(role))


@contextmanager
def kept(shared: Shared) -> Iterator[None]:
    """A projector keeps the views, under a role that has grants."""
    projector = Projector(connector(shared.of("keeper")), poll=0.01)
    working = threading.Thread(target=projector.run)
    working.start()
    try:
        assert soon(lambda: shared.ask(NOT_KEPT) == [], 60)
        yield
    finally:
        projector.stop()
        working.join()


def rebuilt(url: str, name: str) -> int:
    operator = Operator(url, Path())
    return operator.rebuild([name], workers=1, accept_differences=False, anew=False)


@pytest.mark.parametrize("role", ["owner", "superuser"])
@everything
def test_rebuilt_tables_have_the_owner_and_the_grants_of_the_live_ones(shared: Shared, name: str, role: str) -> None:
    grantees = dict(shared.ask(GRANTEES))
    with kept(shared):
        assert 0 == rebuilt(shared.url if role == "superuser" else shared.of(role), name)
        workload = Workload(shared.world, seed=4)
        for _ in range(5):
            workload.run_group()
        if name not in INLINE:
            assert soon(lambda: shared.ask(LIVE_BEHIND, name) == [(0,)], 30)
    assert [(shared.role("owner"),)] == shared.ask(OWNERS)
    after = dict(shared.ask(GRANTEES))
    for table in shared.rows(name):
        live = table if name in INLINE else f"{table}_g2"
        assert grantees[table] == after[table] == after[live]
    log = PostgresEventStore(connector(shared.of("keeper")))
    try:
        Workload(shared.world.reopened(log), seed=5).run_group()
    finally:
        log.close()


@everything
def test_a_rebuild_by_a_role_that_may_not_act_as_the_owner_is_refused(shared: Shared, name: str) -> None:
    message = (
        f"belongs to the role {shared.role('owner')}, and {shared.role('stranger')} may not act as it: run this as"
    )
    with pytest.raises(RebuildRefused, match=message):
        rebuilt(shared.of("stranger"), name)
    with pytest.raises(RebuildRefused, match=message):
        Operator(shared.of("stranger"), Path()).drop_old([name])
    with kept(shared):
        assert 0 == rebuilt(shared.of("owner"), name)


@each_view
def test_a_rebuild_of_tables_that_projectors_could_not_write_is_refused(
    shared: Shared, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(grants, "copy_all", lambda *_: None)
    with kept(shared):
        with pytest.raises(RebuildRefused, match=rf"the role {shared.role('keeper')}, .* may not write"):
            rebuilt(shared.url, name)
        assert [(1,)] == shared.ask("select max(generation) from views where view = %s", name)


@each_inline
def test_a_rebuild_of_tables_that_commands_could_not_write_is_refused(
    shared: Shared, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(grants, "copy_all", lambda *_: None)
    log = PostgresEventStore(connector(shared.of("keeper")))
    try:
        with pytest.raises(RebuildRefused, match=rf"the role {shared.role('keeper')}, .* may not write"):
            rebuilt(shared.url, name)
    finally:
        log.close()


@everything
def test_a_switch_to_tables_that_projectors_can_no_longer_write_is_refused(shared: Shared, name: str) -> None:
    builder = session_name("rebuild")
    log = PostgresEventStore(connector(shared.of("keeper")))
    try:
        with kept(shared), connector(shared.url)(builder) as connection:
            connection.autocommit = True
            going = rebuild.begin(connection, builder, name)
            for _ in going.fill():
                pass
            table = list(going.new.tables.values())[-1]
            keeper = Identifier(shared.role("keeper"))
            connection.execute(sql.SQL("revoke insert on {} from {}").format(table, keeper))
            with pytest.raises(RebuildRefused, match=rf"the role {shared.role('keeper')}, .* may not write"):
                next(going.switch())
    finally:
        log.close()


@each_view
def test_a_plain_name_that_is_created_again_keeps_its_grants(shared: Shared, name: str) -> None:
    grantees = dict(shared.ask(GRANTEES))
    table = next(iter(shared.rows(name)))
    with psycopg.connect(shared.url, autocommit=True) as session:
        for plain in shared.rows(name):
            session.execute(SQL("drop view {}").format(Identifier(plain)))
        another = SQL("create view {} as select 1 as another from {}")
        session.execute(another.format(Identifier(table), Identifier(f"{table}_g1")))
        session.execute(SQL("alter view {} owner to {}").format(Identifier(table), Identifier(shared.role("owner"))))
        for role in ("keeper", "stranger"):
            grant = SQL("grant all on {} to {}").format(Identifier(table), Identifier(shared.role(role)))
            session.execute(grant)
    with kept(shared):
        assert 0 == rebuilt(shared.url, name)
    after = dict(shared.ask(GRANTEES))
    for plain in shared.rows(name):
        assert grantees[plain] == after[plain]
