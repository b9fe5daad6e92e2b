"""Workers share a rebuild, and of two concurrent rebuilds of a view only one runs."""

import threading
from collections.abc import Callable, Iterator
from itertools import islice
from typing import Any

import psycopg
import pytest

from adapters.postgres import embedded
from projections.rebuild import generation_build
from projections.rebuild.generation_build import RebuildRefused
from tests.adapters.rebuilding import Copy, begun, count_filled_events, everything, filled
from tests.running.processes import soon


@pytest.fixture
def copy(server: embedded.Server, new_database: Callable[..., str]) -> Iterator[Copy]:
    with filled(server.url, new_database).copy() as copy:
        yield copy


@everything
def test_two_workers_of_a_rebuild_apply_every_event_once(
    copy: Copy, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(generation_build, "PAGE", 25)
    monkeypatch.setattr(generation_build, "CLAIM", 1)
    grows = count_filled_events(monkeypatch)
    both, own = threading.Barrier(2, timeout=10), threading.local()
    errors: list[Exception] = []
    catch_up = generation_build.ViewGeneration.catch_up

    def meet(*of: Any, **how: Any) -> dict[int, int]:
        if not hasattr(own, "met"):
            own.met = True
            both.wait()  # each has claimed a partition of its own now
        return catch_up(*of, **how)

    def work() -> None:
        try:
            with copy.session("grow") as (connection, _):
                for _ in generation_build.fill(connection, going.new):
                    pass
        except Exception as error:
            errors.append(error)

    with copy.session() as session:
        going = begun(session, name)
        monkeypatch.setattr(generation_build.ViewGeneration, "catch_up", meet)
        workers = [threading.Thread(target=work) for _ in range(2)]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
        assert [] == errors
        monkeypatch.setattr(generation_build.ViewGeneration, "catch_up", catch_up)
    rows = copy.rows(name)
    assert 0 == copy.rebuild(name)
    assert rows == copy.rows(name)
    assert copy.events(name) == set(grows)
    assert {1} == set(grows.values())


@everything
def test_a_second_rebuild_is_refused_while_the_session_of_the_first_exists(copy: Copy, name: str) -> None:
    with copy.session() as session:
        first = begun(session, name)
        assert list(islice(first.fill(), 1))
        with pytest.raises(RebuildRefused, match=f"{name} is being rebuilt already: generation .* by {session[1]}"):
            copy.rebuild(name)
        done = first.progress()
    with copy.session() as session:
        second = begun(session, name)
        assert (first.new.generation.generation, done) == (second.new.generation.generation, second.progress())
    assert 0 == copy.rebuild(name)


@everything
def test_of_two_rebuilds_that_begin_at_the_same_moment_one_is_refused(copy: Copy, name: str) -> None:
    refused: list[Exception] = []

    def begin() -> None:
        with copy.session() as session:
            try:
                begun(session, name)
            except Exception as error:
                refused.append(error)
            ended.wait()

    ended = threading.Barrier(3, timeout=10)
    workers = [threading.Thread(target=begin) for _ in range(2)]
    waiting = "select pid from pg_stat_activity where wait_event_type = 'Lock' and application_name like 'rebuild-%%'"
    with psycopg.connect(copy.url) as connection:
        connection.execute("lock table views")
        for worker in workers:
            worker.start()
        assert soon(lambda: len(copy.ask(waiting)) == 2)
    ended.wait()
    for worker in workers:
        worker.join()
    assert [RebuildRefused] == list(map(type, refused)), refused
