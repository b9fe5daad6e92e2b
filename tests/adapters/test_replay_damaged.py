"""What is wrong with a log, or with what is kept beside it, is named where it is; and what cannot be found is known."""

from collections.abc import Callable, Iterator
from itertools import pairwise

import pytest
from msgspec.structs import replace

from adapters.cli import replay as replay_command
from adapters.postgres import embedded
from domain.entry import EntryRecorded
from domain.measurement import MeasurementRecorded, MeasurementRemoved
from domain.partition import ACCOUNTS, KEY_LENGTH, partition, position
from domain.user import UserRegistered
from projections.verification import replay
from tests.adapters.rebuilding import EVERYTHING, Copy, everything, filled
from tests.adapters.replaying import Findings, Located, Replayed, flip, insert, located, one, replayed
from tests.adapters.test_rebuild_compared import Serving
from tests.conftest import PARTITIONS


@pytest.fixture
def copy(server: embedded.Server, new_database: Callable[..., str]) -> Iterator[Copy]:
    with filled(server.url, new_database).copy() as copy:
        yield copy


# Damage to the log


def damaged(copy: Copy, capsys: pytest.CaptureFixture[str]) -> Replayed:
    """What is said of the log alone is said with comparisons too; beside it there may be more."""
    alone = replayed(copy, capsys, compares=False)
    compared = replayed(copy, capsys)
    assert alone.in_the_log == compared.in_the_log
    assert set() == alone.beside_it
    assert (alone.code == 1) == bool(alone.in_the_log)
    assert 1 == compared.code
    return compared


def test_a_replay_finds_an_event_that_cannot_be_decoded(copy: Copy, capsys: pytest.CaptureFixture[str]) -> None:
    for fits in (lambda each: each.is_alone, lambda each: not each.is_alone and each.event.originator_version == 1):
        broken = one(located(copy), fits)
        flip(copy, broken, 0, 0)
        found = damaged(copy, capsys)
        assert {("undecodable", broken.position)} == found.in_the_log
        assert f"audit_trail {broken.part} {broken.seq}" in found.beside_it
        flip(copy, broken, 0, ord("{"))
        assert 0 == replayed(copy, capsys).code


def test_a_replay_finds_a_plausible_changed_value_only_by_the_stored_rows(
    copy: Copy, capsys: pytest.CaptureFixture[str]
) -> None:
    """And once what is beside it is grown from it, by nothing: only a hash could tell."""
    there = {id for (id,) in copy.ask("select id from measurements")}
    lying = one(located(copy), lambda each: each.is_alone and each.event.originator_id[KEY_LENGTH + 1 :] in there)
    assert isinstance(lying.event, MeasurementRecorded)
    ((at,),) = copy.ask(
        "select position('\"value\":'::bytea in state) + 7 from events where part = %s and seq = %s", *lying.place
    )
    flip(copy, lying, at, ord("9"))
    found = damaged(copy, capsys)
    assert set() == found.in_the_log
    child, id = lying.event.originator_id.split("/")
    assert f"measurements {lying.part} {child} {lying.event.kind} {id}" in found.beside_it
    for name in EVERYTHING:
        copy.rebuild(name, accept_differences=True)
    assert 0 == replayed(copy, capsys).code


def test_a_replay_finds_a_changed_stream_version(copy: Copy, capsys: pytest.CaptureFixture[str]) -> None:
    changed = one(located(copy), lambda each: each.is_alone)
    copy.ask("update events set originator_version = 7 where part = %s and seq = %s", *changed.place)
    assert {("version", changed.position), ("misplaced", changed.position)} == damaged(copy, capsys).in_the_log


def test_a_replay_finds_a_deleted_event_at_its_position(copy: Copy, capsys: pytest.CaptureFixture[str]) -> None:
    gone = one(located(copy), lambda each: each.is_alone)
    copy.ask("delete from events where part = %s and seq = %s", *gone.place)
    found = damaged(copy, capsys)
    assert {("sequence", gone.next)} == found.in_the_log
    assert f"audit_trail {gone.part} {gone.seq}" in found.beside_it


def test_a_replay_finds_a_deleted_event_by_the_next_one_of_its_stream(
    copy: Copy, capsys: pytest.CaptureFixture[str]
) -> None:
    events = located(copy)
    gone = one(events, lambda each: each.of == 2 and isinstance(each.event, MeasurementRecorded))
    (after,) = [
        each
        for each in events
        if each.event.originator_id == gone.event.originator_id and each.event.originator_version == 2
    ]
    copy.ask("delete from events where part = %s and seq = %s", *gone.place)
    expected = {("sequence", gone.next), ("version", after.position), ("impossible", after.position)}
    assert expected == damaged(copy, capsys).in_the_log


