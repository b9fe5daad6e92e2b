"""The audit and the service agree about removed users."""

from tests.acceptance.audit import facts, state
from tests.acceptance.client import WEIGHT, Api, nothing
from tests.acceptance.people import People


def test_a_weight_of_a_removed_child_is_removed_and_its_facts_say_by_what(
    admin: Api, application: Api, people: People
) -> None:
    child = people.child()
    weight = WEIGHT.record(application, child.id, value=31.25)
    before = state(admin, weight["id"])
    assert 31.25 == before["state"]["value"]
    nothing(admin.delete(f"/v1/users/{child.id}"))
    after = state(admin, weight["id"])
    assert (1, None) == (after["version"], after["state"])
    assert before == state(admin, weight["id"], known_at=before["known_at"])
    recorded, withdrawn = facts(admin, weight["id"])
    assert ("measurement.recorded.v1", "measurements.withdrawn.v1") == (recorded["event"], withdrawn["event"])
    assert (31.25, None) == (recorded["state"]["value"], withdrawn["state"])


def test_a_family_and_a_group_do_not_list_a_child_that_was_removed(admin: Api, people: People) -> None:
    stays, goes = people.child(), people.child()
    family = people.family_of(stays, goes)
    educator = people.educator_of(stays)
    path = f"/v1/educators/{educator.id}/children/groups"
    group = people.as_(educator).post(path, {"name": "4b", "children": [stays.id, goes.id]}).json()
    before = {id: state(admin, id) for id in (family.id, group["id"])}
    nothing(admin.delete(f"/v1/users/{goes.id}"))
    for id, then in before.items():
        assert {stays.id, goes.id} == set(then["state"]["children"])
        assert [stays.id] == state(admin, id)["state"]["children"]
        assert then == state(admin, id, known_at=then["known_at"])
    nothing(admin.delete(f"/v1/users/{educator.id}"))
    assert state(admin, group["id"])["state"] is None
