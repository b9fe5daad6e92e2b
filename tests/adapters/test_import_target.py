"""The outcome that an import goes to is found, or created."""

import httpx
import pytest

from adapters.cli.importing.target import OutcomeInfo, Target, outcome_of
from tests.adapters.scripted_service import Scripted, busy

WANTED = Target(name="b", brand_id="farm", metric_key="weight", unit="g")


def outcomes(*names: str) -> httpx.Response:
    listed = [{"id": name * 3, "name": name, "unit": None, "direction": "x", "other": 1} for name in names]
    return httpx.Response(200, json={"outcomes": listed, "total": 5_000})


@pytest.mark.parametrize(
    "answers",
    [
        [outcomes("a", "b")],
        [outcomes(*["a"] * 1_000), outcomes("b")],
        [outcomes("a"), busy(409), outcomes("b")],
    ],
    ids=["on the first page", "on the second page", "created by somebody else meanwhile"],
)
def test_an_outcome_that_is_there_is_found(answers: list[httpx.Response]) -> None:
    service = Scripted(*answers)
    service.client.log_in()
    assert OutcomeInfo("bbb", "b", None, "x") == outcome_of(service.client, WANTED)


def test_an_outcome_that_is_not_there_is_created() -> None:
    service = Scripted(
        outcomes("a", "B"), httpx.Response(201, json={"id": "1", "name": "b", "unit": "g", "direction": "x"})
    )
    service.client.log_in()
    assert OutcomeInfo("1", "b", "g", "x") == outcome_of(service.client, WANTED)
    assert {"name": "b", "brand_id": "farm", "metric_key": "weight", "unit": "g"} == service.bodies[1]
