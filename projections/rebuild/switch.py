"""One generation answers instead of another: in one short transaction, when both are where the log is."""

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
"""Seconds between two tries at what others are at."""

KEEPING_TIME = 15.0
"""Seconds that projectors have to begin to keep a generation; they look every two, or when they are told."""


class Serving(Protocol):
    """What answers now, beside which a generation is grown."""

    @property
    def tables(self) -> Tables: ...

    def hold(self, cursor: Cursor[Any], parts: Sequence[int]) -> dict[int, int]:
        """How far it is in these partitions, where it stays until the transaction ends."""

    def catch_up(self, cursor: Cursor[Any], checkpoints: Mapping[int, int]) -> None:
        """Go on, by one page, towards places that it has not reached."""

    def can_switch(self, cursor: Cursor[Any]) -> bool:
        """Whether the other would be kept as this one is."""

    def switch_to(self, cursor: Cursor[Any], new: ViewGeneration) -> None:
        """Let the other answer instead."""


class Live:
    """A live generation, which projectors keep beside the new one."""

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
        """Projectors notice a new generation at their next beat; those with other code never do."""
        old, new = self._generations
        asked = {"view": self._live.view.name, "old": old, "new": new}
        ((is_kept,),) = cursor.execute(SQL["is_maintained"], asked).fetchall()
        return bool(is_kept)

    def switch_to(self, cursor: Cursor[Any], new: ViewGeneration) -> None:
        cursor.execute(SQL["set_builder"], {**new.generation.key, "builder": None})
        generations.go_live(cursor, new.view, new.generation.generation, before=self._live.view)


class LiveInlineView:
    """An inline projection: kept by the commands themselves, so always at the end of the log."""

    def __init__(self, view: Inline) -> None:
        self.tables = view.serving_tables

    def hold(self, cursor: Cursor[Any], parts: Sequence[int]) -> dict[int, int]:
        cursor.execute(SQL["lock_partitions"], {"parts": list(parts)})
        return log.log_ends(cursor, parts)

    def catch_up(self, cursor: Cursor[Any], checkpoints: Mapping[int, int]) -> None:
        raise AssertionError("nothing is ahead of it")

    def can_switch(self, cursor: Cursor[Any]) -> bool:
        return True

    def switch_to(self, cursor: Cursor[Any], new: ViewGeneration) -> None:
        """The old tables go: no command would keep them any more."""
        schema = log.current_schema(cursor)
        for name, table in new.tables.items():
            cursor.execute(sql.SQL("drop table {}").format(self.tables[name]))
            cursor.execute(sql.SQL("alter table {} set schema {}").format(table, Identifier(schema)))
        generations.drop(cursor, new.generation, ())


class Switch:
    """Lets one generation answer instead of another, when both are where the log is."""

    def __init__(self, connection: Connection[Any], old: Serving, new: ViewGeneration) -> None:
        self._connection, self._old, self._new = connection, old, new
        self._parts = log.partitions(connection)

    def run(self) -> Iterator[None]:
        """A step for each time that it must wait, for those who keep views or for those who read. RebuildRefused."""
        with self._connection.cursor() as cursor:
            view, tables = self._new.view, self._new.tables
            if why := grants.cannot_write(cursor, view.name, tables, inline=isinstance(view, Inline)):
                raise RebuildRefused(why)
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
        logger.info("view switched", view=self._new.view.name, generation=self._new.generation.generation)

    def _can(self) -> bool:
        with self._connection.cursor() as cursor:
            return self._old.can_switch(cursor)

    def _switched(self) -> bool:
        try:
            with self._connection.transaction(), self._connection.cursor() as cursor:
                # Heads or leases first, tables second, as everybody who writes does: the other way round deadlocks.
                if not self._is_level(cursor):
                    return False
                cursor.execute(SQL["short_lock_timeout"])
                self._old.switch_to(cursor, self._new)
        except LockNotAvailable:
            return False
        except generations.NamesInUse as error:
            raise RebuildRefused(str(error)) from error
        return True

    def _is_level(self, cursor: Cursor[Any]) -> bool:
        """Go on to where the old one is, everywhere; False where that was much, and nobody should wait for more."""
        olds = self._old.hold(cursor, self._parts)
        news = self._new.checkpoints(cursor, self._parts)
        behind = {part: old for part, old in olds.items() if news[part] < old}
        reached: dict[int, int] = {}
        for part, old in behind.items():
            reached |= self._new.catch_up(cursor, {part: min(old, news[part] + PAGE)})
        return reached == behind and sum(old - news[part] for part, old in behind.items()) <= PAGE
