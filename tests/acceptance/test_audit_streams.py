"""The facts of one aggregate with their values, and a record of each access to them."""

import pytest

from tests.acceptance import refusals
from tests.acceptance.audit import STREAMS, Marked, facts, state
from tests.acceptance.client import BODY_FAT, NOON, UNKNOWN_ID, WEIGHT, Api, Body, User, nothing, refused, shown
from tests.acceptance.groups import Owner, owner_of_groups
from tests.acceptance.outcomes import UNKNOWN, Outcome, new_outcome, user_id
from tests.acceptance.people import EDUCATOR, PASSWORD, People, unique

BLANK = "…"
EXACTLY_NOON = "2019-06-20T12:00:00.000000Z"

Told = tuple[str, Body, Body | None]
"""An event, some of what it says, and some of the state after it."""


@pytest.fixture
def scale(application: Api) -> Api:
    return application


@pytest.fixture
def owner(people: People) -> Owner:
    return owner_of_groups(people, EDUCATOR)


@pytest.fixture
def outcome(admin: Api) -> Outcome:
    return new_outcome(admin, name="Steps", unit="steps")


def says(fact: Body | None, some: Body | None) -> bool:
    """Whether all of some members are there, with these values."""
    return fact is None if some is None else fact is not None and some.items() <= fact.items()


def check(api: Api, id: str, *told: Told) -> list[Body]:
    """The facts of one aggregate, which are these."""
    found = facts(api, id)
    assert [event for event, _, _ in told] == [fact["event"] for fact in found]
    for fact, (_, data, after) in zip(found, told, strict=True):
        assert says(fact["data"], data), fact
        assert says(fact["state"], None if after is None else after | {"version": fact["version"]}), fact
    return found


# Facts


def test_the_facts_of_a_weight(admin: Api, scale: Api, child: User) -> None:
    weight = WEIGHT.record(scale, child.id, value=31.25, body_fat=17.5)
    (fat,) = BODY_FAT.listed(scale, child.id)
    scale.delete(BODY_FAT.path(child.id, fat["id"]))
    scale.delete(WEIGHT.path(child.id, weight["id"]))
    carries = {"child_id": child.id, "kind": "weight", "value": 31.25, "unit": "kg", "companion_value": 17.5}
    alone = {name: value for name, value in carries.items() if name != "companion_value"}
    first, revised, removed = check(
        admin,
        weight["id"],
        ("measurement.recorded.v1", carries, {**carries, "taken_at": "2019-06-20T12:00:00Z"}),
        ("measurement.revised.v1", alone, {**alone, "companion_value": None}),
        ("measurement.removed.v2", {"kind": "weight", "taken_at": "2019-06-20T12:00:00Z"}, None),
    )
    assert EXACTLY_NOON == first["happened_at"] == revised["happened_at"]
    assert removed["recorded_at"] == removed["happened_at"]
    assert f"{child.id}/{fat['id']}:2" == revised["cause"]
    assert {user_id(scale)} == {fact["actor"] for fact in (first, revised, removed)}


def test_the_facts_of_a_body_fat(admin: Api, scale: Api, child: User) -> None:
    fat = BODY_FAT.record(scale, child.id, value=17.5)
    weight = WEIGHT.record(scale, child.id, body_fat=18.25)
    said, revised = {"kind": "body_fat", "value": 17.5, "unit": "%"}, {"value": 18.25, "unit": "%"}
    carrier = {"carrier": f"{child.id}/{weight['id']}"}
    check(
        admin,
        fat["id"],
        ("measurement.recorded.v1", said, said | {"carrier": None}),
        ("measurement.revised.v1", revised | carrier, revised | carrier),
    )


def test_the_facts_of_an_entry(admin: Api, outcome: Outcome) -> None:
    entry = outcome.record(subject_id="berta", value="70.20", metadata={"arm": "A"})
    said = {"subject_id": "berta", "value": "70.20", "metadata": {"arm": "A"}, "outcome_id": outcome.id}
    (fact,) = check(admin, entry["id"], ("entry.recorded.v1", said | {"entry_id": entry["id"]}, None))
    assert EXACTLY_NOON == fact["happened_at"]


def test_the_facts_of_an_outcome(admin: Api, outcome: Outcome) -> None:
    shown(admin.patch(outcome.path, {"name": "Paces", "description": "On foot"}))
    before = {"name": "Steps", "unit": "steps", "brand_id": outcome.body["brand_id"], "description": None}
    first, second = check(
        admin,
        outcome.id,
        ("outcome.created.v1", {"outcome_id": outcome.id}, {"outcome_id": outcome.id}),
        ("outcome.revised.v1", {"former_name": "Steps"}, {"outcome_id": outcome.id}),
    )
    assert says(first["data"]["definition"], before)
    assert says(first["state"]["definition"], before)
    assert says(second["state"]["definition"], before | {"name": "Paces", "description": "On foot"})


