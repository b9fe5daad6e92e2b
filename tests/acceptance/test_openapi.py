"""The OpenAPI document: it is one, it has every route and every refusal, and what it shows is true."""

import importlib
import inspect
import json
import pkgutil
import re
from collections.abc import Callable, Iterator
from typing import Any

import msgspec
import pytest
import schemathesis
from jsonschema_rs import Draft202012Validator, meta
from msgspec import Struct

import adapters.http
from adapters.http.openapi import refusals, statistics
from adapters.http.openapi.document import SECTIONS, document
from adapters.http.openapi.operations import Operation
from adapters.refusal_messages import ENVELOPES
from adapters.statistics.changepoint import changepoints
from adapters.statistics.correlation import correlate
from adapters.statistics.trend import trend
from application.permissions import MAY
from tests.acceptance.client import Api, Body, shown
from tests.acceptance.reference import assert_close

DOCUMENT: Body = msgspec.json.decode(msgspec.json.encode(document()))
OPERATIONS = [operation for section in SECTIONS for operation in section.operations()]
ASSETS = ("GET", "/docs/{asset}")
"""What the page loads is no part of the API."""

DONE_BY_NOBODY = {
    "register_first_admin",
    "note_audit_read",
    "renew_password_hash",
    "reset_password_locally",
    "create_admin",
    "take_out_strangers",
}
"""Actions that no request asks for."""


def routes() -> Iterator[tuple[str, str]]:
    """Method and path of every handler of every module that has routes; what these rest on is not needed for that."""
    for module in pkgutil.walk_packages(adapters.http.__path__, "adapters.http."):
        make: Any = getattr(importlib.import_module(module.name), "routes", None)
        if make is not None:
            for handler in make(**dict.fromkeys(inspect.signature(make).parameters)):
                for path in handler.paths:
                    yield from ((method, re.sub(r":\w+\}", "}", path)) for method in handler.http_methods)


def resolved(part: Any) -> Any:
    """A part of the document, or what it refers to."""
    while isinstance(part, dict) and "$ref" in part:
        place: Any = DOCUMENT
        for name in part["$ref"].removeprefix("#/").split("/"):
            place = place[name]
        part = place
    return part


def validator(schema: Body) -> Draft202012Validator:
    return Draft202012Validator({**schema, "components": DOCUMENT["components"]})


def examples(holder: Body) -> list[Any]:
    """Of a parameter or a media type."""
    return [each["value"] for each in holder.get("examples", {}).values()] + [
        holder[name] for name in ("example",) if name in holder
    ]


def holders() -> Iterator[tuple[str, Body]]:
    """Everything that has a schema and may have examples."""
    for path, methods in DOCUMENT["paths"].items():
        for method, operation in methods.items():
            where = f"{method} {path}"
            for parameter in operation.get("parameters", ()):
                yield f"{where} {parameter['name']}", parameter
            for part in (operation.get("requestBody", {}), *map(resolved, operation["responses"].values())):
                for holder in part.get("content", {}).values():
                    yield where, holder


def test_the_document_is_openapi() -> None:
    schemathesis.openapi.from_dict(DOCUMENT).validate()
    for schema in DOCUMENT["components"]["schemas"].values():
        meta.validate(schema)


def test_every_route_is_an_operation_and_every_operation_a_route() -> None:
    told = [(operation.method, operation.path) for operation in OPERATIONS]
    assert sorted(set(told)) == sorted(told)
    assert set(told) | {ASSETS} == set(routes())


def test_operations_have_ids_of_their_own() -> None:
    ids = [operation.id for operation in OPERATIONS]
    assert sorted(set(ids)) == sorted(ids)
    links = {link.operation for each in OPERATIONS for answer in each.answers for link in answer.links}
    assert links <= set(ids)


def test_every_refusal_and_every_action_is_named_somewhere() -> None:
    named = {
        type(error)
        for operation in OPERATIONS
        for error in (*refusals.own(operation), *refusals.ERRORS_OF_TOKENS, *refusals.ERRORS_OF_ALL)
    }
    assert set(ENVELOPES) <= named
    assert MAY.keys() - DONE_BY_NOBODY == {each.action for each in OPERATIONS if each.action is not None}


@pytest.mark.parametrize("operation", OPERATIONS, ids=[operation.id for operation in OPERATIONS])
def test_every_refusal_of_an_operation_is_shown(operation: Operation) -> None:
    responses = DOCUMENT["paths"][operation.path][operation.method.lower()]["responses"]
    for error in refusals.own(operation):
        for status, alone in refusals.by_status(refusals.path_of(operation), [error]).items():
            (expected,) = examples(alone["content"]["application/json"])
            assert expected in examples(responses[status]["content"]["application/json"])


def test_every_example_is_as_its_schema_says() -> None:
    shown = [(where, holder, example) for where, holder in holders() for example in examples(holder)]
    assert len(shown) > len(OPERATIONS)
    for where, holder, example in shown:
        errors = [error.message for error in validator(holder["schema"]).iter_errors(example)]
        assert [] == errors, where


def test_response_schemas_allow_no_undocumented_members() -> None:
    for operation in OPERATIONS:
        for answer in operation.answers:
            if isinstance(answer.example, dict) and not operation.path.startswith("/health/"):
                assert not validator(answer.schema or {}).is_valid({**answer.example, "colour": "red"}), operation.id


@pytest.mark.parametrize(
    ("shown", "found"),
    [
        (statistics.TREND, lambda: trend([1, 2, 3])),
        (statistics.CHANGEPOINTS, lambda: changepoints([0, 1, 2, 10, 11, 12])),
        (statistics.CORRELATION, lambda: correlate([1, 2, 3, 4], [1, 3, 2, 4])),
    ],
    ids=["trend", "changepoints", "correlation"],
)
def test_statistics_that_are_shown_are_what_comes_of_the_values_that_are_shown(
    shown: Body, found: Callable[[], Struct]
) -> None:
    assert_close(shown, json.loads(msgspec.json.encode(found())))


def test_the_document_is_served(anyone: Api) -> None:
    assert DOCUMENT == shown(anyone.get("/openapi.json"))


def test_the_page_loads_nothing_from_elsewhere(anyone: Api) -> None:
    page = anyone.get("/docs")
    assert (200, "text/html") == (page.status_code, page.headers["content-type"].split(";")[0])
    policy = page.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    loaded = re.findall(r'(?:src|href)="([^"]+)"', page.text)
    assert len(loaded) == 6
    for each in loaded:
        answer = anyone.get(f"/{each}")
        assert 200 == answer.status_code, each
        assert "http" not in each
        assert answer.content
    assert 404 == anyone.get("/docs/secrets.txt").status_code
