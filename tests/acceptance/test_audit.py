"""The audit trail has an entry for every command: the user, the action, the subject and the time."""

from collections import Counter
from collections.abc import Callable, Sequence

import pytest

from application.permissions import MAY
from domain.partition import partition
from tests import example_commands
from tests.acceptance.audit import Marked, exactly, page, state
from tests.acceptance.client import WEIGHT, Api, nothing, shown
from tests.acceptance.groups import owner_of_groups
from tests.acceptance.outcomes import new_outcome, user_id
from tests.acceptance.people import EDUCATOR, PASSWORD, People, unique

MEMBERS = {
    "position", "id", "stream", "version", "event", "happened_at", "recorded_at", "actor", "role", "request_id",
    "cause", "subject", "outcome",
}  # fmt: skip

Told = tuple[str, str, str | None]
"""An event, whom or what it is about, and of which outcome."""
Done = tuple[str, str, Sequence[Told]]
"""Who did it, in which role, and what is told of it."""


PARTITIONS = 64


@pytest.fixture(scope="module")
def beginning(admin: Api) -> Marked:
    """What other modules left lies before it."""
    return Marked.now(admin)


# Who did what. Each prepares what it needs, says `begin`, and does one thing.


def record_measurements(people: People, begin: Callable[[], None]) -> Done:
    child, scale = people.child(), people.application()
    api = people.as_(scale)
    begin()
    WEIGHT.record(api, child.id, body_fat=20)
    return scale.id, "application", [("measurement.recorded.v1", child.id, None)] * 2


def remove_measurement(people: People, begin: Callable[[], None]) -> Done:
    child = people.child()
    family = people.family_of(child)
    api = people.as_(family)
    weight = WEIGHT.record(api, child.id)
    begin()
    assert nothing(api.delete(WEIGHT.path(child.id, weight["id"])))
    return family.id, "family", [("measurement.removed.v2", child.id, None)]


def by_admin(people: People, *told: Told) -> Done:
    return user_id(people.admin), "admin", told


def register_institution(people: People, begin: Callable[[], None]) -> Done:
    begin()
    made = people.admin.post("/v1/institutions", {"type": "school", "name": unique("school")}).json()
    return by_admin(people, ("institution.registered.v1", made["id"], None))


def remove_institution(people: People, begin: Callable[[], None]) -> Done:
    made = people.admin.post("/v1/institutions", {"type": "school", "name": unique("school")}).json()
    begin()
    assert nothing(people.admin.delete(f"/v1/institutions/{made['id']}"))
    return by_admin(people, ("institution.removed.v1", made["id"], None))


def register_user(people: People, begin: Callable[[], None]) -> Done:
    begin()
    return by_admin(people, ("user.registered.v1", people.child().id, None))


def remove_user(people: People, begin: Callable[[], None]) -> Done:
    child = people.child()
    begin()
    people.remove(child)
    return by_admin(people, ("user.removed.v1", child.id, None), ("measurements.withdrawn.v1", child.id, None))


def change_password(people: People, begin: Callable[[], None]) -> Done:
    educator = people.create(EDUCATOR)
    api = people.as_(educator)
    begin()
    change = {"old_password": PASSWORD, "new_password": "tr0ub4dor"}
    assert nothing(api.put(f"/v1/users/{educator.id}/password", change))
    return educator.id, "educator", [("user.password_changed.v1", educator.id, None)]


def reset_password(people: People, begin: Callable[[], None]) -> Done:
    educator = people.create(EDUCATOR)
    begin()
    assert nothing(people.admin.post(f"/v1/users/{educator.id}/reset-password", {"new_password": "tr0ub4dor"}))
    return by_admin(people, ("user.password_reset.v1", educator.id, None))


def tie_child(people: People, begin: Callable[[], None]) -> Done:
    family, child = people.family_of(people.child()), people.child()
    begin()
    shown(people.admin.post(f"/v1/families/{family.id}/children/{child.id}", {}))
    return by_admin(people, ("family.tied.v1", child.id, None))


def untie_child(people: People, begin: Callable[[], None]) -> Done:
    child = people.child()
    family = people.family_of(child, people.child())
    begin()
    assert nothing(people.admin.delete(f"/v1/families/{family.id}/children/{child.id}"))
    return by_admin(people, ("family.untied.v1", child.id, None))


