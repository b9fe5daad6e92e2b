"""The projector: applies new events to every view. Rows and checkpoints are committed in one transaction."""

import time
from collections.abc import Callable, Mapping, Sequence
from operator import itemgetter
from typing import Any

import psycopg
import structlog
from psycopg import Connection

from application.outage import Outage
from projections import statements
from projections.database_error import message_of
from projections.projector import pages
from projections.projector.pages import Stored
from projections.projector.sessions import session_name
from projections.views import generations
from projections.views.generations import Generation
from projections.views.registry import VIEWS, Views
from projections.views.view import View, tables_of

SQL = statements.load(__file__, "projector")

CHANNEL = "growthrings_wanted"
"""Readers that wait for a view notify this channel. It is only a hint: polling finds the events as well."""

WAKE = f"notify {CHANNEL}"

GENERATIONS = "generations"
"""Payload on the same channel after a change of generations. Otherwise projectors notice at their next heartbeat."""

CHANGED = f"notify {CHANNEL}, '{GENERATIONS}'"

PAGE = 2_000
"""Events of one partition in one transaction, at most."""

PAGES = 8_000
"""Events of all partitions in one transaction, at most: readers of every partition wait for the whole transaction."""

LEASE = 5.0
"""Seconds without activity after which a worker loses its partitions. Others check three times as often."""

logger = structlog.get_logger()


