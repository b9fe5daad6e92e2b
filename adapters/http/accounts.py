"""Accounts over HTTP: logins, institutions, the five kinds of users, groups, removals."""

from typing import Any

from litestar import Response, delete, post
from litestar.handlers import HTTPRouteHandler

from adapters.auth.passwords import Passwords
from adapters.auth.tokens import Tokens
from adapters.http import body, members
from adapters.http.errors import only
from adapters.http.members import Members
from adapters.http.requests import HttpRequest, json_response, path_id, request_id
from adapters.postgres.reader import Reader
from application import permissions
from application.command import Actor, Answer
from application.commands.form_group import FormGroup, NewGroup
from application.commands.register_institution import NewInstitution, RegisterInstitution
from application.commands.register_user import NewUser, RegisterUser
from application.commands.remove_user import RemoveUser
from application.writer import Writer
from domain.refusal import Forbidden, LoginRefused
from domain.user import USERNAME_LENGTH, Profile

USERS = {
    "children": "child",
    "educators": "educator",
    "healthprofessionals": "healthprofessional",
    "applications": "application",
    "families": "family",
}
"""Collections of users → their role."""

OWNERS = {"educators": "educator_id", "healthprofessionals": "healthprofessional_id"}
"""Collections of those who own groups → how their id is called in a path."""

CREDENTIALS = ("username", "password", "institution_id")

REQUIRED = {
    "child": (*CREDENTIALS, "gender", "age"),
    "educator": CREDENTIALS,
    "healthprofessional": CREDENTIALS,
    "application": (*CREDENTIALS, "application_name"),
    "family": (*CREDENTIALS, "children"),
}
"""Role → members that must be there, in the order in which missing ones are named."""


def routes(
    tokens: Tokens, passwords: Passwords, writer: Writer, reader: Reader, *, body_limit: int
) -> list[HTTPRouteHandler]:
    def admitted(request: HttpRequest, action: str) -> Actor:
        actor = tokens.actor(request.headers.get("authorization"))
        permissions.check_role(action, actor)
        return actor

    async def sent_by(request: HttpRequest, required: tuple[str, ...]) -> Members:
        content_type = request.headers.get("content-type", "")
        return members.read(body.members(await body.read(request.receive, content_type, body_limit)), required)

    @post("/v1/auth", status_code=200)
    async def log_in(request: HttpRequest) -> Response[bytes]:
        sent = await sent_by(request, ("username", "password"))
        username, password = sent.text("username", least=0), sent.text("password", least=0)
        user_id, role, kept = await reader.login(username) or ("", "", None)
        if not await passwords.matches(password, kept):
            raise LoginRefused
        return json_response({"access_token": tokens.issue(user_id, role)}, 200)

    @post("/v1/institutions", status_code=201)
    async def register_institution(request: HttpRequest) -> Response[bytes]:
        actor = admitted(request, RegisterInstitution.name)
        sent = await sent_by(request, ("type", "name"))
        institution = NewInstitution(
            type=sent.text("type"),
            name=sent.text("name"),
            address=sent.optional_text("address"),
            latitude=sent.optional_number("latitude"),
            longitude=sent.optional_number("longitude"),
        )
        command = RegisterInstitution(actor=actor, request_id=request_id(request), institution=institution)
        shown = {name: getattr(institution, name) for name in institution.__struct_fields__}
        return _created(await writer.submit(command), shown)

    def register(collection: str, role: str) -> HTTPRouteHandler:
        @post(f"/v1/{collection}", status_code=201, name=f"register_{role}")
        async def register_user(request: HttpRequest) -> Response[bytes]:
            actor = admitted(request, RegisterUser.name)
            sent = await sent_by(request, REQUIRED[role])
            username = sent.text("username", most=USERNAME_LENGTH)
            password = sent.text("password")
            institution_id = sent.text("institution_id").lower()
            profile = _profile(sent, role)
            children = sent.ids("children") if role == "family" else ()
            user = NewUser(role, username, await passwords.hash(password), institution_id, profile, children)
            command = RegisterUser(actor=actor, request_id=request_id(request), user=user)
            return _created(await writer.submit(command), _shown(user))

        return register_user

    def form(collection: str, id_name: str) -> HTTPRouteHandler:
        @post(f"/v1/{collection}/{{{id_name}:str}}/children/groups", status_code=201, name=f"form_group_{collection}")
        async def form_group(request: HttpRequest) -> Response[bytes]:
            actor = admitted(request, FormGroup.name)
            owner_id = path_id(request, id_name)
            if actor.id != owner_id or actor.role != USERS[collection]:
                raise Forbidden
            sent = await sent_by(request, ("name", "children"))
            group = NewGroup(sent.text("name"), sent.ids("children"), sent.optional_text("school_class"))
            command = FormGroup(actor=actor, request_id=request_id(request), group=group)
            shown = {"name": group.name, "children": group.children, "school_class": group.school_class}
            return _created(await writer.submit(command), shown)

        return form_group

    @delete("/v1/users/{user_id:str}")
    async def remove_user(request: HttpRequest) -> None:
        actor = admitted(request, RemoveUser.name)
        user_id = path_id(request, "user_id")
        only(await writer.submit(RemoveUser(actor=actor, request_id=request_id(request), user_id=user_id)))

    return [
        log_in,
        register_institution,
        remove_user,
        *(register(collection, role) for collection, role in USERS.items()),
        *(form(collection, id_name) for collection, id_name in OWNERS.items()),
    ]


def _profile(sent: Members, role: str) -> Profile:
    match role:
        case "child":
            return Profile(
                gender=sent.choice("gender", ("male", "female")),
                age=sent.text_or_positive("age"),
                age_calc_date=sent.optional_text("age_calc_date"),
            )
        case "application":
            return Profile(application_name=sent.text("application_name"))
        case _:
            return Profile()


def _shown(user: NewUser) -> dict[str, Any]:
    """A user as it goes out, without its id; never the password or its hash."""
    shown: dict[str, Any] = {"username": user.username, "institution_id": user.institution_id}
    match user.role:
        case "child":
            shown |= {"gender": user.profile.gender, "age": user.profile.age}
        case "application":
            shown |= {"application_name": user.profile.application_name}
        case "family":
            shown |= {"children": user.children}
        case _:
            shown |= {"children_groups": []}
    return shown


def _created(answer: Answer, shown: dict[str, Any]) -> Response[bytes]:
    """201 with the id and what was sent; what is absent is left out."""
    present = {name: value for name, value in shown.items() if value is not None}
    return json_response({"id": only(answer), **present}, 201)
