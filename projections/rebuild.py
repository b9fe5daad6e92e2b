"""A view grown anew beside the one that serves, compared with it, and put in its place.

    begin   a generation of its own, or the one that an earlier rebuild has left unfinished
    grow    up to where the log was then, in partitions that any number of workers take, page by page
    finish  the indexes that only questions need; from here on projectors keep it
    compare partition by partition, both at the same place
    switch  the plain names, in one transaction

Each step leaves what it has done in the database: whoever stops it goes on where it was.
"""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from typing import Any, Protocol

from msgspec import Struct
from psycopg import Connection, Cursor, IsolationLevel, sql
from psycopg.errors import DuplicateTable, LockNotAvailable, UniqueViolation
from psycopg.sql import Identifier

from domain.partition import ACCOUNTS, partition
from projections import generations, pages, statements
from projections.comparison import Difference, differences
from projections.generations import Generation
from projections.inline import INLINE, Inline
from projections.pages import Stored
from projections.projector import CHANGED
from projections.view import Tables, View, tables_of
from projections.views import VIEWS, Views

SQL = statements.beside(__file__, "rebuild")

PAGE = 10_000
"""Events in one transaction, about."""

CLAIM = 16
"""Partitions that a worker grows at once, at most."""

PAUSE = 0.1
"""Seconds between two tries at what others are at."""

KEEPING_TIME = 15.0
"""Seconds that projectors have to begin to keep a generation; they look every two."""

Connect = Callable[[str], Connection[Any]]


class RebuildRefused(Exception):
    """It cannot be done, or not now; the message says why, for a person. Nothing that serves has changed."""


class Growth(Struct, frozen=True):
    """A generation with the code and the tables that it grows by."""

    view: View
    generation: Generation
    tables: Tables

    def places(self, cursor: Cursor[Any], parts: Sequence[int]) -> dict[int, int]:
        return pages.places(cursor, self.generation, parts)

    def go_on(self, cursor: Cursor[Any], places: Mapping[int, int], *, grows: bool = False) -> None:
        """Apply what comes up to a place of each partition. What cannot be applied is parked; in an inline projection
        there is no such thing: RebuildRefused."""
        parts = list(places)
        afters = self.places(cursor, parts)
        asked = {
            "parts": parts,
            "afters": [afters[part] for part in parts],
            "places": list(places.values()),
            "topics": list(self.view.topics),
        }
        page = [Stored(*row) for row in cursor.execute(pages.SQL["between"], asked)]
        parked = pages.parked_streams(cursor, self.generation, parts)
        write = self.view.grow if grows else self.view.write
        try:
            with cursor.connection.transaction():
                left = pages.apply(cursor, self.view, self.tables, page, write, parked=parked, carefully=False)
        except Exception as error:
            if not pages.is_of_an_event(error):
                raise
            left = pages.apply(cursor, self.view, self.tables, page, write, parked=parked, carefully=True)
        if left and isinstance(self.view, Inline):
            (part, seq, _, topic, _), why = left[0]
            raise RebuildRefused(f"{self.view.name} cannot be made with {topic} at {part}-{seq}: {why}")
        pages.park(cursor, self.generation, left)
        pages.set_places(cursor, self.generation, places)


def growth(view: View, generation: Generation) -> Growth:
    """Of a generation, of whatever sort its view is."""
    tables = view.growing if isinstance(view, Inline) else tables_of(view, generation.generation)
    return Growth(view, generation, tables)


class Serving(Protocol):
    """What answers now, beside which a generation is grown."""

    @property
    def tables(self) -> Tables: ...

    def hold(self, cursor: Cursor[Any], parts: Sequence[int]) -> dict[int, int]:
        """How far it is in these partitions, where it stays until the transaction ends."""

    def go_on(self, cursor: Cursor[Any], places: Mapping[int, int]) -> None:
        """Go on to places that it has not reached."""

    def can_give_way(self, cursor: Cursor[Any]) -> bool:
        """Whether the other would be kept as this one is."""

    def give_way(self, cursor: Cursor[Any], new: Growth) -> None:
        """Let the other answer instead."""


