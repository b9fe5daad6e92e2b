"""Queries of the audit trail: filters, invalid parameters, permissions, and pages that neither skip nor repeat."""

import base64
import threading
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import suppress
from datetime import timedelta
from itertools import chain, combinations, count

import pytest

from domain.partition import partition
from tests.acceptance import refusals
from tests.acceptance.audit import EVENTS, STREAMS, Marked, exact, exactly, page, pages, state, trail
from tests.acceptance.client import UNKNOWN_ID, WEIGHT, Api, Body, nothing, refused, shown
from tests.acceptance.groups import owner_of_groups
from tests.acceptance.outcomes import new_outcome, query
from tests.acceptance.people import ACCOUNTS, EDUCATOR, PASSWORD, People, unique

PARTITIONS = 64

TEXTS = ("actor", "subject", "stream", "event", "request_id")
"""Parameters that are texts."""

LENGTHS = (3, 50)
"""Of pages."""

WHILE_WRITING = 25
"""Pages that each reader takes before the writers stop."""


@pytest.fixture(scope="module")
def beginning(admin: Api) -> Marked:
    """What other modules left lies before it."""
    return Marked.now(admin)


# Filters


@pytest.fixture(scope="module")
def various(people: People, admin: Api, beginning: Marked) -> list[Body]:
    """What some have done to some, all of it after the beginning."""
    scale, outcome = people.as_(people.application()), new_outcome(admin)
    for child in (people.child(), people.child()):
        weights = [
            WEIGHT.record(scale, child.id, timestamp=f"2019-06-{day:02}T12:00:00Z", body_fat=20) for day in (1, 2)
        ]
        scale.delete(WEIGHT.path(child.id, weights[0]["id"]))
        outcome.record(subject_id=child.id)
        state(admin, weights[1]["id"])
    people.remove(child)
    return beginning.new()


def _passes(event: Body, name: str, value: str) -> bool:
    match name:
        case "subject":
            return value in (event["subject"], event["outcome"])
        case "stream":
            return value in (event["id"], event["stream"])
        case "from_":
            return exactly(value) <= exactly(event["recorded_at"])
        case "to":
            return exactly(event["recorded_at"]) < exactly(value)
        case _:
            return bool(value == event[name])


def _filters(event: Body, until: str) -> dict[str, str]:
    """What lets an event pass, of every parameter there is."""
    told = {name: event[name] for name in ("actor", "subject", "stream", "event", "request_id")}
    return {**told, "from_": event["recorded_at"], "to": until}


def test_every_filter_alone_and_together(admin: Api, beginning: Marked, various: list[Body]) -> None:
    entry = next(event for event in various if event["event"] == "entry.recorded.v1")
    weight = next(event for event in various if event["event"] == "measurement.recorded.v1")
    for event, of_id in ((weight, {}), (entry, {"subject": entry["outcome"], "stream": entry["id"]})):
        filters = _filters(event, various[-1]["recorded_at"]) | of_id
        for names in chain.from_iterable(combinations(filters, length) for length in range(1, len(filters) + 1)):
            asked = {name: filters[name] for name in names}
            expected = [each for each in various if all(_passes(each, *one) for one in asked.items())]
            assert event in expected
            assert expected == [each for each in beginning.new(**asked) if each in various], asked


def test_a_time_of_recording_bounds_to_the_microsecond(admin: Api, various: list[Body]) -> None:
    for event in various:
        at, id = event["recorded_at"], event["id"]
        next_at = exact(exactly(at) + timedelta(microseconds=1))
        assert event in trail(admin, stream=id, from_=at)
        assert event in trail(admin, stream=id, to=next_at)
        assert event not in trail(admin, stream=id, to=at)
        assert event not in trail(admin, stream=id, from_=next_at)


@pytest.mark.parametrize("name", TEXTS)
@pytest.mark.parametrize("value", ["nobody", "", UNKNOWN_ID, "%", "_", "'", "\ud7ff", "x" * 200])
def test_a_filter_by_an_unknown_name_finds_no_audit_events(name: str, value: str, admin: Api) -> None:
    told = page(admin, **{name: value})
    assert [] == told["events"]
    assert [] == page(admin, after=told["next"], **{name: value})["events"]


def _about(mark: Marked, subject: str) -> list[str]:
    return [each["event"].removesuffix(".v1") for each in mark.new(subject=subject)]


