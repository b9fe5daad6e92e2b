"""How the views stand, over HTTP and on the command line."""

import json
from pathlib import Path
from typing import Any

import pytest

from projections.views.registry import VIEWS
from tests.acceptance.client import Api, Body, User, is_json, refused
from tests.acceptance.people import ACCOUNTS, FAMILY, Account, People
from tests.acceptance.refusals import BAD_TOKEN, FORBIDDEN, NO_TOKEN, no_method
from tests.running.processes import run_briefly, soon
from tests.service import Service

PATH = "/v1/views"

MEMBERS: dict[str, type | tuple[type, ...]] = {
    "view": str,
    "generation": int,
    "version": int,
    "latest_version": int,
    "state": str,
    "place": int,
    "head": int,
    "lag_events": int,
    "lag_seconds": (int, float),
    "rows": dict,
    "rate": (int, float),
    "parked_streams": int,
    "workers": list,
}

MOVING = {"place", "head", "lag_events", "lag_seconds", "rows", "rate"}
"""What may be other a moment later."""


def views(api: Api) -> list[Body]:
    answer = api.get(PATH)
    assert 200 == answer.status_code, answer.text
    assert is_json(answer)
    body: list[Body] = answer.json()
    return body


def test_an_admin_sees_every_view_with_how_it_stands(admin: Api, child: User) -> None:
    told = views(admin)
    assert sorted(VIEWS.latest) == [each["view"] for each in told if each["state"] == "live"]
    for each in told:
        assert MEMBERS.keys() == each.keys()
        assert [] == [name for name, type in MEMBERS.items() if not isinstance(each[name], type)]
        assert not any(isinstance(value, bool) for value in each.values())
        view = VIEWS.latest[each["view"]]
        assert (view.version, view.version) == (each["version"], each["latest_version"])
        assert set(view.tables) == each["rows"].keys()
        assert 0 <= each["place"] == each["head"] - each["lag_events"]
        assert 0 <= each["lag_seconds"]
        assert 0 == each["parked_streams"]
        assert each["workers"]


def test_the_head_is_the_number_of_events_and_a_view_reaches_it(admin: Api, people: People) -> None:
    before = max(each["head"] for each in views(admin))
    people.child()
    assert all(each["head"] > before for each in views(admin))
    assert soon(lambda: all(each["place"] > before for each in views(admin)))


@pytest.mark.parametrize("account", ACCOUNTS, ids=[account.sub_type for account in ACCOUNTS])
def test_only_admins_may_list_the_views(account: Account, people: People, child: User) -> None:
    changes: dict[str, Any] = {"children": [child.id]} if account is FAMILY else {}
    assert FORBIDDEN == refused(people.as_(people.create(account, **changes)).get(PATH))


def test_listing_the_views_needs_a_token(anyone: Api) -> None:
    assert NO_TOKEN == refused(anyone.get(PATH))
    assert BAD_TOKEN == refused(anyone.with_token("nonsense").get(PATH))


def test_posting_to_the_views_endpoint_is_not_allowed(admin: Api) -> None:
    answer = admin.post(PATH, {})
    assert no_method("POST", PATH) == refused(answer)
    assert "GET" in answer.headers["allow"]


def test_the_command_line_tells_the_same(
    admin: Api, service: Service, tmp_path_factory: pytest.TempPathFactory
) -> None:
    words = ("views", "status", "--json", "--data", str(tmp_path_factory.mktemp("status")))
    ended = run_briefly(*words, settings={"DATABASE_URL": setting(service, "DATABASE_URL")})
    assert (0, "") == (ended.returncode, ended.stderr)
    told = json.loads(ended.stdout)
    assert all(MEMBERS.keys() == each.keys() for each in told)
    assert [standing(each) for each in views(admin)] == [standing(each) for each in told]


def setting(service: Service, name: str) -> str:
    """What the service was started with."""
    variables = Path(f"/proc/{service.process.pid}/environ").read_text().split("\0")
    return dict(variable.split("=", 1) for variable in variables if variable)[name]


def standing(told: Body) -> Body:
    return {name: value for name, value in told.items() if name not in MOVING}
