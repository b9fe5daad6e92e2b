"""The accounts of a simulated programme: users come and leave, and the domain decides their commands."""

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta
from random import Random
from typing import TypeVar

from msgspec import Struct, field
from msgspec.structs import replace

from application.envelope import events_of
from application.ids import Ids, uuid_of
from domain import audit, family, group, institution, measurement, outcome, user
from domain.dedupe import Key
from domain.event import Event, Fact, Origin
from domain.group import Group
from domain.outcome import Definition, Outcome
from domain.partition import name_of
from domain.user import Profile
from scripts.benchmarks.read_entries import FIRST

INSTITUTIONS = 5
CLASS = 20
"""Children per group."""
REMOVED = 0.1
"""Share of the leaving children that are removed, with all their measurements."""
DAY = 86_400_000_000
"""Microseconds per day."""
SALT = 0x5EED01
"""Salt of all ids, so that every run of a programme has the same ids."""
PASSWORD_HASH = "$argon2id$v=19$m=65536,t=3,p=4$YSBzYWx0IG9mIDE2IGI$nJx5Kx8cB0d3JtX5vQ7nJ2mU0lq6Ck0m0b8hM2fPz1E"

State = TypeVar("State")


class Told(Struct):
    """Implements `domain.known.Known` with the given state only."""

    held: dict[Key, str] = field(default_factory=dict)
    histories: dict[str, list[Event]] = field(default_factory=dict)

    def holder(self, key: Key) -> str | None:
        return self.held.get(key)

    def history(self, stream: str) -> list[Event]:
        return self.histories.get(stream, [])

    def version(self, stream: str) -> int:
        return max((event.originator_version for event in self.histories.get(stream, ())), default=0)


NOTHING = Told()


def happened(*facts: Fact, origin: Origin, cause: str, version: Callable[[str], int] = NOTHING.version) -> list[Event]:
    """The events of one command."""
    return events_of(facts, version, origin=origin, cause=cause)


def after(*events: Event) -> Callable[[str], int]:
    """The versions of the streams whose last events these are."""
    return {event.originator_id: event.originator_version for event in events}.__getitem__


def there(state: State | None) -> State:
    """The state, which the caller knows to exist."""
    assert state is not None
    return state


class Child(Struct):
    """`account` and `family`: the first and the last event of each stream.

    `weighed`: the events of the last weight with a body fat, as long as none of them is removed.
    """

    id: str
    institution_id: str
    account: list[Event]
    family: list[Event]
    weight: float
    weighed: Sequence[Event] = ()


