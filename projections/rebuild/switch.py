"""Switches from one generation to another in one short transaction, when both have reached the end of the log."""

import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Protocol

import structlog
from psycopg import Connection, Cursor, sql
from psycopg.errors import LockNotAvailable
from psycopg.sql import Identifier

from projections import log, statements
from projections.rebuild.generation_build import PAGE, RebuildRefused, ViewGeneration
from projections.rebuild.inline_views import Inline
from projections.views import generations, grants
from projections.views.generations import Generation
from projections.views.view import Tables

SQL = statements.load(__file__, "rebuild")

logger = structlog.get_logger()

PAUSE = 0.1
"""Seconds between two attempts."""

KEEPING_TIME = 15.0
"""Seconds within which projectors must begin to maintain a generation. They check every two, or when notified."""


class Serving(Protocol):
    """The live tables that a generation is going to replace."""

    @property
    def tables(self) -> Tables: ...

    def hold(self, cursor: Cursor[Any], parts: Sequence[int]) -> dict[int, int]:
        """Lock these partitions until the transaction ends, and return their checkpoints."""

    def catch_up(self, cursor: Cursor[Any], checkpoints: Mapping[int, int]) -> None:
        """Apply one page towards checkpoints that are still ahead."""

    def can_switch(self, cursor: Cursor[Any]) -> bool:
        """Whether every partition that is maintained now would still be maintained after the switch."""

    def switch_to(self, cursor: Cursor[Any], new: ViewGeneration) -> None:
        """Make the new generation live."""


class Live:
    """A live generation, which projectors maintain alongside the new one."""

    def __init__(self, live: ViewGeneration, new: Generation) -> None:
        self.tables = live.tables
        self._live = live
        self._generations = [live.generation.generation, new.generation]

    def hold(self, cursor: Cursor[Any], parts: Sequence[int]) -> dict[int, int]:
        asked = {"view": self._live.view.name, "generations": self._generations, "parts": list(parts)}
        cursor.execute(SQL["lock_leases"], asked)
        return self._live.checkpoints(cursor, parts)

    def catch_up(self, cursor: Cursor[Any], checkpoints: Mapping[int, int]) -> None:
        self._live.catch_up(cursor, checkpoints)

    def can_switch(self, cursor: Cursor[Any]) -> bool:
        """Projectors notice a new generation at their next heartbeat; those of other releases never do."""
        old, new = self._generations
        asked = {"view": self._live.view.name, "old": old, "new": new}
        ((is_kept,),) = cursor.execute(SQL["is_maintained"], asked).fetchall()
        return bool(is_kept)

    def switch_to(self, cursor: Cursor[Any], new: ViewGeneration) -> None:
        cursor.execute(SQL["set_builder"], {**new.generation.key, "builder": None})
        generations.go_live(cursor, new.view, new.generation.generation, before=self._live.view)


class LiveInlineView:
    """An inline projection, which commands maintain: it is always at the end of the log."""

    def __init__(self, view: Inline) -> None:
        self.tables = view.serving_tables

    def hold(self, cursor: Cursor[Any], parts: Sequence[int]) -> dict[int, int]:
        cursor.execute(SQL["lock_partitions"], {"parts": list(parts)})
        return log.log_ends(cursor, parts)

    def catch_up(self, cursor: Cursor[Any], checkpoints: Mapping[int, int]) -> None:
        raise AssertionError("an inline projection is always at the end of the log")

    def can_switch(self, cursor: Cursor[Any]) -> bool:
        return True

    def switch_to(self, cursor: Cursor[Any], new: ViewGeneration) -> None:
        """The old tables are dropped, since commands no longer maintain them."""
        schema = log.current_schema(cursor)
        for name, table in new.tables.items():
            cursor.execute(sql.SQL("drop table {}").format(self.tables[name]))
            cursor.execute(sql.SQL("alter table {} set schema {}").format(table, Identifier(schema)))
        generations.drop(cursor, new.generation, ())


class Switch:
    """Makes one generation live instead of another."""

    def __init__(self, connection: Connection[Any], old: Serving, new: ViewGeneration) -> None:
        self._connection, self._old, self._new = connection, old, new
        self._parts = log.partitions(connection)

    def run(self) -> Iterator[None]:
        """One step for each time that it has to wait for projectors or readers. RebuildRefused."""
        with self._connection.cursor() as cursor:
            view, tables = self._new.view, self._new.tables
            if why := grants.cannot_write(cursor, view.name, tables, inline=isinstance(view, Inline)):
                raise RebuildRefused(why)
        deadline = time.monotonic() + KEEPING_TIME
        while not self._can_switch():
            if time.monotonic() > deadline:
                raise RebuildRefused(
                    f"no projector maintains generation {self._new.generation.generation} of {self._new.view.name}: "
                    "the running projectors have another version of its code"
                )
            yield
            time.sleep(PAUSE)
        while not self._try_to_switch():
            yield
            time.sleep(PAUSE)
        logger.info("view switched", view=self._new.view.name, generation=self._new.generation.generation)

    def _can_switch(self) -> bool:
        with self._connection.cursor() as cursor:
            return self._old.can_switch(cursor)

    def _try_to_switch(self) -> bool:
        try:
            with self._connection.transaction(), self._connection.cursor() as cursor:
                # Partition locks or leases first, then tables, like every writer: the opposite order deadlocks.
                if not self._has_caught_up(cursor):
                    return False
                cursor.execute(SQL["short_lock_timeout"])
                self._old.switch_to(cursor, self._new)
        except LockNotAvailable:
            return False
        except generations.NamesInUse as error:
            raise RebuildRefused(str(error)) from error
        return True

    def _has_caught_up(self, cursor: Cursor[Any]) -> bool:
        """Catch up with the old generation everywhere. False if that took more than a page: then others go first."""
        olds = self._old.hold(cursor, self._parts)
        news = self._new.checkpoints(cursor, self._parts)
        behind = {part: old for part, old in olds.items() if news[part] < old}
        reached: dict[int, int] = {}
        for part, old in behind.items():
            reached |= self._new.catch_up(cursor, {part: min(old, news[part] + PAGE)})
        return reached == behind and sum(old - news[part] for part, old in behind.items()) <= PAGE
