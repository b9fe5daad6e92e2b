"""The recorder: implements the library's interfaces on this event log, so that its `Application` can read and save
aggregates."""

import threading
from collections.abc import Sequence
from typing import Any, NoReturn
from uuid import UUID

import psycopg
from eventsourcing.persistence import (
    ApplicationRecorder,
    DataError,
    InfrastructureFactory,
    IntegrityError,
    Mapper,
    OperationalError,
    StoredEvent,
    Subscription,
    Transcoder,
)
from eventsourcing.utils import Environment, EnvType

from adapters.postgres.connections import connector
from adapters.postgres.event_store import PostgresEventStore
from adapters.postgres.mapper import EventMapper
from application.ports import AppendRefused, CommitInDoubt, LogUnavailable
from domain.catalogue import decode
from domain.partition import partition
from projections.inline.batch_state import InlineBatchState

EVERYTHING = 2**31 - 1


class PostgresRecorder(ApplicationRecorder):
    """Inserts also update the inline projections. Positions are pairs of partition and seq, so methods that need one
    integer order over all events raise NotImplementedError. There are no snapshots."""

    def __init__(self, log: PostgresEventStore) -> None:
        self._log = log
        self._lock = threading.Lock()

    def insert_events(self, stored_events: Sequence[StoredEvent], **kwargs: Any) -> None:
        """Raises IntegrityError if a version of a stream exists already, and OperationalError if the log is
        unavailable."""
        if not stored_events:
            return
        parts = {partition(str(stored.originator_id), self._log.partitions) for stored in stored_events}
        with self._lock:
            try:
                known = self._log.begin(parts, ())
                for stored in stored_events:
                    known.apply([decode(stored.topic, stored.state)], [stored.state])
                self._log.append(known)
                self._commit(known)
            except AppendRefused as error:
                conflict = isinstance(error.__cause__, psycopg.IntegrityError)
                raise (IntegrityError if conflict else DataError)(str(error)) from error
            except (LogUnavailable, CommitInDoubt) as error:
                raise OperationalError(str(error)) from error
            finally:
                self._log.rollback()

    def _commit(self, known: InlineBatchState) -> None:
        try:
            self._log.commit(known)
        except CommitInDoubt:
            if not self._log.settle(known):
                raise

    def select_events(
        self,
        originator_id: UUID | str,
        *,
        gt: int | None = None,
        lte: int | None = None,
        desc: bool = False,
        limit: int | None = None,
    ) -> Sequence[StoredEvent]:
        parameters = {
            "part": partition(str(originator_id), self._log.partitions),
            "originator_id": str(originator_id),
            "gt": gt,
            "lte": lte,
            "limit": EVERYTHING if limit is None else limit,
        }
        with self._lock:
            try:
                rows = self._log.read("stream_descending" if desc else "stream", parameters)
            except psycopg.OperationalError as error:
                raise OperationalError(str(error)) from error
        return [StoredEvent(*row) for row in rows]

    def select_notifications(self, *args: Any, **kwargs: Any) -> NoReturn:
        self._no_order()

    def max_notification_id(self) -> NoReturn:
        self._no_order()

    def subscribe(self, gt: int | None = None, topics: Sequence[str] = ()) -> Subscription[ApplicationRecorder]:
        self._no_order()

    def _no_order(self) -> NoReturn:
        raise NotImplementedError(
            f"there is no one order over the log's {self._log.partitions} partitions: read each after its place, "
            "with the statement `after`"
        )


class Factory(InfrastructureFactory):
    """The factory that `PERSISTENCE_MODULE=adapters.postgres.recorder` selects. `DATABASE_URL` names the database."""

    def __init__(self, env: Environment | EnvType | None) -> None:
        super().__init__(env)
        self._log = PostgresEventStore(connector(self.env.get("DATABASE_URL", "")))

    def mapper(self, transcoder: Transcoder | None = None, mapper_class: type[Mapper[Any]] | None = None) -> Any:
        return EventMapper(transcoder or self.transcoder())

    def aggregate_recorder(self, purpose: str = "events") -> PostgresRecorder:
        return self.application_recorder()

    def application_recorder(self) -> PostgresRecorder:
        return PostgresRecorder(self._log)

    def tracking_recorder(self, tracking_recorder_class: Any = None) -> NoReturn:
        raise NotImplementedError("the projector stores the checkpoints of views")

    def process_recorder(self) -> NoReturn:
        raise NotImplementedError("the projector stores the checkpoints of views")

    def close(self) -> None:
        self._log.close()