class Office:
    """The participants of the programme; `number` children at a time."""

    def __init__(self, random: Random, number: int) -> None:
        self.children: list[Child] = []
        self.outcomes: list[Outcome] = []
        self._random = random
        self._number = number
        self._now = FIRST
        self._commands = 0
        self._institutions: list[str] = []
        self._educators: list[str] = []
        self._groups: list[Group] = []

    def asked(self, by: str = "application") -> Origin:
        """The origin of the next command. Each day has about as many commands as there are children."""
        self._commands += 1
        self._now += timedelta(microseconds=self._random.randrange(1_000, 2 * DAY // self._number))
        return Origin(self._now, f"{by} of the programme", by, f"{self._commands:024x}")

    def begin(self) -> Iterator[Sequence[Event]]:
        """The events before the first day."""
        yield self._register("admin", None)
        for number in range(INSTITUTIONS):
            registered = self._institution(f"School {number}")
            self._institutions.append(name_of(registered[0].originator_id))
            yield registered
            educator = self._register("educator", self._institutions[-1])
            self._educators.append(name_of(educator[0].originator_id))
            yield educator
            yield self._outcome(Definition(f"Outcome {number}", self._institutions[-1], f"metric {number}"))
        for place in range(self._number):
            yield from self.come(place)

    def come(self, place: int) -> Iterator[Sequence[Event]]:
        """A child and its family arrive, in place of one that left."""
        institution_id = self._random.choice(self._institutions)
        account = self._register("child", institution_id)
        id = name_of(account[0].originator_id)
        parents = self._register("family", institution_id, (id,))
        self.children[place : place + 1] = [
            Child(id, institution_id, account, parents, weight=self._random.uniform(18, 60))
        ]
        yield account
        yield parents

    def leave(self, child: Child) -> Iterator[Sequence[Event]]:
        """A child leaves. Most are not removed, but only no longer measured."""
        if self._random.random() < REMOVED:
            origin = self.asked("admin")
            removed = user.remove(there(user.fold(child.account)))
            withdrawn = measurement.withdraw(child.id)
            known = Told(histories={removed.stream: child.account})
            yield happened(removed, withdrawn, origin=origin, cause="remove_user", version=known.version)

    def day(self) -> Iterator[Sequence[Event]]:
        """The events of one day, apart from measurements."""
        matters = [self._close_a_school, self._revise_an_outcome, self._change_a_password, self._link_and_unlink]
        matters += [self._revise_a_group, self._disband_a_group] if self._groups else [self._form_a_group]
        yield from self._random.choice([*matters, self._form_a_group, self._read_the_audit])()

    def _close_a_school(self) -> Iterator[Sequence[Event]]:
        registered = self._institution(f"School of {self._commands}")
        yield registered
        removed = institution.remove(there(institution.fold(registered)), users=0)
        origin = self.asked("admin")
        yield happened(removed, origin=origin, cause="remove_institution", version=after(*registered))

    def _revise_an_outcome(self) -> Iterator[Sequence[Event]]:
        place, origin = self._random.randrange(len(self.outcomes)), self.asked("admin")
        before = self.outcomes[place]
        definition = replace(before.definition, description=f"As of {origin.recorded_at:%B %Y}")
        facts = outcome.revise(before, definition, NOTHING)
        revised = happened(*facts, origin=origin, cause="revise_outcome", version=lambda _: before.version)
        self.outcomes[place] = there(outcome.fold(revised))
        yield revised

    def _change_a_password(self) -> Iterator[Sequence[Event]]:
        child, origin = self._random.choice(self.children), self.asked("admin")
        first, last = child.account[0], child.account[-1]
        other_hash = PASSWORD_HASH[: -len(origin.request_id)] + origin.request_id
        account = there(user.fold(child.account))
        change = user.change_password(account, replaced=account.password_hash, password_hash=other_hash)
        (changed,) = happened(change, origin=origin, cause="change_password", version=after(last))
        yield [changed]
        account = there(user.fold([first, changed]))
        change = user.reset_password(account, password_hash=PASSWORD_HASH)
        (reset,) = happened(change, origin=self.asked("admin"), cause="reset_password", version=after(changed))
        yield [reset]
        account = there(user.fold([first, reset]))
        facts = user.renew_hash(account, replaced=PASSWORD_HASH, password_hash=other_hash)
        renewed = happened(*facts, origin=self.asked("admin"), cause="renew_password_hash", version=after(reset))
        child.account = [first, *renewed]
        yield renewed

    def _read_the_audit(self) -> Iterator[Sequence[Event]]:
        origin = self.asked("admin")
        stream = self._random.choice(self.children).account[0].originator_id
        read = audit.read(stream, reader_id=origin.actor_id, reading_id=_id(origin), as_of=None, known_at=None)
        yield happened(read, origin=origin, cause="read_audit")

    def _link_and_unlink(self) -> Iterator[Sequence[Event]]:
        child, other = self._random.sample(self.children, 2)
        link = family.link(there(user.fold(child.family)), other.id)
        (linked,) = happened(link, origin=self.asked("admin"), cause="tie_child", version=after(child.family[-1]))
        yield [linked]
        unlink = family.unlink(there(user.fold([child.family[0], linked])), other.id)
        (unlinked,) = happened(unlink, origin=self.asked("admin"), cause="untie_child", version=after(linked))
        child.family = [child.family[0], unlinked]
        yield [unlinked]

    def _form_a_group(self) -> Iterator[Sequence[Event]]:
        origin = self.asked("educator")
        facts = group.form(
            group_id=_id(origin),
            owner_id=self._random.choice(self._educators),
            name=f"Class {self._commands}",
            children=self._class(),
            school_class=None,
            known=NOTHING,
        )
        formed = happened(*facts, origin=origin, cause="form_group")
        self._groups.append(there(group.fold(formed)))
        yield formed

    def _revise_a_group(self) -> Iterator[Sequence[Event]]:
        place, origin = self._random.randrange(len(self._groups)), self.asked("educator")
        before = self._groups[place]
        name, children = f"Class {self._commands}", self._class()
        facts = group.revise(before, name=name, children=children, school_class="2a", known=NOTHING)
        revised = happened(*facts, origin=origin, cause="revise_group", version=lambda _: before.version)
        self._groups[place] = there(group.fold(revised))
        yield revised

    def _disband_a_group(self) -> Iterator[Sequence[Event]]:
        before = self._groups.pop(self._random.randrange(len(self._groups)))
        fact = group.disband(before)
        yield happened(fact, origin=self.asked("educator"), cause="disband_group", version=lambda _: before.version)

    def _class(self) -> tuple[str, ...]:
        return tuple(child.id for child in self._random.sample(self.children, min(CLASS, len(self.children))))

    def _institution(self, name: str) -> list[Event]:
        origin = self.asked("admin")
        facts = institution.register(
            institution_id=_id(origin),
            type="school",
            name=name,
            address=None,
            latitude=None,
            longitude=None,
            known=NOTHING,
        )
        return happened(*facts, origin=origin, cause="register_institution")

    def _outcome(self, definition: Definition) -> list[Event]:
        origin = self.asked("admin")
        facts = outcome.create(definition, NOTHING, outcome_id=uuid_of(_id(origin)))
        created = happened(*facts, origin=origin, cause="create_outcomes")
        self.outcomes.append(there(outcome.fold(created)))
        return created

    def _register(self, role: str, institution_id: str | None, children: tuple[str, ...] = ()) -> list[Event]:
        origin = self.asked("admin")
        user_id = _id(origin)
        facts = user.register(
            user_id=user_id,
            role=role,
            username=f"{role} {user_id}",
            password_hash=PASSWORD_HASH,
            institution_id=institution_id,
            profile=Profile(gender="female", age="8") if role == "child" else Profile(),
            children=children,
            known=NOTHING,
        )
        return happened(*facts, origin=origin, cause="register_user")


def new_ids(origin: Origin) -> Callable[[], str]:
    """The ids that one command creates, which are the same in every run."""
    return Ids(lambda: SALT).since(origin.recorded_at)


def _id(origin: Origin) -> str:
    return new_ids(origin)()


def measured_at(origin: Origin) -> datetime:
    """A time before the recording time, with a precision of milliseconds."""
    then = origin.recorded_at - timedelta(minutes=5)
    return then.replace(microsecond=then.microsecond // 1000 * 1000)
