"""A rebuilt generation has the rows of the live one and replaces it, in spite of interruptions and new commands."""

import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import islice
from random import Random
from typing import Any

import pytest
import structlog
from psycopg import Cursor
from structlog.testing import capture_logs

from adapters.postgres import embedded
from projections.projector import pages
from projections.rebuild import generation_build, switch
from projections.views.generations import Generation
from tests.adapters.rebuilding import (
    Copy,
    begun,
    count_filled_events,
    each_inline,
    everything,
    filled,
    grown,
    kept_from_projectors,
)
from tests.adapters.workload import Workload
from tests.running.processes import soon

SEEN = "projector sees these generations live"

TURNS = 500
"""More than any switch takes here."""


@pytest.fixture
def copy(server: embedded.Server, new_database: Callable[..., str]) -> Iterator[Copy]:
    with filled(server.url, new_database).copy() as copy:
        yield copy


@everything
def test_a_rebuilt_view_has_the_rows_of_the_live_one_and_becomes_live(
    copy: Copy, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    grows = count_filled_events(monkeypatch)
    rows, tables = copy.rows(name), copy.serving(name)
    assert all(rows.values())
    assert 0 == copy.rebuild(name)
    assert rows == copy.rows(name)
    assert not set(tables.values()) & set(copy.serving(name).values())
    assert copy.events(name) == set(grows)
    assert {1} == set(grows.values())


@contextmanager
def informed() -> Iterator[None]:
    """Lines of the life of processes are logged, as by those of a service."""
    before = structlog.get_config()["wrapper_class"]
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.INFO))
    try:
        yield
    finally:
        structlog.configure(wrapper_class=before)


@pytest.mark.parametrize("name", ["measurements"])
def test_a_switch_is_a_line_of_whoever_makes_it_and_of_the_projectors(copy: Copy, name: str) -> None:
    with informed(), capture_logs() as logged, copy.projecting():
        assert 0 == copy.rebuild(name)
        assert soon(lambda: 2 in [each["now"].get(name) for each in logged if each["event"] == SEEN])
    assert {"view": name, "generation": 2} in [
        {member: each[member] for member in ("view", "generation")}
        for each in logged
        if each["event"] == "view switched"
    ]


@each_inline
def test_commands_are_decided_by_rebuilt_inline_projections(copy: Copy, name: str) -> None:
    world = copy.world
    child, other = world.children(2)
    family = world.id(world.register("family", "the family", (child,)))
    weight = world.id(world.weights(child, [1]))
    assert 0 == copy.rebuild(name)
    refused = [
        world.weights(child, [1]),
        world.register("family", "the family", (child,)),
        world.institution("school"),
        world.remove_institution(world.institution_id),
        world.link(family, "f" * 24),
        world.weights("f" * 24, [2]),
    ]
    answers = world.run(*refused)
    assert [] == [answer for answer in answers if isinstance(answer, list) and isinstance(answer[0], str)]
    world.id(world.weights(child, [2]))
    world.id(world.link(family, other))
    world.id(world.remove(child, weight))
    world.id(world.weights(child, [1]))
    assert 0 == copy.rebuild(name)


@everything
def test_a_rebuild_that_is_stopped_again_and_again_resumes_where_it_was(
    copy: Copy, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(generation_build, "PAGE", 25)
    rows, random, done, stops = copy.rows(name), Random(name), 0, 0
    while True:
        with copy.session() as session:
            going = begun(session, name)
            before, total = going.progress()
            assert done == before
            for _ in islice(going.fill(), random.randrange(4)):
                pass
            done, _ = going.progress()
        if done == total:
            break
        stops += 1
    assert stops > 3
    for _ in range(2):  # when it is grown, and when it is compared
        with copy.session() as session:
            grown(session, name)
    assert 0 == copy.rebuild(name)
    assert rows == copy.rows(name)
    assert [] == copy.ask("select view from views where builder is not null")


@everything
def test_a_rebuild_that_is_stopped_within_a_page_has_not_applied_the_page(
    copy: Copy, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(generation_build, "PAGE", 25)
    rows, save_checkpoints = copy.rows(name), pages.save_checkpoints
    written = 0

    def stop_at_the_third(cursor: Cursor[Any], generation: Generation, reached: dict[int, int]) -> None:
        nonlocal written
        written += 1
        save_checkpoints(cursor, generation, reached)
        if written % 3 == 0:
            raise KeyboardInterrupt

    monkeypatch.setattr(pages, "save_checkpoints", stop_at_the_third)
    stops = 0
    while stops < 100:
        try:
            assert 0 == copy.rebuild(name)
        except KeyboardInterrupt:
            stops += 1
        else:
            break
    assert 3 < stops < 100
    assert rows == copy.rows(name)


@everything
def test_rows_written_before_a_switch_are_there_after_it(
    copy: Copy, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where it is so much that it takes several turns."""
    with copy.session() as session:
        going = grown(session, name)
        assert [] == [each for part in going.compare(copy.connect) for each in part]
        workload = Workload(copy.world, seed=6)
        for _ in range(5):
            workload.run_group()
        with kept_from_projectors(copy, name, going.new.generation.generation):
            copy.catch_up_live(name)
        rows = copy.rows(name)
        monkeypatch.setattr(switch, "PAGE", 3)
        monkeypatch.setattr(switch, "PAUSE", 0.001)
        assert 0 < sum(1 for _ in islice(going.switch(), TURNS)) < TURNS
    assert rows == copy.rows(name)


@everything
def test_rebuilds_during_commands_and_projections_lose_nothing(copy: Copy, name: str) -> None:
    ended, groups = threading.Event(), []
    workload = Workload(copy.world, seed=7)

    def write() -> None:
        while not ended.is_set():
            workload.run_group()
            groups.append(1)

    writing = threading.Thread(target=write)
    with copy.projecting():
        writing.start()
        try:
            assert soon(lambda: groups)
            assert 0 == copy.rebuild(name)
        finally:
            ended.set()
            writing.join()
        assert 0 == copy.rebuild(name)
