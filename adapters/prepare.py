"""What must be there before the service starts: the schema, the keys, and somebody who may register the others."""

import secrets
import time
from pathlib import Path
from typing import Any
from uuid import uuid4

from argon2 import PasswordHasher
from psycopg import Connection
from psycopg.errors import InsufficientPrivilege

from adapters.auth.keys import NoKey
from adapters.auth.own_keys import OwnKeys, key_source
from adapters.http.envelope import envelope
from adapters.postgres.connections import connector
from adapters.postgres.log import PostgresLog
from adapters.postgres.migrate import SchemaChanged, is_current, migrate
from adapters.settings import VARIABLES, Settings
from application.commands.register_first_admin import SERVICE, RegisterFirstAdmin
from application.commands.register_user import NewUser
from application.ports import LogUnavailable
from application.processor import Processor
from domain.password import canonical
from domain.password import check as check_password
from domain.refusal import BadMember
from projections import inline
from projections.directory import SQL as DIRECTORY
from projections.generations import UnknownVersion, older


class NotPrepared(Exception):
    """The database cannot be made ready; the message says why."""


def wait_until_prepared(url: str, seconds: float = 15.0, *, for_commands: bool = False) -> None:
    """Return when the schema is there; NotPrepared when it still is not after so many seconds, or when commands cannot
    be decided, where they shall be."""
    deadline = time.monotonic() + seconds
    with connector(url)("prepare") as connection:
        connection.autocommit = True
        while not is_current(connection):
            if time.monotonic() > deadline:
                raise NotPrepared("the database has not been prepared: run `growthrings prepare`, or `serve`")
            time.sleep(0.05)
        if for_commands:
            check_inline(connection)


def check_inline(connection: Connection[Any]) -> None:
    """Nothing may decide commands, or make a first admin, beside a log whose inline projections are missing.
    NotPrepared."""
    if missing := inline.not_grown(connection):
        raise NotPrepared(
            f"the log has users, but {' and '.join(missing)}, by which commands are decided, hold nothing: "
            f"run `growthrings views rebuild --without-comparison {' '.join(missing)}`, and start again"
        )


def outdated(url: str) -> list[str]:
    """What to tell of every view that an older version of its code serves."""
    with connector(url)("prepare") as connection:
        return [
            f"The view {each.view} is served by version {each.live} of its code; "
            f"`./scripts/rebuild {each.view}` brings version {each.latest}."
            for each in older(connection)
        ]


def equal_names(url: str) -> list[str]:
    """What to tell of user names that were registered as sent, and are equal in Unicode NFC."""
    with connector(url)("prepare") as connection:
        found = connection.execute(DIRECTORY["equal_names"]).fetchall()
    return [
        "These users have names that are equal in Unicode NFC, and log in with them as they were registered: "
        + ", ".join(f"{name!a} ({user_id})" for name, user_id in zip(names, ids, strict=True))
        for names, ids in found
    ]


def prepare(settings: Settings, data: Path, url: str) -> str | None:
    """Make the database and the data folder ready; safe to run again, and by several at once.

    The password of the first admin where this call has made one up, else None. NotPrepared.
    """
    try:
        OwnKeys(key_source(settings, data))
    except NoKey as error:
        raise NotPrepared(str(error)) from error
    connect = connector(url)
    with connect("prepare") as connection:
        try:
            migrate(connection, settings.partitions)
        except (UnknownVersion, SchemaChanged, InsufficientPrivilege) as error:
            raise NotPrepared(str(error).strip()) from error
        check_inline(connection)
        row = connection.execute(DIRECTORY["has_admin"]).fetchone()
    if row is not None and row[0]:
        return None
    password = settings.admin_password or secrets.token_urlsafe(12)
    try:
        form = check_password(password, VARIABLES["admin_password"])
    except BadMember as error:
        raise NotPrepared(str(envelope(error, "").description)) from error
    password_hash = PasswordHasher(memory_cost=settings.argon2_memory).hash(form)
    command = RegisterFirstAdmin(
        actor=SERVICE,
        request_id=uuid4().hex[:24],
        user=NewUser("admin", canonical(settings.admin_username), password_hash),
    )
    log = PostgresLog(connect)
    try:
        answer = Processor(log).run([command], oldest_waits=True)[0]
    finally:
        log.close()
    if isinstance(answer, LogUnavailable):
        raise NotPrepared(str(answer)) from answer
    is_new = isinstance(answer, list) and isinstance(answer[0], str)
    return password if is_new and settings.admin_password is None else None