def test_the_events_of_a_group_are_about_its_children_and_its_owner(people: People, beginning: Marked) -> None:
    mark, owner = beginning.later(), owner_of_groups(people, EDUCATOR)
    child, other = people.child(), people.child()
    group = owner.make(child)
    shown(owner.api.patch(owner.path(group["id"]), {"name": unique("group")}))
    shown(owner.api.patch(owner.path(group["id"]), {"children": [other.id]}))
    assert nothing(owner.api.delete(owner.path(group["id"])))
    assert ["user.registered", "group.formed", "group.revised", "group.revised"] == _about(mark, child.id)
    assert ["user.registered", "group.revised", "group.disbanded"] == _about(mark, other.id)
    of_group = ["group.formed", "group.revised", "group.revised", "group.disbanded"]
    assert of_group == _about(mark, group["id"])
    assert ["user.registered", *of_group] == _about(mark, owner.user.id)


def test_the_events_of_a_family_are_about_its_children(people: People, admin: Api, beginning: Marked) -> None:
    mark = beginning.later()
    child, other = people.child(), people.child()
    family = people.family_of(child)
    path = f"/v1/families/{family.id}/children"
    shown(admin.post(f"{path}/{other.id}", {}))
    assert nothing(admin.delete(f"{path}/{child.id}"))
    people.remove(family)
    assert ["user.registered", "user.registered", "family.untied"] == _about(mark, child.id)
    assert ["user.registered", "family.tied", "user.removed"] == _about(mark, other.id)
    assert ["user.registered", "family.tied", "family.untied", "user.removed"] == _about(mark, family.id)


# Bad parameters

EXPECTED = {
    **dict.fromkeys(("from", "to"), refusals.A_TIME),
    "limit": refusals.WHOLE["limit"],
    "after": "the next of an earlier page",
}


def _cursor(text: str | bytes) -> str:
    return base64.urlsafe_b64encode(text.encode() if isinstance(text, str) else text).decode().rstrip("=")


FORGED: tuple[str | bytes, ...] = (
    "", "null", "5", "[]", "[1, 2]", "{", '{"x": 1}', '{"1": "x"}', '{"1": null}', '{"1": 1.5}', '{"1": -1}',
    '{"-1": 1}', '{"1": 9223372036854775808}', '{"1": 1e400}', '{"1": NaN}', '{"1": 18446744073709551616}',
    '{"18446744073709551616": 1}', '{"99999999999999999999999999": 1}', '{"70000": 1}', '{"64": 1}', '{"": 1}',
    b"\xff\xfe", b'{"1": "\xff"}', "[" * 10_000, '{"1":' * 5_000,
)  # fmt: skip
BAD_CURSORS = ["x", "!", "é", "....", "A" * 5_000, "\ud7ff" * 4, *map(_cursor, FORGED)]


@pytest.mark.parametrize("cursor", BAD_CURSORS, ids=[f"cursor {number}" for number in range(len(BAD_CURSORS))])
def test_a_cursor_that_is_none_of_ours_is_refused(cursor: str, admin: Api) -> None:
    assert refusals.bad_parameter("after", EXPECTED["after"]) == refused(admin.get(query(EVENTS, after=cursor)))


def test_a_cursor_that_is_cut_is_refused_or_is_another_place(admin: Api, beginning: Marked) -> None:
    for length in range(len(beginning.after)):
        response = admin.get(query(EVENTS, after=beginning.after[:length], limit=1))
        assert response.status_code in (200, 400), response.text


TIMES = ("", "x", "2019", "2019-13-01", "2019-06-20T25:00:00Z", "now", "%00")
LIMITS = ("", "0", "-1", "1001", "x", "1.5", "%D9%A3", "9" * 30)

BAD = [
    *((name, value) for name in TEXTS for value in ("%00", "a%00")),
    *((name, value) for name in ("from", "to") for value in TIMES),
    *(("limit", value) for value in LIMITS),
    *(("after", value) for value in ("", "%00", "%FF")),
]


@pytest.mark.parametrize(("name", "value"), BAD)
def test_a_bad_parameter_is_named(name: str, value: str, admin: Api) -> None:
    expected = EXPECTED.get(name, "a text without U+0000")
    assert refusals.bad_parameter(name, expected) == refused(admin.get(f"{EVENTS}?{name}={value}"))


# Who may


ASKED = [EVENTS, f"{EVENTS}?limit=x", f"{STREAMS}/{UNKNOWN_ID}", f"{STREAMS}/{UNKNOWN_ID}/state?known_at=x"]


@pytest.mark.parametrize("path", ASKED)
def test_only_admins_may_ask(path: str, people: People, anyone: Api) -> None:
    assert refusals.NO_TOKEN == refused(anyone.get(path))
    assert refusals.BAD_TOKEN == refused(anyone.with_token("nonsense").get(path))
    for account in ACCOUNTS:
        assert refusals.FORBIDDEN == refused(people.as_(people.someone(account)).get(path))
    assert refusals.no_method("POST", path.partition("?")[0]) == refused(people.admin.post(path, {}))


