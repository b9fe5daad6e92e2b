"""Writers in processes of their own, readers that tail the log, and somebody who ends the writers' sessions."""

import random
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import psycopg
from msgspec import Struct

from adapters.postgres.connections import connector
from adapters.postgres.event_store import SQL, PostgresEventStore
from application.command import Actor
from application.commands.record_measurements import RecordMeasurements
from application.ports import LogUnavailable
from application.processor import Processor
from tests.adapters.world import ALL, World

PAGE = 1_000
PAUSE = 0.02
"""Seconds that a reader leaves the processors to others after it has looked everywhere."""

Position = tuple[int, int]
"""Partition and seq."""


class Written(Struct):
    """`accepted`: the ids that were answered; `other`: what else items were answered; `unavailable`: requests."""

    accepted: list[str] = []
    other: list[str] = []
    unavailable: int = 0


def write(
    url: str, application_id: str, children: Sequence[str], number: int, items: int, length: int, enough: Path
) -> Written:
    """Record `items` weights with body fats in arrays, and more until the file `enough` is there; for several children
    in each group, at minutes that no writer of another number uses. What is not available is sent again, so every item
    should be accepted in the end."""
    log = _open(url)
    actor = Actor(application_id, "application", ALL)
    world = World(log, Processor(log), actor, actor, "")
    choice = random.Random(number)
    waiting: list[RecordMeasurements] = []
    written = Written()
    first = number * 10_000_000
    minutes = iter(range(first, first + 10_000_000, length))
    minute = first
    while waiting or minute < first + items or not enough.exists():
        while len(waiting) < 2:
            minute = next(minutes)
            waiting.append(world.weights(choice.choice(children), range(minute, minute + length), body_fat=20.0))
        group, waiting = waiting[:2], waiting[2:]
        for command, answer in zip(group, world.run(*group), strict=True):
            if isinstance(answer, LogUnavailable):
                written.unavailable += 1
                waiting.append(command)
            elif isinstance(answer, list):
                written.accepted += [outcome for outcome in answer if isinstance(outcome, str)]
                written.other += [repr(outcome) for outcome in answer if not isinstance(outcome, str)]
            else:
                written.other.append(repr(answer))
    log.close()
    return written


def _open(url: str) -> PostgresEventStore:
    while True:
        with suppress(LogUnavailable, psycopg.OperationalError):  # ended already: once more
            return PostgresEventStore(connector(url))


class Tail(threading.Thread):
    """Reads every partition after its own place, until told that no more is coming and nothing more comes."""

    def __init__(self, url: str, partitions: int) -> None:
        super().__init__()
        self.seen: list[tuple[int, int, str, int]] = []
        self.gaps: list[tuple[Position, Position]] = []
        self.pages_while_written = 0
        self.no_more = threading.Event()
        self._url = url
        self._places = dict.fromkeys(range(partitions), 0)

    def run(self) -> None:
        with psycopg.connect(self._url, autocommit=True) as connection:
            last_look = False
            while not last_look:
                last_look = self.no_more.is_set()
                for part in self._places:
                    while self._look(connection, part):
                        self.pages_while_written += not last_look
                time.sleep(PAUSE)

    def _look(self, connection: psycopg.Connection[Any], part: int) -> int:
        """The number of new events in a page of a partition."""
        parameters = {"part": part, "seq": self._places[part], "limit": PAGE}
        rows = connection.execute(SQL["after"], parameters).fetchall()
        for seq, stream, version, _, _ in rows:
            if seq != self._places[part] + 1:
                self.gaps.append(((part, self._places[part]), (part, seq)))
            self._places[part] = seq
            self.seen.append((part, seq, stream, version))
        return len(rows)


class Killer(threading.Thread):
    """Ends the session of a writer at random, until stopped. `kills` counts them."""

    def __init__(self, url: str, seed: int, pause: float) -> None:
        super().__init__()
        self.kills = 0
        self.no_more = threading.Event()
        self._url = url
        self._random = random.Random(seed)
        self._pause = pause

    def run(self) -> None:
        with psycopg.connect(self._url, autocommit=True) as connection:
            while not self.no_more.wait(self._random.uniform(0, 2 * self._pause)):
                sessions = connection.execute(
                    "select pid from pg_stat_activity"
                    " where application_name = 'writer' and datname = current_database()"
                ).fetchall()
                if sessions:
                    connection.execute("select pg_terminate_backend(%s)", self._random.choice(sessions))
                    self.kills += 1
