"""Accounts in the OpenAPI document: logins, passwords and institutions."""

from collections.abc import Iterator

from adapters.http.openapi.operations import REMOVED, Answer, Link, Operation, ok, page_of
from adapters.http.openapi.requests import Body, in_query, new_password, number, password, path_id, text
from adapters.http.schemas.json_schema import ID, Json, closed, of_struct, ref, string
from adapters.http.schemas.paging import PAGED
from application.queries.institutions import Institution
from domain.refusal import AlreadyRegistered, InstitutionInUse, LoginRefused, NotFound, PasswordDiffers
from domain.user import TITLE

TAG = "Accounts"

INSTITUTION_ID = "5a62be07d6f33400146c9b60"

SENT: Json = {"type": "school", "name": "Hill School", "address": "1 Hill Road", "latitude": 51.5, "longitude": -0.12}

LATEST = "Latest registered first."


def operations() -> Iterator[Operation]:
    yield _login()
    yield _change_password()
    yield _reset_password()
    yield from _institutions()


def schemas() -> dict[str, Json]:
    institution = of_struct(Institution, ("address", "latitude", "longitude"), id=ID)
    for member, type in (("address", "string"), ("latitude", "number"), ("longitude", "number")):
        institution["properties"][member] = {"type": type}  # an absent member is left out, not null
    return {
        "Token": closed(access_token=string("A JWT, signed by RS256.", pattern=r"^[^.]+\.[^.]+\.[^.]+$")),
        "Institution": institution,
    }


def _login() -> Operation:
    return Operation(
        method="POST",
        path="/v1/auth",
        id="log_in",
        tag=TAG,
        summary="Log in",
        description="By default a user name may fail ten times a minute from one address, and a hundred times from all "
        "addresses together; an address may fail a hundred times. Beyond that the answer is 429. A wrong old password "
        "in a change of password counts as a failed login.",
        body=Body(
            name="Credentials",
            members=(text("username", least=0, required=True), password("password")),
            example={"username": "scale", "password": "scales secret"},
        ),
        answers=(
            Answer(
                status=200,
                description="A token that is valid for one day.",
                schema=ref("Token"),
                example={"access_token": "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiI1YTYyYmUwNyJ9.c2lnbmF0dXJl"},
            ),
        ),
        refused=(LoginRefused(),),
    )


def _change_password() -> Operation:
    return Operation(
        method="PUT",
        path="/v1/users/{user_id}/password",
        id="change_password",
        tag=TAG,
        summary="Change your own password",
        action="change_password",
        parameters=(path_id("user_id", "user"),),
        body=Body(
            name="NewPassword",
            members=(password("old_password"), new_password("new_password")),
            example={"old_password": "scales secret", "new_password": "better scales"},
        ),
        answers=(
            Answer(status=204, description="The new password is valid; tokens that were issued before it are not."),
        ),
        refused=(PasswordDiffers("old_password"),),
    )


def _reset_password() -> Operation:
    return Operation(
        method="POST",
        path="/v1/users/{user_id}/reset-password",
        id="reset_password",
        tag=TAG,
        summary="Reset the password of a user",
        action="reset_password",
        parameters=(path_id("user_id", "user"),),
        body=Body(name="ResetPassword", members=(new_password("new_password"),), example={"new_password": "scales!!"}),
        answers=(
            Answer(status=204, description="The new password is valid; tokens that were issued before it are not."),
        ),
        refused=(NotFound(TITLE),),
    )


def _institutions() -> Iterator[Operation]:
    path, one = "/v1/institutions", "/v1/institutions/{institution_id}"
    id, example = path_id("institution_id", "institution"), {"id": INSTITUTION_ID, **SENT}
    where = {"institution_id": "$response.body#/id"}
    yield Operation(
        method="POST",
        path=path,
        id="register_institution",
        tag=TAG,
        summary="Register an institution",
        action="register_institution",
        body=Body(
            name="NewInstitution",
            members=(
                text("type", required=True),
                text("name", required=True, description="Unique among institutions."),
                text("address", least=0),
                number("latitude"),
                number("longitude"),
            ),
            example=SENT,
        ),
        answers=(
            Answer(
                status=201,
                description="The institution that was registered.",
                schema=ref("Institution"),
                example=example,
                links=(Link("get_institution", where), Link("remove_institution", where)),
            ),
        ),
        refused=(AlreadyRegistered("Institution"),),
    )
    yield Operation(
        method="GET",
        path=path,
        id="list_institutions",
        tag=TAG,
        summary="List the institutions",
        description=LATEST,
        action="list_institutions",
        parameters=in_query(*PAGED),
        answers=(page_of("Institution", example, "A page of the institutions."),),
    )
    yield Operation(
        method="GET",
        path=one,
        id="get_institution",
        tag=TAG,
        summary="Read an institution",
        action="read_institution",
        parameters=(id,),
        answers=(ok("Institution", example, "The institution."),),
        refused=(NotFound("Institution"),),
    )
    yield Operation(
        method="DELETE",
        path=one,
        id="remove_institution",
        tag=TAG,
        summary="Remove an institution that has no users",
        action="remove_institution",
        parameters=(id,),
        answers=(REMOVED,),
        refused=(InstitutionInUse(),),
    )