def test_the_facts_of_a_user_without_its_passwords(admin: Api, people: People, child: User) -> None:
    changed = {"old_password": PASSWORD, "new_password": "tr0ub4dor"}
    assert nothing(people.as_(child).put(f"/v1/users/{child.id}/password", changed))
    people.remove(child)
    said = {"user_id": child.id, "role": "child", "username": child.username, "password_hash": BLANK}
    check(
        admin,
        child.id,
        ("user.registered.v1", {**said, "institution_id": people.institution_id}, said),
        ("user.password_changed.v1", {"user_id": child.id, "password_hash": BLANK}, said),
        ("user.removed.v1", {"username": child.username}, None),
    )
    for told in (admin.get(f"{STREAMS}/{child.id}"), admin.get(f"{STREAMS}/{child.id}/state?as_of={NOON}")):
        assert [] == [secret for secret in ("argon2", "$v=", "tr0ub4dor", PASSWORD) if secret in told.text]


def test_the_facts_of_a_family(admin: Api, people: People, child: User) -> None:
    other = people.child()
    family = people.family_of(child)
    shown(admin.post(f"/v1/families/{family.id}/children/{other.id}", {}))
    assert nothing(admin.delete(f"/v1/families/{family.id}/children/{child.id}"))
    after = {"role": "family", "password_hash": BLANK}
    check(
        admin,
        family.id,
        ("user.registered.v1", {"children": [child.id]}, after),
        ("family.tied.v1", {"child_id": other.id}, after),
        ("family.untied.v1", {"child_id": child.id}, after),
    )


def test_the_facts_of_a_group(admin: Api, owner: Owner, child: User) -> None:
    group = owner.make(child, name="4b", school_class="4")
    shown(owner.api.patch(owner.path(group["id"]), {"name": "5b", "children": []}))
    assert nothing(owner.api.delete(owner.path(group["id"])))
    of_owner = {"group_id": group["id"], "owner_id": owner.user.id}
    first = of_owner | {"name": "4b", "children": [child.id], "school_class": "4"}
    second = of_owner | {"name": "5b", "children": [], "school_class": "4"}
    found = check(
        admin,
        group["id"],
        ("group.formed.v1", first, first),
        ("group.revised.v1", second | {"former_name": "4b"}, second),
        ("group.disbanded.v1", of_owner | {"name": "5b"}, None),
    )
    assert {(owner.user.id, "educator")} == {(fact["actor"], fact["role"]) for fact in found}


def test_the_facts_of_an_institution(admin: Api) -> None:
    said = {"type": "school", "name": unique("school"), "latitude": 1.5}
    id = admin.post("/v1/institutions", said).json()["id"]
    assert nothing(admin.delete(f"/v1/institutions/{id}"))
    name = {"name": said["name"], "institution_id": id}
    check(admin, id, ("institution.registered.v1", said | name, name), ("institution.removed.v1", name, None))


BAD_IDS = ["x", UNKNOWN_ID, UNKNOWN, "%00", "a%00", "%FF", "'", "%25", "measurement", "%20", "x" * 5_000]


@pytest.mark.parametrize("id", BAD_IDS)
@pytest.mark.parametrize("what", ["", "/state"])
def test_an_id_without_a_stream_is_not_found(id: str, what: str, admin: Api) -> None:
    assert refusals.not_there("Stream") == refused(admin.get(f"{STREAMS}/{id}{what}"))


# Who has looked


def test_reading_facts_or_a_state_is_recorded_as_a_fact(admin: Api, scale: Api, child: User, people: People) -> None:
    weight = WEIGHT.record(scale, child.id)
    mark = Marked.now(admin)
    known_at = state(admin, weight["id"])["known_at"]
    state(admin, weight["id"], as_of=NOON, known_at=known_at)
    facts(admin, weight["id"])
    told = sorted(mark.new(), key=lambda each: str(each["recorded_at"]))
    assert [("audit.read.v1", "note_audit_read")] * 3 == [(each["event"], each["cause"]) for each in told]
    assert [(user_id(admin), "admin", weight["id"])] * 3 == [
        (each["actor"], each["role"], each["subject"]) for each in told
    ]
    assert 3 == len({each["request_id"] for each in told})
    read = [facts(admin, each["id"])[0]["data"] for each in told]
    stream = f"{child.id}/{weight['id']}"
    noon, known = "2019-06-20T12:00:00Z", known_at
    assert [(stream, None, known), (stream, noon, known), (stream, None, None)] == [
        (each["read"], each.get("as_of"), each.get("known_at")) for each in read
    ]


def test_a_rejected_audit_read_is_not_recorded(
    admin: Api, scale: Api, child: User, people: People, anyone: Api
) -> None:
    weight, stranger = WEIGHT.record(scale, child.id), people.as_(people.create(EDUCATOR))
    path = f"{STREAMS}/{weight['id']}"
    mark = Marked.now(admin)
    for status, api, asked in (
        (401, anyone, path),
        (401, anyone, f"{path}/state"),
        (403, scale, path),
        (403, stranger, f"{path}/state"),
        (404, admin, f"{STREAMS}/{UNKNOWN_ID}"),
        (404, admin, f"{STREAMS}/{UNKNOWN_ID}/state"),
        (400, admin, f"{path}/state?as_of=x"),
        (400, admin, f"{path}/state?known_at=2200-01-01"),
    ):
        assert status == refused(api.get(asked))["code"]
    assert [] == mark.new()


def test_the_trail_itself_can_be_read_without_a_trace(admin: Api) -> None:
    mark = Marked.now(admin)
    assert [] == mark.new(limit=1)
    assert [] == mark.new()
