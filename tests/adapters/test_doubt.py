"""A commit whose acknowledgement is lost: the response agrees with the log."""

import math
import random
import time
from collections.abc import Callable, Iterator
from typing import Any

import psycopg
import pytest
from eventsourcing.application import AggregateNotFoundError, Application
from eventsourcing.persistence import OperationalError
from psycopg.conninfo import make_conninfo

from adapters.postgres.connections import connector
from adapters.postgres.embedded import Server
from adapters.postgres.event_store import PostgresEventStore
from application.ports import LogUnavailable
from domain.catalogue import decode
from domain.event import Event
from domain.partition import stream
from projections.inline.batch_state import InlineBatchState
from tests.adapters.model import Model
from tests.adapters.proxy import Cut, Proxy, between
from tests.adapters.weighing import read, start
from tests.adapters.world import World, settle_in

GROUPS = 30
LOCK_TIMEOUT = 2.0
"""Seconds that a session of the log waits for the heads."""


class NotingLog(PostgresEventStore):
    """Notes how doubts were settled."""

    def __init__(self, connect: Callable[[str], psycopg.Connection[Any]]) -> None:
        super().__init__(connect)
        self.settled: list[bool] = []

    def settle(self, known: InlineBatchState) -> bool:
        self.settled.append(super().settle(known))
        return self.settled[-1]


@pytest.fixture
def proxy(server: Server) -> Iterator[Proxy]:
    with between(server.socket / ".s.PGSQL.5432") as proxy:
        yield proxy


@pytest.fixture
def address(database: str, proxy: Proxy) -> str:
    """Of the database behind the proxy."""
    return make_conninfo(database, host="127.0.0.1", port=proxy.port, sslmode="disable", gssencmode="disable")


@pytest.fixture
def distant(address: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    """A world that reaches its log through the proxy, and looks into doubts for as long as the tests make them last."""
    monkeypatch.setattr("adapters.postgres.event_store.DOUBT_TIMEOUT", 15.0)
    world = settle_in(connector(address), NotingLog)
    yield world
    world.log.close()


@pytest.fixture
def slow(session: psycopg.Connection[Any]) -> Callable[[float], None]:
    """A function that makes every commit of events take so many seconds."""

    def make(seconds: float) -> None:
        session.execute(
            f"""create or replace function slow() returns trigger language plpgsql as $$
            begin
                if coalesce(current_setting('test.slept', true), '') = '' then
                    perform set_config('test.slept', 'yes', true), pg_sleep({seconds});
                end if;
                return null;
            end $$""".encode()
        )
        session.execute("drop trigger if exists slow on events")
        session.execute(
            "create constraint trigger slow after insert on events deferrable initially deferred"
            " for each row execute function slow()"
        )

    return make


def log(session: psycopg.Connection[Any]) -> list[Event]:
    rows = session.execute("select topic, state from events order by part, seq").fetchall()
    return [decode(topic, state) for topic, state in rows]


def test_every_answer_agrees_with_the_log_wherever_the_line_is_cut(
    distant: World, proxy: Proxy, slow: Callable[[float], None], session: psycopg.Connection[Any]
) -> None:
    model = Model(distant, seed=1)
    slow(0.05)
    cuts = random.Random(2).choices([None, *Cut], k=GROUPS)
    for cut in cuts:
        proxy.next_cut = cut
        model.run_group()
        assert proxy.next_cut is None
    model.check(log(session))
    assert isinstance(distant.log, NotingLog)
    assert [cut is not Cut.BEFORE for cut in cuts if cut is not None] == distant.log.settled
    assert set(Cut) < set(cuts)


def test_a_doubt_waits_for_a_commit_that_takes_longer_than_others_wait_for_its_heads(
    distant: World, proxy: Proxy, slow: Callable[[float], None], session: psycopg.Connection[Any]
) -> None:
    model = Model(distant, seed=1)
    slow(LOCK_TIMEOUT + 0.3)
    proxy.next_cut = Cut.DURING
    model.run_group()
    model.check(log(session))


@pytest.mark.parametrize("cut", [Cut.DURING, Cut.AFTER])
def test_a_doubt_is_settled_after_the_outage_that_brought_it(
    distant: World, proxy: Proxy, session: psycopg.Connection[Any], cut: Cut
) -> None:
    model = Model(distant, seed=1)
    proxy.next_cut, proxy.outage = cut, 1.0
    model.run_group()
    model.check(log(session))


@pytest.mark.parametrize("cut", [Cut.DURING, Cut.AFTER])
def test_a_doubt_is_settled_though_the_sessions_that_look_into_it_are_lost_too(
    distant: World, proxy: Proxy, session: psycopg.Connection[Any], cut: Cut
) -> None:
    model = Model(distant, seed=1)
    proxy.next_cut, proxy.cut_sessions = cut, 6
    model.run_group()
    model.check(log(session))


@pytest.mark.parametrize("outage", [0, math.inf])
def test_a_command_whose_commit_stays_unknown_is_unavailable_and_never_refused(
    distant: World,
    proxy: Proxy,
    slow: Callable[[float], None],
    session: psycopg.Connection[Any],
    monkeypatch: pytest.MonkeyPatch,
    outage: float,
) -> None:
    child, other = distant.children_apart(2)
    before = len(log(session))
    monkeypatch.setattr("adapters.postgres.event_store.DOUBT_TIMEOUT", 0.0)
    slow(LOCK_TIMEOUT + 0.5)
    proxy.next_cut, proxy.outage = Cut.DURING, outage
    answers = distant.run(distant.weights(child, [0]), distant.weights(other, [0]))
    stored_by = time.monotonic() + 10
    while len(log(session)) < before + 2 and time.monotonic() < stored_by:
        time.sleep(0.05)
    assert before + 2 == len(log(session))
    for answer in answers:
        assert isinstance(answer, LogUnavailable) or (isinstance(answer, list) and isinstance(answer[0], str))


@pytest.mark.parametrize("cut", Cut)
def test_a_save_by_the_eventsourcing_library_reports_whether_the_log_has_its_events(
    address: str, proxy: Proxy, cut: Cut
) -> None:
    with Application[str](env={"PERSISTENCE_MODULE": "adapters.postgres.recorder", "DATABASE_URL": address}) as app:
        weighing = start(stream("a" * 24, "first"))
        proxy.next_cut = cut
        if cut is Cut.BEFORE:
            with pytest.raises(OperationalError):
                app.save(weighing)
            with pytest.raises(AggregateNotFoundError):
                read(app, weighing.id)
        else:
            app.save(weighing)
            assert weighing.state == read(app, weighing.id).state
