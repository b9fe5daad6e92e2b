"""Valid examples: every event and actor here, every command in `example_commands`.

Each is a function; keywords change the members of that name.
"""

from datetime import UTC, datetime
from typing import Any, TypeVar
from uuid import uuid4

from msgspec.structs import replace

from application.command import Actor, State
from application.permissions import scopes_of
from domain.audit import AuditRead
from domain.entry import EntryRecorded
from domain.event import Event, Origin
from domain.group import GroupDisbanded, GroupFormed, GroupRevised
from domain.institution import InstitutionRegistered, InstitutionRemoved
from domain.measurement import (
    MeasurementRecorded,
    MeasurementRemoved,
    MeasurementRevised,
    MeasurementsWithdrawn,
)
from domain.outcome import HIGHER, LOWER, Definition, OutcomeCreated, OutcomeRevised
from domain.partition import ACCOUNTS, stream
from domain.user import (
    FamilyLinked,
    FamilyUnlinked,
    PasswordChanged,
    PasswordHashRenewed,
    PasswordReset,
    Profile,
    UserRegistered,
    UserRemoved,
)

NOON = datetime(2019, 6, 20, 12, tzinfo=UTC)
RECORDED_AT = datetime(2019, 6, 21, 8, 30, 0, 250_001, tzinfo=UTC)

CHILD = "5a62be07d6f33400146c9b61"
OTHER_CHILD = "5a62be07d6f33400146c9b62"
INSTITUTION = "5a62be07de34500146d9c540"
EDUCATOR = "5a62be07de34500146d9c541"
FAMILY = "5a62be07de34500146d9c542"
WEIGHT = "5a62be07de34500146d9c544"
BODY_FAT = "5a62be07de34500146d9c545"
GROUP = "5a62be07de34500146d9c546"
OUTCOME = "01903a5c-9c9f-7123-8000-0130a0800000"
ENTRY = "01903a5c-9c9f-7124-8000-0130a0800000"
SUBJECT = "chick 1"
REQUEST = "5f0000000000000000000001"


def new_id() -> str:
    """An id that no other example has."""
    return uuid4().hex[:24]


def with_ids(answer: Any) -> Any:
    """A result, with ids in place of states."""
    if not isinstance(answer, list):
        return answer
    return [each.id if isinstance(each, State) else each for each in answer]


def actor(role: str = "application", id: str = "5a62be07de34500146d9c543") -> Actor:
    return Actor(id, role, frozenset(scopes_of(role)))


def origin(**changes: Any) -> Origin:
    asked = actor()
    return replace(Origin(RECORDED_AT, asked.id, asked.role, REQUEST), **changes)


# Events. By default each is the first event of its stream.


def weight_recorded(*, body_fat: float | None = None, **changes: Any) -> MeasurementRecorded:
    """With `body_fat`: a weight that was sent with a body fat."""
    companion = None if body_fat is None else stream(CHILD, BODY_FAT)
    return _measurement(MeasurementRecorded, **{"companion_value": body_fat, "companion": companion} | changes)


def weight_revised(**changes: Any) -> MeasurementRevised:
    """A weight whose body fat was removed."""
    return _measurement(
        MeasurementRevised, **{"originator_version": 2, "cause": f"{stream(CHILD, BODY_FAT)}:2"} | changes
    )


_BODY_FAT: dict[str, Any] = {"originator_id": stream(CHILD, BODY_FAT), "kind": "body_fat", "value": 20.1, "unit": "%"}
_CARRIED: dict[str, Any] = {"carrier": stream(CHILD, WEIGHT), "cause": f"{stream(CHILD, WEIGHT)}:1"}


def body_fat_recorded(**changes: Any) -> MeasurementRecorded:
    """A body fat that was sent alone."""
    return _measurement(MeasurementRecorded, **_BODY_FAT | changes)


def body_fat_carried(**changes: Any) -> MeasurementRecorded:
    """A body fat that was sent with a weight."""
    return _measurement(MeasurementRecorded, **_BODY_FAT | _CARRIED | changes)


