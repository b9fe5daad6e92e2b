"""`growthrings users`: lists users, registers admins and resets passwords, for the operator of the machine."""

import argparse
import sys
from collections.abc import Iterator
from contextlib import closing
from getpass import getpass
from uuid import uuid4

from argon2 import PasswordHasher

from adapters.cli import arguments
from adapters.cli.arguments import Parser, add_action
from adapters.cli.prepared_database import prepared_database
from adapters.errors import CommandFailed
from adapters.postgres.connections import connector
from adapters.postgres.event_store import PostgresEventStore
from adapters.refusal_messages import envelope
from adapters.settings import Settings
from adapters.system.terminal import print_line
from application.command import Command
from application.commands.create_admin import CreateAdmin
from application.commands.register_first_admin import SERVICE
from application.commands.register_user import NewUser
from application.commands.reset_password import ResetPasswordLocally
from application.processor import Processor
from domain import password
from domain.password import canonical
from domain.refusal import BadMember, Refusal
from domain.user import USERNAME_LENGTH
from projections.inline.directory import SQL as DIRECTORY

EPILOG = "The command asks for the password; without a terminal, it reads standard input."


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.epilog = EPILOG
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION", parser_class=Parser)
    add_action(actions, "list", "List all users who may log in: id, role and name.")
    for name, help in (
        ("create-admin", "Register another admin."),
        ("reset-password", "Set a new password for a user and invalidate the user's tokens."),
    ):
        action = add_action(actions, name, help, epilog=EPILOG)
        action.add_argument("username", type=arguments.text, metavar="NAME", help="The name of the user.")


def run(settings: Settings, parsed: argparse.Namespace) -> int:
    with prepared_database(settings, parsed.data) as url:
        match parsed.action:
            case "list":
                for line in list_all(url):
                    print_line(line)
            case "create-admin":
                print_line(create_admin(settings, url, parsed.username))
            case "reset-password":
                print_line(reset_password(settings, url, parsed.username))
    return 0


def list_all(url: str) -> Iterator[str]:
    """A line for each user who may log in, in the order of registration."""
    with connector(url)("users") as connection, connection.cursor("users") as cursor:
        for user_id, role, username, _ in cursor.execute(DIRECTORY["all_users"]):
            yield f"{user_id}  {role:18}  {username!r}"


def create_admin(settings: Settings, url: str, username: str) -> str:
    """Register an admin with this name, and a password that the operator enters. Returns the text to print; raises
    CommandFailed."""
    name = canonical(username)
    if not 0 < len(name) <= USERNAME_LENGTH:
        raise CommandFailed(f"A user name has 1 to {USERNAME_LENGTH} characters.")
    new = NewUser("admin", name, _new_hash(settings))
    _run(url, CreateAdmin(actor=SERVICE, request_id=_request_id(), user=new))
    return f"{name!r} is an admin from now on."


def reset_password(settings: Settings, url: str, username: str) -> str:
    """Set a new password, which the operator enters, for the user with this name. Returns the text to print; raises
    CommandFailed."""
    with connector(url)("users") as connection:
        found = connection.execute(DIRECTORY["login"], {"username": username}).fetchone()
    if found is None:
        raise CommandFailed(f"There is no user {username!r}: `growthrings users list` shows all.")
    command = ResetPasswordLocally(
        actor=SERVICE, request_id=_request_id(), user_id=found[0], password_hash=_new_hash(settings)
    )
    _run(url, command)
    return f"{username!r} has the new password from now on; tokens issued before are refused."


def _new_hash(settings: Settings) -> str:
    sent = _typed() if sys.stdin.isatty() else _read()
    try:
        new = password.check(sent, "The password")
    except BadMember as error:
        raise CommandFailed(str(envelope(error, "").description)) from error
    return PasswordHasher(memory_cost=settings.argon2_memory).hash(new)


def _typed() -> str:
    sent = getpass("New password: ")
    if getpass("Once more: ") != sent:
        raise CommandFailed("The two passwords differ; nothing was changed.")
    return sent


def _read() -> str:
    """The first line of standard input."""
    line = sys.stdin.buffer.readline(2 * password.LONGEST)
    try:
        return line.decode().rstrip("\r\n")
    except UnicodeDecodeError as error:
        raise CommandFailed("The password on standard input must be UTF-8.") from error


def _request_id() -> str:
    return uuid4().hex[:24]


def _run(url: str, command: Command) -> None:
    with closing(PostgresEventStore(connector(url))) as log:
        answer = Processor(log).run([command], oldest_waits=True)[0]
    outcome = answer[0] if isinstance(answer, list) else answer
    if isinstance(outcome, Refusal):
        raise CommandFailed(envelope(outcome, command.request_id).message)
    if not isinstance(outcome, str):
        raise CommandFailed(f"The command failed, and nothing was changed: {outcome}")
