"""Stored events do not depend on how commands are divided into batches."""

import re
from collections.abc import Iterable
from copy import deepcopy
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from application.command import Command
from application.processor import Processor
from domain.catalogue import encode
from domain.event import Event
from domain.measurement import MeasurementsWithdrawn
from domain.user import UserRemoved
from tests.application.model import comparable
from tests.application.people import People
from tests.application.world import World, events_in
from tests.example_commands import remove_user, unlink_child
from tests.fakes import FakeLog

ID = "[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}|[0-9a-f]{24}"
TIMES = re.compile('"(recorded|happened)_at":"[^"]+",?')


def facts(log: FakeLog, after: dict[int, int]) -> list[str]:
    """The events after these positions, by partition, without times; new ids are numbered in order."""
    known = {id for part in log.events for event in log.events[part][: after[part]] for id in ids_in(event)}
    since = [event for part in log.events for event in log.events[part][after[part] :]]
    new = dict.fromkeys(id for event in since for id in ids_in(event) if id not in known)
    numbers = {id: f"new {number}" for number, id in enumerate(new)}
    texts = []
    for event in since:
        text = re.sub(ID, lambda found: numbers.get(found[0], found[0]), encode(event).decode())
        texts.append(f"{event.stored_name} {TIMES.sub('', text)}")
    return texts


def ids_in(event: Event) -> Iterable[str]:
    return re.findall(ID, encode(event).decode())


def run(log: FakeLog, batches: Iterable[list[Command]]) -> list[Any]:
    """The results of all commands in order."""
    processor, answers = Processor(log), []
    for batch in batches:
        answered = processor.run(batch, oldest_waits=True)
        answers += [comparable(answered[place]) for place in range(len(batch))]
    return answers


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_a_batch_of_commands_stores_the_same_events_as_the_commands_one_by_one(data: st.DataObject) -> None:
    log = FakeLog(partitions=1)
    world = World(log)
    people = People(world)
    for sort in data.draw(st.lists(st.sampled_from(people.sorts), min_size=5, max_size=25)):
        command = sort(data.draw)
        (answer,) = world.run(command)
        people.model.answer(command, answer)
        people.take_in(command, answer)
    batch = [sort(data.draw) for sort in data.draw(st.lists(st.sampled_from(people.sorts), min_size=2, max_size=8))]
    other, places = deepcopy(log), {part: len(events) for part, events in log.events.items()}
    assert run(log, [[command] for command in batch]) == run(other, [batch])
    assert facts(log, places) == facts(other, places)


def test_a_removed_child_is_not_unlinked_by_a_later_command_of_the_batch() -> None:
    world = World(FakeLog(partitions=1))
    family = world.registered("family", children=(world.child,))
    removed = remove_user(actor=world.admin, user_id=world.child)
    world.run(removed, unlink_child(actor=world.admin, family_id=family.id, child_id=world.child))
    assert [UserRemoved, MeasurementsWithdrawn] == [type(event) for event in events_in(world.log, 0)[-2:]]
