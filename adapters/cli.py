"""The commands that people, scripts and other processes run."""

import argparse
import signal
import sys
from pathlib import Path

from adapters import logs
from adapters.settings import SettingRefused, Settings, from_environment

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
    demo = command("demo", _demo, "send a real series of measurements, twice, and tell what happened")
    demo.add_argument("--url", help="a running service (default: start one in a folder of its own)")
    return parser


class Refused(Exception):
    """A command that cannot be carried out; the message says why, for a person."""


def _port(text: str) -> int:
    port = int(text)
    if not 0 < port < 65_536:
        raise ValueError(text)
    return port


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
    from adapters.wiring import projector

    with database(settings, parsed.data) as url:
        try:
            wait_until_prepared(url)
        except NotPrepared as error:
            raise Refused(str(error)) from error
        running = projector(url)
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_: running.stop())
        running.run()


def _prepare(settings: Settings, parsed: argparse.Namespace) -> None:
    from adapters.database import database
    from adapters.prepare import prepare

    with database(settings, parsed.data) as url:
        password = prepare(settings, parsed.data, url)
    if password is not None:
        print(f"The first admin is {settings.admin_username!r} with password {password!r}: shown only now.")


def _demo(settings: Settings, parsed: argparse.Namespace) -> int:
    from adapters.demo import demo

    return demo(settings, parsed.url)


if __name__ == "__main__":
    sys.exit(main())
