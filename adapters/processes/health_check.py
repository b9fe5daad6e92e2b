"""Health checks of the API and of the projector on this machine or in this container."""

import urllib.error

import psycopg

from adapters.errors import CommandFailed
from adapters.postgres.connections import connector
from adapters.settings import Settings
from adapters.system import tls
from projections.projector.sessions import is_of_this_host
from projections.rebuild.status import SQL, statuses

TIMEOUT = 4.0
"""Seconds in which the API must answer."""

MAX_ERROR_BYTES = 1_000
"""Bytes of an error response that the message quotes."""


class Unhealthy(CommandFailed):
    """The check failed; the message tells a person what is wrong."""


def check_api(settings: Settings, port: int) -> None:
    """Raise Unhealthy unless the API on this port is ready."""
    scheme = "https" if tls.is_on(settings) else "http"
    try:
        with tls.local_opener().open(f"{scheme}://127.0.0.1:{port}/health/ready", timeout=TIMEOUT):
            return
    except urllib.error.HTTPError as error:
        with error:
            body = error.read(MAX_ERROR_BYTES).decode(errors="replace")
        raise Unhealthy(f"the API answers {error.code}: {body}") from error
    except OSError as error:
        raise Unhealthy(f"the API does not answer: {error}") from error


def check_projector(url: str | None) -> None:
    """Raise Unhealthy unless projectors of this machine keep every live view. `url`: None if there is no database."""
    if url is None:
        raise Unhealthy("there is no database")
    try:
        with connector(url)("healthy") as connection:
            rows = connection.execute(SQL["status"]).fetchall()
    except psycopg.Error as error:
        # Its message may quote the address, and so a password.
        raise Unhealthy(f"the database does not answer: {type(error).__name__}") from error
    live = [each for each in statuses(rows, {}) if each.state == "live"]
    unattended = [each.view for each in live if not any(map(is_of_this_host, each.workers))]
    if unattended or not live:
        raise Unhealthy(f"no projector of this machine keeps {', '.join(unattended) or 'any view'}")
