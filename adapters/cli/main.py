"""The commands that people, scripts and other processes run."""

import argparse
import os
import signal
import sys
import time
from contextlib import suppress
from pathlib import Path

import structlog

from adapters.cli import arguments
from adapters.errors import CommandFailed, UsageError
from adapters.settings import VARIABLES, Settings, from_environment, renamed, unknown_variables
from adapters.system.terminal import print_error, print_line
from adapters.telemetry import logs
from adapters.version import VERSION

CHECKOUT = Path(__file__).parents[2]

DATA = (CHECKOUT if (CHECKOUT / "pyproject.toml").is_file() else Path.cwd()) / ".data"
"""The data folder: that of the checkout or, for an installed package, of the current folder."""


SERVICES = {"serve": "supervisor", "api": "api", "project": "projector", "prepare": "prepare"}
"""Command → name of its process in the log. What others do, they tell the person who runs them: theirs has warnings."""


def main(words: list[str] | None = None) -> int:
    """Run a command; 0 when it went well, 1 when not, 2 when it was not understood, 130 when it was stopped.

    The one place where errors become sentences: what no command answers itself ends here, without a trace.
    """
    if sys.stderr is None:  # it was closed: who is told nothing still has the exit code
        sys.stderr = open(os.devnull, "w")  # noqa: SIM115  # open to the end
    try:
        return _run(words)
    except KeyboardInterrupt:
        print_error("Stopped.")
        return 130
    except BrokenPipeError:  # who read the output wants no more of it
        _drop_output()
        return 1
    except CommandFailed as error:
        print_error(str(error))
        return error.exit_code
    except Exception as error:
        from adapters.cli.error_messages import explain

        if isinstance(error, OSError):
            _drop_output()
        text, code = explain(error)
        print_error(text)
        structlog.get_logger().debug("the command ended with an error", exc_info=error)
        return code


def _run(words: list[str] | None) -> int:
    if sys.stdout is None:
        raise CommandFailed("Standard output is closed: send it to a file, a program or /dev/null.")
    parsed = _parser().parse_args(words)
    settings = from_environment()
    _configure_log(settings, parsed.command)
    for name, meant in unknown_variables().items():
        structlog.get_logger().warning("unknown variable is ignored", variable=name, did_you_mean=meant)
    for former, variable in renamed().items():
        message = "setting has a new name; the next version ignores the former one"
        structlog.get_logger().warning(message, variable=former, use=variable)
    code = int(parsed.run(settings, parsed) or 0)
    sys.stdout.flush()
    return code


def _configure_log(settings: Settings, command: str) -> None:
    level = settings.log_level
    if command not in SERVICES and level == "info":
        level = "warning"
    logs.configure(level, SERVICES.get(command, command))


