"""Requests that are made up from the OpenAPI document, good and bad ones, alone and one after another: what it allows
is taken, what it does not allow is refused, no answer contradicts it, and nothing is a fault.

`./scripts/fuzz` makes up more of them.
"""

import os
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
from schemathesis import AuthContext, BaseSchema, HookContext, engine, hooks
from schemathesis.config import SchemathesisConfig
from schemathesis.engine.events import EngineEvent, NonFatalError, ScenarioFinished

from tests.acceptance.client import Api, Service
from tests.acceptance.generated_requests import DOCUMENT, AnyCase, World
from tests.acceptance.people import People

AT_LENGTH = "FUZZ_EXAMPLES" in os.environ

EXAMPLES = int(os.environ.get("FUZZ_EXAMPLES", "2"))
"""Of each operation, besides those that try every edge of its parameters and members."""

SEED = int(os.environ.get("FUZZ_SEED", "20"))

TWINS = "bodyfats|healthprofessionals"
"""Paths with the handlers of others: asked when there is time."""

CHECKS: dict[str, Any] = {
    # The contract says 400 for what is not there; a check of ours knows which.
    "positive_data_acceptance": {"enabled": False},
    # An array whose items are bad is no bad array: 207.
    "negative_data_rejection": {"expected-statuses": [400, 401, 403, 404, 405, 409, 415, 207]},
}
"""What the contract contradicts; everything else is checked."""


@pytest.fixture
def schema(admin: Api, people: People, service: Service) -> Iterator[BaseSchema]:
    """The document, asked by somebody who may, about what is there."""
    world = World(admin, people)
    config = {
        "seed": SEED,
        "base-url": service.url,
        "request-timeout": 120,
        "suppress-health-check": ["all"],
        "generation": {"max-examples": EXAMPLES, "database": "none", "with-security-parameters": False},
        "checks": CHECKS,
    }
    schema: BaseSchema = schemathesis.openapi.from_dict(DOCUMENT, config=SchemathesisConfig.from_dict(config))
    if not AT_LENGTH:
        schema = schema.exclude(path_regex=TWINS)

    @schema.auth()
    class Token:
        def get(self, case: AnyCase, context: AuthContext) -> str:
            return world.token(case)

        def set(self, case: AnyCase, token: str, context: AuthContext) -> None:
            if token:
                case.headers["Authorization"] = f"Bearer {token}"

    def before_call(context: HookContext, case: AnyCase, kwargs: dict[str, Any]) -> None:
        world.settle(case)

    schemathesis.hook(before_call)
    yield schema
    hooks.unregister(before_call)


def failures(event: EngineEvent) -> Iterator[str]:
    if isinstance(event, NonFatalError):
        yield f"{event.label}: {event.value}"
    if isinstance(event, ScenarioFinished):
        for checked in event.recorder.checks.values():
            for check in checked:
                if check.failure_info is not None:
                    yield f"{check.name}: {check.failure_info.failure.message}\n{check.failure_info.code_sample}"


def test_the_service_behaves_as_the_openapi_document_says(schema: BaseSchema) -> None:
    found: list[str] = []
    asked: Counter[str] = Counter()
    for event in engine.from_schema(schema).execute():
        found += failures(event)
        if isinstance(event, ScenarioFinished):
            asked[event.phase.value] += len(event.recorder.interactions)
    assert [] == found, "\n\n".join(found[:20])
    assert {"examples", "coverage", "fuzzing", "stateful"} == {phase.lower() for phase in asked}, asked
    assert asked.total() > 1_000
