"""PUT of a password: by the user alone, with the old one, once."""

from functools import partial
from typing import Any

import pytest

from tests.acceptance import refusals
from tests.acceptance.client import UNKNOWN_ID, Api, Body, User, at_once, nothing, refused, shown, statuses
from tests.acceptance.hostile import ARRAYS, BAD_IDS, BAD_TEXTS, OTHER_TYPES, UNREADABLE, bad_text_of
from tests.acceptance.people import ACCOUNTS, CHILD, PASSWORD, Account, People, unique

NEW = "tr0ub4dor & 3"
TOGETHER = 16

PASSWORDS = [
    "8 of it.",
    " " * 8,
    " a b c d ",
    "Ünï cödé \U0001f600",
    "a\nb\tc\nd\t",
    "'; drop table users; --",
    "é" * 512,
    '"\\"\\"\\"\\',
]

each_account = pytest.mark.parametrize("account", ACCOUNTS, ids=[account.sub_type for account in ACCOUNTS])


def path(user: User | str) -> str:
    return f"/v1/users/{user if isinstance(user, str) else user.id}/password"


def change(old: Any = PASSWORD, new: Any = NEW) -> Body:
    return {"old_password": old, "new_password": new}


def logs_in(anyone: Api, username: str, password: str) -> bool:
    answer = anyone.post("/v1/auth", {"username": username, "password": password})
    if answer.status_code != 200:
        assert refusals.BAD_LOGIN == refused(answer)
    return answer.is_success


def working(anyone: Api, user: User, *passwords: str) -> list[str]:
    """Those of the passwords that log the user in."""
    return [password for password in passwords if logs_in(anyone, user.username, password)]


@each_account
def test_a_changed_password_logs_in_and_the_old_one_no_more(account: Account, people: People, anyone: Api) -> None:
    user, neighbour = people.someone(account), people.someone(account)
    assert nothing(people.as_(user).put(path(user), change()))
    assert [NEW] == working(anyone, user, PASSWORD, NEW)
    assert [PASSWORD] == working(anyone, neighbour, PASSWORD, NEW)


def reset(user: User | str) -> str:
    return f"{path(user).removesuffix('password')}reset-password"


@each_account
def test_a_change_ends_the_tokens_before_it_for_reads_and_for_commands(account: Account, people: People) -> None:
    user = people.someone(account)
    before = people.as_(user)
    assert nothing(before.put(path(user), change()))
    after = before.login(user.username, NEW)
    one = f"{account.path}/{user.id}"
    assert user.body == shown(after.get(one))
    assert user.body == shown(people.admin.get(one))
    assert refusals.BAD_TOKEN == refused(before.get(one))
    assert refusals.BAD_TOKEN == refused(before.put(path(user), change(NEW, "third one")))
    assert nothing(after.put(path(user), change(NEW, "third one")))


@each_account
def test_a_reset_ends_the_tokens_before_it_and_sets_the_password(account: Account, people: People, anyone: Api) -> None:
    user = people.someone(account)
    before = people.as_(user)
    assert nothing(people.admin.post(reset(user), {"new_password": NEW}))
    assert refusals.BAD_TOKEN == refused(before.get(f"{account.path}/{user.id}"))
    assert [NEW] == working(anyone, user, PASSWORD, NEW)
    assert user.body == shown(people.admin.login(user.username, NEW).get(f"{account.path}/{user.id}"))


def test_a_reset_of_nobody_is_not_found_and_only_an_admin_resets(people: People, child: User) -> None:
    body = {"new_password": NEW}
    assert refusals.not_there("User") == refused(people.admin.post(reset(UNKNOWN_ID), body))
    assert refusals.bad_id("user_id") == refused(people.admin.post(reset("x"), body))
    assert refusals.required("new_password") == refused(people.admin.post(reset(child), {}))
    assert refusals.FORBIDDEN == refused(people.as_(child).post(reset(child), body))


