"""One valid example of every command and of its parts. Each is a function; keywords change the members of that name."""

from typing import Any

from msgspec.structs import replace

from application.command import Command
from application.commands.change_password import ChangePassword, NewPassword
from application.commands.create_admin import CreateAdmin
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
from application.commands.reset_password import ResetPassword, ResetPasswordLocally
from application.commands.revise_group import GroupChange, ReviseGroup
from application.commands.revise_outcome import OutcomeChange, ReviseOutcome
from application.commands.take_out_strangers import TakeOutStrangers
from application.commands.unlink_child import UnlinkChild
from domain.entry import Entry
from domain.measurement import Reading
from domain.partition import stream
from domain.user import Profile
from tests.examples import (
    CHILD,
    EDUCATOR,
    FAMILY,
    GROUP,
    INSTITUTION,
    NOON,
    OTHER_CHILD,
    OUTCOME,
    REQUEST,
    SUBJECT,
    WEIGHT,
    actor,
    definition,
    password_changed,
    user_registered,
)


def reading(**changes: Any) -> Reading:
    return replace(Reading(CHILD, "weight", NOON, 70.2, "kg"), **changes)


def body_fat_reading(**changes: Any) -> Reading:
    return replace(Reading(CHILD, "body_fat", NOON, 20.1, "%"), **changes)


def new_user(**changes: Any) -> NewUser:
    """A child."""
    profile = Profile(gender="female", age="8", age_calc_date="2019-06-20")
    return replace(NewUser("child", "Ana Maria", "$argon2id$hash", INSTITUTION, profile), **changes)


def new_institution(**changes: Any) -> NewInstitution:
    return replace(NewInstitution("school", "Escola Básica", "Rua das Flores, 1", 40.6405, -8.6538), **changes)


def new_group(**changes: Any) -> NewGroup:
    return replace(NewGroup("4.º B", (CHILD, OTHER_CHILD), "4B"), **changes)


def group_change(**changes: Any) -> GroupChange:
    return replace(GroupChange("5.º B", (CHILD,), "5B"), **changes)


def new_password(**changes: Any) -> NewPassword:
    return replace(NewPassword(user_registered().password_hash, password_changed().password_hash), **changes)


def record_measurements(**changes: Any) -> RecordMeasurements:
    command = RecordMeasurements(actor=actor(), request_id=REQUEST, child_id=CHILD, readings=(reading(),))
    return replace(command, **changes)


def remove_measurement(**changes: Any) -> RemoveMeasurement:
    command = RemoveMeasurement(actor=actor(), request_id=REQUEST, child_id=CHILD, kind="weight", measurement_id=WEIGHT)
    return replace(command, **changes)


def register_first_admin(**changes: Any) -> RegisterFirstAdmin:
    user = NewUser("admin", "admin", "$argon2id$hash")
    return replace(RegisterFirstAdmin(actor=SERVICE, request_id=REQUEST, user=user), **changes)


def register_institution(**changes: Any) -> RegisterInstitution:
    command = RegisterInstitution(actor=actor("admin"), request_id=REQUEST, institution=new_institution())
    return replace(command, **changes)


def remove_institution(**changes: Any) -> RemoveInstitution:
    command = RemoveInstitution(actor=actor("admin"), request_id=REQUEST, institution_id=INSTITUTION)
    return replace(command, **changes)


def register_user(**changes: Any) -> RegisterUser:
    return replace(RegisterUser(actor=actor("admin"), request_id=REQUEST, user=new_user()), **changes)


def remove_user(**changes: Any) -> RemoveUser:
    return replace(RemoveUser(actor=actor("admin"), request_id=REQUEST, user_id=CHILD), **changes)


def change_password(**changes: Any) -> ChangePassword:
    command = ChangePassword(actor=actor("child", CHILD), request_id=REQUEST, password=new_password())
    return replace(command, **changes)


def renew_password_hash(**changes: Any) -> RenewPasswordHash:
    command = RenewPasswordHash(actor=actor("child", CHILD), request_id=REQUEST, password=new_password())
    return replace(command, **changes)


def reset_password(**changes: Any) -> ResetPassword:
    password_hash = password_changed().password_hash
    command = ResetPassword(actor=actor("admin"), request_id=REQUEST, user_id=CHILD, password_hash=password_hash)
    return replace(command, **changes)


def reset_password_locally(**changes: Any) -> ResetPasswordLocally:
    password_hash = password_changed().password_hash
    command = ResetPasswordLocally(actor=SERVICE, request_id=REQUEST, user_id=CHILD, password_hash=password_hash)
    return replace(command, **changes)


def create_admin(**changes: Any) -> CreateAdmin:
    user = NewUser("admin", "another admin", "$argon2id$hash")
    return replace(CreateAdmin(actor=SERVICE, request_id=REQUEST, user=user), **changes)


def link_child(**changes: Any) -> LinkChild:
    return replace(LinkChild(actor=actor("admin"), request_id=REQUEST, family_id=FAMILY, child_id=CHILD), **changes)


def unlink_child(**changes: Any) -> UnlinkChild:
    return replace(UnlinkChild(actor=actor("admin"), request_id=REQUEST, family_id=FAMILY, child_id=CHILD), **changes)


def form_group(**changes: Any) -> FormGroup:
    command = FormGroup(actor=actor("educator", EDUCATOR), request_id=REQUEST, group=new_group())
    return replace(command, **changes)


def revise_group(**changes: Any) -> ReviseGroup:
    command = ReviseGroup(actor=actor("educator", EDUCATOR), request_id=REQUEST, group_id=GROUP, change=group_change())
    return replace(command, **changes)


def take_out_strangers(**changes: Any) -> TakeOutStrangers:
    return replace(TakeOutStrangers(actor=SERVICE, request_id=REQUEST, group_ids=(GROUP,)), **changes)


def disband_group(**changes: Any) -> DisbandGroup:
    return replace(DisbandGroup(actor=actor("educator", EDUCATOR), request_id=REQUEST, group_id=GROUP), **changes)


def entry(**changes: Any) -> Entry:
    return replace(Entry(OUTCOME, SUBJECT, INSTITUTION, "70.20", NOON, {"arm": "A"}), **changes)


def create_outcomes(**changes: Any) -> CreateOutcomes:
    command = CreateOutcomes(actor=actor("admin"), request_id=REQUEST, definitions=(definition(),))
    return replace(command, **changes)


def revise_outcome(**changes: Any) -> ReviseOutcome:
    change = OutcomeChange(name="Weight")
    return replace(
        ReviseOutcome(actor=actor("admin"), request_id=REQUEST, outcome_id=OUTCOME, change=change), **changes
    )


def record_entries(**changes: Any) -> RecordEntries:
    command = RecordEntries(actor=actor(), request_id=REQUEST, outcome_id=OUTCOME, entries=(entry(),))
    return replace(command, **changes)


def note_audit_read(**changes: Any) -> NoteAuditRead:
    command = NoteAuditRead(actor=actor("admin", EDUCATOR), request_id=REQUEST, stream=stream(CHILD, WEIGHT))
    return replace(command, **changes)


COMMANDS: tuple[Command, ...] = (
    record_measurements(),
    remove_measurement(),
    register_first_admin(),
    register_institution(),
    remove_institution(),
    register_user(),
    remove_user(),
    change_password(),
    renew_password_hash(),
    reset_password(),
    reset_password_locally(),
    create_admin(),
    link_child(),
    unlink_child(),
    form_group(),
    revise_group(),
    disband_group(),
    take_out_strangers(),
    create_outcomes(),
    revise_outcome(),
    record_entries(),
    note_audit_read(),
)
