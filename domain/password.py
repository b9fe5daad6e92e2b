"""What a password must be, and the form in which passwords and user names are kept and compared."""

from unicodedata import normalize

from domain.refusal import PasswordTooLong, PasswordTooShort

SHORTEST = 8
"""Characters of a new password. Shorter ones that were set before still log in."""

LONGEST = 1_024
"""Bytes of a password, in UTF-8."""


def canonical(text: str) -> str:
    """The text in Unicode NFC, in which the same characters are always the same code points.

    A text of more than 1,024 characters stays as it is: no name or password is so long, and normalising a long run of
    combining characters takes quadratic time.
    """
    return normalize("NFC", text) if len(text) <= LONGEST else text


def is_too_long(password: str) -> bool:
    """Whether no user can have this password."""
    return len(password.encode("utf-8", "surrogatepass")) > LONGEST


def check(password: str, member: str) -> str:
    """A new password in the form to keep. PasswordTooShort and PasswordTooLong name the member that was sent."""
    form = canonical(password)
    if is_too_long(password) or is_too_long(form):
        raise PasswordTooLong(member, LONGEST)
    if len(form) < SHORTEST:
        raise PasswordTooShort(member, SHORTEST)
    return form