@pytest.mark.parametrize(
    ("said", "value"),
    [
        ("must have at least 8 characters!", ""),
        ("must have at least 8 characters!", "x" * 7),
        ("must have at least 8 characters!", "e\u0301" * 7),
        ("must have at most 1024 bytes!", "x" * 1_025),
        ("must have at most 1024 bytes!", "é" * 513),
    ],
    ids=lambda value: ascii(value)[:20],
)
def test_a_password_that_is_too_short_or_too_long_is_refused_by_its_member(
    said: str, value: str, people: People, child: User, anyone: Api
) -> None:
    of_put = people.as_(child).put(path(child), change(new=value))
    of_reset = people.admin.post(reset(child), {"new_password": value})
    of_post = people.admin.post(CHILD.path, people.request(CHILD, password=value))
    assert [refusals.fields(f"new_password {said}")] * 2 == [refused(of_put), refused(of_reset)]
    assert refusals.fields(f"password {said}") == refused(of_post)
    assert [PASSWORD] == working(anyone, child, PASSWORD)


@pytest.mark.parametrize("value", ["x" * 1_025, "x" * 10_000], ids=len)
def test_a_password_that_nobody_can_have_is_wrong_at_a_login(
    value: str, people: People, child: User, anyone: Api
) -> None:
    assert not logs_in(anyone, child.username, value)
    assert refusals.OLD_PASSWORD_WRONG == refused(people.as_(child).put(path(child), change(value)))


def test_names_and_passwords_are_the_same_however_their_characters_are_composed(people: People, anyone: Api) -> None:
    name, composed, decomposed = unique("Zo"), "\u00e9", "e\u0301"
    user = people.create(CHILD, username=name + decomposed, password=PASSWORD + decomposed)
    assert name + composed == user.body["username"]
    for form in (composed, decomposed):
        assert [PASSWORD + composed, PASSWORD + decomposed] == [
            password
            for password in (PASSWORD + composed, PASSWORD + decomposed)
            if logs_in(anyone, name + form, password)
        ]
        taken = people.admin.post(CHILD.path, people.request(CHILD, username=name + form))
        assert refusals.already_registered("Child") == refused(taken)


@pytest.mark.parametrize("password", PASSWORDS, ids=lambda text: ascii(text)[:20])
def test_any_text_is_a_password(password: str, people: People, child: User, anyone: Api) -> None:
    assert nothing(people.as_(child).put(path(child), change(new=password)))
    assert [password] == working(anyone, child, PASSWORD, password, password + " ", password[:-1])
    assert nothing(anyone.login(child.username, password).put(path(child), change(old=password)))
    assert [NEW] == working(anyone, child, password, NEW)


def test_a_password_may_stay_as_it_was(people: People, child: User, anyone: Api) -> None:
    assert nothing(people.as_(child).put(path(child), change(new=PASSWORD)))
    assert [PASSWORD] == working(anyone, child, PASSWORD, NEW)


def test_an_id_in_upper_case_and_unknown_members_are_taken(people: People, child: User, anyone: Api) -> None:
    body = change() | {"username": "x", "password": "y", "id": UNKNOWN_ID, "\x00": "\ud800"}
    assert nothing(people.as_(child).put(path(child.id.upper()), body))
    assert [NEW] == working(anyone, child, PASSWORD, NEW, "y")


@each_account
@pytest.mark.parametrize("old", [NEW, "", PASSWORD + " ", PASSWORD.upper(), PASSWORD[:-1]], ids=repr)
def test_a_wrong_old_password_changes_nothing(old: str, account: Account, people: People, anyone: Api) -> None:
    user = people.someone(account)
    assert refusals.OLD_PASSWORD_WRONG == refused(people.as_(user).put(path(user), change(old)))
    assert [PASSWORD] == working(anyone, user, PASSWORD, NEW)


@pytest.mark.parametrize("missing", [("old_password",), ("new_password",), ("old_password", "new_password")], ids=str)
@pytest.mark.parametrize("present", [PASSWORD, None, "", 5], ids=repr)
def test_missing_members_are_named_in_order_before_bad_ones(
    missing: tuple[str, ...], present: Any, people: People, child: User
) -> None:
    body = {member: value for member, value in change(present, present).items() if member not in missing}
    assert refusals.required(*missing) == refused(people.as_(child).put(path(child), body))


