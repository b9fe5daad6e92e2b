"""The event store in PostgreSQL: one session of the writer, one transaction for each batch."""

import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import structlog
from psycopg import Connection, Cursor

from adapters.postgres.connections import abort_connection, configure, limited
from application.ports import AppendRefused, CommitInDoubt, LogLost, LogUnavailable, PartitionsHeld, Reads
from domain import catalogue
from domain.event import Event
from domain.partition import partition
from projections import rows, statements
from projections.database_error import message_of
from projections.inline import dedupe_index, directory, loaded_directory
from projections.inline.batch_state import InlineBatchState
from projections.projector.pages import INVALID_VALUES

SQL = statements.load(__file__, "event_store")

SESSION: Mapping[str, str] = {
    # A dead client must not hold partition locks, nor a live one wait for them for ever.
    "idle_in_transaction_session_timeout": "10s",
    "lock_timeout": "2s",
    # Plans are made once, while tables may be empty: allow only those that stay good when the tables grow.
    "plan_cache_mode": "force_generic_plan",
    "enable_seqscan": "off",
    "enable_hashjoin": "off",
    "enable_mergejoin": "off",
}

SHORT_LOCK_TIMEOUT = "50ms"
"""How long a batch waits for a partition lock if its process has other batches to run: longer than most batches hold
one, and short enough for the others."""

CLIENT_TIMEOUT = 5.0
"""Seconds for which a session that holds partition locks may keep the server waiting. Then the next writer that needs
one of them terminates it. Deciding a batch takes less, even on a machine that is ten times slower."""

FIRST_QUERY_TIMEOUT = 10.0
"""Seconds for the first statement, before a watchdog runs."""

DOUBT_TIMEOUT = 2.0
"""Seconds spent on finding out whether a batch in doubt was stored. Then its clients get an error and may retry."""

DOUBT_PAUSE = 0.1
"""Seconds between two attempts to find out."""

_MICROSECOND = timedelta(microseconds=1)

_EVENT = ("int2", "int8", "text", "int4", "text", "bytea")

logger = structlog.get_logger()


