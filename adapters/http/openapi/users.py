"""Users in the OpenAPI document: the five roles that can be registered, and the children of families."""

from collections.abc import Iterator

from adapters.http.api.users import BORN, COLLECTIONS, NOT_IN_THE_FUTURE, Collection
from adapters.http.openapi import groups
from adapters.http.openapi.accounts import INSTITUTION_ID, LATEST, TAG
from adapters.http.openapi.operations import REMOVED, Answer, Link, Operation, ok, page_of
from adapters.http.openapi.requests import Body, Member, in_query, new_password, one_of, path_id, text
from adapters.http.schemas import lengths
from adapters.http.schemas.json_schema import ID, Json, array, closed, pattern, ref, string
from adapters.http.schemas.paging import PAGED
from domain.refusal import (
    AlreadyRegistered,
    ChildrenNotRegistered,
    InstitutionNotRegistered,
    NotADate,
    NotFound,
    NotPositive,
)
from domain.user import TITLES

SHOWN: dict[str, dict[str, Json]] = {
    "child": {
        "gender": string(enum=["male", "female"]),
        "age": string("With a `birth_date` the age today, in whole years."),
        "age_calc_date": string("The day for which `age` was given; absent with a `birth_date`."),
        "birth_date": string(format="date"),
    },
    "educator": {"children_groups": array(ref("Group"))},
    "healthprofessional": {"children_groups": array(ref("Group"))},
    "application": {"application_name": string()},
    "family": {"children": array(ID)},
}
"""Role → members of its responses besides those of every user."""

EXAMPLES: dict[str, Json] = {
    "child": {"gender": "female", "age": "9", "age_calc_date": "2019-06-20"},
    "educator": {"children_groups": [groups.EXAMPLE]},
    "healthprofessional": {"children_groups": []},
    "application": {"application_name": "Scale"},
    "family": {"children": [groups.CHILD_ID]},
}

OF_EVERYBODY = (
    text("username", required=True, description="Unique among all users; compared in Unicode NFC."),
    new_password("password"),
    text("institution_id", required=True, description="The id of a registered institution."),
)


def _date(name: str, expected: str, said: str) -> Member:
    member = text(name, least=0)
    schema = pattern(r"(?:190[1-9]|19[1-9][0-9]|20[0-9]{2})-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12][0-9]|3[01])", said)
    return Member(name=name, schema=schema, refused=(*member.refused, NotADate(name, expected)))


MEMBERS: dict[str, tuple[Member, ...]] = {
    "child": (
        one_of("gender", ("male", "female"), required=True),
        Member(
            name="age",
            schema={
                "anyOf": [
                    pattern(r"[0-9]*[1-9][0-9]*(?:\.[0-9]+)?|[0-9]+\.[0-9]*[1-9][0-9]*", maxLength=lengths.NUMBER),
                    {"type": "number", "exclusiveMinimum": 0},
                ],
                "description": "Required without `birth_date`, ignored with it.",
            },
            refused=(NotPositive("age"),),
        ),
        _date("age_calc_date", NOT_IN_THE_FUTURE, "The day for which `age` is given; today by default."),
        _date("birth_date", BORN, "The age in whole years is computed from it."),
    ),
    "application": (text("application_name", required=True),),
    "family": (groups.children(required=True),),
}
"""Role → members of its POST besides those of every user."""

SENT: dict[str, Json] = {
    "child": {"gender": "female", "age": 9},
    "application": EXAMPLES["application"],
    "family": EXAMPLES["family"],
}

UNKNOWN_CHILDREN = ChildrenNotRegistered(("507f191e810c19729de860ea",))


def operations() -> Iterator[Operation]:
    for collection in COLLECTIONS:
        yield from _operations_of(collection)
    yield from _ties()
    yield Operation(
        method="DELETE",
        path="/v1/users/{user_id}",
        id="remove_user",
        tag=TAG,
        summary="Remove a user",
        description="A removed child leaves every group and family, and its measurements are removed. Users cannot "
        "remove themselves: 403.",
        action="remove_user",
        parameters=(path_id("user_id", "user"),),
        answers=(REMOVED,),
    )


def schemas() -> dict[str, Json]:
    return {_name(each.role): _shape(each.role) for each in COLLECTIONS}


def _name(role: str) -> str:
    return TITLES[role].replace(" ", "")


def _shape(role: str) -> Json:
    optional = ("age_calc_date", "birth_date") if role == "child" else ()
    return closed(optional, id=ID, username=string(), institution_id=ID, **SHOWN[role])


def _example(role: str) -> Json:
    id = groups.CHILD_ID if role == "child" else "5a62be07d6f33400146c9b62"
    return {"id": id, "username": role, "institution_id": INSTITUTION_ID, **EXAMPLES[role]}


def _operations_of(collection: Collection) -> Iterator[Operation]:
    role, name = collection.role, _name(collection.role)
    title, titles = TITLES[role].lower(), collection.path.removeprefix("/v1/")
    example, id = _example(role), path_id(collection.id_name, title)
    sent = {"username": role, "password": "a secret", "institution_id": INSTITUTION_ID, **SENT.get(role, {})}
    one = f"{collection.path}/{{{collection.id_name}}}"
    then = (
        Link(f"get_{role}", {collection.id_name: "$response.body#/id"}),
        Link("remove_user", {"user_id": "$response.body#/id"}),
    )
    yield Operation(
        method="POST",
        path=collection.path,
        id=f"register_{role}",
        tag=TAG,
        summary=f"Register {'an' if title[0] in 'aeiou' else 'a'} {title}",
        action="register_user",
        body=Body(
            name=f"New{name}",
            members=(*OF_EVERYBODY, *MEMBERS.get(role, ())),
            example=sent,
            either=("age", "birth_date") if role == "child" else (),
        ),
        answers=(
            Answer(
                status=201,
                description=f"The {title} that was registered.",
                schema=ref(name),
                example=example,
                links=then,
            ),
        ),
        refused=(
            InstitutionNotRegistered(),
            *((UNKNOWN_CHILDREN,) if role == "family" else ()),
            AlreadyRegistered(TITLES[role]),
        ),
    )
    yield Operation(
        method="GET",
        path=collection.path,
        id=f"list_{role}",
        tag=TAG,
        summary=f"List the {titles}",
        description=LATEST,
        action="list_users",
        parameters=in_query(*PAGED),
        answers=(page_of(name, example, f"A page of the {titles}."),),
    )
    yield Operation(
        method="GET",
        path=one,
        id=f"get_{role}",
        tag=TAG,
        summary=f"Read {'an' if title[0] in 'aeiou' else 'a'} {title}",
        action="read_user",
        parameters=(id,),
        answers=(ok(name, example, f"The {title}."),),
        refused=(NotFound(TITLES[role]),),
    )


def _ties() -> Iterator[Operation]:
    path = "/v1/families/{family_id}/children/{child_id}"
    both = (path_id("family_id", "family"), path_id("child_id", "child"))
    yield Operation(
        method="POST",
        path=path,
        id="tie_child",
        tag=TAG,
        summary="Add a child to a family",
        description="The request has no body. A child that already belongs to the family has the same response.",
        action="tie_child",
        parameters=both,
        answers=(
            Answer(
                status=200, description="The family after the change.", schema=ref("Family"), example=_example("family")
            ),
        ),
        refused=(NotFound("Family"), UNKNOWN_CHILDREN),
    )
    yield Operation(
        method="DELETE",
        path=path,
        id="untie_child",
        tag=TAG,
        summary="Remove a child from a family",
        action="untie_child",
        parameters=both,
        answers=(REMOVED,),
    )