# Pages


@pytest.mark.parametrize("limit", range(1, 9))
def test_pages_have_each_event_once_in_the_order_of_recording(
    limit: int, beginning: Marked, various: list[Body]
) -> None:
    until = various[-1]["recorded_at"]
    parted = [told["events"] for told in pages(beginning.api, after=beginning.after, limit=limit, to=until)]
    expected = [event for event in various if event["recorded_at"] < until]
    assert sorted(map(_position, expected)) == sorted(map(_position, chain.from_iterable(parted)))
    assert all(len(events) <= limit for events in parted)
    assert all(events == sorted(events, key=lambda each: each["recorded_at"]) for events in parted)


def test_a_page_without_anything_leads_to_itself(beginning: Marked) -> None:
    last = beginning.later().after
    assert {"events": [], "next": last} == page(beginning.api, after=last)


def test_pages_skip_and_repeat_nothing_while_others_write(people: People, admin: Api, beginning: Marked) -> None:
    """In several partitions, at full speed; the readers take pages of their own lengths, from the same place."""
    mark = beginning.later()
    children, scale = [people.child().id for _ in range(4)], people.as_(people.application())
    assert 1 < len({partition(f"{child}/x", PARTITIONS) for child in children})
    have_read, enough, written = threading.Barrier(len(LENGTHS) + 1), threading.Event(), threading.Event()

    def write(child_id: str) -> None:
        for second in count():
            if enough.is_set():
                return
            at = f"2019-06-20T{second // 3_600:02}:{second // 60 % 60:02}:{second % 60:02}Z"
            assert 201 == scale.post(WEIGHT.path(child_id), WEIGHT.reading(timestamp=at, body_fat=20)).status_code

    def follow(limit: int) -> list[list[Body]]:
        parted: list[list[Body]] = []
        after, is_last = mark.after, False
        while not is_last:
            ended = written.is_set()
            told = page(admin, after=after, limit=limit)
            after, is_last = told["next"], ended and not told["events"]
            parted.append(told["events"])
            if len(parted) == WHILE_WRITING:
                have_read.wait()
        return parted

    with ThreadPoolExecutor(len(LENGTHS) + len(children)) as pool:
        readers, writers = (
            [pool.submit(follow, limit) for limit in LENGTHS],
            [pool.submit(write, child) for child in children],
        )
        for reader in readers:
            reader.add_done_callback(lambda _: have_read.abort())  # one that failed lets nobody wait for it
        with suppress(threading.BrokenBarrierError):
            have_read.wait()
        enough.set()
        wait(writers)
        written.set()
        read = [reader.result() for reader in readers]
    assert [None] * len(children) == [writer.result() for writer in writers]
    there = mark.new()
    assert len(there) > len(children)
    for parted in read:
        assert sorted(map(_position, there)) == sorted(map(_position, chain.from_iterable(parted)))
        assert all(events == sorted(events, key=lambda each: str(each["recorded_at"])) for events in parted)
        assert any(parted[:WHILE_WRITING])


def _position(event: Body) -> tuple[int, ...]:
    return tuple(map(int, event["position"].split("-")))


# What the trail does not tell


def test_the_trail_tells_no_value_and_no_hash(people: People, admin: Api, beginning: Marked) -> None:
    """Not what was measured, under which name, in which unit, nor anything of a user but the id."""
    mark, scale, outcome = beginning.later(), people.as_(people.application()), new_outcome(admin)
    child, name = people.child(), unique("secret name")
    weight = WEIGHT.record(scale, child.id, value=81.8128, body_fat=23.4567)
    WEIGHT.record(scale, child.id, timestamp="2019-06-21T12:00:00Z", value=81.8129, unit="secret unit")
    scale.delete(WEIGHT.path(child.id, weight["id"]))
    outcome.record(subject_id=child.id, value="9876.54321", metadata={"secret": "secret value"})
    shown(admin.patch(outcome.path, {"name": name, "description": "secret text"}))
    assert nothing(
        people.as_(child).put(f"/v1/users/{child.id}/password", {"old_password": PASSWORD, "new_password": name})
    )
    state(admin, weight["id"])
    told = admin.get(query(EVENTS, after=mark.after, limit=1_000))
    assert 11 == len(shown(told)["events"])
    secrets = ["81.81", "23.45", "9876", "secret", "argon2", "$v=", "hash", child.username, PASSWORD]
    assert [] == [secret for secret in secrets if secret in told.text]