class Live:
    """A live generation, which projectors keep beside the new one."""

    def __init__(self, live: Growth, new: Generation) -> None:
        self.tables = live.tables
        self._live = live
        self._generations = [live.generation.generation, new.generation]

    def hold(self, cursor: Cursor[Any], parts: Sequence[int]) -> dict[int, int]:
        asked = {"view": self._live.view.name, "generations": self._generations, "parts": list(parts)}
        cursor.execute(SQL["hold_leases"], asked)
        return self._live.places(cursor, parts)

    def go_on(self, cursor: Cursor[Any], places: Mapping[int, int]) -> None:
        self._live.go_on(cursor, places)

    def can_give_way(self, cursor: Cursor[Any]) -> bool:
        """Projectors notice a new generation at their next beat; those with other code never do."""
        old, new = self._generations
        asked = {"view": self._live.view.name, "old": old, "new": new}
        ((is_kept,),) = cursor.execute(SQL["is_kept_as_well"], asked).fetchall()
        return bool(is_kept)

    def give_way(self, cursor: Cursor[Any], new: Growth) -> None:
        cursor.execute(SQL["set_builder"], {**new.generation.key, "builder": None})
        generations.go_live(cursor, new.view, new.generation.generation, before=self._live.view)


class InCommands:
    """An inline projection: kept by the commands themselves, so always at the end of the log."""

    def __init__(self, view: Inline) -> None:
        self.tables = view.serving

    def hold(self, cursor: Cursor[Any], parts: Sequence[int]) -> dict[int, int]:
        cursor.execute(SQL["hold_heads"], {"parts": list(parts)})
        return dict(cursor.execute(SQL["ends"], {"parts": list(parts)}).fetchall())

    def go_on(self, cursor: Cursor[Any], places: Mapping[int, int]) -> None:
        raise AssertionError("nothing is ahead of it")

    def can_give_way(self, cursor: Cursor[Any]) -> bool:
        return True

    def give_way(self, cursor: Cursor[Any], new: Growth) -> None:
        """The old tables go: no command would keep them any more."""
        ((schema,),) = cursor.execute(SQL["schema"]).fetchall()
        for name, table in new.tables.items():
            cursor.execute(sql.SQL("drop table {}").format(self.tables[name]))
            cursor.execute(sql.SQL("alter table {} set schema {}").format(table, Identifier(schema)))
        generations.drop(cursor, new.generation, ())


class Switch:
    """Lets one generation answer instead of another, when both are where the log is."""

    def __init__(self, connection: Connection[Any], old: Serving, new: Growth) -> None:
        self._connection, self._old, self._new = connection, old, new
        self._parts = parts_of(connection)

    def run(self) -> Iterator[None]:
        """A step for each time that it must wait, for those who keep views or for those who read. RebuildRefused."""
        deadline = time.monotonic() + KEEPING_TIME
        while not self._can():
            if time.monotonic() > deadline:
                raise RebuildRefused(
                    f"no projector keeps generation {self._new.generation.generation} of {self._new.view.name}: "
                    "those that run have another version of its code"
                )
            yield
            time.sleep(PAUSE)
        while not self._switched():
            yield
            time.sleep(PAUSE)

    def _can(self) -> bool:
        with self._connection.cursor() as cursor:
            return self._old.can_give_way(cursor)

    def _switched(self) -> bool:
        try:
            with self._connection.transaction(), self._connection.cursor() as cursor:
                # Heads or leases first, tables second, as everybody who writes does: the other way round deadlocks.
                if not self._is_level(cursor):
                    return False
                cursor.execute(SQL["switch_soon"])
                self._old.give_way(cursor, self._new)
        except LockNotAvailable:
            return False
        return True

    def _is_level(self, cursor: Cursor[Any]) -> bool:
        """Go on to where the old one is, everywhere; False where that was much, and nobody should wait for more."""
        olds = self._old.hold(cursor, self._parts)
        news = self._new.places(cursor, self._parts)
        behind = {part: old for part, old in olds.items() if news[part] < old}
        for part, old in behind.items():
            self._new.go_on(cursor, {part: min(old, news[part] + PAGE)})
        return sum(old - news[part] for part, old in behind.items()) <= PAGE


def in_partition(view: View, part: int, partitions: int) -> sql.Composable:
    """Which rows `t` of a view are of a partition. Those of the directory do not say: all of it is the accounts'."""
    if isinstance(view, Inline) and not view.partitioned:
        return sql.SQL("true" if part == partition(ACCOUNTS, partitions) else "false")
    return sql.SQL("t.part = {}").format(part)


