"""The keys of one command, however odd, do not change the result of another command."""

import math
import random
from collections.abc import Sequence
from typing import Any

import msgspec
import psycopg
import pytest
from msgspec.structs import replace

from application.command import Actor, Command, Fault
from domain.measurement import MeasurementRecorded, Reading
from domain.refusal import AlreadyRegistered
from tests.adapters.world import ALL, NOON, World

HUGE = "".join(map(chr, random.Random(1).choices(range(0x4E00, 0x9FFF), k=4_000)))
"""12,000 bytes that do not compress: no index takes them."""

NUL, SURROGATE = "with \0", "with \ud800"


def among_others(world: World, odd: Command) -> Any:
    """What the odd one is answered, in the middle of a group; the others are accepted, and stored once."""
    one, other = world.children(2)
    before = [world.weights(one, [0], body_fat=20.0), world.register("child", "before")]
    after = [world.weights(other, [0]), world.register("child", "after")]
    answers = world.run(*before, odd, *after)
    assert [str, str, str, str] == kinds([*answers[:2], *answers[3:]])
    assert [AlreadyRegistered] * 4 == kinds(world.run(*before, *after))
    return answers[2]


def kinds(answers: Sequence[Any]) -> list[type]:
    """What sort of answer each command got whose only item is looked at; a fault may stand for it."""
    return [type(answer[0] if isinstance(answer, list) else answer) for answer in answers]


def only(answer: Any) -> str:
    (id,) = answer
    assert isinstance(id, str)
    return id


def owner(world: World) -> Actor:
    return Actor(world.id(world.register("educator")), "educator", ALL)


def test_an_institution_may_have_a_huge_name_once(world: World) -> None:
    assert [str] == kinds([among_others(world, world.institution(HUGE))])
    assert isinstance(world.outcome(world.institution(HUGE)), AlreadyRegistered)


def test_a_group_may_have_a_huge_name_once(world: World) -> None:
    educator, children = owner(world), world.children(1)
    assert [str] == kinds([among_others(world, world.group(educator, HUGE, children))])
    assert isinstance(world.outcome(world.group(educator, HUGE, children)), AlreadyRegistered)


def test_a_user_name_that_no_index_takes_fails_alone(world: World) -> None:
    assert isinstance(among_others(world, world.register("child", HUGE)), Fault)


def test_a_removal_and_new_posts_of_one_key_in_one_group_are_each_answered_in_turn(world: World) -> None:
    (child,) = world.children(1)
    post = world.weights(child, [0], body_fat=20.0)
    there = world.id(post)
    for _ in range(2):
        answers = world.run(post, world.remove(child, there), post, post, world.weights(child, [0]))
        assert [AlreadyRegistered, str, str, AlreadyRegistered, AlreadyRegistered] == kinds(answers)
        there = only(answers[2])
    world.id(world.remove(child, there))
    assert isinstance(world.outcome(world.weights(child, [0])), str)


def test_a_unit_with_nul_is_stored_as_sent(world: World, session: psycopg.Connection[Any]) -> None:
    (child,) = world.children(1)
    assert [str] == kinds([among_others(world, world.weights(child, [0], unit=NUL))])
    rows = session.execute("select state from events where topic = %s", [MeasurementRecorded.stored_name])
    stored = [msgspec.json.decode(state, type=MeasurementRecorded) for (state,) in rows]
    assert NUL in [event.unit for event in stored]


@pytest.mark.parametrize("text", [NUL, SURROGATE])
def test_text_that_no_table_takes_fails_alone(world: World, text: str) -> None:
    assert [Fault] == kinds([among_others(world, world.register("child", text))])


@pytest.mark.parametrize("text", [NUL, SURROGATE])
@pytest.mark.parametrize("odd", ["child", "user to remove", "member of a family", "institution", "actor"])
def test_text_that_nobody_can_be_looked_up_by_fails_alone(world: World, odd: str, text: str) -> None:
    elsewhere = replace(world, institution_id=text)
    command: Command = {
        "child": world.weights(text, [0]),
        "user to remove": world.remove_user(text),
        "member of a family": world.register("family", children=(text,)),
        "institution": elsewhere.register("child"),
        "actor": replace(world.institution("another"), actor=Actor(text, "admin", ALL)),
    }[odd]
    assert [Fault] == kinds([among_others(world, command)])


@pytest.mark.parametrize("value", [math.inf, math.nan])
def test_a_value_that_json_does_not_have_fails_alone(world: World, value: float) -> None:
    (child,) = world.children(1)
    reading = Reading(child, "weight", NOON, value, "kg")
    odd = replace(world.weights(child, []), readings=[reading])
    assert [Fault] == kinds([among_others(world, odd)])
