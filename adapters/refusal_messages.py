"""Envelopes: the one place that translates refusals into HTTP, in the format of measurements and accounts and in that
of outcomes."""

from collections.abc import Callable
from typing import Any

import msgspec
from msgspec import UNSET, Struct, UnsetType

from application.command import Fault
from domain import refusal
from domain.refusal import Refusal

FIELDS = "One or more request fields are invalid..."
REQUIRED = "Required fields were not provided..."
ID = "A 24-byte hex ID similar to this: 507f191e810c19729de860ea is expected."
SERVER_FAULT = "An internal server error has occurred."

TOKENS = {
    "missing": "Authentication failed for lack of authentication credentials.",
    "expired": "Authentication failed because access token is expired.",
    "bad": "Authentication failed due to access token issues.",
    "gone": "The token user is not properly registered as a consumer at the gateway.",
}


class Envelope(Struct, frozen=True):
    code: int
    message: str
    description: str | UnsetType = UNSET
    redirect_link: str | UnsetType = UNSET


def _unauthorized(reason: str) -> Envelope:
    return Envelope(401, "UNAUTHORIZED", TOKENS[reason], "/auth")


def _fields(description: str) -> Envelope:
    return Envelope(400, FIELDS, description)


ENVELOPES: dict[type[Refusal], Callable[[Any], Envelope]] = {
    refusal.NotAuthenticated: lambda it: _unauthorized(it.reason),
    refusal.UserGone: lambda it: _unauthorized("gone"),
    refusal.LoginRefused: lambda it: Envelope(401, "Invalid username or password!"),
    refusal.Forbidden: lambda it: Envelope(403, "FORBIDDEN", "Authorization failed due to insufficient permissions."),
    refusal.ChildNotRegistered: lambda it: Envelope(
        400,
        f"There is no registered Child with ID: {it.child_id} on the platform!",
        "Please register the Child and try again...",
    ),
    refusal.ChildrenNotRegistered: lambda it: Envelope(
        400,
        "It is necessary for children to be registered before proceeding.",
        f"The following IDs were verified without registration: {', '.join(it.children)}",
    ),
    refusal.InstitutionNotRegistered: lambda it: Envelope(
        400,
        "The institution provided does not have a registration.",
        "It is necessary that the institution be registered before trying again.",
    ),
    refusal.NotFound: lambda it: Envelope(
        404,
        f"{it.title} not found!",
        f"{it.title} not found or already removed. A new operation for the same resource is not required.",
    ),
    refusal.AlreadyRegistered: lambda it: Envelope(409, f"{it.title} is already registered..."),
    refusal.InstitutionInUse: lambda it: Envelope(400, "The institution is associated with one or more users."),
    refusal.Unreadable: lambda it: Envelope(
        400,
        "Unable to process request body!",
        "Please verify that the JSON provided in the request body has a valid format and try again.",
    ),
    refusal.BadParameter: lambda it: Envelope(400, f"Parameter {{{it.name}}} is not in valid format!", ID),
    refusal.MembersMissing: lambda it: Envelope(400, REQUIRED, f"{', '.join(it.members)} are required!"),
    refusal.BadTimestamp: lambda it: Envelope(
        400,
        f"Datetime: {it.sent}, is not in valid ISO 8601 format.",
        "Datetime must be in the format: yyyy-MM-ddTHH:mm:ssZ",
    ),
    refusal.Negative: lambda it: _fields(f"{it.member} can't be negative!"),
    refusal.NotANumber: lambda it: _fields(f"{it.member} must be a valid number!"),
    refusal.NotText: lambda it: _fields(f"{it.member} must be a string!"),
    refusal.EmptyText: lambda it: _fields(f"{it.member} must have at least one character!"),
    refusal.UnsafeText: lambda it: _fields(f"{it.member} must be a valid text!"),
    refusal.TextTooLong: lambda it: _fields(f"{it.member} must have at most {it.most} characters!"),
    refusal.TooLarge: lambda it: _fields(f"{it.member} must have at most {it.most} {it.unit}!"),
    refusal.NotOneOf: lambda it: _fields(f"{it.member} must be one of: {', '.join(it.choices)}!"),
    refusal.NotAList: lambda it: _fields(f"{it.member} must be an array of ids!"),
    refusal.NotADecimal: lambda it: _fields(
        f"{it.member} must be a decimal number of at most {it.digits} digits, as text!"
    ),
    refusal.NotAnObject: lambda it: _fields(f"{it.member} must be an object!"),
    refusal.NotATime: lambda it: _fields(f"{it.member} must be a time in the format yyyy-MM-ddTHH:mm:ssZ!"),
    refusal.NotADate: lambda it: _fields(f"{it.member} must be {it.expected}!"),
    refusal.NotPositive: lambda it: _fields(f"{it.member} must be a number above 0!"),
    refusal.NotNumbers: lambda it: _fields(f"{it.member} must be an array of numbers!"),
    refusal.PasswordDiffers: lambda it: _fields(f"{it.member} does not match!"),
    refusal.PasswordTooShort: lambda it: _fields(f"{it.member} must have at least {it.least} characters!"),
    refusal.PasswordTooLong: lambda it: _fields(f"{it.member} must have at most {it.most} bytes!"),
    refusal.BadFilter: lambda it: _fields(f"{it.member} must be {it.expected}!"),
    refusal.UnknownParameter: lambda it: _fields(f"{it.member} is not a parameter of this request!"),
    refusal.GivenTwice: lambda it: _fields(f"{it.member} must be given only once!"),
    refusal.EmptyRange: lambda it: _fields(f"{it.member} must be before {it.end}!"),
}


def envelope(refused: Refusal | Fault, request_id: str) -> Envelope:
    """The envelope of a refusal, or of an internal error."""
    if isinstance(refused, Fault):
        return Envelope(500, SERVER_FAULT, f"Request id: {request_id}")
    return ENVELOPES[type(refused)](refused)


class Problem(Struct, frozen=True):
    """An error in the format of outcomes and analytics."""

    error: str
    message: str


ERRORS = {
    400: "validation_error",
    401: "unauthenticated",
    403: "forbidden",
    404: "not_found",
    405: "method_not_allowed",
    408: "request_timeout",
    409: "conflict",
    413: "payload_too_large",
    415: "unsupported_media_type",
    429: "rate_limited",
    431: "headers_too_large",
    500: "internal_error",
    503: "unavailable",
}


def problem(said: Envelope, refused: object) -> Problem:
    """An envelope in the format of outcomes. Its message is the description, or for a 403 the allowed roles."""
    if isinstance(refused, refusal.Forbidden) and refused.roles:
        return Problem(ERRORS[said.code], f"{' or '.join(refused.roles)} role required")
    return Problem(ERRORS[said.code], said.message if said.description is UNSET else said.description)


encode = msgspec.json.Encoder().encode
