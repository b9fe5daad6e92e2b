"""A question waits for what concerns it and for nothing else: here nobody keeps the views, so what it waits for never
comes."""

from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import timedelta
from typing import Any

import psycopg
import pytest
from msgspec.structs import replace
from psycopg_pool import AsyncConnectionPool

from adapters.postgres.query_pools import QueryPool
from adapters.postgres.readers import freshness
from adapters.postgres.readers.analytics import AnalyticsReader, Values
from adapters.postgres.readers.outcomes import OutcomesReader
from application.queries.outcomes import ListEntries, OutcomeRow, Period, ReadOutcome
from application.unavailable import Unavailable
from domain.measurement import Reading
from projections.views.outcomes import Outcomes
from tests.adapters.world import NOON, World
from tests.conftest import PARTITIONS

SEEN = """insert into places (part, view, generation, seq)
    select part, 'outcomes', 1, max(seq) from events group by part on conflict do nothing"""


class Asker:
    """Asks about outcomes of a world, by somebody who may."""

    def __init__(self, world: World, pool: QueryPool, session: psycopg.Connection[Any]) -> None:
        self.world = world
        self.analytics = AnalyticsReader(pool, PARTITIONS)
        self._outcomes = OutcomesReader(pool, PARTITIONS)
        self._session = session

    def see_all(self) -> None:
        """As if a projector had come as far as the log."""
        self._session.execute(SEEN)

    async def outcome(self, name: str, metric_key: str = "steps") -> OutcomeRow:
        """A new one."""
        id = self.world.id(self.world.outcome_of(name, metric_key))
        return await self._outcomes.outcome(ReadOutcome(actor=self.world.application, outcome_id=id))

    async def entries(self, outcome: OutcomeRow, subject_id: str | None = None) -> Any:
        question = ListEntries(actor=self.world.application, outcome_id=outcome.id, subject_id=subject_id)
        return await self._outcomes.entries(question)

    def enter(self, outcome: OutcomeRow, subject_id: str = "anna", hours: range = range(3)) -> None:
        assert self.world.run(self.world.entries(outcome.id, subject_id, hours))


@pytest.fixture
async def asker(world: World, database: str, session: psycopg.Connection[Any]) -> AsyncIterator[Asker]:
    async with AsyncConnectionPool(database, kwargs={"autocommit": True}, open=False) as connections:
        yield Asker(world, QueryPool(connections, wait=0.05), session)


Question = Callable[[Asker, OutcomeRow, str | None], Awaitable[Any]]

WAITING: dict[str, Question] = {
    "summary": lambda asker, outcome, who: asker.analytics.summary(Values(outcome, subject_id=who)),
    "changes": lambda asker, outcome, who: asker.analytics.changes(Values(outcome, subject_id=who), "arm"),
    "pairs": lambda asker, outcome, who: asker.analytics.pairs(*[Values(outcome, subject_id=who)] * 2),
    "entries": lambda asker, outcome, who: asker.entries(outcome, who),
}
"""Those that wait for new entries."""

ADDING: dict[str, Question] = {
    "series": lambda asker, outcome, who: asker.analytics.series(Values(outcome, subject_id=who), "day"),
    "means": lambda asker, outcome, who: asker.analytics.daily_means(Values(outcome, subject_id=who)),
}
"""Those that add new entries to what the view holds."""

ANALYSES = {name: ask for name, ask in {**WAITING, **ADDING}.items() if name != "entries"}
"""Those that rest on measurements as well."""

each_question = pytest.mark.parametrize("ask", [*WAITING.values(), *ADDING.values()], ids=[*WAITING, *ADDING])
each_waiting = pytest.mark.parametrize("ask", WAITING.values(), ids=WAITING)
each_analysis = pytest.mark.parametrize("ask", ANALYSES.values(), ids=ANALYSES)


async def waits(asked: Awaitable[Any]) -> bool:
    """Whether it is not answered."""
    try:
        await asked
    except Unavailable:
        return True
    return False


@each_question
async def test_a_query_does_not_wait_for_entries_of_another_outcome(asker: Asker, ask: Question) -> None:
    mine, other = await asker.outcome("mine"), await asker.outcome("other")
    asker.enter(other)
    assert not await waits(ask(asker, mine, None))
    assert not await waits(ask(asker, mine, "anna"))


@each_waiting
async def test_a_query_waits_for_entries_of_its_outcome(asker: Asker, ask: Question) -> None:
    outcome = await asker.outcome("mine")
    asker.enter(outcome)
    assert await waits(ask(asker, outcome, None))
    assert await waits(ask(asker, outcome, "anna"))
    asker.see_all()
    assert not await waits(ask(asker, outcome, None))


