"""Requests that no honest client sends: each is answered by the contract, none with a 500."""

import json
from collections.abc import Iterator

import pytest

from tests.acceptance import refusals
from tests.acceptance.client import (
    BODY_FAT,
    KINDS,
    NOON,
    UNKNOWN_ID,
    WEIGHT,
    Api,
    Kind,
    User,
    created,
    each_kind,
    multi_status,
    refused,
)

MAX_BYTES = 256 * 1024
"""Of one measurement."""

MAX_ARRAY_BYTES = 16 * 1024 * 1024

UNKNOWN_PATHS = [
    "/",
    "/v1",
    "/v2/auth",
    "/nowhere",
    "/v1/children/0123456789abcdef01234567/heights",
    "/v1/children/x/weights/y/z",
    "/v1/weights",
    "/.well-known/nothing",
]

NOT_ALLOWED = [
    ("PUT", WEIGHT.path(UNKNOWN_ID), {"GET", "POST"}),
    ("PATCH", WEIGHT.path(UNKNOWN_ID), {"GET", "POST"}),
    ("DELETE", WEIGHT.path(UNKNOWN_ID), {"GET", "POST"}),
    ("PUT", BODY_FAT.path(UNKNOWN_ID), {"GET", "POST"}),
    ("POST", WEIGHT.path(UNKNOWN_ID, UNKNOWN_ID), {"GET", "DELETE"}),
    ("PATCH", BODY_FAT.path(UNKNOWN_ID, UNKNOWN_ID), {"GET", "DELETE"}),
    ("GET", "/v1/auth", {"POST"}),
    ("DELETE", "/v1/auth", {"POST"}),
    ("PUT", "/v1/children", {"POST"}),
    ("PATCH", "/v1/institutions", {"POST"}),
    ("GET", f"/v1/users/{UNKNOWN_ID}", {"DELETE"}),
]

JSON_TYPES = [
    None,
    "application/json",
    "application/json; charset=utf-8",
    "application/json;charset=UTF-8",
    "Application/JSON",
]
OTHER_TYPES = [
    "text/plain",
    "text/json-ish",
    "application/xml",
    "application/x-www-form-urlencoded",
    "multipart/form-data; boundary=x",
    "application/jsonp",
    "application/msgpack",
    "application/octet-stream",
]

READING = f'"timestamp": "{NOON}", "value": 70.2, "unit": "kg"'
UNREADABLE = {
    "a lone continuation byte": b'{"unit": "\x80"}',
    "a cut sequence": b'{"unit": "\xc3"}',
    "an overlong slash": b'{"unit": "\xc0\xaf"}',
    "a surrogate in UTF-8": b'{"unit": "\xed\xa0\x80"}',
    "beyond Unicode": b'{"unit": "\xf4\x90\x80\x80"}',
    "latin-1": '{"unit": "é"}'.encode("latin-1"),
    "UTF-16": f"{{{READING}}}".encode("utf-16"),
    "UTF-32": f"{{{READING}}}".encode("utf-32"),
    "NaN": b'{"value": NaN}',
    "Infinity": b'{"value": Infinity}',
    "-Infinity": b'{"value": -Infinity}',
    "NaN in an unknown member": f'{{{READING}, "x": NaN}}'.encode(),
    "NaN in an array": f"[{{{READING}}}, NaN]".encode(),
    "a raw NUL": b'{"unit": "\x00"}',
    "a raw line feed": b'{"unit": "\n"}',
    "only NUL": b"\x00",
    "half an escape": b'{"unit": "\\ud8"}',
    "a comment": f"{{{READING}}} // weight".encode(),
    "a leading zero": b'{"value": 070}',
    "a plus": b'{"value": +70}',
    "hexadecimal": b'{"value": 0x46}',
    "arrays that never end": b"[" * 100_000,
    "objects that never end": b'{"a":' * 50_000,
}

