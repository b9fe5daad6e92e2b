"""Institutions: their names are unique until they are removed, which needs an institution without users."""

from typing import Any

import pytest

from domain import institution
from domain.event import Fact
from domain.institution import Institution
from domain.partition import ACCOUNTS, stream
from domain.refusal import AlreadyRegistered, InstitutionInUse
from tests.examples import INSTITUTION, institution_registered, institution_removed, new_id
from tests.given import Decision, KnownEvents, given


def register(**changes: Any) -> Decision:
    members: dict[str, Any] = {
        "institution_id": INSTITUTION,
        "type": "school",
        "name": "Escola Básica",
        "address": "Rua das Flores, 1",
        "latitude": 40.6405,
        "longitude": -8.6538,
    }
    return lambda known: institution.register(**members | changes, known=known)


def remove(users: int = 0) -> Decision:
    def decide(known: KnownEvents) -> Fact:
        there = institution.fold(known.history(institution.stream_of(INSTITUTION)))
        assert there is not None, "only one that is there is removed"
        return institution.remove(there, users=users)

    return decide


def test_an_institution_is_registered_among_the_accounts() -> None:
    given().when(register()).then(institution_registered())


def test_members_of_an_institution_are_optional() -> None:
    given().when(register(address=None, latitude=None, longitude=None)).then(
        institution_registered(address=None, latitude=None, longitude=None)
    )


def test_the_equator_and_the_prime_meridian_are_places() -> None:
    given().when(register(latitude=0.0, longitude=0.0)).then(institution_registered(latitude=0.0, longitude=0.0))


def test_institution_names_are_unique_over_all_types() -> None:
    given(institution_registered()).when(register(institution_id=new_id(), type="programme")).refuses(
        AlreadyRegistered("Institution")
    )


def test_names_of_institutions_are_compared_exactly() -> None:
    other = new_id()
    given(institution_registered()).when(register(institution_id=other, name="escola básica")).then(
        institution_registered(originator_id=stream(ACCOUNTS, other), institution_id=other, name="escola básica")
    )


def test_an_institution_without_users_is_removed() -> None:
    given(institution_registered()).when(remove()).then(institution_removed())


@pytest.mark.parametrize("users", [1, 2, 1_000_000])
def test_an_institution_with_users_is_not_removed(users: int) -> None:
    given(institution_registered()).when(remove(users)).refuses(InstitutionInUse())


def test_the_name_of_a_removed_institution_is_free() -> None:
    other = new_id()
    given(institution_registered(), institution_removed()).when(register(institution_id=other)).then(
        institution_registered(originator_id=stream(ACCOUNTS, other), institution_id=other)
    )


def test_the_name_of_another_institution_stays_taken() -> None:
    other = new_id()
    escola = institution_registered(originator_id=stream(ACCOUNTS, other), institution_id=other, name="Escola")
    given(institution_registered(), escola, institution_removed()).when(
        register(institution_id=new_id(), name="Escola")
    ).refuses(AlreadyRegistered("Institution"))


def test_an_institution_is_what_it_was_registered_as() -> None:
    expected = Institution(1, INSTITUTION, "school", "Escola Básica", "Rua das Flores, 1", 40.6405, -8.6538)
    assert expected == institution.fold([institution_registered()])


def test_no_institution_is_there_before_the_first_event_and_after_the_removal() -> None:
    assert None is institution.fold([])
    assert None is institution.fold([institution_registered(), institution_removed()])
