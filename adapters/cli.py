"""The commands that people, scripts and other processes run."""

import argparse
import signal
import sys
import time
from pathlib import Path

from adapters import arguments, logs
from adapters.refused import Refused
from adapters.settings import VARIABLES, SettingRefused, Settings, from_environment

DATA = Path(__file__).parent.parent / ".data"


def main(words: list[str] | None = None) -> int:
    """Run a command; 0 when it went well, 1 when not, 2 when it was not understood."""
    parsed = _parser().parse_args(words)
    try:
        settings = from_environment()
    except SettingRefused as error:
        print(error, file=sys.stderr)
        return 2
    logs.configure(settings.log_level)
    try:
        return int(parsed.run(settings, parsed) or 0)
    except SettingRefused as error:
        print(error, file=sys.stderr)
        return 2
    except Refused as error:
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("Stopped.", file=sys.stderr)
        return 130


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="growthrings", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    def command(name: str, run: object, help: str) -> argparse.ArgumentParser:
        added = commands.add_parser(name, help=help, description=help)
        added.add_argument("--data", type=Path, default=DATA, metavar="DIR", help="the data folder (default: .data)")
        added.set_defaults(run=run)
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


def _serve(settings: Settings, parsed: argparse.Namespace) -> int:
    from adapters import tls
    from adapters.limits.limiter import Uncounted, refuse_uncounted
    from adapters.supervisor import CannotServe, serve

    tls.check(settings)
    try:
        refuse_uncounted(settings, parsed.workers)
    except Uncounted as error:
        raise SettingRefused(str(error)) from error
    try:
        serve(settings, parsed.data.absolute(), parsed.host, parsed.port, workers=parsed.workers)
    except CannotServe as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def _api(settings: Settings, parsed: argparse.Namespace) -> None:
    from adapters import api_process
    from adapters.auth.keys import NoKey
    from adapters.prepare import NotPrepared

    try:
        api_process.run(settings, parsed.data, parsed.host, parsed.port, descriptor=parsed.socket)
    except (NotPrepared, NoKey) as error:
        raise Refused(str(error)) from error


def _project(settings: Settings, parsed: argparse.Namespace) -> None:
    from adapters import project_process
    from adapters.prepare import NotPrepared

    try:
        project_process.run(settings, parsed.data)
    except NotPrepared as error:
        raise Refused(str(error)) from error


def _prepare(settings: Settings, parsed: argparse.Namespace) -> None:
    from adapters.database import database
    from adapters.prepare import NotPrepared, equal_names, outdated, prepare

    with database(settings, parsed.data, makes=True) as url:
        try:
            prepare(settings, parsed.data, url)
        except NotPrepared as error:
            raise Refused(str(error)) from error
        for told in (*outdated(url), *equal_names(url)):
            print(told)


def _healthy(settings: Settings, parsed: argparse.Namespace) -> None:
    from adapters import healthy
    from adapters.postgres import embedded

    try:
        if parsed.process == "api":
            healthy.check_api(settings, parsed.port)
        else:
            healthy.check_projector(settings.database_url or embedded.url(parsed.data))
    except healthy.Unhealthy as error:
        raise Refused(str(error)) from error
    print("healthy")


def _keys(settings: Settings, parsed: argparse.Namespace) -> None:
    from adapters.auth import keys
    from adapters.auth.own_keys import LOOK, key_folder

    if settings.private_key is not None:
        raise Refused(f"{VARIABLES['private_key']} gives the key: change it where it is kept, and start again")
    folder = key_folder(settings, parsed.data)
    try:
        kid = keys.rotate(folder, ends_others=parsed.now)
    except OSError as error:
        raise Refused(f"{folder} has no keys that could be rotated: {error.strerror}") from error
    if parsed.now:
        time.sleep(2 * LOOK)  # by then every process has looked at the folder
        print(f"Key {kid} signs from now on. The keys before it are gone: everybody has to log in again.")
    else:
        print(f"Key {kid} signs from now on; the one before it checks tokens until they have expired.")