IGNORED = {
    "beyond a double": "1e400",
    "an integer of 400 digits": "1" * 400,
    "NUL": '"\\u0000"',
    "a lone surrogate": '"\\ud800"',
    "a pair": '"\\ud83d\\ude00"',
    "an object": '{"$where": "1", "": null}',
    "a prototype": '{"__proto__": {"admin": true}}',
}


@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
@pytest.mark.parametrize("path", UNKNOWN_PATHS)
def test_an_unknown_path_is_named(method: str, path: str, application: Api) -> None:
    assert refusals.no_endpoint(path) == refused(application.request(method, path))


@pytest.mark.parametrize(("method", "path", "allowed"), NOT_ALLOWED, ids=[f"{row[0]} {row[1]}" for row in NOT_ALLOWED])
def test_a_method_that_is_not_allowed_is_named_with_those_that_are(
    method: str, path: str, allowed: set[str], application: Api
) -> None:
    response = application.request(method, path)
    assert refusals.no_method(method, path) == refused(response)
    listed = {name.strip() for name in response.headers["allow"].split(",")}
    assert allowed <= listed
    assert method not in listed


@each_kind
@pytest.mark.parametrize("content_type", JSON_TYPES, ids=str)
def test_a_body_of_a_json_type_or_none_is_read(
    kind: Kind, content_type: str | None, application: Api, child: User
) -> None:
    headers = {} if content_type is None else {"content_type": content_type}
    content = json.dumps(kind.reading()).encode()
    assert kind.answer(child.id) == created(application.request("POST", kind.path(child.id), content, **headers))


@pytest.mark.parametrize("content_type", OTHER_TYPES)
def test_a_body_of_another_type_is_refused(content_type: str, application: Api, child: User) -> None:
    content = json.dumps(WEIGHT.reading()).encode()
    response = application.request("POST", WEIGHT.path(child.id), content, content_type=content_type)
    assert refusals.MEDIA_TYPE == refused(response)
    assert refusals.MEDIA_TYPE == refused(
        application.request("POST", "/v1/auth", b'{"username": "a"}', content_type=content_type)
    )
    assert [] == WEIGHT.listed(application, child.id)


@each_kind
@pytest.mark.parametrize("content", UNREADABLE.values(), ids=UNREADABLE.keys())
def test_a_body_that_is_not_json_in_utf_8_is_rejected(
    kind: Kind, content: bytes, application: Api, child: User
) -> None:
    assert refusals.UNREADABLE == refused(application.post_raw(kind.path(child.id), content))
    assert [] == kind.listed(application, child.id)


@each_kind
@pytest.mark.parametrize("raw", IGNORED.values(), ids=IGNORED.keys())
def test_unknown_members_are_ignored_whatever_they_hold(kind: Kind, raw: str, application: Api, child: User) -> None:
    body = f'{{{READING}, "x": {raw}, "\\u0000": {raw}, "\\ud800": {raw}, "": {raw}}}'
    assert kind.answer(child.id) == created(application.post_raw(kind.path(child.id), body))


def test_a_bad_item_is_echoed_as_it_was_sent(application: Api, child: User) -> None:
    number, text = 10**400 + 1, "\ud800\x00\U0001f600"
    item = {"value": -1, "timestamp": NOON, "big": number, text: [text, {"deep": [None, 1.5, False]}]}
    success, error = multi_status(application.post(WEIGHT.path(child.id), [item]))
    assert ([], [refusals.negative("value") | {"item": item}]) == (success, error)


def test_a_pair_of_surrogates_is_one_character(application: Api, child: User) -> None:
    body = f'{{"timestamp": "{NOON}", "value": 70.2, "unit": "\\ud83d\\ude00"}}'
    expected = WEIGHT.answer(child.id, unit="\U0001f600")
    assert expected == created(application.post_raw(WEIGHT.path(child.id), body))


@each_kind
def test_a_lone_surrogate_in_a_timestamp_is_a_bad_timestamp(kind: Kind, application: Api, child: User) -> None:
    body = refused(application.post(kind.path(child.id), kind.reading(timestamp="\ud800")))
    assert refusals.bad_timestamp("")["description"] == body["description"]


