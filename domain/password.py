"""The rules for passwords, and the form in which passwords and user names are stored and compared."""

from unicodedata import normalize

from domain.refusal import PasswordTooLong, PasswordTooShort

SHORTEST = 8
"""The minimum number of characters of a new password. Shorter ones of earlier versions still work."""

LONGEST = 1_024
"""The maximum number of bytes of a password in UTF-8."""


def canonical(text: str) -> str:
    """The text in Unicode NFC, in which equal characters are equal code points.

    A text of more than 1,024 characters stays as it is: no name or password is that long, and the time to normalise a
    run of combining characters grows with the square of its length.
    """
    return normalize("NFC", text) if len(text) <= LONGEST else text


def is_too_long(password: str) -> bool:
    """Whether the password is longer than any user's can be."""
    return len(password.encode("utf-8", "surrogatepass")) > LONGEST


def check(password: str, member: str) -> str:
    """A new password in its canonical form. PasswordTooShort or PasswordTooLong, for this member of the body."""
    form = canonical(password)
    if is_too_long(password) or is_too_long(form):
        raise PasswordTooLong(member, LONGEST)
    if len(form) < SHORTEST:
        raise PasswordTooShort(member, SHORTEST)
    return form
