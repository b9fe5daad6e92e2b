"""Refusals: the reasons for which a command or a query is refused. They are results, not failures.

Refusal
├── authorization   NotAuthenticated · LoginRefused · UserGone · Forbidden
├── not found       ChildNotRegistered · ChildrenNotRegistered · InstitutionNotRegistered · NotFound
├── conflict        AlreadyRegistered · InstitutionInUse
└── invalid input   Unreadable · BadParameter · MembersMissing · BadTimestamp · Negative · NotANumber · NotText ·
                       EmptyText · UnsafeText · TextTooLong · TooLarge · NotOneOf · NotAList · NotADecimal ·
                       NotAnObject · NotATime · NotADate · NotPositive · NotNumbers · PasswordDiffers ·
                       PasswordTooShort · PasswordTooLong · BadFilter · UnknownParameter · GivenTwice · EmptyRange
"""

from typing import TypeVar

from domain.errors import GrowthringsError


class Refusal(GrowthringsError):
    """The root of all refusals. `adapters.http` has the error response for each of them."""


R = TypeVar("R", bound=BaseException)


def without_frames(error: R) -> R:
    """The same exception without its traceback, its causes and their tracebacks, which hold the body of the request.

    For an exception that is stored as a value. If a frame that holds it raised it again, the two would keep each
    other, and the body of the request, until the garbage collector runs.
    """
    causes: list[BaseException] = [error]
    for each in causes:
        each.__traceback__ = None
        causes += [cause for cause in (each.__cause__, each.__context__) if cause is not None]
        each.__cause__ = each.__context__ = None
    return error


class NotAuthenticated(Refusal):
    """The request has no valid token: `reason` is `missing`, `expired` or `bad`."""

    def __init__(self, reason: str) -> None:
        self.reason = reason


class LoginRefused(Refusal):
    """The user name or the password is wrong. The response does not say which."""


class UserGone(Refusal):
    """The user who sent the request has been removed."""


class Forbidden(Refusal):
    """Scope, role or relation does not permit the action. `roles`: if it is the role, those that may."""

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
    """`title`: of the missing thing in messages (`Body Fat`)."""

    def __init__(self, title: str) -> None:
        self.title = title


class AlreadyRegistered(Refusal):
    """`title`: of the existing thing in messages (`Body Fat`)."""

    def __init__(self, title: str) -> None:
        self.title = title


class InstitutionInUse(Refusal):
    """The institution still has users."""


class Unreadable(Refusal):
    """The body is not JSON, or neither an object nor an array."""


class BadParameter(Refusal):
    """An id in the path is malformed; `name` is that of the path parameter (`child_id`)."""

    def __init__(self, name: str) -> None:
        self.name = name


class MembersMissing(Refusal):
    """`members`: the missing members, in the order of the contract."""

    def __init__(self, members: tuple[str, ...]) -> None:
        self.members = members


class BadTimestamp(Refusal):
    """`sent`: the text that was sent, or the JSON of any other value."""

    def __init__(self, sent: str) -> None:
        self.sent = sent


class BadMember(Refusal):
    """A member of the body, or a query parameter, is invalid."""

    def __init__(self, member: str) -> None:
        self.member = member


class Negative(BadMember):
    pass


class NotANumber(BadMember):
    pass


class NotPositive(BadMember):
    """Not a number greater than 0."""


class NotADate(BadMember):
    """`expected`: the valid dates, as text."""

    def __init__(self, member: str, expected: str) -> None:
        super().__init__(member)
        self.expected = expected


class NotText(BadMember):
    pass


class EmptyText(BadMember):
    pass


class UnsafeText(BadMember):
    """Text with U+0000 or a lone surrogate, which PostgreSQL cannot store."""


class TextTooLong(BadMember):
    def __init__(self, member: str, most: int) -> None:
        super().__init__(member)
        self.most = most


class TooLarge(BadMember):
    """`unit`: the things of which `most` are allowed."""

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
    """The password that was sent is not the current one."""


class PasswordTooShort(BadMember):
    """`least`: the minimum number of characters of a new password."""

    def __init__(self, member: str, least: int) -> None:
        super().__init__(member)
        self.least = least


class PasswordTooLong(BadMember):
    """`most`: the maximum number of bytes of a password."""

    def __init__(self, member: str, most: int) -> None:
        super().__init__(member)
        self.most = most


class BadFilter(BadMember):
    """A query parameter has an invalid value; `expected`: the valid values, as text."""

    def __init__(self, member: str, expected: str) -> None:
        super().__init__(member)
        self.expected = expected


class UnknownParameter(BadMember):
    """The endpoint has no such query parameter."""


class GivenTwice(BadMember):
    """A query parameter was given more than once."""


class EmptyRange(BadMember):
    """A range is empty: `member`, its start, is not before `end`."""

    def __init__(self, member: str, end: str) -> None:
        super().__init__(member)
        self.end = end