@pytest.mark.parametrize("depth", [100, 1_000, 100_000])
@pytest.mark.parametrize(("opened", "closed"), [("[", "]"), ('{"a":', "}")], ids=["arrays", "objects"])
def test_deep_json_is_no_server_fault(depth: int, opened: str, closed: str, application: Api, child: User) -> None:
    deep = opened * depth + "1" + closed * depth
    bodies = [deep, f"[{deep}]", f'{{{READING}, "x": {deep}}}', f'[{{{READING}, "value": {deep}}}]']
    for body in bodies:
        response = application.post_raw(WEIGHT.path(child.id), body)
        assert response.status_code in (201, 207, 400, 413), response.text[:1000]
    assert 200 == application.get(WEIGHT.path(child.id)).status_code


@each_kind
def test_duplicate_json_members_are_refused_or_a_single_value_is_stored(
    kind: Kind, application: Api, child: User
) -> None:
    body = f'{{"value": 1, "timestamp": "{NOON}", "unit": "kg", "value": 2}}'
    response = application.post_raw(kind.path(child.id), body)
    if response.status_code == 201:
        assert response.json()["value"] in (1, 2)
        assert [response.json()] == kind.listed(application, child.id)
    else:
        assert 400 == refused(response)["code"]


def padded(size: int) -> bytes:
    body = f'{{{READING}, "x": ""}}'.encode()
    return body[:-2] + b"x" * (size - len(body)) + body[-2:]


@each_kind
def test_a_body_of_the_greatest_size_is_accepted(kind: Kind, application: Api, child: User) -> None:
    response = application.post_raw(kind.path(child.id), padded(MAX_BYTES))
    assert kind.answer(child.id) == created(response)


def test_an_array_of_the_greatest_size_is_accepted(application: Api, child: User) -> None:
    kind = KINDS[0]
    array = f"[{{{READING}}}]".encode()
    accepted = application.post_raw(kind.path(child.id), array + b" " * (MAX_ARRAY_BYTES - len(array)))
    assert 207 == accepted.status_code
    refused = application.post_raw(kind.path(child.id), array + b" " * (MAX_ARRAY_BYTES + 1 - len(array)))
    assert 413 == refused.status_code


@pytest.mark.parametrize(("blanks", "status"), [(1_023, 207), (1_024, 413)])
def test_a_body_that_opens_an_array_within_the_first_kib_has_the_limit_of_arrays(
    blanks: int, status: int, application: Api, child: User
) -> None:
    array = f"[{{{READING}}}]".encode()
    content = b" " * blanks + array + b" " * MAX_BYTES
    assert status == application.post_raw(KINDS[0].path(child.id), content).status_code


@each_kind
@pytest.mark.parametrize("chunked", [False, True], ids=["with its length", "in chunks"])
def test_a_body_that_is_too_large_is_refused(kind: Kind, chunked: bool, application: Api, child: User) -> None:
    content = padded(MAX_BYTES + 1)

    def chunks() -> Iterator[bytes]:
        for start in range(0, len(content), 1 << 16):
            yield content[start : start + (1 << 16)]

    sent = chunks() if chunked else content
    response = application.request("POST", kind.path(child.id), sent, content_type="application/json")
    body = refused(response)
    assert {"code": 413, "message": "Payload too large!", "description": body["description"]} == body
    assert [] == kind.listed(application, child.id)


@pytest.mark.parametrize("token", ["é", "a b", "x" * 5000, "Bearer", "null", "undefined", "."], ids=ascii)
def test_a_token_of_any_characters_is_a_bad_token(token: str, anyone: Api) -> None:
    response = anyone.http.get(WEIGHT.path(UNKNOWN_ID), headers={b"Authorization": f"Bearer {token}".encode()})
    assert refusals.BAD_TOKEN == refused(response)