def form_group(people: People, begin: Callable[[], None]) -> Done:
    owner = owner_of_groups(people, EDUCATOR)
    begin()
    return owner.user.id, "educator", [("group.formed.v1", owner.make()["id"], None)]


def revise_group(people: People, begin: Callable[[], None]) -> Done:
    owner = owner_of_groups(people, EDUCATOR)
    group = owner.make()
    begin()
    shown(owner.api.patch(owner.path(group["id"]), {"name": "other"}))
    return owner.user.id, "educator", [("group.revised.v1", group["id"], None)]


def disband_group(people: People, begin: Callable[[], None]) -> Done:
    owner = owner_of_groups(people, EDUCATOR)
    group = owner.make()
    begin()
    assert nothing(owner.api.delete(owner.path(group["id"])))
    return owner.user.id, "educator", [("group.disbanded.v1", group["id"], None)]


def create_outcomes(people: People, begin: Callable[[], None]) -> Done:
    begin()
    outcome = new_outcome(people.admin)
    return by_admin(people, ("outcome.created.v1", outcome.id, outcome.id))


def revise_outcome(people: People, begin: Callable[[], None]) -> Done:
    outcome = new_outcome(people.admin)
    begin()
    shown(people.admin.patch(outcome.path, {"name": "other"}))
    return by_admin(people, ("outcome.revised.v1", outcome.id, outcome.id))


def record_entries(people: People, begin: Callable[[], None]) -> Done:
    outcome = new_outcome(people.admin)
    begin()
    outcome.record(subject_id="berta")
    return by_admin(people, ("entry.recorded.v1", "berta", outcome.id))


def note_audit_read(people: People, begin: Callable[[], None]) -> Done:
    child = people.child()
    begin()
    state(people.admin, child.id)
    return by_admin(people, ("audit.read.v1", child.id, None))


DOINGS = (
    record_measurements, remove_measurement, register_institution, remove_institution, register_user, remove_user,
    change_password, reset_password, tie_child, untie_child, form_group, revise_group, disband_group, create_outcomes,
    revise_outcome, record_entries, note_audit_read,
)  # fmt: skip


def test_every_command_is_among_what_is_done() -> None:
    commands = {command.name for command in example_commands.COMMANDS}
    of_the_service = {"register_first_admin", "create_admin", "reset_password_locally", "take_out_strangers"}
    elsewhere = {*of_the_service, "renew_password_hash"}
    assert commands - elsewhere == {doing.__name__ for doing in DOINGS}
    assert commands <= MAY.keys()


@pytest.mark.parametrize("doing", DOINGS, ids=[doing.__name__ for doing in DOINGS])
def test_the_trail_says_who_did_what(doing: Callable[..., Done], people: People, beginning: Marked) -> None:
    marks: list[Marked] = []
    actor, role, told = doing(people, lambda: marks.append(beginning.later()))
    found = marks[0].new()
    assert Counter(told) == Counter((each["event"], each["subject"], each["outcome"]) for each in found)
    assert {(actor, role)} == {(each["actor"], each["role"]) for each in found}
    assert 1 == len({each["request_id"] for each in found})
    causes = [each["cause"] for each in found if each["cause"] == doing.__name__]
    others = [each["cause"] for each in found if each["cause"] != doing.__name__]
    assert 1 == len(causes)
    assert set(others) <= {f"{each['stream']}:{each['version']}" for each in found}
    for each in found:
        assert MEMBERS == each.keys()
        assert each["id"] == each["stream"].partition("/")[2]
        assert str(partition(each["stream"], PARTITIONS)) == each["position"].partition("-")[0]
        assert exactly(each["happened_at"]) <= exactly(each["recorded_at"])


def test_the_first_thing_of_all_is_that_the_service_registered_an_admin(admin: Api) -> None:
    (first,) = page(admin, limit=1)["events"]
    assert ("user.registered.v1", 1, "growthrings", "service", "register_first_admin", user_id(admin)) == tuple(
        first[member] for member in ("event", "version", "actor", "role", "cause", "subject")
    )
