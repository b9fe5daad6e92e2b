"""Prepares the service: the schema, the keys, and a first admin. Waits for a database that another process prepares."""

import io
import secrets
import select
import sys
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from threading import Event as Flag
from typing import Any, TextIO
from uuid import uuid4

import psycopg
import structlog
from argon2 import PasswordHasher
from psycopg import Connection

from adapters.auth.keys import UnusableKey
from adapters.auth.own_keys import OwnKeys, key_source
from adapters.errors import CommandFailed
from adapters.postgres import watchdog
from adapters.postgres.connections import limited
from adapters.postgres.event_store import PostgresEventStore
from adapters.postgres.migrate import LOCK, LOCK_STATEMENT, is_under_way, migrate, schema
from adapters.postgres.schema_check import MigrationRefused
from adapters.postgres.wait_for_database import connect_when_available, is_connection_lost
from adapters.refusal_messages import envelope
from adapters.settings import VARIABLES, Settings
from application.command import Command
from application.commands.register_first_admin import SERVICE, RegisterFirstAdmin
from application.commands.register_user import NewUser
from application.commands.take_out_strangers import TakeOutStrangers
from application.outage import Outage
from application.ports import LogUnavailable
from application.processor import Processor
from domain.password import canonical
from domain.password import check as check_password
from domain.refusal import BadMember
from projections.inline.directory import SQL as DIRECTORY
from projections.rebuild import inline_views
from projections.views.generations import UnknownVersion, outdated_views

logger = structlog.get_logger()

QUERY_TIMEOUT = 5.0
"""Seconds for each statement that checks whether a process may start."""

GROUPS_PER_COMMAND = 500
"""Children's groups that one command corrects."""

PREPARE_TIME = 15.0
"""Seconds in which another process must begin to migrate the schema. After that, the wait has no limit."""

SHOW_TIMEOUT = 10.0
"""Seconds in which the output must accept the first admin's password: other processes wait meanwhile."""


class NotPrepared(CommandFailed):
    """The database could not be prepared; the message says why."""


def wait_until_prepared(url: str, *, for_commands: bool = False) -> None:
    """Return when the schema is current. NotPrepared if it is not after PREPARE_TIME and no process migrates it.

    With `for_commands`, also NotPrepared if the projections that decide commands are missing.
    """
    with watchdog.watched_connector(url) as connect, connect("prepare") as connection:
        _wait_until_prepared(connection, for_commands=for_commands)


def connect_when_prepared(url: str, stopping: Flag) -> bool:
    """Wait until the database can be reached and is prepared; False once `stopping` is set.

    NotPrepared; OperationalError if the database refuses the session.
    """
    while (connection := connect_when_available(url, stopping)) is not None:
        try:
            with connection:
                _wait_until_prepared(connection, stopping, for_commands=True)
                return not stopping.is_set()
        except psycopg.OperationalError as error:
            if not is_connection_lost(error):
                raise
    return False


def _wait_until_prepared(connection: Connection[Any], stopping: Flag | None = None, *, for_commands: bool) -> None:
    stopping = stopping or Flag()
    deadline = time.monotonic() + PREPARE_TIME
    connection.autocommit = True
    waiting = Outage("waiting for another process that migrates the schema", "the schema is up to date")
    while True:
        with limited(connection, QUERY_TIMEOUT):
            is_changing = is_under_way(connection)  # first: a migration that ends in between shows in the schema
            stands = schema(connection)
        if stands.is_current:
            waiting.works()
            break
        if stands.is_newer or (time.monotonic() > deadline and not is_changing):
            raise NotPrepared(stands.what)
        if is_changing:
            waiting.failed(stands.what)
        if stopping.wait(0.05):
            return
    with limited(connection, QUERY_TIMEOUT):
        if connection.execute("select from heads limit 1").fetchone() is None:
            raise NotPrepared("the log has no partitions: the database was restored in part, restore a complete backup")
        if for_commands:
            check_inline_views(connection)


def check_inline_views(connection: Connection[Any]) -> None:
    """NotPrepared if the inline projections of a log are missing: without them, commands would be decided wrongly."""
    if missing := inline_views.missing_inline_views(connection):
        raise NotPrepared(
            f"the log has users, but {' and '.join(missing)}, by which commands are decided, hold nothing: "
            f"run `growthrings views rebuild --without-comparison {' '.join(missing)}`, and start again"
        )


def outdated_view_notices(url: str) -> list[str]:
    """A notice for each view that an older version of its code serves."""
    with watchdog.watched_connector(url) as connect, connect("prepare") as connection:
        return [
            f"The view {each.view} is served by version {each.live} of its code; "
            f"`./scripts/rebuild {each.view}` brings version {each.latest}."
            for each in outdated_views(connection)
        ]


def equal_name_notices(url: str) -> list[str]:
    """A notice for each group of stored user names that are equal in Unicode NFC."""
    with watchdog.watched_connector(url) as connect, connect("prepare") as connection:
        found = connection.execute(DIRECTORY["equal_names"]).fetchall()
    return [
        "These users have names that are equal in Unicode NFC, and log in with them as they were registered: "
        + ", ".join(f"{name!a} ({user_id})" for name, user_id in zip(names, ids, strict=True))
        for names, ids in found
    ]


