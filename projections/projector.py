"""The projector: keeps the views, each from its own place in every partition, rows and place in one transaction."""

import time
from collections.abc import Callable, Iterator, Mapping
from operator import itemgetter
from typing import Any
from uuid import uuid4

import psycopg
import structlog
from psycopg import Connection

from domain.catalogue import decode
from projections import statements
from projections.view import View, tables_of
from projections.views import VIEWS

SQL = statements.beside(__file__, "projector")

CHANNEL = "growthrings_wanted"
"""Told by a reader that waits for a view: only a hint, since polling would find the events too."""

WAKE = f"notify {CHANNEL}"

PAGE = 2_000
"""Events of one partition in one transaction, at most."""

PAGES = 8_000
"""Events of all partitions in one transaction, at most: whoever waits for another partition waits for them too."""

LEASE = 5.0
"""Seconds for which a worker takes its partitions; taken again after a third of it."""

logger = structlog.get_logger()


class Projector:
    """One worker. Any number of them may run, in any number of processes: who comes first leases all partitions, the
    others stand by and take over what its death leaves."""

    def __init__(
        self,
        connect: Callable[[str], Connection[Any]],
        *,
        views: Mapping[str, View] = VIEWS,
        poll: float = 0.25,
        pause: float = 0.05,
    ) -> None:
        """`connect` opens a connection under the application name it is given. `poll`: seconds between looks while
        there is nothing new; `pause`: seconds that it lets events gather while they keep coming. A reader that waits
        cuts both short."""
        self.owner = f"projector-{uuid4().hex[:12]}"
        self._connect = connect
        self._views = views
        self._poll = poll
        self._pause = pause
        self._stopping = False

    def stop(self) -> None:
        """End after the page at hand; callable from a signal handler or another thread."""
        self._stopping = True

    def run(self) -> None:
        """Keep the views until stopped; a lost connection is opened again."""
        while not self._stopping:
            try:
                with self._connect(self.owner) as connection:
                    self._work(connection)
            except psycopg.OperationalError as error:
                logger.warning("projector lost its connection", error=str(error).strip())
                time.sleep(self._poll)
            except Exception:
                # The views stay where they are, and everybody sees that they are behind.
                logger.exception("projector cannot apply a page")
                time.sleep(1)

    def _work(self, connection: Connection[Any]) -> None:
        connection.autocommit = True
        connection.execute(SQL["session"])
        connection.execute(SQL["session_commits"])
        connection.execute(f"listen {CHANNEL}")
        taken_at = 0.0
        while not self._stopping:
            if time.monotonic() - taken_at > LEASE / 3:
                self._take_leases(connection)
                taken_at = time.monotonic()
            applied = self.catch_up(connection)
            if applied >= PAGE:
                continue  # there may be more than fitted
            for _ in connection.notifies(timeout=self._pause if applied else self._poll, stop_after=1):
                pass  # whoever it was, the next look serves all
        connection.execute(SQL["release_leases"], {"owner": self.owner})

    def _generations(self, connection: Connection[Any]) -> Iterator[tuple[View, dict[str, Any]]]:
        for view, generation, version in connection.execute(SQL["generations"]).fetchall():
            if view in self._views and self._views[view].version == version:
                yield self._views[view], {"view": view, "generation": generation, "owner": self.owner}

    def _take_leases(self, connection: Connection[Any]) -> None:
        for _, generation in self._generations(connection):
            connection.execute(SQL["take_leases"], generation | {"seconds": LEASE})

    def catch_up(self, connection: Connection[Any]) -> int:
        """Apply one page of every generation; the number of events applied."""
        return sum(self._page(connection, view, generation) for view, generation in self._generations(connection))

    def _page(self, connection: Connection[Any], view: View, generation: dict[str, Any]) -> int:
        with connection.transaction(), connection.cursor() as cursor:
            parts = [part for (part,) in cursor.execute(SQL["lock_leases"], generation)]
            if not parts:
                return 0
            page = generation | {"parts": parts, "limit": PAGE, "limit_of_all": PAGES}
            stored = sorted(cursor.execute(SQL["page"], page), key=itemgetter(0, 1))
            if not stored:
                return 0
            shown = [(part, decode(topic, state)) for part, _, topic, state in stored if topic in view.topics]
            if shown:
                view.write(cursor, tables_of(view, generation["generation"]), shown)
            reached = {part: seq for part, seq, _, _ in stored}
            places = generation | {"parts": list(reached), "seqs": list(reached.values())}
            cursor.execute(SQL["add_places"], places)
            cursor.execute(SQL["remove_places"], places)
        return len(stored)
