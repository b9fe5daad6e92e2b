"""Requests that are made up from the OpenAPI document: who asks them, for what is there, and what may be answered."""

import re
from collections import defaultdict
from collections.abc import Iterator
from typing import Any, NamedTuple

import msgspec
import schemathesis
from schemathesis import Case, CheckContext, Response
from schemathesis.core.parameters import ParameterLocation

from adapters.http.edge import error_responses
from adapters.http.edge.error_responses import RequestInfo
from adapters.http.openapi import refusals
from adapters.http.openapi.document import SECTIONS, document
from adapters.http.openapi.operations import Operation
from adapters.statistics.results import InvalidInput
from application.permissions import MAY
from domain.refusal import (
    BadFilter,
    BadTimestamp,
    ChildNotRegistered,
    ChildrenNotRegistered,
    EmptyRange,
    InstitutionInUse,
    InstitutionNotRegistered,
    MembersMissing,
    NotADate,
    NotATime,
    PasswordDiffers,
    UnknownParameter,
)
from tests.acceptance.client import Api, Body
from tests.acceptance.outcomes import new_outcome
from tests.acceptance.people import People

AnyCase = Case[Any]

DOCUMENT: Body = msgspec.json.decode(msgspec.json.encode(document()))
OPERATIONS = {operation.id: operation for section in SECTIONS for operation in section.operations()}

VARIES = {
    BadFilter: ("member",),
    UnknownParameter: ("member",),
    BadTimestamp: ("sent",),
    ChildNotRegistered: ("child_id",),
    ChildrenNotRegistered: ("children",),
    MembersMissing: ("members",),
}
"""Refusals that tell what was sent → what tells it."""

OF_FACTS = (
    ChildNotRegistered,
    ChildrenNotRegistered,
    EmptyRange,
    InstitutionInUse,
    InstitutionNotRegistered,
    NotADate,
    PasswordDiffers,
    InvalidInput,
)
"""What no schema can say: what is there, and which numbers go together."""

OF_DAYS = (BadFilter, BadTimestamp, NotATime)
"""What is said of a day that is not in the calendar."""

DAY = re.compile(r"\d{4}-(?:(?:0[2469]|11)-31|02-(?:29|30))")
"""One that may not be."""

KEPT = {"remove_user", "remove_institution", "untie_child"}
"""They would take away what others ask for."""


class Named(NamedTuple):
    """A refusal that the document names: the status and the text of all answers like its example."""

    error: Exception
    status: int
    text: re.Pattern[str]


def _named(operation_id: str) -> Iterator[Named]:
    operation = OPERATIONS[operation_id]
    for error in (*refusals.own(operation), *refusals.ERRORS_OF_TOKENS, *refusals.ERRORS_OF_ALL):
        told = error_responses.render(error, RequestInfo(operation.method, refusals.path_of(operation), ""))
        text = re.escape(told.content.decode())
        for name in VARIES.get(type(error), ()):
            value = getattr(error, name)
            sent = value if isinstance(value, str) else ", ".join(value)
            text = text.replace(re.escape(sent), ".*")
        if isinstance(error, InvalidInput):
            text = re.sub(r"\d+", r"\\d+", text)
        if told.status == 404 and "Endpoint" in text:
            text = re.sub(r"Endpoint.*found", "Endpoint.*found", text)
        yield Named(error, told.status, re.compile(text, re.DOTALL))


NAMED = {operation_id: list(_named(operation_id)) for operation_id in OPERATIONS}


def meant(case: AnyCase, response: Response) -> list[Exception]:
    """Which of the named refusals it is; several where the same is said of each."""
    text = response.content.decode()
    return [
        named.error
        for named in NAMED[case.operation.definition.raw["operationId"]]
        if named.status == response.status_code and named.text.fullmatch(text)
    ]


@schemathesis.check
def refusals_are_named(context: CheckContext, response: Response, case: AnyCase) -> None:
    """A refusal is one of those that the document shows for the operation."""
    if response.status_code >= 400 and response.status_code != 405:
        assert meant(case, response), f"not in the document: {response.status_code} {response.text}"


@schemathesis.check
def what_is_allowed_is_refused_for_facts_only(context: CheckContext, response: Response, case: AnyCase) -> None:
    """A request that the document allows is refused only for what a schema cannot say."""
    if response.status_code != 400 or case.meta is None or not case.meta.generation.mode.is_positive:
        return
    sent = f"{response.request.url} {response.request.body!r}"
    allowed = (*OF_FACTS, *OF_DAYS) if DAY.search(sent) else OF_FACTS
    assert any(isinstance(each, allowed) for each in meant(case, response)), response.text


class World:
    """Somebody of each role that may do something, and what they ask for."""

    def __init__(self, admin: Api, people: People) -> None:
        child, other = people.child(), people.child()
        educator, professional = people.educator_of(child), people.health_professional_of(child)
        family, application = people.family_of(child), people.application()
        self._tokens = {
            "admin": admin.token,
            "application": people.as_(application).token,
            "educator": people.as_(educator).token,
            "healthprofessional": people.as_(professional).token,
        }
        outcome = new_outcome(admin)
        self._ids = {
            "child_id": child.id,
            "educator_id": educator.id,
            "healthprofessional_id": professional.id,
            "family_id": family.id,
            "application_id": application.id,
            "institution_id": people.institution_id,
            "outcome_id": outcome.id,
            "id": child.id,
        }
        self._members = {
            "institution_id": people.institution_id,
            "children": [child.id, {"id": other.id}],
            "outcome_id_a": outcome.id,
            "outcome_id_b": new_outcome(admin, brand_id=outcome.body["brand_id"], name="Steps a week").id,
            "brand_id": outcome.body["brand_id"],
        }

    def token(self, case: AnyCase) -> str:
        """Of somebody who may."""
        return self.token_of(OPERATIONS[case.operation.definition.raw["operationId"]])

    def token_of(self, operation: Operation) -> str:
        """Of somebody who may; of groups that is their owner."""
        if operation.action is None:
            return ""
        may = [role for role in self._tokens if role in MAY[operation.action]]
        return self._tokens[next((role for role in may if f"/{role}" in operation.path), may[0])] or ""

    def path_of(self, operation: Operation) -> str:
        """Of what is there, where it is one of the world's."""
        return operation.path.format_map(defaultdict(lambda: "0123456789abcdef01234567", self._ids))

    def settle(self, case: AnyCase) -> None:
        """Let a request that is good ask for what is there."""
        operation_id = case.operation.definition.raw["operationId"]
        if self._good(case, ParameterLocation.PATH) and operation_id not in KEPT:
            case.path_parameters = {name: self._ids.get(name, id) for name, id in (case.path_parameters or {}).items()}
        if self._good(case, ParameterLocation.BODY) and case.body:
            for body in case.body if isinstance(case.body, list) else [case.body]:
                if isinstance(body, dict):
                    body.update({name: value for name, value in self._members.items() if name in body})
        if self._good(case, ParameterLocation.QUERY) and case.query:
            if {"start_at", "end_at"} <= case.query.keys():
                case.query.pop("period", None)
            if "after" in case.query and operation_id == "list_audit_events":
                case.query["after"] = "e30"
            elif "after" in case.query:
                del case.query["after"]  # what it says depends on how the list is sorted
            case.query.pop("known_at", None)

    @staticmethod
    def _good(case: AnyCase, place: ParameterLocation) -> bool:
        return case.meta is None or not case.meta.is_negative_at(place)
