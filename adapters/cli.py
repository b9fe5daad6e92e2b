"""The commands that people, scripts and other processes run."""

import argparse
import signal
import sys
import threading
from pathlib import Path

from adapters import logs
from adapters.settings import VARIABLES, SettingRefused, Settings, from_environment
from domain.outcome import DIRECTIONS, HIGHER

DATA = Path(__file__).parent.parent / ".data"


def main(arguments: list[str] | None = None) -> int:
    """Run a command; 0 when it went well, 1 when not, 2 when it was not understood."""
    parsed = _parser().parse_args(arguments)
    try:
        settings = from_environment()
    except SettingRefused as error:
        print(error, file=sys.stderr)
        return 2
    logs.configure(settings.log_level)
    try:
        return int(parsed.run(settings, parsed) or 0)
    except Refused as error:
        print(error, file=sys.stderr)
        return 1


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
        added.add_argument("--port", type=_port, default=8000)
    command("project", _project, "keep the views of a prepared database")
    command("prepare", _prepare, "make schema, keys and first admin where they are missing")
    keys = command("keys", _keys, "the keys that tokens are signed with")
    keys.add_argument("action", choices=["rotate"], help="let a new key sign; the old one checks what it has signed")
    demo = command("demo", _demo, "send a real series of measurements, twice, and tell what happened")
    demo.add_argument("--url", help="a running service (default: start one in a folder of its own)")
    replay = command("replay", _replay, "read the log again, and tell what is wrong with it, or beside it")
    replay.add_argument("--json", action="store_true", help="tell it to a program")
    replay.add_argument("--log-only", action="store_true", help="do not compare what is kept beside the log")
    replay.add_argument("--stream", type=_text, metavar="ID", help="show one history, by the id that the API shows")
    replay.add_argument("--as-of", metavar="TIME", help="of --stream: what had happened by then")
    replay.add_argument("--known-at", metavar="TIME", help="of --stream and --into: what had been recorded by then")
    replay.add_argument("--into", metavar="VIEW", help="grow a view into tables of its own, for looking at")
    export = command("export", _export, "write the log to standard output, without password hashes")
    export.add_argument("--from", dest="start", metavar="TIME", help="recorded from then on")
    export.add_argument("--to", dest="end", metavar="TIME", help="recorded before then")
    export.add_argument("--subject", type=_text, metavar="ID", help="about a child, an outcome, or whatever else")
    export.add_argument("--format", choices=["ndjson", "csv"], default="ndjson", help="(default: ndjson)")
    export.add_argument("--credentials", type=Path, metavar="FILE", help="a new file for the password hashes")
    brought = command("import-log", _import_log, "bring an export into an empty log, of GROWTHRINGS_PARTITIONS")
    brought.add_argument("file", type=Path, metavar="FILE", help="an export in ndjson")
    brought.add_argument("--credentials", type=Path, metavar="FILE", help="the password hashes that go with it")
    _add_views(command("views", _views, "how the views stand, and what an operator does with them"))
    _add_import_options(command("import", _import, "bring the rows of a CSV file into an outcome of a running service"))
    return parser


def _add_import_options(parser: argparse.ArgumentParser) -> None:
    parser.epilog = f"The password is read from GROWTHRINGS_PASSWORD, else from {VARIABLES['admin_password']}."
    parser.add_argument("file", type=Path, metavar="FILE.csv", help="in UTF-8; its first line names the columns")
    for required, name, shown, help in (
        (True, "brand", "BRAND", "of the outcome"),
        (True, "outcome", "NAME", "of the outcome, which is created where it is not there yet"),
        (True, "value", "COL", "the column of the values, which are kept as they are written"),
        (True, "subject", "COL|row", "the column of the subjects; or each row is one of its own"),
        (True, "at", "COL|DATE", "the column of the dates or times; or one for all rows"),
        (False, "start", "DATE", "where the days are counted from, when the column --at holds such"),
        (False, "metadata", "COL,…", "columns that travel with each value"),
        (False, "metric", "KEY", "the metric of the outcome (default: the column of the values)"),
        (False, "unit", "UNIT", "of an outcome that is created"),
        (False, "url", "URL", "the service (default: http://127.0.0.1:8000)"),
        (False, "username", "NAME", f"who imports (default: {VARIABLES['admin_username']}, or admin)"),
    ):
        parser.add_argument(f"--{name}", required=required, type=_text, metavar=shown, help=help)
    parser.add_argument("--direction", choices=DIRECTIONS, help=f"of an outcome that is created (default: {HIGHER})")


