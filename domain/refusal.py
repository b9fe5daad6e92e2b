"""Refusals: the ways in which a decision says no. They belong to the domain and are no failures.

Refusal
├── who may            NotAuthenticated · LoginRefused · UserGone · Forbidden
├── what is not there  ChildNotRegistered · ChildrenNotRegistered · InstitutionNotRegistered · NotFound
├── what is there      AlreadyRegistered · InstitutionInUse
└── what was sent      Unreadable · BadParameter · MembersMissing · BadTimestamp · Negative · NotANumber · NotText ·
                       EmptyText · UnsafeText · TextTooLong · TooLarge · NotOneOf · NotAList · NotADecimal ·
                       NotAnObject · NotATime · NotADate · NotPositive · NotNumbers · PasswordDiffers ·
                       PasswordTooShort · PasswordTooLong · BadFilter · UnknownParameter · GivenTwice · EmptyRange
"""

from typing import TypeVar


class Refusal(Exception):
    """A decision's no. The arguments say what was refused; `adapters.http` says it in HTTP."""


R = TypeVar("R", bound=BaseException)


def without_frames(error: R) -> R:
    """The same exception without the frames it passed through, nor those of its causes: they hold all that was sent.

    For an exception that is kept as a value. One that is raised again by a frame that also holds it would keep that
    frame, and with it the body of its request, until the garbage collector runs.
    """
    causes: list[BaseException] = [error]
    for each in causes:
        each.__traceback__ = None
        causes += [cause for cause in (each.__cause__, each.__context__) if cause is not None]
        each.__cause__ = each.__context__ = None
    return error


class NotAuthenticated(Refusal):
    """Nobody known asks: `reason` is `missing`, `expired` or `bad`."""

    def __init__(self, reason: str) -> None:
        self.reason = reason


class LoginRefused(Refusal):
    """User name or password is wrong; which of the two is not told."""


class UserGone(Refusal):
    """The one who asks has been removed."""


class Forbidden(Refusal):
    """Scope, role or relation does not allow it. `roles`: where it is the role, those that it is allowed to."""

    def __init__(self, roles: tuple[str, ...] = ()) -> None:
        self.roles = roles


class ChildNotRegistered(Refusal):
    def __init__(self, child_id: str) -> None:
        self.child_id = child_id


class ChildrenNotRegistered(Refusal):
    """`children`: the ids without a registration, in the order sent."""

    def __init__(self, children: tuple[str, ...]) -> None:
        self.children = children


class InstitutionNotRegistered(Refusal):
    pass


class NotFound(Refusal):
    """`title`: what was looked for, as people call it (`Body Fat`)."""

    def __init__(self, title: str) -> None:
        self.title = title


class AlreadyRegistered(Refusal):
    """`title`: what is there already, as people call it (`Body Fat`)."""

    def __init__(self, title: str) -> None:
        self.title = title


class InstitutionInUse(Refusal):
    """The institution still has users."""


class Unreadable(Refusal):
    """The body is no JSON, or neither an object nor an array."""


class BadParameter(Refusal):
    """An id in the path has not the form of one; `name` is its place in the path (`child_id`)."""

    def __init__(self, name: str) -> None:
        self.name = name


class MembersMissing(Refusal):
    """`members`: the missing ones, in the order of the contract."""

    def __init__(self, members: tuple[str, ...]) -> None:
        self.members = members


class BadTimestamp(Refusal):
    """`sent`: the text as it was sent, or the JSON of anything else."""

    def __init__(self, sent: str) -> None:
        self.sent = sent


class BadMember(Refusal):
    """A member of the body is not what it should be."""

    def __init__(self, member: str) -> None:
        self.member = member


class Negative(BadMember):
    pass


class NotANumber(BadMember):
    pass


class NotPositive(BadMember):
    """Not a number above 0."""


class NotADate(BadMember):
    """`expected`: which dates there may be."""

    def __init__(self, member: str, expected: str) -> None:
        super().__init__(member)
        self.expected = expected


class NotText(BadMember):
    pass


class EmptyText(BadMember):
    pass


class UnsafeText(BadMember):
    """Text with U+0000 or a lone surrogate, which no database keeps."""


class TextTooLong(BadMember):
    def __init__(self, member: str, most: int) -> None:
        super().__init__(member)
        self.most = most


class TooLarge(BadMember):
    """`unit`: what there may be `most` of."""

    def __init__(self, member: str, most: int, unit: str) -> None:
        super().__init__(member)
        self.most = most
        self.unit = unit


class NotOneOf(BadMember):
    def __init__(self, member: str, choices: tuple[str, ...]) -> None:
        super().__init__(member)
        self.choices = choices


class NotAList(BadMember):
    pass


class NotADecimal(BadMember):
    def __init__(self, member: str, digits: int) -> None:
        super().__init__(member)
        self.digits = digits


class NotAnObject(BadMember):
    pass


class NotATime(BadMember):
    pass


class NotNumbers(BadMember):
    pass


class PasswordDiffers(BadMember):
    """The password sent is not the one that is kept."""


class PasswordTooShort(BadMember):
    """`least`: characters that a new password must have."""

    def __init__(self, member: str, least: int) -> None:
        super().__init__(member)
        self.least = least


class PasswordTooLong(BadMember):
    """`most`: bytes that a password may have."""

    def __init__(self, member: str, most: int) -> None:
        super().__init__(member)
        self.most = most


class BadFilter(BadMember):
    """A query parameter that cannot be read; `expected`: what it must be."""

    def __init__(self, member: str, expected: str) -> None:
        super().__init__(member)
        self.expected = expected


class UnknownParameter(BadMember):
    """A query parameter that the endpoint does not have."""


class GivenTwice(BadMember):
    """A query parameter that is there more than once, and should not be."""


class EmptyRange(BadMember):
    """`member`, where a range begins, is not before `end`."""

    def __init__(self, member: str, end: str) -> None:
        super().__init__(member)
        self.end = end
