"""A client of the API that retries while the service is busy or unavailable; its requests must be idempotent."""

from collections.abc import Callable
from typing import Any, TypeVar

import httpx
import msgspec
from msgspec import Struct

from adapters.errors import CommandFailed

PAUSES = (0.5, 1.0, 2.0, 4.0, 8.0, 8.0, 8.0)
"""Minimum seconds before each retry; after the last retry the client gives up."""

LONGEST_WAIT = 60.0
"""Maximum seconds of a Retry-After header; the client gives up when the service asks for more."""

BUSY = (429, 502, 503, 504)

T = TypeVar("T")


class ServiceFailed(CommandFailed):
    """The service cannot be reached or refuses a request; the message says why."""


class _TemporarilyUnavailable(ServiceFailed):
    """The service is busy or unreachable. `asked`: the seconds of its Retry-After header."""

    def __init__(self, why: str, asked: float = 0.0) -> None:
        super().__init__(why)
        self.asked = asked


class _Login(Struct, frozen=True):
    access_token: str


class _ErrorBody(Struct, frozen=True):
    """An error response in either format."""

    message: str
    description: str = ""


class RetryingClient:
    """Does not retry until the service has answered once: the address may be wrong."""

    def __init__(self, http: httpx.Client, username: str, password: str, wait: Callable[[float, str], None]) -> None:
        """`wait`: waits for this many seconds, and prints the reason."""
        self._http = http
        self._credentials = {"username": username, "password": password}
        self._wait = wait
        self._reached = False

    def log_in(self) -> None:
        """ServiceFailed, also when the user name or the password is wrong."""
        answer = self._with_retries("POST", "/v1/auth", self._credentials)
        self._http.headers["Authorization"] = f"Bearer {checked(answer, 200, _Login).access_token}"

    def ask(self, method: str, path: str, body: Any = None) -> httpx.Response:
        """Send a request, with `body` as JSON, and return the response. An expired token is replaced. ServiceFailed."""
        answer = self._with_retries(method, path, body)
        if answer.status_code != 401:
            return answer
        self.log_in()
        return self._with_retries(method, path, body)

    def _with_retries(self, method: str, path: str, body: Any) -> httpx.Response:
        content = None if body is None else msgspec.json.encode(body)
        for pause in PAUSES:
            try:
                return self._send_once(method, path, content)
            except _TemporarilyUnavailable as away:
                if away.asked > LONGEST_WAIT:
                    raise
                self._wait(max(pause, away.asked), str(away))
        return self._send_once(method, path, content)

    def _send_once(self, method: str, path: str, content: bytes | None) -> httpx.Response:
        try:
            answer = self._http.request(method, path, content=content)
        except httpx.RequestError as error:
            why = f"{self._http.base_url} cannot be reached: {str(error) or type(error).__name__}."
            raise (_TemporarilyUnavailable(why) if self._reached else ServiceFailed(why)) from error
        self._reached = True
        if answer.status_code in BUSY:
            asked = answer.headers.get("Retry-After", "")
            raise _TemporarilyUnavailable(said(answer), float(asked) if asked.isascii() and asked.isdigit() else 0.0)
        return answer


def reason(answer: httpx.Response) -> str:
    """The error message of a response."""
    try:
        told = msgspec.json.decode(answer.content, type=_ErrorBody)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return "the response is not one of Growthrings."
    return f"{told.message} {told.description}".strip()


def said(answer: httpx.Response) -> str:
    """The same, with the request."""
    return f"{answer.request.method} {answer.request.url.path} was answered with {answer.status_code}: {reason(answer)}"


def checked(answer: httpx.Response, status: int, type: type[T]) -> T:
    """The decoded body of a response. ServiceFailed for another status or body."""
    if answer.status_code != status:
        raise ServiceFailed(said(answer))
    try:
        return msgspec.json.decode(answer.content, type=type)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise ServiceFailed(said(answer)) from error