def _drop_output() -> None:
    """Have what is not written yet go nowhere: Python would try again when it ends, and complain."""
    with suppress(OSError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _parser() -> argparse.ArgumentParser:
    parser = arguments.Parser(prog="growthrings", description=__doc__)
    parser.add_argument("--version", action="version", version=VERSION)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    def command(name: str, run: object, help: str) -> argparse.ArgumentParser:
        added = commands.add_parser(name, help=help, description=help)
        added.add_argument("--data", type=Path, default=DATA, metavar="DIR", help="the data folder (default: .data)")
        added.set_defaults(run=run, command=name)
        return added

    for name, run, help in (
        ("serve", _serve, "run everything: database, API and projector"),
        ("api", _api, "run one API process on a prepared database"),
    ):
        added = command(name, run, help)
        added.add_argument("--host", default="127.0.0.1")
        added.add_argument("--port", type=arguments.port, default=8000)
        if run is _serve:
            added.add_argument("--workers", type=arguments.count, default=1, help="API processes (default: 1)")
        else:
            added.add_argument(
                "--socket", type=int, metavar="FD", help="an open socket to listen on, instead of --host and --port"
            )
    command("project", _project, "keep the views of a prepared database")
    command("prepare", _prepare, "make schema, keys and first admin where they are missing")
    healthy = command("healthy", _healthy, "whether this machine's API or projector does its work, for a health check")
    healthy.add_argument("process", choices=["api", "project"])
    healthy.add_argument("--port", type=arguments.port, default=8000, help="of the API")
    keys = command("keys", _keys, "the keys that tokens are signed with")
    keys.add_argument("action", choices=["rotate"], help="let a new key sign; the old one checks what it has signed")
    keys.add_argument("--now", action="store_true", help="end the old keys at once, as where one was stolen")
    arguments.of_users(command("users", _users, "who may log in, and ways back in for whoever operates the machine"))
    demo = command("demo", _demo, "send a real series of measurements, twice, and tell what happened")
    demo.add_argument("--url", help="a running service (default: start one in a folder of its own)")
    arguments.of_replay(command("replay", _replay, "read the log again, and tell what is wrong with it, or beside it"))
    arguments.of_export(command("export", _export, "write the log to standard output, without password hashes"))
    arguments.of_import_log(
        command("import-log", _import_log, "bring an export into an empty log, of GROWTHRINGS_PARTITIONS")
    )
    arguments.of_views(command("views", _views, "how the views stand, and what an operator does with them"))
    arguments.of_import(command("import", _import, "bring the rows of a CSV file into an outcome of a running service"))
    return parser


# Each imports what it needs: starting is quick because none of them loads what only another uses.


def _serve(settings: Settings, parsed: argparse.Namespace) -> None:
    from adapters.limits.limiter import require_shared_limits
    from adapters.processes.supervisor import serve
    from adapters.system import tls

    tls.check(settings)
    require_shared_limits(settings, parsed.workers)
    serve(settings, parsed.data.absolute(), parsed.host, parsed.port, workers=parsed.workers)


def _api(settings: Settings, parsed: argparse.Namespace) -> None:
    from adapters.processes import api

    api.run(settings, parsed.data, parsed.host, parsed.port, descriptor=parsed.socket)


def _project(settings: Settings, parsed: argparse.Namespace) -> None:
    from adapters.processes import projector

    projector.run(settings, parsed.data)


def _prepare(settings: Settings, parsed: argparse.Namespace) -> None:
    from adapters.processes.database import database
    from adapters.processes.prepare import equal_name_notices, outdated_view_notices, prepare

    with database(settings, parsed.data, makes=True) as url:
        prepare(settings, parsed.data, url)
        for line in (*outdated_view_notices(url), *equal_name_notices(url)):
            print_line(line)


def _healthy(settings: Settings, parsed: argparse.Namespace) -> None:
    from adapters.postgres import embedded
    from adapters.processes import health_check

    if parsed.process == "api":
        health_check.check_api(settings, parsed.port)
    else:
        health_check.check_projector(settings.database_url or embedded.url(parsed.data))
    print_line("healthy")


def _keys(settings: Settings, parsed: argparse.Namespace) -> None:
    from adapters.auth import keys
    from adapters.auth.own_keys import LOOK, key_folder

    if settings.private_key is not None:
        raise CommandFailed(f"{VARIABLES['private_key']} gives the key: change it where it is kept, and start again")
    folder = key_folder(settings, parsed.data)
    try:
        kid = keys.rotate(folder, ends_others=parsed.now)
    except OSError as error:
        raise CommandFailed(f"{folder} has no keys that could be rotated: {error.strerror}") from error
    if parsed.now:
        time.sleep(2 * LOOK)  # by then every process has looked at the folder
        print_line(f"Key {kid} signs from now on. The keys before it are gone: everybody has to log in again.")
    else:
        print_line(f"Key {kid} signs from now on; the one before it checks tokens until they have expired.")


def _users(settings: Settings, parsed: argparse.Namespace) -> None:
    from adapters.cli import users
    from adapters.processes.database import database
    from adapters.processes.prepare import wait_until_prepared

    with database(settings, parsed.data) as url:
        wait_until_prepared(url)
        match parsed.action:
            case "list":
                for line in users.list_all(url):
                    print_line(line)
            case "create-admin":
                print_line(users.create_admin(settings, url, parsed.username))
            case "reset-password":
                print_line(users.reset_password(settings, url, parsed.username))


def _demo(settings: Settings, parsed: argparse.Namespace) -> int:
    from adapters.cli.demo import demo

    return demo(settings, parsed.url)


def _views(settings: Settings, parsed: argparse.Namespace) -> int:
    try:
        from adapters.cli import views
        from adapters.processes.database import database
        from adapters.processes.prepare import wait_until_prepared

        with database(settings, parsed.data) as url:
            wait_until_prepared(url)
            return views.run(url, parsed)
    except KeyboardInterrupt:
        print_error("Stopped. Run the same again, and it goes on from here.")
        return 130


def _replay(settings: Settings, parsed: argparse.Namespace) -> int:
    from adapters.cli import replay
    from adapters.processes.database import database
    from adapters.processes.prepare import wait_until_prepared

    if unfit := arguments.unfit_of_replay(parsed):
        raise UsageError(unfit)
    as_of = replay.instant(parsed.as_of, "--as-of")
    known_at = replay.instant(parsed.known_at, "--known-at")
    with database(settings, parsed.data) as url:
        wait_until_prepared(url)
        if parsed.into is not None:
            return replay.grow_into(url, parsed.into, known_at=known_at)
        if parsed.stream is not None:
            return replay.show(url, parsed.stream, as_of=as_of, known_at=known_at, as_json=parsed.json)
        return replay.run(url, as_json=parsed.json, compares=not parsed.log_only, workers=parsed.workers)


def _export(settings: Settings, parsed: argparse.Namespace) -> None:
    from adapters.cli import replay
    from adapters.cli.export_log import Selection, export
    from adapters.processes.database import database
    from adapters.processes.prepare import wait_until_prepared

    start = replay.instant(parsed.start, "--from")
    selection = Selection(start, replay.instant(parsed.end, "--to"), parsed.subject)
    with database(settings, parsed.data) as url:
        wait_until_prepared(url)
        count = export(url, selection, format=parsed.format, out=sys.stdout, credentials=parsed.credentials)
    if parsed.subject is not None and not count:
        raise CommandFailed(
            f"The log has no event about {parsed.subject!r} in that time: check the id, --from and --to."
        )


def _import_log(settings: Settings, parsed: argparse.Namespace) -> None:
    from adapters.cli.import_log import import_log
    from adapters.processes.database import database

    with database(settings, parsed.data, makes=True) as url:
        count = import_log(
            url,
            parsed.file,
            partitions=settings.partitions,
            credentials=parsed.credentials,
            needs_end=not parsed.without_end,
        )
    print_line(f"{count:,} events are in the log, and everything beside it has grown.")


def _import(settings: Settings, parsed: argparse.Namespace) -> int:
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # so that it says then, too, what it leaves behind
    try:
        from adapters.cli.importing.importer import import_file

        return import_file(settings, parsed.file, vars(parsed))
    except KeyboardInterrupt:
        print_error("Stopped. What was sent is kept: run the same again, and nothing is doubled.")
        return 130