def _add_views(parser: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")

    def action(name: str, help: str, *, of: str = "nothing") -> argparse.ArgumentParser:
        """`of`: how many views it is about."""
        added = actions.add_parser(name, help=help, description=help)
        added.add_argument("--data", type=Path, default=argparse.SUPPRESS, metavar="DIR", help="the data folder")
        if of == "any":
            added.add_argument("views", nargs="*", metavar="VIEW")
        elif of != "nothing":
            added.add_argument("view", nargs=None if of == "one" else "?", metavar="VIEW")
        return added

    def with_json(parser: argparse.ArgumentParser) -> None:
        parser.add_argument("--json", action="store_true", help="tell it to a program")

    with_json(action("status", "every generation: where it stands, and who keeps it"))
    rebuilt = action("rebuild", "grow views anew beside those that serve, compare, and let them serve", of="any")
    rebuilt.add_argument("--all", action="store_true", help="every view, the dedupe index and the directory")
    rebuilt.add_argument("--workers", type=_count, default=1, metavar="N", help="processes that grow it (default: 1)")
    rebuilt.add_argument("--accept-differences", action="store_true", help="let it serve though its rows differ")
    rebuilt.add_argument("--anew", action="store_true", help="drop what an earlier rebuild has left unfinished")
    with_json(rebuilt)
    action("grow", "help a rebuild that is going on, from any machine", of="one")
    action("rollback", "let the generation serve that was kept beside the live one", of="one")
    action("drop-old", "drop the generations that are not live (default: of all views)", of="any")
    with_json(action("parked", "the streams that a view has left out, and why", of="one at most"))
    retry = action("retry", "apply parked streams again", of="one")
    retry.add_argument("stream", nargs="?", metavar="STREAM", help="(default: all of the view)")
    action("skip", "go on after the event that a stream was parked for", of="one").add_argument(
        "stream", metavar="STREAM"
    )


class Refused(Exception):
    """A command that cannot be carried out; the message says why, for a person."""


def _port(text: str) -> int:
    port = int(text)
    if not 0 < port < 65_536:
        raise ValueError(text)
    return port


def _count(text: str) -> int:
    count = int(text)
    if count < 1:
        raise ValueError(text)
    return count


def _text(text: str) -> str:
    text.encode()  # a ValueError, when the shell handed over what is no text
    return text


# Each imports what it needs: starting is quick because none of them loads what only another uses.


def _serve(settings: Settings, parsed: argparse.Namespace) -> int:
    from adapters.supervisor import CannotServe, serve

    try:
        serve(settings, parsed.data.absolute(), parsed.host, parsed.port)
    except CannotServe as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def _api(settings: Settings, parsed: argparse.Namespace) -> None:
    import uvicorn

    from adapters.database import database
    from adapters.prepare import NotPrepared, wait_until_prepared
    from adapters.wiring import api

    with database(settings, parsed.data) as url:
        try:
            wait_until_prepared(url)
        except NotPrepared as error:
            raise Refused(str(error)) from error
        uvicorn.run(
            api(settings, parsed.data, url),
            host=parsed.host,
            port=parsed.port,
            loop="uvloop",
            http="httptools",
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=False,
            timeout_graceful_shutdown=10,
        )


def _project(settings: Settings, parsed: argparse.Namespace) -> None:
    from adapters.database import database
    from adapters.prepare import NotPrepared, wait_until_prepared
    from adapters.wiring import projectors

    with database(settings, parsed.data) as url:
        try:
            wait_until_prepared(url)
        except NotPrepared as error:
            raise Refused(str(error)) from error
        running = projectors(url)

        def stop(*_: object) -> None:
            for each in running:
                each.stop()

        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, stop)
        threads = [threading.Thread(target=each.run) for each in running]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()