def test_a_replay_finds_a_deleted_last_event_only_by_the_stored_rows(
    copy: Copy, capsys: pytest.CaptureFixture[str]
) -> None:
    gone = next(each for each in located(copy) if each.seq == each.last)
    copy.ask("delete from events where part = %s and seq = %s", *gone.place)
    found = damaged(copy, capsys)
    assert set() == found.in_the_log
    assert f"audit_trail {gone.part} {gone.seq}" in found.beside_it


def test_a_replay_finds_a_view_that_is_ahead_of_the_log(copy: Copy, capsys: pytest.CaptureFixture[str]) -> None:
    """It would pass over what comes next."""
    ((part, end),) = copy.ask("select part, max(seq) from events group by part order by part limit 1")
    copy.ask("update places set seq = seq + 3 where part = %s and view = 'measurements'", part)
    found = damaged(copy, capsys)
    assert [("view", position(part, end + 3), "measurements")] == [
        (each["what"], each["position"], each["stream"]) for each in found.told["findings"]
    ]


def swap(copy: Copy, one: Located, other: Located) -> None:
    assert one.part == other.part
    for seq, place in ((-1, one.seq), (one.seq, other.seq), (other.seq, -1)):
        copy.ask("update events set seq = %s where part = %s and seq = %s", seq, one.part, place)


def neighbours(copy: Copy, fit: Callable[[Located, Located], bool]) -> tuple[Located, Located]:
    """Two that follow each other in a partition."""
    events = located(copy)
    return next((a, b) for a, b in pairwise(events) if a.part == b.part and a.is_amid and b.is_amid and fit(a, b))


def is_one_stream(one: Located, other: Located) -> bool:
    return one.event.originator_id == other.event.originator_id


def is_one_group(one: Located, other: Located) -> bool:
    return one.event.origin.recorded_at == other.event.origin.recorded_at


def test_a_replay_finds_two_swapped_events_of_one_stream(copy: Copy, capsys: pytest.CaptureFixture[str]) -> None:
    first, second = neighbours(copy, lambda a, b: is_one_stream(a, b) and is_one_group(a, b))
    swap(copy, first, second)
    found = damaged(copy, capsys).in_the_log
    assert {("version", first.position), ("version", second.position)} <= found
    assert {first.position, second.position} == {position for _, position in found}


def test_a_replay_finds_two_swapped_events_of_different_times(copy: Copy, capsys: pytest.CaptureFixture[str]) -> None:
    first, second = neighbours(copy, lambda a, b: a.is_alone and b.is_alone and not is_one_group(a, b))
    swap(copy, first, second)
    assert {("time", second.position)} == damaged(copy, capsys).in_the_log


def test_a_replay_finds_two_swapped_events_of_one_batch_only_by_the_stored_rows(
    copy: Copy, capsys: pytest.CaptureFixture[str]
) -> None:
    first, second = neighbours(copy, lambda a, b: a.is_alone and b.is_alone and is_one_group(a, b))
    swap(copy, first, second)
    found = damaged(copy, capsys)
    assert set() == found.in_the_log
    assert {f"audit_trail {each.part} {each.seq}" for each in (first, second)} == found.beside_it


def test_a_replay_finds_a_stream_in_the_wrong_partition(copy: Copy, capsys: pytest.CaptureFixture[str]) -> None:
    events = located(copy)
    moved = one(events, lambda each: each.is_alone)
    to = next(each for each in events if each.part != moved.part and each.seq == each.last)
    copy.ask("update events set part = %s, seq = %s where part = %s and seq = %s", to.part, to.seq + 1, *moved.place)
    found = damaged(copy, capsys).in_the_log
    assert {("partition", to.next), ("sequence", moved.next)} == found - {("time", to.next)}


# Each inserts a row, and says what is to be found where it is.


def after_the_end(copy: Copy) -> Findings:
    (removed, *_) = [each.event for each in located(copy) if isinstance(each.event, MeasurementRemoved)]
    return {("impossible", insert(copy, replace(removed, originator_version=removed.originator_version + 1)))}


def recorded_twice(copy: Copy) -> Findings:
    recorded = one(located(copy), lambda each: each.is_alone and isinstance(each.event, MeasurementRecorded)).event
    return {("impossible", insert(copy, replace(recorded, originator_version=2)))}


def in_the_middle_of_nothing(copy: Copy) -> Findings:
    revised = one(located(copy), lambda each: each.event.originator_version == 2).event
    stream = f"{revised.originator_id[:KEY_LENGTH]}/{'f' * 24}"
    at = insert(copy, replace(revised, originator_id=stream))
    return {("version", at), ("impossible", at)}


def in_a_partition_of_others(copy: Copy) -> Findings:
    recorded = one(located(copy), lambda each: each.is_alone and isinstance(each.event, MeasurementRecorded)).event
    stream = f"{recorded.originator_id[:KEY_LENGTH]}/{'f' * 24}"
    part = next(each.part for each in located(copy) if each.part != partition(stream, PARTITIONS))
    return {("partition", insert(copy, replace(recorded, originator_id=stream), part))}


