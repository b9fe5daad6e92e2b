"""The age of a child: computed from its date of birth, or given in the request for a day."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from domain.age import whole_years
from tests.acceptance import refusals
from tests.acceptance.client import Api, Body, User, refused, shown, whole
from tests.acceptance.people import CHILD, People

BIRTH = "2016-11-02"
AGE = refusals.fields("age must be a number above 0!")
BORN = refusals.fields("birth_date must be a date after 1900 and before today, as yyyy-MM-dd!")
CALCULATED = refusals.fields("age_calc_date must be a date that is not in the future, as yyyy-MM-dd!")


def today() -> date:
    return datetime.now(UTC).date()


def of_age(people: People, **members: Any) -> Body:
    """A POST of a child that has these members and no other age."""
    return {name: value for name, value in people.request(CHILD).items() if name != "age"} | members


def register(people: People, **members: Any) -> Body:
    """What a child with these members comes to, which is the same in every answer."""
    response = people.admin.post(CHILD.path, of_age(people, **members))
    assert 201 == response.status_code, response.text
    child: Body = response.json()
    assert child == shown(people.admin.get(f"{CHILD.path}/{child['id']}"))
    assert child == whole(people.admin, CHILD.path)[0]
    return child


@pytest.mark.parametrize(
    ("sent", "age"),
    [(9, "9"), (9.0, "9"), (9.5, "9.5"), ("9", "9"), ("9.5", "9.5"), ("0.50", "0.50"), (1e2, "100"), (1e-5, "0.00001")],
    ids=repr,
)
def test_an_age_is_a_number_above_0_and_goes_out_as_text(sent: Any, age: str, people: People) -> None:
    child = register(people, age=sent, age_calc_date="2019-06-20")
    assert (age, "2019-06-20") == (child["age"], child["age_calc_date"])
    assert "birth_date" not in child


@pytest.mark.parametrize(
    "sent",
    [
        *(
            None,
            0,
            -0.0,
            -11,
            -0.5,
            True,
            [],
            {},
            "",
            " ",
            "NaN",
            "nan",
            "Infinity",
            "0",
            "0.0",
            "-9",
            "+9",
            " 9",
            "9 ",
        ),
        *("9 ", "9,5", "1e1", "9.", ".5", "٣", "nine", "2999-01-01", "9\x00", "\ud800", "1" * 400, "9" * 2_000),
    ],
    ids=lambda value: ascii(value)[:20],
)
def test_an_age_must_be_a_number_above_0(sent: Any, people: People) -> None:
    assert AGE == refused(people.admin.post(CHILD.path, of_age(people, age=sent)))


@pytest.mark.parametrize("number", ["1e400", "-1e400", "1e-400", "1" * 400, "1" * 401])
def test_a_number_that_no_double_is_is_no_age(number: str, people: People) -> None:
    members = ", ".join(f'"{name}": "{value}"' for name, value in of_age(people).items())
    assert AGE == refused(people.admin.post_raw(CHILD.path, f'{{{members}, "age": {number}}}'))


def test_an_age_applies_to_the_day_of_registration_unless_the_request_names_another_day(people: People) -> None:
    before = today()
    child = register(people, age=9)
    assert child["age_calc_date"] in (before.isoformat(), today().isoformat())
    assert before.isoformat() == register(people, age=9, age_calc_date=before.isoformat())["age_calc_date"]


@pytest.mark.parametrize(
    "sent",
    ["", "x", "2019-02-29", "2019-06-20T00:00:00Z", "20190620", " 2019-06-20", "9999-12-31", "tomorrow"],
)
def test_a_day_that_is_none_or_to_come_is_no_age_calc_date(sent: str, people: People) -> None:
    sent = (today() + timedelta(days=2)).isoformat() if sent == "tomorrow" else sent
    assert CALCULATED == refused(people.admin.post(CHILD.path, of_age(people, age=9, age_calc_date=sent)))


def test_an_age_is_computed_from_the_date_of_birth(people: People) -> None:
    before = today()
    child = register(people, birth_date=BIRTH)
    assert BIRTH == child["birth_date"]
    assert child["age"] in {str(whole_years(date.fromisoformat(BIRTH), day)) for day in (before, today())}
    assert "age_calc_date" not in child


@pytest.mark.parametrize("age", [11, "NaN", None, -1])
def test_beside_a_date_of_birth_an_age_is_ignored(age: Any, people: People) -> None:
    child = register(people, birth_date=BIRTH, age=age, age_calc_date="x")
    assert {"id", "username", "institution_id", "gender", "age", "birth_date"} == child.keys()
    assert child["age"].isdigit()


@pytest.mark.parametrize(
    "sent",
    ["", "x", "2019-02-29", "1900-12-31", "1899-01-01", "2019-06-20T00:00:00Z", "20190620", "9999-12-31", "today"],
)
def test_a_day_on_which_nobody_is_born_is_no_date_of_birth(sent: str, people: People) -> None:
    sent = (today() + timedelta(days=1)).isoformat() if sent == "today" else sent
    assert BORN == refused(people.admin.post(CHILD.path, of_age(people, birth_date=sent)))


@pytest.mark.parametrize("member", ["birth_date", "age_calc_date"])
def test_a_date_that_is_no_text_is_refused(member: str, people: People) -> None:
    values: list[Any] = [None, 5, [], {}]
    for value in values:
        told = refused(people.admin.post(CHILD.path, of_age(people, age=9) | {member: value}))
        assert refusals.no_text(member) == told


def test_an_age_is_missing_only_where_there_is_no_date_of_birth(people: People) -> None:
    assert refusals.required("age") == refused(people.admin.post(CHILD.path, of_age(people)))
    only = {"birth_date": BIRTH, "username": "x"}
    expected = refusals.required("password", "institution_id", "gender")
    assert expected == refused(people.admin.post(CHILD.path, only))


def test_a_child_sees_its_own_age(people: People, admin: Api) -> None:
    body = of_age(people, birth_date=BIRTH)
    child = admin.post(CHILD.path, body).json()
    api = people.as_(User(child["id"], body["username"], body["password"], child))
    assert child == shown(api.get(f"{CHILD.path}/{child['id']}"))