def prepare(settings: Settings, data: Path, url: str, *, out: TextIO | None = None) -> None:
    """Prepare the database and the data folder. Several processes may run it, at once and again. NotPrepared.

    A generated password of the first admin is shown on `out` (default: standard output) before the admin is stored.
    """
    try:
        OwnKeys(key_source(settings, data))
    except UnusableKey as error:
        raise NotPrepared(str(error)) from error
    with watchdog.watched_connector(url) as connect, connect("prepare") as connection:
        migrate_schema(connection, settings.partitions)
        check_inline_views(connection)
        with connection.transaction():
            # One process at a time: each password that is shown must be the one that is stored.
            connection.execute(LOCK_STATEMENT, {"lock": LOCK})
            ((has_admin,),) = connection.execute(DIRECTORY["has_admin"]).fetchall()
            if not has_admin:
                _register_first_admin(settings, connect, out)
            elif settings.admin_password is not None:
                logger.warning(
                    "GROWTHRINGS_ADMIN_PASSWORD has no effect: there is an admin already, and "
                    "`growthrings users reset-password` gives one another password"
                )
        _take_out_strangers(connection, connect)


def migrate_schema(connection: Connection[Any], partitions: int) -> None:
    """Migrate the schema to this version. NotPrepared."""
    try:
        migrate(connection, partitions)
    except (MigrationRefused, UnknownVersion) as error:
        raise NotPrepared(str(error)) from error
    except psycopg.errors.ReadOnlySqlTransaction as error:
        raise NotPrepared(
            "the schema has to be changed, but PostgreSQL takes no writes: it is a standby, or "
            "`default_transaction_read_only` is on for this server, database or role"
        ) from error
    except psycopg.OperationalError:
        raise
    except psycopg.Error as error:
        raise NotPrepared(f"the schema cannot be made: {error.diag.message_primary or error}") from error


def _take_out_strangers(connection: Connection[Any], connect: Callable[[str], Connection[Any]]) -> None:
    """Remove children of other institutions from groups; earlier versions accepted them."""
    groups = [group_id for (group_id,) in connection.execute(DIRECTORY["groups_across_institutions"]).fetchall()]
    connection.rollback()
    for start in range(0, len(groups), GROUPS_PER_COMMAND):
        some = groups[start : start + GROUPS_PER_COMMAND]
        _run(connect, TakeOutStrangers(actor=SERVICE, request_id=_request_id(), group_ids=some))


def _register_first_admin(settings: Settings, connect: Callable[[str], Connection[Any]], out: TextIO | None) -> None:
    password = settings.admin_password or secrets.token_urlsafe(12)
    try:
        form = check_password(password, VARIABLES["admin_password"])
    except BadMember as error:
        raise NotPrepared(str(envelope(error, "").description)) from error
    password_hash = PasswordHasher(memory_cost=settings.argon2_memory).hash(form)
    if settings.admin_password is None:
        # Shown before the admin is stored: if this process ends in between, the next start generates another password.
        _show(f"The first admin is {settings.admin_username!r} with password {password!r}: shown only now.", out)
    command = RegisterFirstAdmin(
        actor=SERVICE,
        request_id=_request_id(),
        user=NewUser("admin", canonical(settings.admin_username), password_hash),
    )
    _run(connect, command)
    logger.info("first admin registered")


def _request_id() -> str:
    return uuid4().hex[:24]


def _run(connect: Callable[[str], Connection[Any]], command: Command) -> None:
    """Run a command of the service itself. NotPrepared; OperationalError if the database is lost."""
    try:
        with closing(PostgresEventStore(connect)) as log:
            answer = Processor(log).run([command], oldest_waits=True)[0]
            if isinstance(answer, LogUnavailable):
                raise answer
    except LogUnavailable as error:
        if isinstance(error.__cause__, psycopg.OperationalError) and is_connection_lost(error.__cause__):
            raise error.__cause__ from error
        raise NotPrepared(f"{command.name} failed: {error}") from error
    failed = [each for each in answer if not isinstance(each, str)] if isinstance(answer, list) else [answer]
    if failed:
        raise NotPrepared(f"{command.name} failed: {failed[0]!r}")


def _show(line: str, out: TextIO | None) -> None:
    out = sys.stdout if out is None else out
    if out is None or out.closed:  # for example, started with a closed standard output
        raise _not_shown("it is closed")
    if not _is_writable(out):
        raise _not_shown(f"it is a full pipe that nobody has read for {SHOW_TIMEOUT:g} s")
    try:
        print(line, file=out, flush=True)
    except OSError as error:
        raise _not_shown(str(error.strerror)) from error


def _is_writable(out: TextIO) -> bool:
    """Whether a line can be written without blocking; waits SHOW_TIMEOUT seconds for a reader."""
    try:
        descriptor = out.fileno()
    except io.UnsupportedOperation:  # a buffer in memory
        return True
    poll = select.poll()
    poll.register(descriptor, select.POLLOUT)
    return bool(poll.poll(SHOW_TIMEOUT * 1_000))


def _not_shown(reason: str) -> NotPrepared:
    return NotPrepared(
        f"the password of the first admin cannot be written to the output ({reason}), so there is no admin yet: start "
        f"again with another output, or set {VARIABLES['admin_password']}"
    )