def with_a_key_that_is_held(copy: Copy) -> Findings:
    there = {id for (id,) in copy.ask("select id from measurements")}
    held = one(located(copy), lambda each: each.event.originator_id[KEY_LENGTH + 1 :] in there).event
    stream = f"{held.originator_id[:KEY_LENGTH]}/{'f' * 24}"
    return {("dedupe", insert(copy, replace(held, originator_id=stream, originator_version=1)))}


def _registered(copy: Copy) -> UserRegistered:
    """Somebody who is there."""
    there = {id for (id,) in copy.ask("select id from users")}
    registered = [each.event for each in located(copy) if isinstance(each.event, UserRegistered)]
    return next(event for event in registered if event.user_id in there)


def registered_twice(copy: Copy) -> Findings:
    registered = _registered(copy)
    ((version,),) = copy.ask(
        "select max(originator_version) from events where originator_id = %s", registered.originator_id
    )
    return {("impossible", insert(copy, replace(registered, originator_version=version + 1)))}


def with_the_name_of_another(copy: Copy) -> Findings:
    stream = f"{ACCOUNTS}/{'f' * 24}"
    return {("dedupe", insert(copy, replace(_registered(copy), originator_id=stream, user_id="f" * 24)))}


def entered_twice(copy: Copy) -> Findings:
    entry = one(located(copy), lambda each: isinstance(each.event, EntryRecorded)).event
    return {("impossible", insert(copy, replace(entry, originator_version=2)))}


INSERTED = (
    after_the_end,
    recorded_twice,
    in_the_middle_of_nothing,
    in_a_partition_of_others,
    with_a_key_that_is_held,
    registered_twice,
    with_the_name_of_another,
    entered_twice,
)


@pytest.mark.parametrize("page", [replay.PAGE, 7])
@pytest.mark.parametrize("damage", INSERTED, ids=[damage.__name__ for damage in INSERTED])
def test_a_replay_finds_an_inserted_event(
    damage: Callable[[Copy], Findings],
    page: int,
    copy: Copy,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Also where it comes with another page than what it contradicts."""
    monkeypatch.setattr(replay, "PAGE", page)
    expected = damage(copy)
    assert expected == replayed(copy, capsys, compares=False).in_the_log
    assert expected == damaged(copy, capsys).in_the_log


# Damage beside the log


@pytest.mark.parametrize("sort", ["change", "remove", "add"])
@everything
def test_a_replay_names_a_stored_row_that_differs_from_the_log(
    copy: Copy, name: str, sort: str, capsys: pytest.CaptureFixture[str]
) -> None:
    done = {table: getattr(Serving(copy, oid), sort)() for table, oid in copy.serving(name).items()}
    rows = [[table, *map(str, key.values())] for table, key in done.items() if key is not None]
    found = damaged(copy, capsys)
    assert set() == found.in_the_log
    assert sorted(map(words, found.beside_it)) == sorted(words(" ".join(row)) for row in rows)
    parts = {str(key.get("part", partition(ACCOUNTS, PARTITIONS))) for key in done.values() if key is not None}
    assert parts == {each["position"] for each in found.told["findings"]}
    said = "".join(each["why"] for each in found.told["findings"])
    assert "password_hash" not in said.replace("password_hash: … → …", "")


def words(of: str) -> list[str]:
    """In an order of their own: the columns of a key have none here."""
    return sorted(of.split(" "))


# What a person is told


def test_a_replay_reports_the_same_findings_as_text_and_as_json(copy: Copy, capsys: pytest.CaptureFixture[str]) -> None:
    told = replayed(copy, capsys).told
    assert 0 == replay_command.check_log(copy.url, as_json=False, compares=True)
    text = capsys.readouterr().out
    assert f"{told['events']:,} events of {told['streams']:,} streams" in text
    assert all(f"{number:>14,}  {name}" in text for name, number in told["names"].items())
    assert "Nothing is wrong." in text
    flip(copy, one(located(copy), lambda each: each.is_alone), 0, 0)
    found = replayed(copy, capsys).told["findings"]
    assert 1 == replay_command.check_log(copy.url, as_json=False, compares=True)
    text = capsys.readouterr().out
    assert len(found) > 1
    assert f"{len(found):,} findings" in text
    assert all(f"{each['what']}  {each['position']}  {each['stream']}: {each['why']}" in text for each in found)


def test_a_replay_shows_at_most_a_hundred_findings_and_counts_all(
    copy: Copy, capsys: pytest.CaptureFixture[str]
) -> None:
    copy.ask("update events set originator_version = originator_version + 100")
    found = replayed(copy, capsys, compares=False).told["findings"]
    assert 1 == replay_command.check_log(copy.url, as_json=False, compares=False)
    text = capsys.readouterr().out
    assert replay_command.SHOWN == sum(f"{each['position']}  {each['stream']}: {each['why']}" in text for each in found)
    assert f"… and {len(found) - replay_command.SHOWN:,} more" in text
    assert f"{len(found):,} findings" in text