def _users(settings: Settings, parsed: argparse.Namespace) -> None:
    from adapters import user_commands
    from adapters.database import database
    from adapters.prepare import NotPrepared, wait_until_prepared

    with database(settings, parsed.data) as url:
        try:
            wait_until_prepared(url)
        except NotPrepared as error:
            raise Refused(str(error)) from error
        match parsed.action:
            case "list":
                for line in user_commands.list_all(url):
                    print(line)
            case "create-admin":
                print(user_commands.create_admin(settings, url, parsed.username))
            case "reset-password":
                print(user_commands.reset_password(settings, url, parsed.username))


def _demo(settings: Settings, parsed: argparse.Namespace) -> int:
    from adapters.demo import demo

    return demo(settings, parsed.url)


def _views(settings: Settings, parsed: argparse.Namespace) -> int:
    try:
        import psycopg

        from adapters import view_commands
        from adapters.database import database
        from adapters.prepare import NotPrepared, wait_until_prepared
        from projections.growth import RebuildRefused

        with database(settings, parsed.data) as url:
            try:
                wait_until_prepared(url)
            except NotPrepared as error:
                raise Refused(str(error)) from error
            try:
                return view_commands.run(url, parsed)
            except (RebuildRefused, psycopg.errors.InsufficientPrivilege) as error:
                raise Refused(str(error).strip()) from error
            except psycopg.OperationalError as error:
                reason = str(error).strip()
                raise Refused(
                    f"The database went away: {reason}. Run the same again, and it goes on from here."
                ) from error
    except KeyboardInterrupt:
        print("Stopped. Run the same again, and it goes on from here.", file=sys.stderr)
        return 130


def _replay(settings: Settings, parsed: argparse.Namespace) -> int:
    from psycopg.errors import InsufficientPrivilege

    from adapters import replay_command
    from adapters.database import database
    from adapters.prepare import NotPrepared, wait_until_prepared
    from domain.catalogue import Undecodable

    if unfit := arguments.unfit_of_replay(parsed):
        print(unfit, file=sys.stderr)
        return 2
    try:
        as_of = replay_command.instant(parsed.as_of, "--as-of")
        known_at = replay_command.instant(parsed.known_at, "--known-at")
        with database(settings, parsed.data) as url:
            wait_until_prepared(url)
            if parsed.into is not None:
                return replay_command.grow_into(url, parsed.into, known_at=known_at)
            if parsed.stream is not None:
                return replay_command.show(url, parsed.stream, as_of=as_of, known_at=known_at, as_json=parsed.json)
            return replay_command.run(url, as_json=parsed.json, compares=not parsed.log_only, workers=parsed.workers)
    except (NotPrepared, Undecodable, InsufficientPrivilege) as error:
        raise Refused(str(error).strip()) from error


def _export(settings: Settings, parsed: argparse.Namespace) -> None:
    from adapters import replay_command
    from adapters.database import database
    from adapters.log_export import Selection, export

    start = replay_command.instant(parsed.start, "--from")
    selection = Selection(start, replay_command.instant(parsed.end, "--to"), parsed.subject)
    try:
        with database(settings, parsed.data) as url:
            export(url, selection, format=parsed.format, credentials=parsed.credentials)
    except OSError as error:
        raise Refused(str(error)) from error


def _import_log(settings: Settings, parsed: argparse.Namespace) -> None:
    from adapters.database import database
    from adapters.log_import import import_log
    from projections.growth import RebuildRefused

    try:
        with database(settings, parsed.data, makes=True) as url:
            count = import_log(
                url,
                parsed.file,
                partitions=settings.partitions,
                credentials=parsed.credentials,
                needs_end=not parsed.without_end,
            )
    except (OSError, RebuildRefused) as error:
        raise Refused(str(error)) from error
    print(f"{count:,} events are in the log, and everything beside it has grown.")


def _import(settings: Settings, parsed: argparse.Namespace) -> int:
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # so that it says then, too, what it leaves behind
    try:
        from adapters.importing.csv_entries import WrongArguments
        from adapters.importing.importer import import_file
        from adapters.importing.patient_client import Unanswered

        try:
            return import_file(settings, parsed.file, vars(parsed))
        except WrongArguments as error:
            print(error, file=sys.stderr)
            return 2
        except Unanswered as error:
            raise Refused(str(error)) from error
    except KeyboardInterrupt:
        print("Stopped. What was sent is kept: run the same again, and nothing is doubled.", file=sys.stderr)
        return 130


if __name__ == "__main__":
    sys.exit(main())
