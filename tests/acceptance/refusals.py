"""The refusals of the contract, word for word."""

from tests.acceptance.client import Body, Kind

FIELDS = "One or more request fields are invalid..."
ID = "A 24-byte hex ID similar to this: 507f191e810c19729de860ea is expected."


def refusal(code: int, message: str, description: str | None = None) -> Body:
    body: Body = {"code": code, "message": message}
    return body if description is None else body | {"description": description}


def fields(description: str) -> Body:
    return refusal(400, FIELDS, description)


def required(*members: str) -> Body:
    return refusal(400, "Required fields were not provided...", f"{', '.join(members)} are required!")


def bad_timestamp(as_sent: str) -> Body:
    return refusal(
        400,
        f"Datetime: {as_sent}, is not in valid ISO 8601 format.",
        "Datetime must be in the format: yyyy-MM-ddTHH:mm:ssZ",
    )


def negative(member: str) -> Body:
    return fields(f"{member} can't be negative!")


def no_number(member: str) -> Body:
    return fields(f"{member} must be a valid number!")


def bad_id(parameter: str) -> Body:
    return refusal(400, f"Parameter {{{parameter}}} is not in valid format!", ID)


def no_child(child_id: str) -> Body:
    return refusal(
        400,
        f"There is no registered Child with ID: {child_id} on the platform!",
        "Please register the Child and try again...",
    )


def already_registered(name: str) -> Body:
    return refusal(409, f"{name} is already registered...")


def not_found(kind: Kind) -> Body:
    return refusal(
        404,
        f"{kind.name} not found!",
        f"{kind.name} not found or already removed. A new operation for the same resource is not required.",
    )


def unauthorized(description: str) -> Body:
    return refusal(401, "UNAUTHORIZED", description) | {"redirect_link": "/auth"}


UNREADABLE = refusal(
    400,
    "Unable to process request body!",
    "Please verify that the JSON provided in the request body has a valid format and try again.",
)
UNIT_NO_TEXT = fields("unit must be a string!")
UNIT_EMPTY = fields("unit must have at least one character!")
UNIT_BAD_TEXT = fields("unit must be a valid text!")

NO_TOKEN = unauthorized("Authentication failed for lack of authentication credentials.")
EXPIRED = unauthorized("Authentication failed because access token is expired.")
BAD_TOKEN = unauthorized("Authentication failed due to access token issues.")
GONE = unauthorized("The token user is not properly registered as a consumer at the gateway.")
FORBIDDEN = refusal(403, "FORBIDDEN", "Authorization failed due to insufficient permissions.")
BAD_LOGIN = refusal(401, "Invalid username or password!")

NO_INSTITUTION = refusal(
    400,
    "The institution provided does not have a registration.",
    "It is necessary that the institution be registered before trying again.",
)
MEDIA_TYPE = refusal(415, "Content type must be application/json!")


def no_children(ids: str) -> Body:
    return refusal(
        400,
        "It is necessary for children to be registered before proceeding.",
        f"The following IDs were verified without registration: {ids}",
    )


def no_endpoint(path: str) -> Body:
    return refusal(404, f"Endpoint {path} not found!")


def no_method(method: str, path: str) -> Body:
    return refusal(405, f"Method {method} is not allowed for {path}!")


INSTITUTION_IN_USE = refusal(400, "The institution is associated with one or more users.")
OLD_PASSWORD_WRONG = fields("old_password does not match!")


def not_there(name: str) -> Body:
    """404 of an account or a group; `name` is the one of its 409."""
    return refusal(
        404,
        f"{name} not found!",
        f"{name} not found or already removed. A new operation for the same resource is not required.",
    )


WHOLE = {
    "page": "a whole number from 1 to 999999999999999999",
    "limit": "a whole number from 1 to 1000",
    "offset": "a whole number from 0 to 999999999999999999",
}
A_TIME = "a time in the format yyyy-MM-ddTHH:mm:ssZ, or a date"


def bad_parameter(name: str, expected: str) -> Body:
    return fields(f"{name} must be {expected}!")


def unknown_parameter(name: str) -> Body:
    return fields(f"{name} is not a parameter of this request!")


def no_text(member: str) -> Body:
    return fields(f"{member} must be a string!")


def empty_text(member: str) -> Body:
    return fields(f"{member} must have at least one character!")


def bad_text(member: str) -> Body:
    return fields(f"{member} must be a valid text!")
