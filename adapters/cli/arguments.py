"""The words that commands take."""

import argparse
import sys
from pathlib import Path
from typing import NoReturn

from adapters.settings import VARIABLES
from adapters.system.terminal import escaped
from domain.outcome import DIRECTIONS, HIGHER


class Parser(argparse.ArgumentParser):
    """Complains without anything that a terminal obeys, and sees its own output written."""

    def error(self, message: str) -> NoReturn:
        super().error(escaped(message))

    def exit(self, status: int = 0, message: str | None = None) -> NoReturn:
        sys.stdout.flush()
        super().exit(status, message)


def port(text: str) -> int:
    if not text.isascii() or not text.isdigit() or not 0 < int(text) < 65_536:
        raise argparse.ArgumentTypeError(f"{text!r} is not a port: a whole number from 1 to 65535")
    return int(text)


def count(text: str) -> int:
    if not text.isascii() or not text.isdigit() or not int(text):
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from 1 on")
    return int(text)


def text(text: str) -> str:
    try:
        text.encode()
    except UnicodeEncodeError:
        raise argparse.ArgumentTypeError(f"{text!r} is not UTF-8") from None
    return text


def of_replay(parser: argparse.ArgumentParser) -> None:
    what = parser.add_mutually_exclusive_group()
    what.add_argument("--log-only", action="store_true", help="do not compare what is kept beside the log")
    what.add_argument("--stream", type=text, metavar="ID", help="show one history, by the id that the API shows")
    what.add_argument("--into", metavar="VIEW", help="grow a view into tables of its own, for looking at")
    parser.add_argument("--as-of", metavar="TIME", help="of --stream: what had happened by then")
    parser.add_argument("--known-at", metavar="TIME", help="of --stream and --into: what had been recorded by then")
    parser.add_argument(
        "--workers", type=count, default=1, metavar="N", help="processes that read the log (default: 1)"
    )
    parser.add_argument("--json", action="store_true", help="tell it to a program; not of --into")


def unfit_of_replay(parsed: argparse.Namespace) -> str | None:
    """Which of the words of a replay have no meaning together; None where all have one."""
    if parsed.as_of is not None and parsed.stream is None:
        return "--as-of is of --stream"
    if parsed.known_at is not None and parsed.stream is None and parsed.into is None:
        return "--known-at is of --stream and --into"
    if parsed.json and parsed.into is not None:
        return "--into has nothing to tell as JSON"
    if parsed.workers > 1 and (parsed.stream is not None or parsed.into is not None):
        return "--workers is of the whole log"
    return None


def of_export(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--from", dest="start", metavar="TIME", help="recorded from then on")
    parser.add_argument("--to", dest="end", metavar="TIME", help="recorded before then")
    parser.add_argument("--subject", type=text, metavar="ID", help="about a child, an outcome, or whatever else")
    parser.add_argument("--format", choices=["ndjson", "csv"], default="ndjson", help="(default: ndjson)")
    parser.add_argument("--credentials", type=Path, metavar="FILE", help="a new file for the password hashes")


def of_import_log(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", type=Path, metavar="FILE", help="an export of a whole log, in ndjson")
    parser.add_argument("--credentials", type=Path, metavar="FILE", help="the password hashes that go with it")
    parser.add_argument(
        "--without-end",
        action="store_true",
        help="import a file without the last line, which says how many events it has: older versions wrote none",
    )


def of_users(parser: argparse.ArgumentParser) -> None:
    parser.epilog = "A password is asked for, or read from standard input where that is no terminal."
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")

    def action(name: str, help: str, *, names_one: bool = True) -> None:
        added = actions.add_parser(name, help=help, description=help, epilog=parser.epilog if names_one else None)
        added.add_argument("--data", type=Path, default=argparse.SUPPRESS, metavar="DIR", help="the data folder")
        if names_one:
            added.add_argument("username", type=text, metavar="NAME")

    action("list", "everybody who may log in: id, role, name", names_one=False)
    action("create-admin", "register a further admin")
    action("reset-password", "give a user another password; its tokens end")


def of_views(parser: argparse.ArgumentParser) -> None:
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
    rebuilt.add_argument("--workers", type=count, default=1, metavar="N", help="processes that grow it (default: 1)")
    rebuilt.add_argument("--accept-differences", action="store_true", help="let it serve though its rows differ")
    rebuilt.add_argument("--without-comparison", action="store_true", help="as when what serves is far behind the log")
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


def of_import(parser: argparse.ArgumentParser) -> None:
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
        parser.add_argument(f"--{name}", required=required, type=text, metavar=shown, help=help)
    parser.add_argument("--direction", choices=DIRECTIONS, help=f"of an outcome that is created (default: {HIGHER})")
