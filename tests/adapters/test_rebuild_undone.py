"""Rollback to the previous live generation, and removal of unneeded generations."""

import threading
from collections.abc import Callable, Iterator
from itertools import islice

import psycopg
import pytest

from adapters.postgres import embedded
from projections.projector.projector import CHANGED
from projections.rebuild import rebuild
from projections.rebuild.generation_build import RebuildRefused
from tests.adapters.rebuilding import (
    LIVE_BEHIND,
    Copy,
    begun,
    each_inline,
    each_view,
    everything,
    filled,
    kept_from_projectors,
)
from tests.adapters.workload import Workload
from tests.running.processes import soon
from tests.running.rebuilding import waiting

KNOWN = """
select generation from views where view = %s
union select generation from leases where view = %s
union select generation from places where view = %s
union select generation from workers where view = %s
order by 1
"""


@pytest.fixture
def copy(server: embedded.Server, new_database: Callable[..., str]) -> Iterator[Copy]:
    with filled(server.url, new_database).copy() as copy:
        yield copy


def known(copy: Copy, name: str) -> list[int]:
    """The generations of which anything is known."""
    return [generation for (generation,) in copy.ask(KNOWN, *[name] * 4)]


def relations(copy: Copy, table: str) -> set[str]:
    """The tables of all generations of one."""
    return {
        name
        for (name,) in copy.ask("select relname from pg_class where relkind = 'r' and relname ~ %s", f"^{table}_g\\d+$")
    }


@each_view
def test_a_view_is_rolled_back_and_forth_between_commands(copy: Copy, name: str) -> None:
    workload = Workload(copy.world, seed=8)
    first = copy.serving(name)
    assert 0 == copy.rebuild(name)
    second = copy.serving(name)
    for live, tables in ((1, first), (2, second), (1, first)):
        for _ in range(5):
            workload.run_group()
        copy.catch_up()
        rows = copy.rows(name)
        assert 0 == copy.operator().roll_back(name)
        assert (live, tables, rows) == (copy.live(name), copy.serving(name), copy.rows(name))
    assert 0 == copy.rebuild(name)
    assert (3, rows) == (copy.live(name), copy.rows(name))


@each_view
def test_a_generation_catches_up_before_a_rollback_makes_it_live(copy: Copy, name: str) -> None:
    assert 0 == copy.rebuild(name)
    workload = Workload(copy.world, seed=9)
    for _ in range(10):
        workload.run_group()
    before = copy.rows(name)
    with kept_from_projectors(copy, name, 1):
        copy.catch_up_live(name)
        rows = copy.rows(name)
        assert before != rows
        assert 0 == copy.operator().roll_back(name)
        assert (1, rows) == (copy.live(name), copy.rows(name))


@everything
def test_a_rollback_without_another_generation_is_refused(copy: Copy, name: str) -> None:
    with pytest.raises(RebuildRefused, match=f"{name} has no other generation to roll back to"):
        copy.operator().roll_back(name)


@everything
def test_a_rollback_to_an_unfinished_generation_is_refused(copy: Copy, name: str) -> None:
    with copy.session() as session:
        assert list(islice(begun(session, name).fill(), 1))
        with pytest.raises(RebuildRefused, match="no other generation"):
            copy.operator().roll_back(name)
    with pytest.raises(RebuildRefused, match="no other generation"):
        copy.operator().roll_back(name)


@each_inline
def test_a_rollback_of_an_inline_projection_is_refused(copy: Copy, name: str) -> None:
    """No command has kept the one before."""
    assert 0 == copy.rebuild(name)
    with pytest.raises(RebuildRefused, match="no other generation"):
        copy.operator().roll_back(name)


@each_view
def test_drop_old_removes_old_generations_and_keeps_the_live_one(
    copy: Copy, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = copy.rows(name)
    assert 0 == copy.rebuild(name)
    assert 0 == copy.rebuild(name)
    assert [1, 2, 3] == known(copy, name)
    tables = copy.serving(name)
    assert 0 == copy.operator().drop_old([name])
    assert [3] == known(copy, name)
    assert all({f"{table}_g3"} == relations(copy, table) for table in tables)
    assert (tables, rows) == (copy.serving(name), copy.rows(name))
    told = capsys.readouterr().out
    assert f"{name}: generation 1 was dropped.\n{name}: generation 2 was dropped.\n" in told
    with pytest.raises(RebuildRefused, match="no other generation"):
        copy.operator().roll_back(name)
    assert 0 == copy.operator().drop_old([name])
    assert "There is no old generation.\n" == capsys.readouterr().out


@everything
def test_drop_old_keeps_a_running_rebuild_and_drops_an_unfinished_one(copy: Copy, name: str) -> None:
    rows = copy.rows(name)
    with copy.session() as session:
        going = begun(session, name)
        assert list(islice(going.fill(), 1))
        assert 0 == copy.operator().drop_old([name])
        number = going.new.generation.generation
        assert number in known(copy, name)
    assert 0 == copy.operator().drop_old([name])
    assert number not in known(copy, name)
    assert 0 == copy.rebuild(name)
    assert rows == copy.rows(name)


@everything
def test_a_rebuild_that_begins_anew_drops_an_unfinished_generation(copy: Copy, name: str) -> None:
    rows = copy.rows(name)
    with copy.session() as session:
        left = begun(session, name)
        assert list(islice(left.fill(), 3))
        ((oid,),) = copy.ask("select %s::regclass::oid", next(iter(left.new.tables.values())).as_string(session[0]))
    assert 0 == copy.operator().rebuild([name], workers=1, accept_differences=False, anew=True)
    assert rows == copy.rows(name)
    assert oid not in copy.serving(name).values()


@each_view
def test_a_dump_of_an_old_generation_delays_only_its_drop(
    copy: Copy, name: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(rebuild, "DROP_PAUSE", 0.01)
    assert 0 == copy.rebuild(name)
    workload = Workload(copy.world, seed=8)
    dropping = threading.Thread(target=copy.operator().drop_old, args=[[name]])
    with copy.projecting(), psycopg.connect(copy.url) as dump:
        for table in copy.serving(name):
            dump.execute(f"lock table {table}_g1 in access share mode".encode())
        dropping.start()
        for _ in range(5):
            assert soon(lambda: waiting(copy.url, "drop") == 1, 30)
            workload.run_group()
            copy.ask(CHANGED)  # projectors look who keeps what
            assert soon(lambda: copy.ask(LIVE_BEHIND, name) == [(0,)], 30)
        assert [1, 2] == known(copy, name)
        dump.rollback()
        dropping.join(60)
        assert [2] == known(copy, name)
    told = capsys.readouterr().out
    waits, gone = f"{name}: waiting for a session, such as a pg_dump, ", f"{name}: generation 1 was dropped."
    assert (1, 1) == (told.count(waits), told.count(gone))


@each_view
def test_a_rebuild_reports_a_dump_that_blocks_dropping_an_old_generation(
    copy: Copy, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rebuild, "DROP_TIME", 0.0)
    with copy.session() as session:
        begun(session, name)
    rows = copy.rows(name)
    with copy.session() as (connection, builder), psycopg.connect(copy.url) as dump:
        for table in copy.serving(name):
            dump.execute(f"lock table {table}_g2 in access share mode".encode())
        with pytest.raises(
            RebuildRefused, match="cannot be dropped while another session, such as a pg_dump, reads it"
        ):
            rebuild.begin(connection, builder, name, anew=True)
        assert [1, 2] == known(copy, name)
        dump.rollback()
        rebuild.begin(connection, builder, name, anew=True)
    assert rows == copy.rows(name)
