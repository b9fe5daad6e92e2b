"""Children's groups in the OpenAPI document: five operations for each role that owns groups."""

from collections.abc import Iterator

from adapters.http.api.groups import OWNERS
from adapters.http.openapi.operations import REMOVED, Answer, Link, Operation, page_of
from adapters.http.openapi.requests import Body, Member, in_query, path_id, text
from adapters.http.schemas import lengths
from adapters.http.schemas.json_schema import ID, TEXT, Json, array, closed, or_null, ref, string
from adapters.http.schemas.paging import PAGED
from domain.refusal import AlreadyRegistered, ChildrenNotRegistered, NotAList, NotFound
from domain.user import TITLES

TAG = "Groups"
TITLE = "Children Group"

CHILD_ID = "5a62be07d6f33400146c9b61"
SENT: Json = {"name": "Tigers", "children": [CHILD_ID], "school_class": "4b"}
EXAMPLE: Json = {"id": "5a62be07d6f33400146c9b6a", **SENT}


def children(*, required: bool) -> Member:
    """Children, each as its id or as an object with an `id`."""
    id = {**TEXT, "maxLength": lengths.ID}
    one = {"anyOf": [id, {"type": "object", "properties": {"id": id}, "required": ["id"]}]}
    schema = array(one, description="Ids of registered children, or objects with an `id`. Duplicates count once.")
    return Member(name="children", schema=schema, required=required, refused=(NotAList("children"),))


def operations() -> Iterator[Operation]:
    for collection, role in OWNERS.items():
        yield from _operations_of(collection, role)


def schemas() -> dict[str, Json]:
    ascending = array(ID, description="Ids of the children, ascending.")
    return {"Group": closed(("school_class",), id=ID, name=string(), children=ascending, school_class=string())}


def _operations_of(collection: str, role: str) -> Iterator[Operation]:
    owner = path_id(f"{role}_id", TITLES[role].lower())
    path = f"/v1/{collection}/{{{owner.name}}}/children/groups"
    one, of_one = f"{path}/{{group_id}}", (owner, path_id("group_id", "group"))
    unknown, taken = ChildrenNotRegistered(("507f191e810c19729de860ea",)), AlreadyRegistered(TITLE)
    known = {owner.name: f"$request.path.{owner.name}", "group_id": "$response.body#/id"}
    of = f"of a {TITLES[role].lower()}" if role[0] != "e" else f"of an {role}"

    def answered(status: int, description: str, *links: Link) -> tuple[Answer]:
        return (Answer(status=status, description=description, schema=ref("Group"), example=EXAMPLE, links=links),)

    yield Operation(
        method="POST",
        path=path,
        id=f"form_group_of_{role}",
        tag=TAG,
        summary=f"Form a children's group {of}",
        description="Names are unique per owner. Children of another institution are rejected like unknown ones.",
        action="form_group",
        parameters=(owner,),
        body=Body(
            name="NewGroup",
            members=(text("name", required=True), children(required=True), text("school_class", least=0)),
            example=SENT,
        ),
        answers=answered(
            201,
            "The group that was formed.",
            *(Link(f"{verb}_group_of_{role}", known) for verb in ("get", "revise", "disband")),
        ),
        refused=(unknown, taken),
    )
    yield Operation(
        method="GET",
        path=path,
        id=f"list_groups_of_{role}",
        tag=TAG,
        summary=f"List the children's groups {of}",
        description="The latest group comes first.",
        action="list_groups",
        parameters=(owner, *in_query(*PAGED)),
        answers=(page_of("Group", EXAMPLE, "A page of the groups."),),
    )
    yield Operation(
        method="GET",
        path=one,
        id=f"get_group_of_{role}",
        tag=TAG,
        summary=f"Read a children's group {of}",
        action="read_group",
        parameters=of_one,
        answers=answered(200, "The group."),
        refused=(NotFound(TITLE),),
    )
    yield Operation(
        method="PATCH",
        path=one,
        id=f"revise_group_of_{role}",
        tag=TAG,
        summary=f"Change a children's group {of}",
        description="Any of the members may be sent. `null` removes the school class.",
        action="revise_group",
        parameters=of_one,
        body=Body(
            name="GroupChange",
            members=(text("name"), children(required=False), _class_or_null()),
            example={"name": "Lions"},
        ),
        answers=answered(200, "The group after the change."),
        refused=(unknown, NotFound(TITLE), taken),
    )
    yield Operation(
        method="DELETE",
        path=one,
        id=f"disband_group_of_{role}",
        tag=TAG,
        summary=f"Disband a children's group {of}",
        action="disband_group",
        parameters=of_one,
        answers=(REMOVED,),
    )


def _class_or_null() -> Member:
    member = text("school_class", least=0)
    return Member(name=member.name, schema=or_null(member.schema), refused=member.refused)