def parts_of(connection: Connection[Any]) -> list[int]:
    return [part for (part,) in connection.execute(SQL["parts"])]


class Rebuild:
    """One rebuild. The session that does it shows that it is there."""

    def __init__(self, connection: Connection[Any], old: Serving, new: Growth, *, comparable: bool) -> None:
        """`comparable`: what serves is of the same version, so that its rows must be the same."""
        self.new = new
        self.comparable = comparable
        self._connection, self._old = connection, old
        self._parts = parts_of(connection)

    @property
    def partitions(self) -> int:
        return len(self._parts)

    def progress(self) -> tuple[int, int]:
        """Events that are done, and those that there were when the generation was begun."""
        ((done, total),) = self._connection.execute(SQL["progress"], self.new.generation.key).fetchall()
        return int(done), int(total)

    def grow(self) -> Iterator[None]:
        """Grow it to where the log was when it was begun, a page at a step; others may help. RebuildRefused."""
        while True:
            for _ in grow(self._connection, self.new):
                yield
            done, total = self.progress()
            if done >= total:
                return
            yield  # others are at what is left
            time.sleep(PAUSE)

    def finish(self) -> None:
        """Make it one that questions can be asked of, and that projectors keep."""
        if self.new.generation.grown:
            return
        with self._connection.transaction(), self._connection.cursor() as cursor:
            self.new.view.index(cursor, self.new.tables)
            for table in self.new.tables.values():
                cursor.execute(sql.SQL("analyze {}").format(table))
            if not isinstance(self.new.view, Inline):
                cursor.execute(SQL["set_grown"], self.new.generation.key)
                cursor.execute(CHANGED)

    def compare(self, connect: Connect) -> Iterator[list[Difference]]:
        """What differs, partition by partition, each as of one place of both."""
        with closing(connect("compare")) as beside:
            beside.read_only = True
            beside.isolation_level = IsolationLevel.REPEATABLE_READ
            for part in self._parts:
                self._level(part, beside)
                yield list(
                    differences(
                        beside,
                        self._old.tables,
                        self.new.tables,
                        part,
                        in_partition(self.new.view, part, self.partitions),
                    )
                )
                beside.rollback()

    def _level(self, part: int, beside: Connection[Any]) -> None:
        """Bring both to the same place, and let the other session see them there; then both may go on."""
        while True:
            with self._connection.transaction(), self._connection.cursor() as cursor:
                (old,) = self._old.hold(cursor, [part]).values()
                (new,) = self.new.places(cursor, [part]).values()
                if old == new:
                    beside.execute("select")  # its snapshot is of now
                    return
                if new < old:
                    self.new.go_on(cursor, {part: min(old, new + PAGE)})
                else:
                    self._old.go_on(cursor, {part: min(new, old + PAGE)})

    def parked(self) -> int:
        """Streams that it has left out."""
        ((count,),) = self._connection.execute(SQL["parked"], self.new.generation.key).fetchall()
        return int(count)

    def switch(self) -> Iterator[None]:
        """Let it answer from now on; a step for each time that somebody was in the way."""
        return Switch(self._connection, self._old, self.new).run()


def begin(connection: Connection[Any], builder: str, name: str, *, views: Views = VIEWS, anew: bool = False) -> Rebuild:
    """Begin to rebuild a view or an inline projection, or go on with what an earlier rebuild has left.

    `connection`, in autocommit and under the application name `builder`, is the session that does it; `anew` drops what
    was left. RebuildRefused.
    """
    for statement in ("session", "session_check", "session_plans"):
        connection.execute(SQL[statement])
    view = INLINE.get(name) or views.latest.get(name)
    if view is None:
        raise RebuildRefused(f"there is no view {name}")
    try:
        with connection.transaction(), connection.cursor() as cursor:
            there = generations.of_view(cursor, name)
            new = _unfinished(cursor, view, there, anew=anew)
            if new is None:
                number = max((each.generation for each in there), default=0) + 1
                new = growth(view, Generation(name, number, view.version, live=False, grown=False, builder=builder))
                generations.create(cursor, view, number, new.tables, grown=False)
            cursor.execute(SQL["set_builder"], {**new.generation.key, "builder": builder})
    except (UniqueViolation, DuplicateTable) as error:
        raise RebuildRefused(f"{name} is being rebuilt by somebody else") from error
    if isinstance(view, Inline):
        return Rebuild(connection, InCommands(view), new, comparable=True)
    live = _live(there, views)
    return Rebuild(connection, Live(live, new.generation), new, comparable=live.view is view)


