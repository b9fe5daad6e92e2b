"""Users over HTTP: the five roles that can be registered, removal, and the reset of a password."""

from datetime import date
from typing import Any

from litestar import Response, delete, get, post
from litestar.handlers import HTTPRouteHandler
from msgspec import Struct

from adapters import times
from adapters.auth.passwords import Passwords
from adapters.http.api import groups, lists
from adapters.http.api.logins import requester_of
from adapters.http.edge.access import Access
from adapters.http.edge.command_results import accepted_id
from adapters.http.edge.requests import HttpRequest, json_response, path_id, present, request_id
from adapters.http.schemas import paging
from adapters.http.schemas.members import Members, Required
from adapters.http.schemas.paging import PAGED
from adapters.postgres.readers.accounts import AccountsReader
from application.commands.register_user import NewUser, RegisterUser
from application.commands.remove_user import RemoveUser
from application.commands.reset_password import ResetPassword
from application.queries.users import ListUsers, ReadUser, User
from application.writer import Writer
from domain import age
from domain.password import canonical
from domain.user import Profile


class Collection(Struct, frozen=True):
    """The collection of a role's users. `required`: members of a POST besides those of every user."""

    path: str
    role: str
    id_name: str
    required: Required = ()


COLLECTIONS = (
    Collection("/v1/children", "child", "child_id", ("gender", ("age", "birth_date"))),
    Collection("/v1/educators", "educator", "educator_id"),
    Collection("/v1/healthprofessionals", "healthprofessional", "healthprofessional_id"),
    Collection("/v1/applications", "application", "application_id", ("application_name",)),
    Collection("/v1/families", "family", "family_id", ("children",)),
)

REQUIRED_OF_EVERY_USER = ("username", "password", "institution_id")


def routes(access: Access, passwords: Passwords, writer: Writer, reader: AccountsReader) -> list[HTTPRouteHandler]:
    @delete("/v1/users/{user_id:str}")
    async def remove(request: HttpRequest) -> None:
        actor = await access.authorize(request, RemoveUser.name)
        user_id = path_id(request, "user_id")
        accepted_id(await writer.submit(RemoveUser(actor=actor, request_id=request_id(request), user_id=user_id)))

    @post("/v1/users/{user_id:str}/reset-password", status_code=204)
    async def reset_password(request: HttpRequest) -> None:
        actor = await access.authorize(request, ResetPassword.name)
        user_id = path_id(request, "user_id")
        sent = await access.read_members(request, ("new_password",))
        password_hash = await passwords.hash(sent.new_password("new_password"), requester_of(request, actor.id))
        command = ResetPassword(
            actor=actor, request_id=request_id(request), user_id=user_id, password_hash=password_hash
        )
        accepted_id(await writer.submit(command))

    of_collections = (_routes_of(collection, access, passwords, writer, reader) for collection in COLLECTIONS)
    return [remove, reset_password, *(route for routes in of_collections for route in routes)]


def _routes_of(
    collection: Collection, access: Access, passwords: Passwords, writer: Writer, reader: AccountsReader
) -> list[HTTPRouteHandler]:
    role = collection.role

    @post(collection.path, status_code=201, name=f"register_{role}")
    async def register(request: HttpRequest) -> Response[bytes]:
        actor = await access.authorize(request, RegisterUser.name)
        sent = await access.read_members(request, (*REQUIRED_OF_EVERY_USER, *collection.required))
        username, password = canonical(sent.username()), sent.new_password("password")
        institution_id = sent.text("institution_id").lower()
        today = times.today()
        profile = _profile(sent, role, today)
        children = sent.ids("children") if role == "family" else ()
        new = NewUser(
            role,
            username,
            await passwords.hash(password, requester_of(request, actor.id)),
            institution_id,
            profile,
            children,
        )
        id = accepted_id(await writer.submit(RegisterUser(actor=actor, request_id=request_id(request), user=new)))
        user = User(id, role, username, institution_id, profile, sorted(children), [])
        return json_response(render(user, today), 201)

    @get(collection.path, name=f"list_{role}")
    async def list_all(request: HttpRequest) -> Response[bytes]:
        actor, parameters = await access.authorize_query(request, ListUsers.name, PAGED)
        page = await reader.users(ListUsers(actor=actor, role=role, paging=paging.paging(parameters, str)))
        today = times.today()
        return lists.listed(request, page, lambda user: render(user, today))

    @get(f"{collection.path}/{{{collection.id_name}:str}}", name=f"get_{role}")
    async def get_one(request: HttpRequest) -> Response[bytes]:
        actor = await access.authorize(request, ReadUser.name)
        query = ReadUser(actor=actor, role=role, user_id=path_id(request, collection.id_name))
        return json_response(render(await reader.user(query), times.today()), 200)

    return [register, list_all, get_one]


BORN = "a date after 1900 and before today, as yyyy-MM-dd"
NOT_IN_THE_FUTURE = "a date that is not in the future, as yyyy-MM-dd"


def _profile(sent: Members, role: str, today: date) -> Profile:
    match role:
        case "child":
            return _child(sent, today)
        case "application":
            return Profile(application_name=sent.text("application_name"))
        case _:
            return Profile()


def _child(sent: Members, today: date) -> Profile:
    """The profile of a child. With `birth_date` other members about its age are ignored."""
    gender = sent.choice("gender", ("male", "female"))
    if "birth_date" in sent:
        birth_date = sent.day("birth_date", lambda day: age.may_be_born(day, today), BORN)
        return Profile(gender=gender, birth_date=birth_date)
    age_in_years = sent.positive("age")
    calculated = today.isoformat()
    if "age_calc_date" in sent:
        calculated = sent.day("age_calc_date", lambda day: day <= today, NOT_IN_THE_FUTURE)
    return Profile(gender=gender, age=age_in_years, age_calc_date=calculated)


def render(user: User, today: date) -> dict[str, Any]:
    """A user in a response, without the password hash."""
    of_all = present(id=user.id, username=user.username, institution_id=user.institution_id)
    match user.role:
        case "child":
            return of_all | _render_child(user.profile, today)
        case "application":
            return of_all | present(application_name=user.profile.application_name)
        case "family":
            return of_all | present(children=user.children)
        case _:
            return of_all | present(children_groups=[groups.render(group) for group in user.groups])


def _render_child(profile: Profile, today: date) -> dict[str, Any]:
    if profile.birth_date is None:
        return present(gender=profile.gender, age=profile.age, age_calc_date=profile.age_calc_date)
    years = age.whole_years(date.fromisoformat(profile.birth_date), today)
    return present(gender=profile.gender, age=str(years), birth_date=profile.birth_date)