class Projector:
    """One worker. Any number of workers in any number of processes share the partitions of every generation, and take
    over the partitions of a worker that died."""

    def __init__(
        self,
        connect: Callable[[str], Connection[Any]],
        *,
        views: Views = VIEWS,
        poll: float = 0.25,
        pause: float = 0.05,
    ) -> None:
        """`connect` opens a connection under a given application name. `poll`: seconds between checks without new
        events. `pause`: seconds in which events gather while they keep coming. A waiting reader ends both early."""
        self.owner = session_name("projector")
        self._connect = connect
        self._views = views
        self._poll = poll
        self._pause = pause
        self._stopping = False
        self._maintained: list[tuple[Generation, View]] = []
        self._applied: dict[tuple[str, int], int] = {}
        self._heartbeat_at = 0.0
        self._busy_since: float | None = None
        self.session: Connection[Any] | None = None
        self._live: dict[str, int] = {}
        self._lost = Outage("projector lost its connection", "projector has a connection again")
        self._failing = Outage("projector cannot go on", "projector goes on")

    @property
    def busy_for(self) -> float:
        """Seconds since the worker began its current work; 0 while it waits."""
        since = self._busy_since
        return 0.0 if since is None else time.monotonic() - since

    def stop(self) -> None:
        """End after the current page. May be called from a signal handler or another thread."""
        self._stopping = True

    def run(self) -> None:
        """Maintain the views until stopped; reconnect after a lost connection."""
        while not self._stopping:
            try:
                with self._connect(self.owner) as connection:
                    self.session, self._busy_since = connection, time.monotonic()
                    self._work(connection)
            except psycopg.OperationalError as error:
                self._lost.failed(message_of(error), views=list(self._views.latest))
                time.sleep(self._poll)
            except Exception as error:
                # The views keep their checkpoints; their lag shows in /health and metrics.
                self._failing.failed(message_of(error), error=error, views=list(self._views.latest))
                time.sleep(1)
            finally:
                self.session = self._busy_since = None

    def _work(self, connection: Connection[Any]) -> None:
        connection.autocommit = True
        connection.execute(SQL["session"])
        connection.execute(SQL["session_commits"])
        connection.execute(f"listen {CHANNEL}")
        self._heartbeat_at = 0.0
        while not self._stopping:
            self._busy_since = time.monotonic()
            if time.monotonic() - self._heartbeat_at > LEASE / 3:
                self._heartbeat(connection)
            taken = [self._page(connection, generation, view) for generation, view in self._maintained]
            self._lost.works()
            self._failing.works()
            if any(map(_is_full, taken)):
                continue  # more events may follow
            for notification in connection.notifies(timeout=self._pause if any(taken) else self._poll, stop_after=1):
                if notification.payload == GENERATIONS:
                    self._heartbeat_at = 0.0
        connection.execute(
            SQL["delete_worker"], {"owner": self.owner}
        )  # from now on no worker hands partitions over to this one
        for generation, _ in self._maintained:
            self._hand_over(connection, generation, leaving=True)
        connection.execute(SQL["release_leases"], {"owner": self.owner})

    def _heartbeat(self, connection: Connection[Any]) -> None:
        """Register this worker, load the generations, and share their partitions with the other workers."""
        now = time.monotonic()
        seconds, self._heartbeat_at = now - self._heartbeat_at, now
        self._maintained = [
            (each, view)
            for each in generations.all_generations(connection)
            if each.built and (view := self._views.of(each.view, each.version)) is not None
        ]
        live = {each.view: each.generation for each, _ in self._maintained if each.live}
        if live != self._live:
            logger.info("projector sees these generations live", before=self._live, now=live)
            self._live = live
        applied, self._applied = self._applied, {}
        for generation, _ in self._maintained:
            rate = applied.get((generation.view, generation.generation), 0) / seconds
            connection.execute(SQL["heartbeat"], generation.key | {"owner": self.owner, "rate": rate})
            asked = generation.key | {"seconds": LEASE}
            absent = [owner for (owner,) in connection.execute(SQL["absent_workers"], asked)]
            if absent:
                connection.execute(SQL["delete_workers"], generation.key | {"absent": absent})
            connection.execute(SQL["claim_leases"], generation.key | {"owner": self.owner, "absent": absent})
            self._hand_over(connection, generation)

    def _hand_over(self, connection: Connection[Any], generation: Generation, *, leaving: bool = False) -> None:
        held = dict(connection.execute(SQL["shares"], generation.key | {"owner": self.owner}).fetchall())
        if given := partitions_to_hand_over(self.owner, held, leaving=leaving):
            parts, owners = list(given), list(given.values())
            asked = generation.key | {"owner": self.owner, "parts": parts, "owners": owners}
            connection.execute(SQL["hand_over"], asked)
            logger.debug("partitions handed over", view=generation.view, generation=generation.generation, to=given)

    def _page(self, connection: Connection[Any], generation: Generation, view: View) -> Sequence[Stored]:
        """Apply one page. Returns its events."""
        # Without new events nothing is locked: a row lock is a write as well.
        ((has_new_events,),) = connection.execute(
            SQL["has_new_events"], generation.key | {"owner": self.owner}
        ).fetchall()
        if not has_new_events:
            return []
        try:
            applied = self._write(connection, generation, view, bisect=False)
        except Exception as error:
            if not pages.is_event_error(error):
                raise
            applied = self._write(connection, generation, view, bisect=True)
        key = generation.view, generation.generation
        self._applied[key] = self._applied.get(key, 0) + len(applied)
        return applied

    def _write(
        self, connection: Connection[Any], generation: Generation, view: View, *, bisect: bool
    ) -> Sequence[Stored]:
        with connection.transaction(), connection.cursor() as cursor:
            leased = dict(cursor.execute(SQL["lock_leases"], generation.key | {"owner": self.owner}).fetchall())
            if not leased:
                return []
            limits = {"limit": PAGE, "limit_of_all": PAGES, "bytes": pages.BYTES}
            asked = generation.key | limits | {"parts": list(leased)}
            page = [
                Stored(*row) for row in sorted(cursor.execute(pages.SQL["next_events"], asked), key=itemgetter(0, 1))
            ]
            if not page:
                return []
            have_parked = [part for part, has_parked in leased.items() if has_parked]
            parked = pages.parked_streams(cursor, generation, have_parked) if have_parked else set()
            tables = tables_of(view, generation.generation)
            left = pages.apply(cursor, view, tables, page, view.write, parked=parked, bisect=bisect)
            pages.park(cursor, generation, left)
            pages.save_checkpoints(cursor, generation, {each.part: each.seq for each in page})
        logger.debug("page applied", view=generation.view, generation=generation.generation, events=len(page))
        return page


def _is_full(page: Sequence[Stored]) -> bool:
    """Whether a limit ended the page."""
    return len(page) >= PAGE or sum(len(each.state) for each in page) >= pages.BYTES


def partitions_to_hand_over(owner: str, held: Mapping[str, Sequence[int]], *, leaving: bool = False) -> dict[int, str]:
    """Partition → worker that gets it. A worker hands over what it holds above an equal share, or all when it leaves,
    to the workers that hold least."""
    counts = {other: len(parts) for other, parts in held.items() if other != owner}
    mine = held.get(owner, ())
    share = 0 if leaving else -(-sum(map(len, held.values())) // max(len(held), 1))
    given: dict[int, str] = {}
    for part in mine[share:] if counts else ():
        other = min(counts, key=lambda each: (counts[each], each))
        given[part] = other
        counts[other] += 1
    return given