@pytest.mark.parametrize(("said", "value"), BAD_TEXTS, ids=ascii)
@pytest.mark.parametrize("old", [PASSWORD, "wrong"])
def test_a_bad_new_password_changes_nothing(
    said: str, value: Any, old: str, people: People, child: User, anyone: Api
) -> None:
    response = people.as_(child).put(path(child), change(old, value))
    assert bad_text_of("new_password", said) == refused(response)
    assert [PASSWORD] == working(anyone, child, PASSWORD)


@pytest.mark.parametrize(("said", "value"), BAD_TEXTS, ids=ascii)
def test_an_old_password_that_is_no_good_text_changes_nothing(
    said: str, value: Any, people: People, child: User, anyone: Api
) -> None:
    assert bad_text_of("old_password", said) == refused(people.as_(child).put(path(child), change(value)))
    assert [PASSWORD] == working(anyone, child, PASSWORD, NEW)


@pytest.mark.parametrize("content", [*UNREADABLE, *ARRAYS], ids=lambda content: ascii(content)[:20])
def test_a_password_change_that_is_not_a_json_object_changes_nothing(
    content: bytes, people: People, child: User, anyone: Api
) -> None:
    response = people.as_(child).request("PUT", path(child), content, content_type="application/json")
    assert refusals.UNREADABLE == refused(response)
    assert [PASSWORD] == working(anyone, child, PASSWORD)


@pytest.mark.parametrize("content_type", OTHER_TYPES)
def test_a_body_of_another_type_changes_nothing(content_type: str, people: People, child: User, anyone: Api) -> None:
    content = b'{"old_password": "correct horse 9", "new_password": "x"}'
    response = people.as_(child).request("PUT", path(child), content, content_type=content_type)
    assert refusals.MEDIA_TYPE == refused(response)
    assert [PASSWORD] == working(anyone, child, PASSWORD, "x")


@each_account
def test_a_user_cannot_change_the_password_of_another(
    account: Account, people: People, child: User, anyone: Api
) -> None:
    strangers = [people.admin, people.as_(people.related(account, child) if account is not CHILD else people.child())]
    for stranger in strangers:
        assert refusals.FORBIDDEN == refused(stranger.put(path(child), change()))
        assert refusals.FORBIDDEN == refused(stranger.put(path(UNKNOWN_ID), {}))
        assert refusals.FORBIDDEN == refused(stranger.request("PUT", path(child), b"{"))
    assert refusals.NO_TOKEN == refused(anyone.put(path(child), change()))
    assert [PASSWORD] == working(anyone, child, PASSWORD, NEW)


@pytest.mark.parametrize("bad", BAD_IDS.values(), ids=BAD_IDS.keys())
def test_an_id_that_is_none_is_refused_first(bad: str, people: People, child: User) -> None:
    for api in (people.as_(child), people.admin):
        assert refusals.bad_id("user_id") == refused(api.request("PUT", path(bad), b"{"))


@each_account
def test_a_removed_user_changes_no_password(account: Account, people: People, anyone: Api) -> None:
    user = people.someone(account)
    api = people.as_(user)
    people.remove(user)
    assert refusals.GONE == refused(api.put(path(user), change()))
    assert refusals.GONE == refused(api.put(path(user), change("wrong")))
    assert refusals.required("new_password") == refused(api.put(path(user), {"old_password": PASSWORD}))
    assert [] == working(anyone, user, PASSWORD, NEW)


def test_exactly_one_of_many_equal_changes_at_once_is_made(people: People, child: User, anyone: Api) -> None:
    answers = at_once([partial(people.as_(child).put, path(child), change())] * TOGETHER)
    late = [refused(answer) for answer in answers if answer.status_code != 204]
    assert TOGETHER - 1 == len(late)
    assert all(each in (refusals.OLD_PASSWORD_WRONG, refusals.BAD_TOKEN) for each in late)
    assert [NEW] == working(anyone, child, PASSWORD, NEW)


def test_the_acknowledged_one_of_many_concurrent_password_changes_is_valid(
    people: People, child: User, anyone: Api
) -> None:
    api, passwords = people.as_(child), [f"{NEW} {number}" for number in range(TOGETHER)]
    answers = at_once([partial(api.put, path(child), change(new=password)) for password in passwords])
    assert 1 == statuses(answers)[204]
    winner = passwords[[answer.status_code for answer in answers].index(204)]
    assert [winner] == working(anyone, child, PASSWORD, *passwords)
