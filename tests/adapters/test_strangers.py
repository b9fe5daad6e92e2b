"""At the upgrade, children of other institutions leave the groups that were formed before that was refused."""

from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import psycopg
import pytest
from msgspec.structs import replace

from adapters.postgres.connections import connector
from adapters.processes import prepare
from adapters.settings import Settings
from application.command import Actor
from application.commands.take_out_strangers import TakeOutStrangers
from application.ports import Reads
from domain import group
from domain.catalogue import encode
from domain.event import Event
from domain.group import GroupRevised
from tests.adapters.world import ALL, World, settle_in
from tests.examples import group_formed, new_id

CHEAP = Settings(argon2_memory=64)


@pytest.fixture
def database_url(new_database: Callable[..., str]) -> str:
    return new_database()


@pytest.fixture
def world(database_url: str) -> Iterator[World]:
    made = settle_in(connector(database_url))
    with closing(made.log):
        yield made


def formed_before(world: World, owner: Actor, *children: str) -> str:
    """The id of a group that was formed when nobody looked at institutions."""
    group_id = new_id()
    event = group_formed(
        originator_id=group.stream_of(group_id),
        group_id=group_id,
        owner_id=owner.id,
        name=group_id,
        children=children,
    )
    known = world.log.begin(range(world.log.partitions), ())
    event = replace(event, origin=replace(event.origin, recorded_at=known.recorded_at))
    known.apply([event], [encode(event)])
    world.log.append(known)
    world.log.commit(known)
    return group_id


def owner_in(world: World, institution_id: str) -> Actor:
    command = world.register("educator")
    return Actor(world.id(replace(command, user=replace(command.user, institution_id=institution_id))), "educator", ALL)


def history(world: World, group_id: str) -> list[Event]:
    """The facts of a group."""
    known = world.log.begin((), ())
    world.log.load(known, Reads(histories={group.stream_of(group_id)}))
    world.log.rollback()
    return known.history(group.stream_of(group_id))


def links(database_url: str, owner: Actor) -> set[str]:
    """The children that an owner may see."""
    with psycopg.connect(database_url) as session:
        return {id for (id,) in session.execute("select child_id from ties where owner_id = %s", [owner.id])}


def test_strangers_leave_a_group_by_a_fact_of_the_service_and_only_once(
    world: World, database_url: str, tmp_path: Path
) -> None:
    here, there = world.institution_id, world.id(world.institution("another"))
    owner, other = owner_in(world, here), owner_in(world, there)
    first, stranger, second = world.children(3)
    mine, theirs = formed_before(world, owner, first, second), formed_before(world, other, stranger, first)
    assert {stranger, first} == links(database_url, other)
    for _ in range(2):
        prepare.prepare(CHEAP, tmp_path, database_url)
        assert set() == links(database_url, other)
        assert {first, second} == links(database_url, owner)
        (_, revised) = history(world, theirs)
        assert isinstance(revised, GroupRevised)
        assert ("growthrings", "service") == (revised.origin.actor_id, revised.origin.actor_role)
        assert (TakeOutStrangers.name, ()) == (revised.cause, revised.children)
        assert revised.former_name == revised.name == theirs
        assert 1 == len(history(world, mine))


def test_a_group_of_many_is_left_with_its_own(
    world: World, database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Several commands of the service, where there are many groups."""
    monkeypatch.setattr(prepare, "GROUPS_PER_COMMAND", 2)
    there = world.id(world.institution("another"))
    own, stranger = world.children(2)
    command = world.register("child")
    elsewhere = world.id(replace(command, user=replace(command.user, institution_id=there)))
    owner = owner_in(world, world.institution_id)
    groups = [formed_before(world, owner, own, elsewhere, stranger) for _ in range(5)]
    prepare.prepare(CHEAP, tmp_path, database_url)
    assert {own, stranger} == links(database_url, owner)
    assert [2] * 5 == [len(history(world, each)) for each in groups]


def test_a_rename_leaves_out_a_stranger_who_is_still_there(world: World, database_url: str) -> None:
    """As where a process of the version before formed the group during the upgrade."""
    there = world.id(world.institution("another"))
    owner = owner_in(world, there)
    (stranger,) = world.children(1)
    group_id = formed_before(world, owner, stranger)
    world.id(world.revise(owner, group_id, name="renamed"))
    assert set() == links(database_url, owner)
