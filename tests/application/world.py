"""An admin, an application and children in a log, and the commands that they send."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from msgspec.structs import replace

from adapters.postgres.event_store import PostgresEventStore
from application.command import Actor, Command, CommandResult
from application.commands.record_measurements import RecordMeasurements
from application.ports import LogUnavailable
from application.processor import Processor
from domain.catalogue import decode
from domain.event import Event
from domain.measurement import Reading
from domain.partition import ACCOUNTS, partition
from domain.refusal import Refusal
from tests.application.conftest import AnyLog
from tests.application.stored_events import a_user, store
from tests.example_commands import reading, record_measurements
from tests.examples import NOON, actor, new_id, with_ids
from tests.fakes import FakeLog


def events_in(log: AnyLog, part: int, after: int = 0) -> Sequence[Event]:
    """The events of a partition after a position, in order."""
    if isinstance(log, FakeLog):
        return log.events[part][after:]
    assert isinstance(log, PostgresEventStore)
    rows = log.read("after", {"part": part, "seq": after, "limit": 1_000_000})
    assert [after + 1 + place for place in range(len(rows))] == [seq for seq, *_ in rows], "positions have no gaps"
    return [decode(topic, state) for _, _, _, topic, state in rows]


def events_of(log: AnyLog, key: str) -> list[Event]:
    """The events of all streams of a partition key, in order."""
    found = events_in(log, partition(key, log.partitions))
    return [event for event in found if event.originator_id.startswith(f"{key}/")]


def id_apart(log: AnyLog, *taken: int) -> str:
    """A new id in another partition than these and that of the accounts, if there are several."""
    avoided = {*taken, partition(ACCOUNTS, log.partitions)}
    ids = iter(new_id, "")
    return next(id for id in ids if log.partitions == 1 or partition(id, log.partitions) not in avoided)


class World:
    def __init__(self, log: AnyLog) -> None:
        self.log = log
        self.processor = Processor(log)
        self.admin = self.registered("admin")
        self.application = self.registered("application")
        self.child = self.child_apart()

    def child_apart(self, *taken: int) -> str:
        """A new child in another partition than these and that of the accounts, if there are several."""
        return self.registered("child", id_apart(self.log, *taken)).id

    def registered(self, role: str, id: str | None = None, **changes: Any) -> Actor:
        user = actor(role, id or new_id())
        store(self.log, a_user(user.id, role=role, **changes))
        return user

    def record(
        self,
        *readings: Reading | Refusal,
        actor: Actor | None = None,
        of: type[RecordMeasurements] = RecordMeasurements,
    ) -> RecordMeasurements:
        """A command that records readings of the child, with a request id of its own."""
        example = record_measurements(
            actor=actor or self.application,
            request_id=new_id(),
            child_id=self.child,
            readings=[replace(each, child_id=self.child) if isinstance(each, Reading) else each for each in readings],
        )
        return of(**{name: getattr(example, name) for name in example.__struct_fields__})

    def weigh(self, at: datetime = NOON, **changes: Any) -> RecordMeasurements:
        return self.record(reading(taken_at=at, **changes))

    def run(self, *commands: Command) -> list[CommandResult | LogUnavailable]:
        """The results of one batch, in order."""
        answers = self.processor.run(commands, oldest_waits=True)
        return [with_ids(answers[place]) for place in range(len(commands))]

    def accepted(self, command: Command) -> str:
        """The id in the result of a command with one item."""
        (answer,) = self.run(command)
        assert isinstance(answer, list), answer
        (outcome,) = answer
        assert isinstance(outcome, str), outcome
        return outcome

    def events(self) -> list[Event]:
        """The events of the child's measurements."""
        return events_of(self.log, self.child)
