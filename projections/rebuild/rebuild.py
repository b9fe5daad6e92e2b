"""Rebuilds a view into a new generation, compares it with the live one, and switches to it.

    begin   create a generation, or resume the one of an unfinished rebuild
    fill    apply the log up to where it ended at the beginning; any number of workers share the partitions
    finish  create the indexes that only queries need; from here on projectors maintain the generation
    compare compare partition by partition, both at the same checkpoint
    switch  point the plain names to the new generation in one transaction

Each step commits its progress, so that a stopped rebuild resumes where it was.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from typing import Any

import structlog
from psycopg import Connection, Cursor, IsolationLevel, sql
from psycopg.errors import DuplicateTable, LockNotAvailable, UniqueViolation

from projections import log, statements
from projections.projector.projector import CHANGED
from projections.rebuild.comparison import Difference, differences, in_partition
from projections.rebuild.generation_build import (
    PAGE,
    RebuildRefused,
    ViewGeneration,
    fill,
    prepare_session,
    view_generation,
)
from projections.rebuild.inline_views import INLINE, Inline
from projections.rebuild.switch import PAUSE, Live, LiveInlineView, Serving, Switch
from projections.views import generations, grants
from projections.views.generations import Generation
from projections.views.registry import VIEWS, Views
from projections.views.view import Tables, View

SQL = statements.load(__file__, "rebuild")

logger = structlog.get_logger()

Connect = Callable[[str], Connection[Any]]

DROP_PAUSE = 1.0
"""Seconds between attempts to drop a generation that is being read. Each attempt may delay its projectors briefly."""

DROP_TIME = 15.0
"""Seconds for which a rebuild tries to drop the generation of an unfinished one."""


class Rebuild:
    """One rebuild. It lasts as long as its session exists."""

    def __init__(self, connection: Connection[Any], old: Serving, new: ViewGeneration, *, comparable: bool) -> None:
        """`comparable`: the live generation has the same version, so its rows must be equal."""
        self.new = new
        self.comparable = comparable
        self._connection, self._old = connection, old
        self._parts = log.partitions(connection)

    @property
    def partitions(self) -> int:
        return len(self._parts)

    def progress(self) -> tuple[int, int]:
        """(events applied, events in the log when the rebuild began)."""
        ((done, total),) = self._connection.execute(SQL["progress"], self.new.generation.key).fetchall()
        return int(done), int(total)

    def fill(self) -> Iterator[None]:
        """Fill the generation up to where the log ended at the beginning, one page per step. RebuildRefused."""
        while True:
            for _ in fill(self._connection, self.new):
                yield
            done, total = self.progress()
            if done >= total:
                return
            yield  # other workers have claimed the rest
            time.sleep(PAUSE)

    def finish(self) -> None:
        """Create the indexes and hand the generation over to the projectors."""
        if self.new.generation.built:
            return
        with self._connection.transaction(), self._connection.cursor() as cursor:
            self.new.view.index(cursor, self.new.tables)
            for table in self.new.tables.values():
                cursor.execute(sql.SQL("analyze {}").format(table))
            if not isinstance(self.new.view, Inline):
                cursor.execute(SQL["set_built"], self.new.generation.key)
                cursor.execute(CHANGED)

    def compare(self, connect: Connect) -> Iterator[list[Difference]]:
        """The differences of each partition, both generations at the same checkpoint."""
        with closing(connect("compare")) as beside:
            beside.read_only = True
            beside.isolation_level = IsolationLevel.REPEATABLE_READ
            for part in self._parts:
                self._align(part, beside)
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

    def _align(self, part: int, beside: Connection[Any]) -> None:
        """Bring both generations to the same checkpoint and take the snapshot of the comparing session there."""
        while True:
            with self._connection.transaction(), self._connection.cursor() as cursor:
                (old,) = self._old.hold(cursor, [part]).values()
                (new,) = self.new.checkpoints(cursor, [part]).values()
                if old == new:
                    beside.execute("select")  # takes the snapshot
                    return
                if new < old:
                    self.new.catch_up(cursor, {part: min(old, new + PAGE)})
                else:
                    self._old.catch_up(cursor, {part: min(new, old + PAGE)})

    def parked(self) -> int:
        """The number of streams that the generation has parked."""
        ((count,),) = self._connection.execute(SQL["parked_stream_count"], self.new.generation.key).fetchall()
        return int(count)

    def switch(self) -> Iterator[None]:
        """Make the generation live; one step for each failed attempt."""
        return Switch(self._connection, self._old, self.new).run()


def begin(connection: Connection[Any], builder: str, name: str, *, views: Views = VIEWS, anew: bool = False) -> Rebuild:
    """Begin to rebuild a view or an inline projection, or resume an unfinished rebuild.

    `connection`: in autocommit, with the application name `builder`; it must stay open during the rebuild. `anew`:
    drop the unfinished generation instead. RebuildRefused.
    """
    prepare_session(connection)
    view = INLINE.get(name) or views.latest.get(name)
    if view is None:
        raise RebuildRefused(f"there is no view {name}")
    act_as_owner(connection, name, views=views)
    _drop_left(connection, view, anew=anew)
    try:
        with connection.transaction(), connection.cursor() as cursor:
            there = generations.lock_generations(cursor, name)
            new = _unfinished(cursor, view, there)
            if new is None:
                number = max((each.generation for each in there), default=0) + 1
                new = view_generation(
                    view, Generation(name, number, view.version, live=False, built=False, builder=builder)
                )
                generations.create(cursor, view, number, new.tables, built=False)
                grants.copy_all(cursor, _serving(there, name, views), new.tables)
                if why := grants.cannot_write(cursor, name, new.tables, inline=isinstance(view, Inline)):
                    raise RebuildRefused(why)
            cursor.execute(SQL["set_builder"], {**new.generation.key, "builder": builder})
    except (UniqueViolation, DuplicateTable) as error:
        raise RebuildRefused(f"another session has just begun to rebuild {name}") from error
    if isinstance(view, Inline):
        return Rebuild(connection, LiveInlineView(view), new, comparable=True)
    live = _live(there, views)
    return Rebuild(connection, Live(live, new.generation), new, comparable=live.view is view)


def act_as_owner(connection: Connection[Any], name: str, *, views: Views = VIEWS) -> None:
    """Act as the owner of the live tables until the session ends. RebuildRefused if the role may not."""
    with connection.transaction(), connection.cursor() as cursor:
        serving_tables = _serving(generations.lock_generations(cursor, name), name, views)
    try:
        grants.act_as_owner(connection, next(iter(serving_tables.values())))
    except grants.NotOwner as error:
        raise RebuildRefused(str(error)) from error


def _serving(there: Sequence[Generation], name: str, views: Views) -> Tables:
    """The live tables. RebuildRefused."""
    return INLINE[name].serving_tables if name in INLINE else _live(there, views).tables


def _live(there: Sequence[Generation], views: Views) -> ViewGeneration:
    """The live generation. RebuildRefused."""
    (live,) = (each for each in there if each.live)
    code = views.of(live.view, live.version)
    if code is None:
        raise RebuildRefused(
            f"the live generation of {live.view} has version {live.version}, which this release does not have"
        )
    return view_generation(code, live)


def _drop_left(connection: Connection[Any], view: View, *, anew: bool) -> None:
    """Drop unfinished generations of other versions; with `anew`, all of them. RebuildRefused."""
    deadline = time.monotonic() + DROP_TIME
    while True:
        try:
            with connection.transaction(), connection.cursor() as cursor:
                cursor.execute(SQL["short_lock_timeout"])
                for each in _left(cursor, view, generations.lock_generations(cursor, view.name)):
                    if anew or each.version != view.version:
                        generations.drop(cursor, each, view_generation(view, each).tables.values())
                return
        except LockNotAvailable as error:
            if time.monotonic() > deadline:
                raise RebuildRefused(
                    f"an earlier rebuild of {view.name} has left a generation, which cannot be dropped while another "
                    "session, such as a pg_dump, reads it: try again when that has ended"
                ) from error
            time.sleep(DROP_PAUSE)


def _unfinished(cursor: Cursor[Any], view: View, there: Sequence[Generation]) -> ViewGeneration | None:
    """The unfinished generation to resume. RebuildRefused."""
    return next((view_generation(view, each) for each in _left(cursor, view, there)), None)


def _left(cursor: Cursor[Any], view: View, there: Sequence[Generation]) -> list[Generation]:
    """The unfinished generations. RebuildRefused if one of the rebuilds still runs."""
    left = [each for each in there if each.builder is not None]
    for each in left:
        if each.builder is not None and _is_there(cursor, each.builder):
            raise RebuildRefused(
                f"{view.name} is being rebuilt already: generation {each.generation}, by {each.builder}"
            )
    return left


def _is_there(cursor: Cursor[Any], builder: str) -> bool:
    ((is_there,),) = cursor.execute(SQL["session_exists"], {"builder": builder}).fetchall()
    return bool(is_there)


def roll_back(connection: Connection[Any], name: str, *, views: Views = VIEWS) -> tuple[Generation, Iterator[None]]:
    """The youngest generation to which the view can go back, and the steps that make it live. RebuildRefused."""
    prepare_session(connection)
    if name not in INLINE:
        act_as_owner(connection, name, views=views)
    with connection.transaction(), connection.cursor() as cursor:
        there = generations.lock_generations(cursor, name)
    kept = [each for each in there if each.built and not each.live and each.builder is None]
    if not kept:
        raise RebuildRefused(f"{name} has no other generation to roll back to")
    code = views.of(name, kept[-1].version)
    if code is None:
        raise RebuildRefused(
            f"the generation to roll {name} back to has version {kept[-1].version}, which this release does not have"
        )
    live = _live(there, views)
    return kept[-1], Switch(connection, Live(live, kept[-1]), view_generation(code, kept[-1])).run()


def is_behind(connection: Connection[Any], name: str) -> bool:
    """Whether the log has events that the live generation of a view has not applied."""
    ((behind,),) = connection.execute(SQL["is_behind"], {"view": name}).fetchall()
    return bool(behind)


def drop_old(connection: Connection[Any], name: str, *, views: Views = VIEWS) -> Iterator[Generation | None]:
    """Drop every generation that is neither live nor being built. Yields each dropped generation, and None after each
    attempt that another session (such as a pg_dump) has blocked. Other sessions do not wait meanwhile.
    RebuildRefused."""
    act_as_owner(connection, name, views=views)
    while True:
        try:
            dropped = _drop_one(connection, name, views)
        except LockNotAvailable:
            yield None
            time.sleep(DROP_PAUSE)
            continue
        if dropped is None:
            return
        logger.info("generation dropped", view=dropped.view, generation=dropped.generation)
        yield dropped


def _drop_one(connection: Connection[Any], name: str, views: Views) -> Generation | None:
    with connection.transaction(), connection.cursor() as cursor:
        cursor.execute(SQL["short_lock_timeout"])
        for each in generations.lock_generations(cursor, name):
            if each.live or (each.builder is not None and _is_there(cursor, each.builder)):
                continue
            code = INLINE.get(name) or views.of(name, each.version) or views.latest[name]
            generations.drop(cursor, each, view_generation(code, each).tables.values())
            return each
    return None
