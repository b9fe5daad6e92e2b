"""Outcomes: their names are unique per brand and metric."""

import pytest

from domain import outcome
from domain.event import Fact
from domain.outcome import HIGHER, Definition, Outcome
from domain.partition import ACCOUNTS, stream
from domain.refusal import AlreadyRegistered
from tests.examples import OUTCOME, definition, institution_registered, outcome_created, outcome_revised
from tests.given import Decision, KnownEvents, given

NEXT = "01903a5c-9c9f-7125-8000-0130a0800000"
REVISED = definition(name="Weight", description=None, unit=None, direction=HIGHER)


def create(said: Definition, outcome_id: str = OUTCOME) -> Decision:
    return lambda known: outcome.create(said, known, outcome_id=outcome_id)


def revise(said: Definition) -> Decision:
    def decide(known: KnownEvents) -> list[Fact]:
        there = outcome.fold(known.history(outcome.stream_of(OUTCOME)))
        assert there is not None
        return outcome.revise(there, said, known)

    return decide


def test_an_outcome_is_created_among_the_accounts() -> None:
    given().when(create(definition())).then(outcome_created())


def test_a_brand_has_one_outcome_of_a_metric_and_name() -> None:
    other = definition(description=None, unit="lb", direction=HIGHER)
    given(outcome_created()).when(create(other, NEXT)).refuses(AlreadyRegistered("Outcome"))


@pytest.mark.parametrize("change", [{"brand_id": "another"}, {"metric_key": "body_fat"}, {"name": "healthy weight"}])
def test_outcomes_of_another_brand_metric_or_name_are_created(change: dict[str, str]) -> None:
    said = definition(**change)
    expected = outcome_created(originator_id=stream(ACCOUNTS, NEXT), outcome_id=NEXT, definition=said)
    given(outcome_created()).when(create(said, NEXT)).then(expected)


def test_an_outcome_may_have_the_name_of_its_institution() -> None:
    said = definition(name="Escola Básica")
    given(institution_registered()).when(create(said)).then(outcome_created(definition=said))


def test_a_revision_of_an_outcome_has_all_members_and_the_former_name() -> None:
    given(outcome_created()).when(revise(REVISED)).then(outcome_revised())


def test_a_revision_of_an_outcome_frees_its_former_name_and_takes_the_new_one() -> None:
    other = {"originator_id": stream(ACCOUNTS, NEXT), "outcome_id": NEXT}
    given(outcome_created(), outcome_revised()).when(create(definition(), NEXT)).then(outcome_created(**other))
    given(outcome_created(), outcome_revised()).when(create(REVISED, NEXT)).refuses(AlreadyRegistered("Outcome"))


def test_an_outcome_cannot_be_renamed_to_a_taken_name() -> None:
    other = outcome_created(originator_id=stream(ACCOUNTS, NEXT), outcome_id=NEXT, definition=definition(name="Weight"))
    given(outcome_created(), other).when(revise(REVISED)).refuses(AlreadyRegistered("Outcome"))


def test_an_outcome_may_be_revised_under_its_name() -> None:
    said = definition(unit="lb")
    expected = outcome_revised(definition=said)
    given(outcome_created()).when(revise(said)).then(expected)


def test_a_revision_of_an_outcome_that_changes_nothing_is_an_event() -> None:
    given(outcome_created()).when(revise(definition())).then(outcome_revised(definition=definition()))


def test_an_outcome_has_the_definition_of_its_last_event() -> None:
    assert None is outcome.fold([])
    assert Outcome(1, OUTCOME, definition()) == outcome.fold([outcome_created()])
    assert Outcome(2, OUTCOME, REVISED) == outcome.fold([outcome_created(), outcome_revised()])
