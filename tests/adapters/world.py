"""A log with people in it, and commands of theirs: what the tests of the log begin with."""

from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

from msgspec import Struct
from msgspec.structs import replace
from psycopg import Connection

from adapters.postgres.event_store import PostgresEventStore
from application.command import Actor, Command, CommandResult, ItemResult
from application.commands.change_password import ChangePassword, NewPassword
from application.commands.create_outcomes import CreateOutcomes
from application.commands.disband_group import DisbandGroup
from application.commands.form_group import FormGroup, NewGroup
from application.commands.link_child import LinkChild
from application.commands.note_audit_read import NoteAuditRead
from application.commands.record_entries import RecordEntries
from application.commands.record_measurements import RecordMeasurements
from application.commands.register_first_admin import SERVICE, RegisterFirstAdmin
from application.commands.register_institution import NewInstitution, RegisterInstitution
from application.commands.register_user import NewUser, RegisterUser
from application.commands.remove_institution import RemoveInstitution
from application.commands.remove_measurement import RemoveMeasurement
from application.commands.remove_user import RemoveUser
from application.commands.renew_password_hash import RenewPasswordHash
from application.commands.reset_password import ResetPassword
from application.commands.revise_group import GroupChange, ReviseGroup
from application.commands.revise_outcome import OutcomeChange, ReviseOutcome
from application.commands.unlink_child import UnlinkChild
from application.permissions import SCOPES
from application.ports import LogUnavailable
from application.processor import CommandResults, Processor
from domain.entry import Entry
from domain.measurement import Reading
from domain.outcome import Definition
from domain.partition import ACCOUNTS, partition
from projections.inline.batch_state import InlineBatchState
from tests.examples import with_ids

NOON = datetime(2024, 2, 29, 12, tzinfo=UTC)
ALL = frozenset(SCOPES)
"""The scopes of a token that lacks none."""

_numbers = count()