@each_waiting
async def test_a_query_does_not_wait_for_entries_of_another_subject(asker: Asker, ask: Question) -> None:
    outcome = await asker.outcome("mine")
    for number in range(PARTITIONS * 4):
        asker.enter(outcome, f"subject {number}", range(1))
    assert not await waits(ask(asker, outcome, "anna"))


async def test_a_query_of_two_outcomes_waits_for_both(asker: Asker) -> None:
    mine, other = await asker.outcome("mine"), await asker.outcome("other")
    asker.enter(other)
    assert await waits(asker.analytics.pairs(Values(mine), Values(other)))
    assert await waits(asker.analytics.pairs(Values(other), Values(mine)))


@each_analysis
async def test_a_query_waits_for_measurements_that_its_outcome_uses(asker: Asker, ask: Question) -> None:
    world = asker.world
    weight, fat, steps = [await asker.outcome(name, name) for name in ("weight", "body_fat", "steps")]
    child, sibling = world.children_apart(2)
    asker.see_all()

    async def waiting(who: str | None = None) -> list[bool]:
        return [await waits(ask(asker, outcome, who)) for outcome in (weight, fat, steps)]

    first = world.id(world.weights(child, [0]))
    assert [True, False, False] == await waiting() == await waiting(child)
    assert [False, False, False] == await waiting(sibling)
    asker.see_all()
    world.run(world.weights(child, [1], body_fat=20.0))
    assert [True, True, False] == await waiting() == await waiting(child)
    asker.see_all()
    world.id(world.remove(child, first))
    assert [True, False, False] == await waiting() == await waiting(child)
    asker.see_all()
    world.id(world.remove_user(child))
    assert [True, True, False] == await waiting() == await waiting(child)
    assert [False, False, False] == await waiting(sibling)


@each_analysis
async def test_a_query_does_not_wait_for_measurements_of_another_institution(asker: Asker, ask: Question) -> None:
    world = asker.world
    mine = await asker.outcome("mine", "weight")
    (child,) = world.children(1)
    other = replace(mine, brand_id="f" * 24)
    world.run(world.weights(child, [0]))
    assert (True, False) == (await waits(ask(asker, mine, None)), await waits(ask(asker, other, None)))


@each_analysis
async def test_a_query_waits_for_a_revised_measurement_wherever_it_belongs_now(asker: Asker, ask: Question) -> None:
    """It may have been another institution's."""
    world = asker.world
    fat = await asker.outcome("fat", "body_fat")
    (child,) = world.children(1)
    alone = replace(world.weights(child, [0]), readings=[Reading(child, "body_fat", NOON, 20.0, "%")])
    assert world.id(alone)
    asker.see_all()
    assert world.id(world.weights(child, [0], body_fat=21.0))
    assert await waits(ask(asker, replace(fat, brand_id="f" * 24), None))


@each_waiting
async def test_a_query_with_too_many_unapplied_events_waits_for_all(
    asker: Asker, ask: Question, monkeypatch: pytest.MonkeyPatch
) -> None:
    mine, other = await asker.outcome("mine"), await asker.outcome("other")
    asker.see_all()
    monkeypatch.setattr(freshness, "MAX_UNSEEN_EVENTS", 7)
    asker.enter(other, hours=range(6))
    assert not await waits(ask(asker, mine, None))
    asker.enter(other, "ben", range(1))
    assert await waits(ask(asker, mine, None))
    asker.see_all()
    assert not await waits(ask(asker, mine, None))


async def test_a_query_adds_new_entries_to_the_rows_of_the_view(asker: Asker) -> None:
    mine, other = await asker.outcome("mine"), await asker.outcome("other")
    asker.enter(mine, hours=range(0, 48, 6))
    asker.enter(mine, "ben", range(30, 31))
    asker.enter(other)
    points = await asker.analytics.series(Values(mine), "day")
    assert [(2, 3.5, 0.5, 6.5), (5, 23.3, 12.5, 30.5), (2, 39.5, 36.5, 42.5)] == [
        (point.count, point.mean, point.minimum, point.maximum) for point in points
    ]
    of_ben = await asker.analytics.series(Values(mine, subject_id="ben"), "week")
    assert [(1, 30.5)] == [(point.count, point.mean) for point in of_ben]
    period = Period(NOON + timedelta(hours=6), NOON + timedelta(hours=30))
    means = await asker.analytics.daily_means(Values(mine, period))
    assert [6.5, 18.5] == [day.mean for day in means]


def test_every_event_of_the_view_outcomes_has_a_rule_of_what_it_concerns() -> None:
    """Another would be waited for by everybody."""
    assert [] == [topic for topic in sorted(Outcomes.topics) if f"'{topic}'" not in freshness.SQL["concerns"]]
