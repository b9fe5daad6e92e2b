"""Every cell of the permissions table, over HTTP: allowed requests are answered, all others get 403."""

from collections.abc import Iterator
from typing import Any, NamedTuple

import jwt
import pytest

from application.permissions import ANY, LINKED, MAY
from domain.user import TITLES
from tests.acceptance import refusals
from tests.acceptance.client import UNKNOWN_ID, Api, User, refused
from tests.acceptance.people import ACCOUNTS, EDUCATOR, People


class Target(NamedTuple):
    """Whom a request is about, and in which collection that one is."""

    id: str
    collection: str = "educators"

    @property
    def owners(self) -> str:
        """The collection as one that has groups."""
        return self.collection if self.collection == "healthprofessionals" else "educators"


GROUPS = "/v1/{0.owners}/{0.id}/children/groups"
OF_A_CHILD: dict[str, str] = {
    "record_measurements": "POST /v1/children/{0.id}/weights",
    "read_measurements": "GET /v1/children/{0.id}/weights",
    "remove_measurement": f"DELETE /v1/children/{{0.id}}/weights/{UNKNOWN_ID}",
}
OF_ACCOUNTS: dict[str, str] = {
    "register_institution": "POST /v1/institutions",
    "list_institutions": "GET /v1/institutions",
    "read_institution": f"GET /v1/institutions/{UNKNOWN_ID}",
    "remove_institution": f"DELETE /v1/institutions/{UNKNOWN_ID}",
    "register_user": "POST /v1/{0.collection}",
    "list_users": "GET /v1/{0.collection}",
    "read_user": "GET /v1/{0.collection}/{0.id}",
    "remove_user": f"DELETE /v1/users/{UNKNOWN_ID}",
    "change_password": "PUT /v1/users/{0.id}/password",
    "reset_password": f"POST /v1/users/{UNKNOWN_ID}/reset-password",
    "tie_child": f"POST /v1/families/{UNKNOWN_ID}/children/{UNKNOWN_ID}",
    "untie_child": f"DELETE /v1/families/{UNKNOWN_ID}/children/{UNKNOWN_ID}",
    "form_group": f"POST {GROUPS}",
    "list_groups": f"GET {GROUPS}",
    "read_group": f"GET {GROUPS}/{UNKNOWN_ID}",
    "revise_group": f"PATCH {GROUPS}/{UNKNOWN_ID}",
    "disband_group": f"DELETE {GROUPS}/{UNKNOWN_ID}",
}
UNKNOWN_OUTCOME = "/v1/outcomes/01903a5c-9c9f-7123-8000-0130a0800000"
OF_OUTCOMES: dict[str, str] = {
    "create_outcomes": "POST /v1/outcomes",
    "revise_outcome": f"PATCH {UNKNOWN_OUTCOME}",
    "list_outcomes": "GET /v1/outcomes",
    "read_outcome": f"GET {UNKNOWN_OUTCOME}",
    "record_entries": f"POST {UNKNOWN_OUTCOME}/entries",
    "list_entries": f"GET {UNKNOWN_OUTCOME}/entries",
    "summarize_outcome": f"GET {UNKNOWN_OUTCOME}/summary",
    "read_series": f"GET {UNKNOWN_OUTCOME}/series?granularity=day",
    "read_trend": f"GET {UNKNOWN_OUTCOME}/trend",
    "compare_cohorts": f"GET {UNKNOWN_OUTCOME}/compare?by=arm",
    "correlate_outcomes": "POST /v1/correlations/compute",
    "analyze_values": "POST /cohort/trend",
}
OF_OPERATION: dict[str, str] = {
    "read_views": "GET /v1/views",
    "list_audit_events": "GET /v1/audit/events",
    "read_stream": f"GET /v1/audit/streams/{UNKNOWN_ID}",
    "read_state": f"GET /v1/audit/streams/{UNKNOWN_ID}/state",
}
REQUESTS = OF_A_CHILD | OF_ACCOUNTS | OF_OUTCOMES | OF_OPERATION
"""Action → the request for it; nothing that it asks for is there, and no body is complete."""

ASKED_BY_NOBODY = {
    "register_first_admin": "the service itself asks",
    "note_audit_read": "it comes with reading a stream",
    "renew_password_hash": "it comes with a login",
    "reset_password_locally": "whoever operates the machine asks",
    "create_admin": "whoever operates the machine asks",
    "take_out_strangers": "the service itself asks",
}


class Asker(NamedTuple):
    """Somebody of a role: `own` is the asker itself, or for measurements the child that is its own or linked to it."""

    api: Api
    own: Target
    own_child: Target
    others: Target
    others_child: Target


@pytest.fixture(scope="module")
def askers(people: People) -> dict[str, Asker]:
    return dict(everybody(people))


def everybody(people: People) -> Iterator[tuple[str, Asker]]:
    stranger, educator = people.child(), people.create(EDUCATOR)
    claims: dict[str, Any] = jwt.decode(people.admin.token or "", options={"verify_signature": False})
    others, others_child = Target(educator.id), Target(stranger.id, "children")
    yield "admin", Asker(people.admin, Target(claims["sub"]), others_child, others, others_child)
    for account in ACCOUNTS:
        child = people.child()
        user: User = people.related(account, child)
        other = stranger if account.sub_type == "child" else people.related(account, stranger)
        yield (
            account.sub_type,
            Asker(
                people.as_(user),
                Target(user.id, account.collection),
                Target(child.id, "children"),
                Target(other.id, account.collection),
                others_child,
            ),
        )


def test_every_row_of_the_table_has_its_request() -> None:
    assert set(MAY) == {*REQUESTS, *ASKED_BY_NOBODY}


@pytest.mark.parametrize("role", TITLES)
@pytest.mark.parametrize("action", REQUESTS)
def test_a_cell_allows_what_it_says_and_nothing_else(action: str, role: str, askers: dict[str, Asker]) -> None:
    asker, whose = askers[role], MAY[action].get(role)
    own, others = (asker.own_child, asker.others_child) if action in OF_A_CHILD else (asker.own, asker.others)
    for target, allowed in ((own, whose is not None), (others, whose is ANY)):
        method, path = REQUESTS[action].format(target).split()
        response = asker.api.request(method, path, b"{}" if method in ("POST", "PUT", "PATCH") else None)
        if allowed:
            assert response.status_code not in (401, 403), response.text
        elif action in OF_OUTCOMES:
            message = f"{' or '.join(MAY[action])} role required"
            assert (403, {"error": "forbidden", "message": message}) == (response.status_code, response.json())
        else:
            assert refusals.FORBIDDEN == refused(response)


@pytest.mark.parametrize("action", REQUESTS)
def test_every_action_needs_a_token(action: str, anyone: Api) -> None:
    method, path = REQUESTS[action].format(Target(UNKNOWN_ID)).split()
    response = anyone.request(method, path, b"{}")
    if action in OF_OUTCOMES:
        problem = {"error": "unauthenticated", "message": refusals.NO_TOKEN["description"]}
        assert (401, problem) == (response.status_code, response.json())
    else:
        assert refusals.NO_TOKEN == refused(response)


def test_some_cells_of_the_table_rest_on_ties() -> None:
    assert {action for action, roles in MAY.items() if LINKED in roles.values()} <= set(OF_A_CHILD)