class PostgresEventStore:
    """Implements `application.ports.Log`. Used by one thread at a time, except for `abort`."""

    def __init__(self, connect: Callable[[str], Connection[Any]], *, lock_timeout: str | None = None) -> None:
        """`connect` opens a connection under an application name. `lock_timeout` replaces that of SESSION: how long a
        batch waits for each partition lock, in PostgreSQL's notation."""
        self._connect = connect
        self._settings = {} if lock_timeout is None else {"lock_timeout": lock_timeout}
        self._aborted = False
        self._is_waiting = False
        self._bytes_being_sent = 0
        self._open()
        with limited(self._connection, FIRST_QUERY_TIMEOUT):
            row = self._connection.execute(SQL["partitions"]).fetchone()
            self._connection.rollback()
        self.partitions: int = row[0] if row else 0

    def _open(self) -> None:
        connection: Connection[Any] | None = None
        try:
            connection = self._connection = self._connect("writer")
            if self._aborted:  # while the connection was opened
                connection.close()
            connection.prepare_threshold = 0
            configure(connection, {**SESSION, **self._settings})
        except psycopg.Error as error:
            if connection is not None:
                connection.close()  # never use a session without the settings of SESSION
            raise LogUnavailable(str(error).strip()) from error

    def close(self) -> None:
        self._connection.close()

    @property
    def waiting_session(self) -> Connection[Any] | None:
        """The session, while an answer of it is awaited; else None."""
        return self._connection if self._is_waiting else None

    @property
    def bytes_being_sent(self) -> int:
        """Bytes of the events that are being sent; 0 outside of an append."""
        return self._bytes_being_sent

    def abort(self) -> None:
        """From any thread: end the current batch with LogUnavailable at once, whatever the server does. A commit in
        progress stays in doubt."""
        self._aborted = True
        abort_connection(self._connection)

    @contextmanager
    def _cursor(self) -> Iterator[Cursor[Any]]:
        """A cursor of the batch's transaction; translates its errors into those of the port."""
        self._is_waiting = True
        try:
            with self._connection.cursor() as cursor:
                yield cursor
        except psycopg.errors.LockNotAvailable as error:
            self.rollback()
            raise PartitionsHeld("another session holds the partition locks") from error
        except INVALID_VALUES as error:
            raise AppendRefused(message_of(error)) from error
        except (psycopg.OperationalError, psycopg.InternalError) as error:
            # Connection lost, time-out, disk full, in recovery: in each case nothing of the batch was stored.
            self.rollback()
            if isinstance(error, psycopg.errors.ReadOnlySqlTransaction):
                self._connection.close()  # after a failover, another server accepts writes
            raise (LogUnavailable if self._aborted else LogLost)(str(error).strip()) from error
        finally:
            self._is_waiting = False

    def begin(self, wait_for: Collection[int], if_free: Collection[int]) -> InlineBatchState:
        self._aborted = False
        return self._begin(wait_for, if_free)

    def _begin(self, wait_for: Collection[int], if_free: Collection[int]) -> InlineBatchState:
        while True:
            try:
                return self._lock(wait_for, if_free)
            except PartitionsHeld:
                if not self._terminate_stalled(wait_for):
                    raise

    def _lock(self, wait_for: Collection[int], if_free: Collection[int]) -> InlineBatchState:
        if self._connection.closed:
            self._open()
        with self._cursor() as cursor:
            locked: list[int] = []
            for statement, parts in (("lock", wait_for), ("lock_if_free", if_free)):
                if parts:
                    locked += [part for (part,) in cursor.execute(SQL[statement], {"parts": list(parts)})]
            return self._known(cursor, locked)

    def _terminate_stalled(self, parts: Collection[int]) -> bool:
        """Terminate the sessions that hold these partition locks while their clients do nothing; whether any did.

        No time limit of PostgreSQL ends a session that waits in the middle of a COPY, or between two messages of a
        statement.
        """
        with self._cursor() as cursor:
            parameters = {"parts": list(parts), "seconds": CLIENT_TIMEOUT}
            stalled = cursor.execute(SQL["terminate_stalled"], parameters).fetchall()
        self.rollback()
        ended = [each for *each, has_ended in stalled if has_ended]
        for pid, name, seconds in ended:
            logger.warning(
                "terminated a session that held partition locks while its client did nothing",
                pid=pid,
                application_name=name,
                seconds=round(seconds, 1),
            )
        return bool(ended)

    def _known(self, cursor: Cursor[Any], locked: Sequence[int]) -> InlineBatchState:
        """The state of the locked partitions: their next positions, and a time later than all their events."""
        last = datetime.min.replace(tzinfo=UTC)
        next_seq = {}
        for part, seq, state, now in cursor.execute(SQL["ends"], {"parts": list(locked)}):
            next_seq[part] = seq + 1
            last = max(last, now)
            if state is not None:
                last = max(last, catalogue.recorded_at(state) + _MICROSECOND)
        return InlineBatchState(frozenset(locked), last.astimezone(UTC), next_seq)

    def load(self, known: InlineBatchState, reads: Reads) -> None:
        keys = [key for key in reads.keys if key not in known.holders]
        streams = [stream for stream in reads.histories if stream not in known.histories]
        with self._cursor() as cursor:
            if keys:
                known.holders |= dedupe_index.load(cursor, keys, self.partitions)
            if streams:
                known.histories |= self._histories(cursor, streams)
            loaded_directory.load(cursor, known.directory, reads)

    def _histories(self, cursor: Cursor[Any], streams: Sequence[str]) -> dict[str, list[Event]]:
        histories: dict[str, list[Event]] = {stream: [] for stream in streams}
        parts = [partition(stream, self.partitions) for stream in streams]
        for stream, topic, state in cursor.execute(SQL["histories"], {"parts": parts, "streams": list(streams)}):
            histories[stream].append(catalogue.decode(topic, state))
        return histories

    def read(self, statement: str, parameters: Mapping[str, Any]) -> list[tuple[Any, ...]]:
        """The rows of one of the event store's statements, outside any batch."""
        if self._connection.closed:
            self._open()
        try:
            return self._connection.execute(SQL[statement], parameters).fetchall()
        finally:
            self.rollback()

    def append(self, known: InlineBatchState) -> None:
        if not known.appended:
            return
        with self._cursor() as cursor:
            self._bytes_being_sent = sum(len(state) for _, state in known.appended)
            try:
                append(cursor, known, self.partitions)
            finally:
                self._bytes_being_sent = 0
            dedupe_index.write(cursor, known.dedupe, self.partitions)
            directory.write(cursor, known.changed)

    def commit(self, known: InlineBatchState) -> None:
        self._is_waiting = True
        try:
            self._connection.commit()
        except (psycopg.OperationalError, psycopg.InternalError) as error:
            if known.appended:
                raise CommitInDoubt(str(error).strip()) from error
        except INVALID_VALUES as error:
            raise AppendRefused(message_of(error)) from error
        finally:
            self._is_waiting = False

    def rollback(self) -> None:
        """End the transaction. If that fails, close the session, which ends the transaction too."""
        self._is_waiting = True
        try:
            self._connection.rollback()
        except psycopg.Error:
            self._connection.close()
        finally:
            self._is_waiting = False

    def settle(self, known: InlineBatchState) -> bool:
        deadline = time.monotonic() + DOUBT_TIMEOUT
        while True:
            try:
                return self._was_stored(known)
            except LogUnavailable as error:
                if self._aborted or time.monotonic() >= deadline:
                    raise CommitInDoubt(str(error)) from error
                time.sleep(DOUBT_PAUSE)

    def _was_stored(self, known: InlineBatchState) -> bool:
        """Whether the first event of the batch is at its position: one transaction stored all of them or none."""
        event, state = known.appended[0]
        part = partition(event.originator_id, self.partitions)
        self._begin(known.parts, ())
        seq = positions(known, self.partitions)[0][1]
        with self._cursor() as cursor:
            row = cursor.execute(SQL["state_at"], {"part": part, "seq": seq}).fetchone()
        self.rollback()
        return row is not None and row[0] == state


def positions(known: InlineBatchState, partitions: int) -> list[tuple[int, int]]:
    """Partition and seq of every event of a batch, in its order; without gaps in each partition."""
    next_seq = dict(known.next_seq)
    assigned = []
    for event, _ in known.appended:
        part = partition(event.originator_id, partitions)
        assigned.append((part, next_seq[part]))
        next_seq[part] += 1
    return assigned


def append(cursor: Cursor[Any], known: InlineBatchState, partitions: int) -> None:
    """Insert the events of a batch in one statement."""
    append_rows(
        cursor,
        (
            (part, seq, event.originator_id, event.originator_version, event.stored_name, state)
            for (part, seq), (event, state) in zip(positions(known, partitions), known.appended, strict=True)
        ),
    )


def append_rows(cursor: Cursor[Any], events: Iterable[tuple[int, int, str, int, str, bytes]]) -> None:
    """Insert events, each with partition, seq, stream, stream version, stored name and state, in one statement."""
    rows.insert(cursor, SQL["append"], _EVENT, events)