def body_fat_revised(**changes: Any) -> MeasurementRevised:
    """An existing body fat, after a weight was sent with another value."""
    return _measurement(MeasurementRevised, **_BODY_FAT | _CARRIED | {"originator_version": 2} | changes)


def measurement_removed(**changes: Any) -> MeasurementRemoved:
    event = MeasurementRemoved(
        **_of("remove_measurement", WEIGHT, version=2),
        child_id=CHILD,
        institution_id=INSTITUTION,
        kind="weight",
        taken_at=NOON,
    )
    return replace(event, **changes)


def measurements_withdrawn(**changes: Any) -> MeasurementsWithdrawn:
    event = MeasurementsWithdrawn(**_of(f"{stream(ACCOUNTS, CHILD)}:2", "measurements"), child_id=CHILD)
    return replace(event, **changes)


def institution_registered(**changes: Any) -> InstitutionRegistered:
    event = InstitutionRegistered(
        **_of("register_institution", INSTITUTION, ACCOUNTS),
        institution_id=INSTITUTION,
        type="school",
        name="Escola Básica",
        address="Rua das Flores, 1",
        latitude=40.6405,
        longitude=-8.6538,
    )
    return replace(event, **changes)


def institution_removed(**changes: Any) -> InstitutionRemoved:
    event = InstitutionRemoved(
        **_of("remove_institution", INSTITUTION, ACCOUNTS, version=2), institution_id=INSTITUTION, name="Escola Básica"
    )
    return replace(event, **changes)


def user_registered(**changes: Any) -> UserRegistered:
    """A child."""
    event = UserRegistered(
        **_of("register_user", CHILD, ACCOUNTS),
        user_id=CHILD,
        role="child",
        username="Ana Maria",
        password_hash="$argon2id$v=19$m=64,t=3,p=4$c2FsdA$aGFzaA",
        institution_id=INSTITUTION,
        profile=Profile(gender="female", age="8", age_calc_date="2019-06-20"),
    )
    return replace(event, **changes)


def user_removed(**changes: Any) -> UserRemoved:
    event = UserRemoved(
        **_of("remove_user", CHILD, ACCOUNTS, version=2), user_id=CHILD, role="child", username="Ana Maria"
    )
    return replace(event, **changes)


def password_changed(**changes: Any) -> PasswordChanged:
    event = PasswordChanged(
        **_of("change_password", CHILD, ACCOUNTS, version=2),
        user_id=CHILD,
        password_hash="$argon2id$v=19$m=64,t=3,p=4$c2FsdA$b3RoZXI",
    )
    return replace(event, **changes)


def password_reset(**changes: Any) -> PasswordReset:
    event = PasswordReset(
        **_of("reset_password", CHILD, ACCOUNTS, version=2),
        user_id=CHILD,
        password_hash="$argon2id$v=19$m=64,t=3,p=4$c2FsdA$b3RoZXI",
    )
    return replace(event, **changes)


def password_hash_renewed(**changes: Any) -> PasswordHashRenewed:
    """With twice the memory."""
    event = PasswordHashRenewed(
        **_of("renew_password_hash", CHILD, ACCOUNTS, version=2),
        user_id=CHILD,
        password_hash="$argon2id$v=19$m=128,t=3,p=4$c2FsdA$YWdhaW4",
    )
    return replace(event, **changes)


def family_linked(**changes: Any) -> FamilyLinked:
    event = FamilyLinked(**_of("tie_child", FAMILY, ACCOUNTS, version=2), family_id=FAMILY, child_id=CHILD)
    return replace(event, **changes)


def family_unlinked(**changes: Any) -> FamilyUnlinked:
    event = FamilyUnlinked(**_of("untie_child", FAMILY, ACCOUNTS, version=3), family_id=FAMILY, child_id=CHILD)
    return replace(event, **changes)


def group_formed(**changes: Any) -> GroupFormed:
    event = GroupFormed(
        **_of("form_group", GROUP, ACCOUNTS),
        group_id=GROUP,
        owner_id=EDUCATOR,
        name="4.º B",
        children=(CHILD, OTHER_CHILD),
        school_class="4B",
    )
    return replace(event, **changes)


