"""Every text of a body may have so many characters and no more, whatever their bytes."""

from collections.abc import Callable

import httpx
import pytest

from tests.acceptance import refusals
from tests.acceptance.client import WEIGHT, Api, User, refused
from tests.acceptance.groups import OWNERS, owner_of_groups
from tests.acceptance.outcomes import OUTCOMES, Outcome, answer, new_outcome, refusal, request
from tests.acceptance.people import APPLICATION, CHILD, People, unique

Send = Callable[[str], httpx.Response]

FIRST = [
    *(("institution", member, 200) for member in ("type", "name")),
    ("institution", "address", 500),
    ("child", "username", 200),
    ("application", "application_name", 200),
    *(("group", member, 200) for member in ("name", "school_class")),
    *(("change of a group", member, 200) for member in ("name", "school_class")),
    ("weight", "unit", 64),
]
"""What is sent in the family of the first envelope, a member, and its greatest length."""

SECOND = [
    *(("outcome", member, 200) for member in ("name", "metric_key", "brand_id")),
    *((what, "description", 2_000) for what in ("outcome", "change")),
    *((what, "unit", 64) for what in ("outcome", "change")),
    ("change", "name", 200),
    ("entry", "subject_id", 200),
]


@pytest.fixture
def sender(people: People, application: Api, child: User) -> Callable[[str, str], Send]:
    """A function that takes what is sent and a member of it, and gives one that sends it with that text."""
    admin, owner = people.admin, owner_of_groups(people, OWNERS[0])

    def sender_of(what: str, member: str) -> Send:
        match what:
            case "institution":
                return lambda text: admin.post(
                    "/v1/institutions", {"type": "school", "name": unique("x")} | {member: text}
                )
            case "child" | "application":
                account = CHILD if what == "child" else APPLICATION
                return lambda text: admin.post(account.path, people.request(account) | {member: text})
            case "group":
                group = {"name": unique("x"), "children": [child.id]}
                return lambda text: owner.api.post(owner.path(), group | {member: text})
            case "change of a group":
                path = owner.path(owner.make(child)["id"])
                return lambda text: owner.api.patch(path, {member: text})
            case "weight":
                return lambda text: application.post(WEIGHT.path(child.id), WEIGHT.reading() | {member: text})
            case "outcome":
                return lambda text: admin.post(OUTCOMES, request(brand_id=unique("x")) | {member: text})
            case "change":
                outcome = new_outcome(admin)
                return lambda text: admin.patch(outcome.path, {member: text})
            case _:
                entries = Outcome(admin, new_outcome(admin).body)
                return lambda text: entries.post(entries.entry() | {member: text})

    return sender_of


def unlike_any(most: int) -> str:
    """A text of so many characters, of four bytes each or written in twelve."""
    return unique("\U0001f600").ljust(most, "\U0001f600")[-most:]


@pytest.mark.parametrize(("what", "member", "most"), FIRST)
def test_a_text_of_accounts_and_measurements_has_a_greatest_length(
    what: str, member: str, most: int, sender: Callable[[str, str], Send]
) -> None:
    send = sender(what, member)
    longest = unlike_any(most)
    assert refusals.fields(f"{member} must have at most {most} characters!") == refused(send(f"{longest}x"))
    assert refusals.fields(f"{member} must have at most {most} characters!") == refused(send("x" * 10_000))
    taken = send(longest)
    assert taken.is_success, taken.text
    assert longest == taken.json()[member]


@pytest.mark.parametrize(("what", "member", "most"), SECOND)
def test_a_text_of_outcomes_has_a_greatest_length(
    what: str, member: str, most: int, sender: Callable[[str, str], Send]
) -> None:
    send = sender(what, member)
    longest = unlike_any(most)
    for text in (f"{longest}x", "x" * 10_000):
        assert f"{member} must have at most {most} characters!" == refusal(400, send(text))
    taken = send(longest)
    assert taken.is_success, taken.text
    assert longest == taken.json()[member]


def test_an_item_with_a_text_that_is_too_long_is_refused_alone(application: Api, child: User) -> None:
    items = [WEIGHT.reading(unit="x" * 65), WEIGHT.reading(unit="kg")]
    told = application.post(WEIGHT.path(child.id), items).json()
    assert ["kg"] == [each["item"]["unit"] for each in told["success"]]
    assert ["unit must have at most 64 characters!"] == [each["description"] for each in told["error"]]


@pytest.mark.parametrize(
    "sent", ['"2019-06-20T12:00:00.%sZ"' % ("0" * 44), '"%s"' % ("x" * 65), "[%s1]" % ("1," * 800)]
)
def test_a_time_that_is_too_long_is_not_sent_back(sent: str, application: Api, child: User) -> None:
    told = application.post_raw(WEIGHT.path(child.id), f'{{"timestamp": {sent}, "value": 1, "unit": "kg"}}')
    assert refusals.fields("timestamp must have at most 64 characters!") == refused(told)


@pytest.mark.parametrize("member", ["value", "body_fat"])
@pytest.mark.parametrize("number", ["0.%s" % ("1" * 399), '"0.%s"' % ("1" * 399), "1%s" % ("0" * 400)])
def test_a_number_is_written_with_400_characters_at_most(
    member: str, number: str, application: Api, child: User
) -> None:
    sent = {name: f'"{value}"' for name, value in WEIGHT.reading().items()} | {member: number}
    body = ", ".join(f'"{name}": {value}' for name, value in sent.items())
    assert refusals.no_number(member) == refused(application.post_raw(WEIGHT.path(child.id), f"{{{body}}}"))


@pytest.mark.parametrize("member", ["children"])
def test_ids_that_can_be_none_are_not_sent_back(member: str, people: People) -> None:
    owner = owner_of_groups(people, OWNERS[0])
    for children in (["x" * 65], [{"id": "x" * 10_000}]):
        told = refused(owner.api.post(owner.path(), {"name": "group", member: children}))
        assert refusals.fields(f"{member} must be an array of ids!") == told


def test_the_metadata_of_an_entry_names_the_limit_that_it_does_not_keep(admin: Api) -> None:
    outcome = Outcome(admin, new_outcome(admin).body)
    for metadata, limit in (
        ({"x": "x" * 16_384}, "16384 bytes"),
        (dict.fromkeys(map(str, range(101)), 1), "100 members"),
        ({"1": {"2": {"3": {"4": {"5": {"6": {"7": [[]]}}}}}}}, "8 levels"),
    ):
        told = refusal(400, outcome.post(outcome.entry(metadata=metadata)))
        assert f"metadata must have at most {limit}!" == told
    assert ([], 0) == outcome.listed()
    answer(outcome.post(outcome.entry(metadata={"1": {"2": {"3": {"4": {"5": {"6": {"7": []}}}}}}})), 201)
