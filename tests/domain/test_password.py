"""Rules for new passwords, and which texts are the same password or user name."""

import pytest

from domain import password
from domain.password import canonical, is_too_long
from domain.refusal import PasswordTooLong, PasswordTooShort

COMPOSED, DECOMPOSED = "\u00e9", "e\u0301"


@pytest.mark.parametrize("sent", ["eight ch", "x" * 1_024, COMPOSED * 8, COMPOSED * 512, "\U0001f600" * 8])
def test_a_password_has_8_characters_to_1024_bytes(sent: str) -> None:
    assert sent == password.check(sent, "password")


@pytest.mark.parametrize("sent", ["", "seven c", "\U0001f600" * 7, DECOMPOSED * 7])
def test_a_password_of_fewer_characters_is_refused(sent: str) -> None:
    with pytest.raises(PasswordTooShort) as refused:
        password.check(sent, "new_password")
    assert ("new_password", 8) == (refused.value.member, refused.value.least)


@pytest.mark.parametrize("sent", ["x" * 1_025, COMPOSED * 513, DECOMPOSED * 342, "\u0958" * 341, "x" * 1_000_000])
def test_a_password_of_more_bytes_is_refused_as_sent_and_in_unicode_nfc(sent: str) -> None:
    with pytest.raises(PasswordTooLong) as refused:
        password.check(sent, "password")
    assert ("password", 1_024) == (refused.value.member, refused.value.most)


def test_a_new_password_is_stored_in_unicode_nfc() -> None:
    assert COMPOSED * 8 == password.check(DECOMPOSED * 8, "password")
    assert COMPOSED == canonical(DECOMPOSED)


def test_a_text_of_more_than_1024_characters_is_not_normalised() -> None:
    assert DECOMPOSED * 1_000 == canonical(DECOMPOSED * 1_000)


def test_a_password_with_a_lone_surrogate_has_a_length_in_bytes() -> None:
    assert not is_too_long("\ud800")
