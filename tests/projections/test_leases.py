"""Running projectors are known without rows in a table: an idle projector writes nothing."""

import threading
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import psycopg
from psycopg import Connection, sql

from projections.projector.projector import SQL, Projector
from tests.projecting import at_work
from tests.running.processes import soon

Connect = Callable[[str], Connection[Any]]

VIEW = {"view": "measurements", "generation": 1}

LONG = {"seconds": 3600.0}

NOT_A_MOMENT = {"seconds": 0.0}

VERSIONS = """
select count(*), max(xmin::text::bigint), max(xmax::text::bigint) from leases
union all select count(*), max(xmin::text::bigint), max(xmax::text::bigint) from workers
"""
"""Which transactions have written the rows last, and locked them last."""


def absent_workers(connection: Connection[Any], patience: dict[str, float]) -> set[str]:
    return {owner for (owner,) in connection.execute(SQL["absent_workers"], VIEW | patience)}


def versions(connection: Connection[Any]) -> list[tuple[Any, ...]]:
    return connection.execute(VERSIONS).fetchall()


def test_a_worker_is_absent_without_a_session_or_with_an_idle_one(connect: Connect) -> None:
    with connect("looking") as looking, connect("idle") as idle, at_work(connect, "busy"):
        looking.autocommit = idle.autocommit = True
        for owner in ("idle", "busy"):
            looking.execute(SQL["heartbeat"], VIEW | {"owner": owner, "rate": 0.0})
        looking.execute("update leases set owner = 'killed'")
        assert {"killed"} == absent_workers(looking, LONG)
        assert {"killed", "idle"} == absent_workers(looking, NOT_A_MOMENT)


def test_a_worker_of_another_role_is_absent_only_when_its_session_ends(database: str, connect: Connect) -> None:
    role = sql.Identifier(f"other_{uuid4().hex}")
    with connect("idle") as idle, connect("owner") as owner:
        idle.autocommit = owner.autocommit = True
        owner.execute(SQL["heartbeat"], VIEW | {"owner": "idle", "rate": 0.0})
        owner.execute(sql.SQL("create role {}").format(role))
        try:
            owner.execute(sql.SQL("grant select on leases, workers to {}").format(role))
            owner.execute(sql.SQL("set role {}").format(role))
            assert set() == absent_workers(owner, NOT_A_MOMENT)
            idle.close()
            assert soon(lambda: absent_workers(owner, NOT_A_MOMENT) == {"idle"}, 30)
        finally:
            owner.execute("reset role")
            owner.execute(sql.SQL("drop owned by {}").format(role))
            owner.execute(sql.SQL("drop role {}").format(role))


def test_an_idle_projector_writes_nothing(database: str, connect: Connect) -> None:
    beats: list[str] = []

    class Counting(Projector):
        def _heartbeat(self, connection: Connection[Any]) -> None:
            super()._heartbeat(connection)
            beats.append("")
            self._heartbeat_at = 0.0  # and again at its next look

    projector = Counting(connect, poll=0.001)
    working = threading.Thread(target=projector.run)
    working.start()
    try:
        with psycopg.connect(database, autocommit=True) as watching:
            held = "select count(*) from leases where owner = %s"
            assert soon(lambda: watching.execute(held, [projector.owner]).fetchone() != (0,), 30)
            several = len(beats) + 3
            assert soon(lambda: len(beats) > several, 30)  # it knows everything by now
            before = versions(watching)
            several = len(beats) + 20
            assert soon(lambda: len(beats) > several, 60)
            assert before == versions(watching)
    finally:
        projector.stop()
        working.join()
