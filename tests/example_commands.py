"""One valid example of every command, and of what they hold. Each is a function; keywords named as its members
change them."""

from typing import Any

from msgspec.structs import replace

from application.command import Command
from application.commands.form_group import FormGroup, NewGroup
from application.commands.record_measurements import RecordMeasurements
from application.commands.register_first_admin import SERVICE, RegisterFirstAdmin
from application.commands.register_institution import NewInstitution, RegisterInstitution
from application.commands.register_user import NewUser, RegisterUser
from application.commands.remove_measurement import RemoveMeasurement
from application.commands.remove_user import RemoveUser
from domain.measurement import Reading
from domain.user import Profile
from tests.examples import CHILD, EDUCATOR, INSTITUTION, NOON, OTHER_CHILD, REQUEST, WEIGHT, actor


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


def register_user(**changes: Any) -> RegisterUser:
    return replace(RegisterUser(actor=actor("admin"), request_id=REQUEST, user=new_user()), **changes)


def remove_user(**changes: Any) -> RemoveUser:
    return replace(RemoveUser(actor=actor("admin"), request_id=REQUEST, user_id=CHILD), **changes)


def form_group(**changes: Any) -> FormGroup:
    command = FormGroup(actor=actor("educator", EDUCATOR), request_id=REQUEST, group=new_group())
    return replace(command, **changes)


COMMANDS: tuple[Command, ...] = (
    record_measurements(),
    remove_measurement(),
    register_first_admin(),
    register_institution(),
    register_user(),
    remove_user(),
    form_group(),
)
