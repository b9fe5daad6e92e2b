"""Institutions: one of a name."""

from typing import Any

from domain import institution
from domain.partition import ACCOUNTS, stream
from domain.refusal import AlreadyRegistered
from tests.examples import INSTITUTION, institution_registered, new_id, origin
from tests.given import Decision, given


def register(**changes: Any) -> Decision:
    members: dict[str, Any] = {
        "institution_id": INSTITUTION,
        "type": "school",
        "name": "Escola Básica",
        "address": "Rua das Flores, 1",
        "latitude": 40.6405,
        "longitude": -8.6538,
    }
    return lambda known: institution.register(
        **members | changes, known=known, origin=origin(), cause="register_institution"
    )


def test_an_institution_is_registered_among_the_accounts() -> None:
    given().when(register()).then(institution_registered())


def test_what_an_institution_does_not_say_is_left_open() -> None:
    given().when(register(address=None, latitude=None, longitude=None)).then(
        institution_registered(address=None, latitude=None, longitude=None)
    )


def test_the_equator_and_the_prime_meridian_are_places() -> None:
    given().when(register(latitude=0.0, longitude=0.0)).then(institution_registered(latitude=0.0, longitude=0.0))


def test_a_second_institution_of_a_name_is_refused_whatever_its_type() -> None:
    given(institution_registered()).when(register(institution_id=new_id(), type="programme")).refuses(
        AlreadyRegistered("Institution")
    )


def test_names_of_institutions_are_compared_exactly() -> None:
    other = new_id()
    given(institution_registered()).when(register(institution_id=other, name="escola básica")).then(
        institution_registered(originator_id=stream(ACCOUNTS, other), institution_id=other, name="escola básica")
    )