def _prepare(settings: Settings, parsed: argparse.Namespace) -> None:
    from adapters.database import database
    from adapters.prepare import NotPrepared, outdated, prepare

    with database(settings, parsed.data) as url:
        try:
            password = prepare(settings, parsed.data, url)
        except NotPrepared as error:
            raise Refused(str(error)) from error
        for told in outdated(url):
            print(told)
    if password is not None:
        print(f"The first admin is {settings.admin_username!r} with password {password!r}: shown only now.")


def _keys(settings: Settings, parsed: argparse.Namespace) -> None:
    from adapters.auth import keys

    try:
        kid = keys.rotate(parsed.data / "keys")
    except OSError as error:
        raise Refused(f"{parsed.data} has no keys that could be rotated: {error.strerror}") from error
    print(f"Key {kid} signs from now on; the one before it checks tokens until they have expired.")


def _demo(settings: Settings, parsed: argparse.Namespace) -> int:
    from adapters.demo import demo

    return demo(settings, parsed.url)


def _views(settings: Settings, parsed: argparse.Namespace) -> int:
    try:
        import psycopg

        from adapters import view_commands
        from adapters.database import database
        from adapters.prepare import NotPrepared, wait_until_prepared
        from projections.rebuild import RebuildRefused

        try:
            with database(settings, parsed.data) as url:
                wait_until_prepared(url)
                return view_commands.run(url, parsed)
        except (RebuildRefused, NotPrepared) as error:
            raise Refused(str(error)) from error
        except psycopg.OperationalError as error:
            reason = str(error).strip()
            raise Refused(f"The database went away: {reason}. Run the same again, and it goes on from here.") from error
    except KeyboardInterrupt:
        print("Stopped. Run the same again, and it goes on from here.", file=sys.stderr)
        return 130


def _replay(settings: Settings, parsed: argparse.Namespace) -> int:
    from adapters import replay_command
    from adapters.database import database
    from adapters.prepare import NotPrepared, wait_until_prepared

    try:
        as_of = replay_command.instant(parsed.as_of, "--as-of")
        known_at = replay_command.instant(parsed.known_at, "--known-at")
        with database(settings, parsed.data) as url:
            wait_until_prepared(url)
            if parsed.into is not None:
                return replay_command.grow_into(url, parsed.into, known_at=known_at)
            if parsed.stream is not None:
                return replay_command.show(url, parsed.stream, as_of=as_of, known_at=known_at, as_json=parsed.json)
            return replay_command.run(url, as_json=parsed.json, compares=not parsed.log_only)
    except (replay_command.ReplayRefused, NotPrepared) as error:
        raise Refused(str(error)) from error


def _export(settings: Settings, parsed: argparse.Namespace) -> None:
    from adapters import replay_command
    from adapters.database import database
    from adapters.log_export import Selection, export

    try:
        start = replay_command.instant(parsed.start, "--from")
        selection = Selection(start, replay_command.instant(parsed.end, "--to"), parsed.subject)
        with database(settings, parsed.data) as url:
            export(url, selection, format=parsed.format, credentials=parsed.credentials)
    except (replay_command.ReplayRefused, OSError) as error:
        raise Refused(str(error)) from error


def _import_log(settings: Settings, parsed: argparse.Namespace) -> None:
    from adapters.database import database
    from adapters.log_import import ImportRefused, import_log

    try:
        with database(settings, parsed.data) as url:
            count = import_log(url, parsed.file, partitions=settings.partitions, credentials=parsed.credentials)
    except (ImportRefused, OSError) as error:
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