def group_revised(**changes: Any) -> GroupRevised:
    """Renamed, with a child fewer."""
    event = GroupRevised(
        **_of("revise_group", GROUP, ACCOUNTS, version=2),
        group_id=GROUP,
        owner_id=EDUCATOR,
        name="5.º B",
        children=(CHILD,),
        school_class="5B",
        former_name="4.º B",
    )
    return replace(event, **changes)


def group_disbanded(**changes: Any) -> GroupDisbanded:
    event = GroupDisbanded(
        **_of("disband_group", GROUP, ACCOUNTS, version=2), group_id=GROUP, owner_id=EDUCATOR, name="4.º B"
    )
    return replace(event, **changes)


def definition(**changes: Any) -> Definition:
    return replace(Definition("Healthy weight", INSTITUTION, "weight", "Of all children", "kg", LOWER), **changes)


def outcome_created(**changes: Any) -> OutcomeCreated:
    event = OutcomeCreated(**_of("create_outcomes", OUTCOME, ACCOUNTS), outcome_id=OUTCOME, definition=definition())
    return replace(event, **changes)


def outcome_revised(**changes: Any) -> OutcomeRevised:
    """Another name, no text, no unit."""
    event = OutcomeRevised(
        **_of("revise_outcome", OUTCOME, ACCOUNTS, version=2),
        outcome_id=OUTCOME,
        definition=definition(name="Weight", description=None, unit=None, direction=HIGHER),
        former_name="Healthy weight",
    )
    return replace(event, **changes)


def entry_recorded(**changes: Any) -> EntryRecorded:
    event = EntryRecorded(
        **_of("record_entries", ENTRY, SUBJECT) | {"happened_at": NOON},
        entry_id=ENTRY,
        outcome_id=OUTCOME,
        subject_id=SUBJECT,
        brand_id=INSTITUTION,
        value="70.20",
        metadata={"arm": "A", "visit": 2},
    )
    return replace(event, **changes)


def audit_read(**changes: Any) -> AuditRead:
    auditor = origin(actor_id=EDUCATOR, actor_role="admin")
    read = _of("note_audit_read", REQUEST, EDUCATOR) | {"origin": auditor, "read": stream(CHILD, WEIGHT)}
    return AuditRead(**read | changes)


def _of(cause: str, name: str, key: str = CHILD, version: int = 1) -> dict[str, Any]:
    """The envelope of an event."""
    return {
        "originator_id": stream(key, name),
        "originator_version": version,
        "happened_at": RECORDED_AT,
        "origin": origin(),
        "cause": cause,
    }


M = TypeVar("M", bound=Event)


def _measurement(event: type[M], **members: Any) -> M:
    of_all = _of("record_measurements", WEIGHT) | {"happened_at": NOON, "child_id": CHILD}
    return event(**of_all | {"institution_id": INSTITUTION, "kind": "weight", "value": 70.2, "unit": "kg"} | members)


EVENTS: tuple[Event, ...] = (
    weight_recorded(),
    weight_recorded(body_fat=20.1),
    weight_revised(),
    weight_revised(companion_value=19.4, companion=stream(CHILD, BODY_FAT)),
    body_fat_recorded(),
    body_fat_carried(),
    body_fat_revised(),
    measurement_removed(),
    measurements_withdrawn(),
    institution_registered(),
    institution_removed(),
    user_registered(),
    user_registered(role="family", profile=Profile(), children=(CHILD,)),
    user_registered(role="application", profile=Profile(application_name="Balança")),
    user_registered(profile=Profile(gender="male", birth_date="2010-02-28")),
    user_removed(),
    password_changed(),
    password_reset(),
    password_hash_renewed(),
    family_linked(),
    family_unlinked(),
    group_formed(),
    group_revised(),
    group_disbanded(),
    outcome_created(),
    outcome_revised(),
    entry_recorded(),
    audit_read(),
    audit_read(as_of=NOON, known_at=RECORDED_AT),
)