def _live(there: Sequence[Generation], views: Views) -> Growth:
    """The generation that serves. RebuildRefused."""
    (live,) = (each for each in there if each.live)
    code = views.of(live.view, live.version)
    if code is None:
        raise RebuildRefused(f"there is no code of version {live.version} of {live.view}, which serves")
    return growth(code, live)


def _unfinished(cursor: Cursor[Any], view: View, there: Sequence[Generation], *, anew: bool) -> Growth | None:
    """What an earlier rebuild has left, if it can be gone on with; what cannot is dropped."""
    for each in there:
        if each.builder is None:
            continue
        if _is_there(cursor, each.builder):
            raise RebuildRefused(
                f"{view.name} is being rebuilt already: generation {each.generation}, by {each.builder}"
            )
        if each.version == view.version and not anew:
            return growth(view, each)
        generations.drop(cursor, each, growth(view, each).tables.values())
    return None


def _is_there(cursor: Cursor[Any], builder: str) -> bool:
    ((is_there,),) = cursor.execute(SQL["is_there"], {"builder": builder}).fetchall()
    return bool(is_there)


def grow(connection: Connection[Any], new: Growth) -> Iterator[int]:
    """Grow partitions that nobody else is at, until there is none; the number of events of each page. Any number of
    workers may. RebuildRefused."""
    while (done := _grow_page(connection, new)) is not None:
        yield done


def _grow_page(connection: Connection[Any], new: Growth) -> int | None:
    with connection.transaction(), connection.cursor() as cursor:
        targets = dict(cursor.execute(SQL["claim"], {**new.generation.key, "limit": CLAIM}).fetchall())
        if not targets:
            return None
        # In a statement of its own: they may have been another's until a moment ago.
        places = new.places(cursor, list(targets))
        reached = slices(places, targets)
        if reached:
            new.go_on(cursor, reached, grows=True)
        for part, place in reached.items():
            if place == targets[part]:
                new.view.settle(cursor, new.tables, part)
    return sum(place - places[part] for part, place in reached.items())


def slices(places: Mapping[int, int], targets: Mapping[int, int]) -> dict[int, int]:
    """How far to go in each partition with one page: as much of what is left, so that all end together."""
    left = {part: targets[part] - place for part, place in places.items() if place < targets[part]}
    total = sum(left.values())
    return {
        part: places[part] + (events if total <= PAGE else -(-events * PAGE // total)) for part, events in left.items()
    }


def roll_back(connection: Connection[Any], name: str, *, views: Views = VIEWS) -> tuple[Generation, Iterator[None]]:
    """The youngest generation that was kept beside the live one, and the steps by which it answers again.
    RebuildRefused."""
    with connection.transaction(), connection.cursor() as cursor:
        there = generations.of_view(cursor, name)
    kept = [each for each in there if each.grown and not each.live and each.builder is None]
    if not kept:
        raise RebuildRefused(f"{name} has no other generation that was kept")
    code = views.of(name, kept[-1].version)
    if code is None:
        raise RebuildRefused(f"there is no code of version {kept[-1].version} of {name}, to which it would go back")
    live = _live(there, views)
    return kept[-1], Switch(connection, Live(live, kept[-1]), growth(code, kept[-1])).run()


def drop_old(connection: Connection[Any], name: str, *, views: Views = VIEWS) -> list[Generation]:
    """Drop every generation that is not live, unless a rebuild is at it; those that are gone."""
    dropped = []
    with connection.transaction(), connection.cursor() as cursor:
        for each in generations.of_view(cursor, name):
            if each.live or (each.builder is not None and _is_there(cursor, each.builder)):
                continue
            code = INLINE.get(name) or views.of(name, each.version) or views.latest[name]
            generations.drop(cursor, each, growth(code, each).tables.values())
            dropped.append(each)
    return dropped