class World(Struct):
    """Runs commands, as one group unless others hold what it needs; `admin` and `application` may do all of it."""

    log: PostgresEventStore
    processor: Processor[InlineBatchState]
    admin: Actor
    application: Actor
    institution_id: str

    def reopened(self, log: PostgresEventStore) -> "World":
        """The same people through another session."""
        return replace(self, log=log, processor=Processor(log))

    def run(self, *commands: Command) -> list[CommandResult | LogUnavailable]:
        answers: CommandResults = {}
        while left := [place for place in range(len(commands)) if place not in answers]:
            taken = self.processor.run([commands[place] for place in left], oldest_waits=True)
            answers |= {left[place]: answer for place, answer in taken.items()}
        return [with_ids(answers[place]) for place in range(len(commands))]

    def outcome(self, command: Command) -> ItemResult:
        """Of a command with one item."""
        (answer,) = self.run(command)
        assert isinstance(answer, list), answer
        (outcome,) = answer
        return outcome

    def id(self, command: Command) -> str:
        outcome = self.outcome(command)
        assert isinstance(outcome, str), outcome
        return outcome

    def register(self, role: str, username: str | None = None, children: tuple[str, ...] = ()) -> RegisterUser:
        name = f"{role} {next(_numbers)}" if username is None else username
        user = NewUser(role, name, "hash", self.institution_id, children=children)
        return RegisterUser(actor=self.admin, request_id="request", user=user)

    def children(self, number: int) -> list[str]:
        """The ids of new children."""
        outcomes = self.run(*(self.register("child") for _ in range(number)))
        return [
            outcome for answer in outcomes if isinstance(answer, list) for outcome in answer if isinstance(outcome, str)
        ]

    def children_apart(self, number: int) -> list[str]:
        """The ids of new children, each in a partition of its own, and none in that of the accounts."""
        by_part = {partition(child, self.log.partitions): child for child in self.children(40)}
        by_part.pop(partition(ACCOUNTS, self.log.partitions), None)
        return list(by_part.values())[:number]

    def weights(
        self, child_id: str, minutes: Iterable[int], *, body_fat: float | None = None, unit: str = "kg"
    ) -> RecordMeasurements:
        """An array of weights, each with a body fat if one is given, so many minutes after noon."""
        return RecordMeasurements(
            actor=self.application,
            request_id="request",
            child_id=child_id,
            readings=[
                Reading(child_id, "weight", NOON + timedelta(minutes=minute), 30.5, unit, body_fat)
                for minute in minutes
            ],
        )

    def remove(self, child_id: str, measurement_id: str, kind: str = "weight") -> RemoveMeasurement:
        return RemoveMeasurement(
            actor=self.application, request_id="request", child_id=child_id, kind=kind, measurement_id=measurement_id
        )

    def remove_user(self, user_id: str) -> RemoveUser:
        return RemoveUser(actor=self.admin, request_id="request", user_id=user_id)

    def institution(self, name: str) -> RegisterInstitution:
        return RegisterInstitution(
            actor=self.admin, request_id="request", institution=NewInstitution("school", name, latitude=1.5)
        )

    def remove_institution(self, institution_id: str) -> RemoveInstitution:
        return RemoveInstitution(actor=self.admin, request_id="request", institution_id=institution_id)

    def change_password(self, user: Actor, replaced: str, password_hash: str) -> ChangePassword:
        return ChangePassword(actor=user, request_id="request", password=NewPassword(replaced, password_hash))

    def renew_hash(self, user: Actor, replaced: str, password_hash: str) -> RenewPasswordHash:
        return RenewPasswordHash(actor=user, request_id="request", password=NewPassword(replaced, password_hash))

    def reset_password(self, user_id: str, password_hash: str) -> ResetPassword:
        return ResetPassword(actor=self.admin, request_id="request", user_id=user_id, password_hash=password_hash)

    def link(self, family_id: str, child_id: str) -> LinkChild:
        return LinkChild(actor=self.admin, request_id="request", family_id=family_id, child_id=child_id)

    def unlink(self, family_id: str, child_id: str) -> UnlinkChild:
        return UnlinkChild(actor=self.admin, request_id="request", family_id=family_id, child_id=child_id)

    def group(self, owner: Actor, name: str, children: Sequence[str]) -> FormGroup:
        return FormGroup(actor=owner, request_id="request", group=NewGroup(name, tuple(children), "4b"))

    def revise(self, owner: Actor, group_id: str, **changes: Any) -> ReviseGroup:
        return ReviseGroup(actor=owner, request_id="request", group_id=group_id, change=GroupChange(**changes))

    def disband(self, owner: Actor, group_id: str) -> DisbandGroup:
        return DisbandGroup(actor=owner, request_id="request", group_id=group_id)

    def note_audit_read(self, stream: str) -> NoteAuditRead:
        return NoteAuditRead(actor=self.admin, request_id="request", stream=stream)

    def outcome_of(self, name: str, metric_key: str = "weight") -> CreateOutcomes:
        said = Definition(name, self.institution_id, metric_key)
        return CreateOutcomes(actor=self.admin, request_id="request", definitions=(said,))

    def revise_outcome(self, outcome_id: str, **changes: Any) -> ReviseOutcome:
        change = OutcomeChange(**changes)
        return ReviseOutcome(actor=self.admin, request_id="request", outcome_id=outcome_id, change=change)

    def entries(self, outcome_id: str, subject_id: str, hours: Iterable[int], arm: str = "a") -> RecordEntries:
        """An array of entries, so many hours after noon, that rise by one each."""
        return RecordEntries(
            actor=self.application,
            request_id="request",
            outcome_id=outcome_id,
            entries=[
                Entry(
                    outcome_id,
                    subject_id,
                    self.institution_id,
                    f"{hour}.50",
                    NOON + timedelta(hours=hour),
                    {"arm": arm},
                )
                for hour in hours
            ],
        )


def settle_in(connect: Callable[[str], Connection[Any]], log: type[PostgresEventStore] = PostgresEventStore) -> World:
    """The world of an empty database: an admin, an institution, an application."""
    opened = log(connect)
    nobody = Actor("", "", ALL)
    world = World(opened, Processor(opened), nobody, nobody, "")
    first = RegisterFirstAdmin(actor=SERVICE, request_id="request", user=NewUser("admin", "admin", "hash"))
    world.admin = Actor(world.id(first), "admin", ALL)
    world.institution_id = world.id(world.institution("school"))
    world.application = Actor(world.id(world.register("application")), "application", ALL)
    return world
