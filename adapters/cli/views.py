"""`growthrings views`: shows the state of the views, rebuilds them, rolls them back, and unparks streams."""

import argparse
import os
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from pathlib import Path
from subprocess import Popen
from typing import Any

from msgspec import Struct
from psycopg import Connection

from adapters.cli import arguments, view_output
from adapters.cli.arguments import Parser, add_action
from adapters.cli.console import open_console, progress_bar
from adapters.cli.prepared_database import prepared_database
from adapters.postgres.connections import connector
from adapters.settings import VARIABLES, Settings, subprocess_environment
from adapters.system import subprocesses
from adapters.system.terminal import escaped, print_error, print_json
from domain.partition import position
from projections.projector import parking
from projections.projector.sessions import session_name
from projections.rebuild import rebuild, status
from projections.rebuild.generation_build import RebuildRefused, fill, prepare_session, view_generation
from projections.rebuild.inline_views import INLINE
from projections.rebuild.rebuild import Rebuild
from projections.views import generations
from projections.views.generations import Generation
from projections.views.registry import VIEWS
from projections.views.view import View

SHOWN = 10
"""Maximum number of differences that are printed."""

EVERYTHING = (*VIEWS.latest, *INLINE)
"""The names of everything that can be rebuilt."""


class _Choice(Struct, frozen=True):
    """The options of a rebuild."""

    workers: int
    accept_differences: bool
    anew: bool
    compares: bool


class Rebuilt(Struct, frozen=True, kw_only=True):
    """The result of a rebuild; `seconds` is the time of building, comparing and switching together."""

    view: str
    generation: int
    events: int
    seconds: float
    compared: bool
    differences: int
    parked_streams: int
    switched: bool


def add_arguments(parser: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION", parser_class=Parser)
    status = add_action(
        actions, "status", "Show every generation: its checkpoint, its lag, and which projectors maintain it."
    )
    rebuild = add_action(actions, "rebuild", "Build new generations of views, compare them, and switch to them.")
    rebuild.add_argument("views", nargs="*", metavar="VIEW", help="Rebuild this view.")
    rebuild.add_argument("--all", action="store_true", help="Rebuild every view, the dedupe index and the directory.")
    rebuild.add_argument(
        "--workers", type=arguments.count, default=1, metavar="N", help="Build with N processes (default: 1)."
    )
    rebuild.add_argument("--accept-differences", action="store_true", help="Switch even if rows differ.")
    rebuild.add_argument(
        "--without-comparison", action="store_true", help="Do not compare, as when the live view is far behind the log."
    )
    rebuild.add_argument("--anew", action="store_true", help="Discard an unfinished rebuild instead of resuming it.")
    build = add_action(actions, "grow", "Help a rebuild that is in progress, from any machine.")
    build.add_argument("view", metavar="VIEW", help="The view that is being rebuilt.")
    roll_back = add_action(actions, "rollback", "Switch back to the generation that was live before.")
    roll_back.add_argument("view", metavar="VIEW", help="The view to switch back.")
    drop_old = add_action(actions, "drop-old", "Drop the generations that are not live.")
    drop_old.add_argument("views", nargs="*", metavar="VIEW", help="Only of this view (default: of all views).")
    parked = add_action(actions, "parked", "Show the parked streams of a view, with the errors that parked them.")
    parked.add_argument("view", nargs="?", metavar="VIEW", help="Only of this view (default: of all views).")
    retry = add_action(actions, "retry", "Apply parked streams again.")
    retry.add_argument("view", metavar="VIEW", help="The view that has parked them.")
    retry.add_argument("stream", nargs="?", metavar="STREAM", help="Only this stream (default: all of the view).")
    skip = add_action(actions, "skip", "Continue a parked stream after the event that could not be applied.")
    skip.add_argument("view", metavar="VIEW", help="The view that has parked the stream.")
    skip.add_argument("stream", metavar="STREAM", help="The stream to continue.")
    for action in (status, rebuild, parked):
        action.add_argument("--json", action="store_true", help="Print JSON.")


def run(settings: Settings, parsed: argparse.Namespace) -> int:
    """Run the action and return the exit code. Raises RebuildRefused."""
    try:
        with prepared_database(settings, parsed.data) as url:
            return _run(url, parsed)
    except KeyboardInterrupt:
        print_error("Stopped. Run the same command again to resume.")
        return 130


def _run(url: str, parsed: argparse.Namespace) -> int:
    operator = Operator(url, parsed.data, as_json=getattr(parsed, "json", False))
    match parsed.action:
        case "status":
            return operator.status()
        case "rebuild":
            names = _named(EVERYTHING if parsed.all else parsed.views, EVERYTHING)
            if not names:
                raise RebuildRefused(f"name a view, or --all: there are {', '.join(EVERYTHING)}")
            return operator.rebuild(
                names,
                workers=parsed.workers,
                accept_differences=parsed.accept_differences,
                anew=parsed.anew,
                compares=not parsed.without_comparison,
            )
        case "drop-old":
            return operator.drop_old(_named(parsed.views or EVERYTHING, EVERYTHING))
        case "parked":
            return operator.parked(parsed.view)
    (name,) = _named([parsed.view], EVERYTHING)
    match parsed.action:
        case "grow":
            return operator.grow(name)
        case "rollback":
            return operator.roll_back(name)
        case action:
            return operator.unpark(name, parsed.stream, skip=action == "skip")


def _named(names: Iterable[str], known: Iterable[str]) -> list[str]:
    """The names without duplicates. Raises RebuildRefused for an unknown one."""
    for name in names:
        if name not in known:
            raise RebuildRefused(f"there is no view {name}: there are {', '.join(known)}")
    return list(dict.fromkeys(names))


class Operator:
    """Works on one database; reports its progress on a console, or with `as_json` prints only the result."""

    def __init__(self, url: str, data: Path, *, as_json: bool = False) -> None:
        self._url, self._data, self._as_json = url, data, as_json
        self._console = open_console(quiet=as_json)

    @contextmanager
    def _session(self, kind: str) -> Iterator[tuple[Connection[Any], str]]:
        name = session_name(kind)
        with connector(self._url)(name) as connection:
            connection.autocommit = True
            yield connection, name

    def _say(self, text: str) -> None:
        self._console.print(escaped(text))

    def status(self) -> int:
        with self._session("status") as (connection, _):
            rows = connection.execute(status.SQL["status"]).fetchall()
            counts = dict(connection.execute(status.SQL["row_counts"], status.tables(rows)).fetchall())
        told = status.statuses(rows, counts)
        if self._as_json:
            print_json(told)
        else:
            view_output.show(told)
        return 0

    def rebuild(
        self,
        names: Sequence[str],
        *,
        workers: int = 1,
        accept_differences: bool = False,
        anew: bool = False,
        compares: bool = True,
    ) -> int:
        """The exit code: 1 if a view was not switched, because its new generation differs or has parked streams."""
        choice = _Choice(workers, accept_differences=accept_differences, anew=anew, compares=compares)
        ended = [self._rebuild(name, choice) for name in names]
        if self._as_json:
            print_json(ended[0] if len(ended) == 1 else ended)
        return 0 if all(each.switched for each in ended) else 1

    def _rebuild(self, name: str, choice: _Choice) -> Rebuilt:
        started = time.monotonic()
        with self._session("rebuild") as (connection, builder):
            going = rebuild.begin(connection, builder, name, anew=choice.anew)
            number = going.new.generation.generation
            done, events = going.progress()
            self._say(f"{name}: generation {number}, {events - done:,} of {events:,} events to apply")
            with self._helpers(name, choice.workers - 1):
                self._grow(going)
            compared = going.comparable and choice.compares
            differences = self._compare(going) if compared else 0
            parked = going.parked()
            switched = choice.accept_differences or not (differences or parked)
            if switched:
                self._wait(going.switch())
            self._tell(going, differences, parked, switched=switched)
        return Rebuilt(
            view=name,
            generation=number,
            events=events,
            seconds=round(time.monotonic() - started, 3),
            compared=compared,
            differences=differences,
            parked_streams=parked,
            switched=switched,
        )

    def _grow(self, going: Rebuild) -> None:
        with progress_bar(self._console) as shown:
            done, events = going.progress()
            task = shown.add_task("filling", total=events, completed=done, before=done, unit="events")
            for _ in going.fill():
                shown.update(task, completed=going.progress()[0])
            shown.update(task, completed=events)
            going.finish()

    def _compare(self, going: Rebuild) -> int:
        found, told = 0, 0
        with progress_bar(self._console) as shown:
            task = shown.add_task("comparing", total=going.partitions, unit="partitions")
            for differences in shown.track(going.compare(connector(self._url)), task_id=task):
                found += sum({each.table: each.of for each in differences}.values())
                for each in differences[: SHOWN - told]:
                    self._say(view_output.difference(each))
                    told += 1
        return found

    def _wait(self, steps: Iterator[None]) -> None:
        """Wait until a switch is done, which may have to wait for a reader."""
        with self._console.status("switching") if self._console.is_terminal else nullcontext():
            for _ in steps:
                pass

    def _tell(self, going: Rebuild, differences: int, parked: int, *, switched: bool) -> None:
        name, number = going.new.view.name, going.new.generation.generation
        if not going.comparable:
            self._say(f"{name}: not compared, because the live generation is of another version of the code.")
        if differences:
            self._say(f"{name}: {differences:,} rows differ.")
        if parked:
            self._say(f"{name}: {parked:,} streams are parked; `views parked {name}` shows the errors.")
        if not switched:
            self._say(f"{name}: not switched; `--accept-differences` would switch to generation {number} anyway.")
        elif name in INLINE:
            self._say(f"{name}: the rebuilt tables are live now.")
        else:
            self._say(f"{name}: generation {number} is live now; `views rollback {name}` switches back.")

    @contextmanager
    def _helpers(self, name: str, number: int) -> Iterator[None]:
        """Run subprocesses that also build partitions; they end with this process."""
        secrets = ("admin_password", "private_key", "redis_url")
        environment = subprocess_environment({**os.environ, VARIABLES["database_url"]: self._url}, secrets)
        words = ["views", "grow", name, "--data", str(self._data)]
        spawned: list[Popen[Any]] = [subprocesses.spawn(words, environment) for _ in range(number)]
        try:
            yield
        finally:
            for process in spawned:
                subprocesses.stop(process)

    def grow(self, name: str) -> int:
        """Help a rebuild that is in progress."""
        with self._session("grow") as (connection, _):
            prepare_session(connection)
            rebuild.act_as_owner(connection, name)
            for each in generations.all_generations(connection):
                if each.view == name and not each.built and (code := _code(each)) is not None:
                    for _ in fill(connection, view_generation(code, each)):
                        pass
        return 0

    def roll_back(self, name: str) -> int:
        with self._session("rollback") as (connection, _):
            generation, steps = rebuild.roll_back(connection, name)
            self._wait(steps)
            left_out = [each for each in parking.parked(connection, name) if each.generation == generation.generation]
        self._say(f"{name}: generation {generation.generation} is live now.")
        if left_out:
            self._say(f"{name}: it has parked {len(left_out):,} streams; `views parked {name}` shows the errors.")
        return 0

    def drop_old(self, names: Sequence[str]) -> int:
        dropped = 0
        with self._session("drop") as (connection, _):
            for name in names:
                dropped += self._drop_old(connection, name)
        if not dropped:
            self._say("There is no old generation.")
        return 0

    def _drop_old(self, connection: Connection[Any], name: str) -> int:
        """Drop the old generations of a view, and return their number."""
        dropped, waits = 0, False
        for each in rebuild.drop_old(connection, name):
            if each is not None:
                self._say(f"{each.view}: generation {each.generation} was dropped.")
                dropped += 1
            elif not waits:
                waits = True
                self._say(f"{name}: waiting for a session, such as a pg_dump, that reads an old generation.")
        return dropped

    def parked(self, name: str | None) -> int:
        with self._session("parked") as (connection, _):
            found = parking.parked(connection, name)
        if self._as_json:
            print_json(found)
        for each in found:
            self._say(
                f"{each.view} g{each.generation}  {position(each.part, each.seq)}  {each.stream}  {each.topic}  "
                f"and {each.following:,} later events: {each.error}"
            )
        if not found:
            self._say("Nothing is parked.")
        return 0

    def unpark(self, name: str, stream: str | None, *, skip: bool) -> int:
        """Retry parked streams in every generation that is built; or `skip` their first event, in the live one only.

        If another generation skipped an event and became live later, nobody would know that it is missing. The exit
        code is 1 if some streams stay parked.
        """
        with self._session("unpark") as (connection, _):
            kept = {each.generation: each for each in generations.all_generations(connection) if each.view == name}
            parked = [each for each in parking.parked(connection, name) if stream in (None, each.stream)]
            found = [each for each in parked if (kept[each.generation].live if skip else kept[each.generation].built)]
            others = sorted({each.generation for each in parked} - {each.generation for each in found})
            if not found:
                raise RebuildRefused(_nothing_parked(name, stream, others, skip=skip))
            rebuild.act_as_owner(connection, name)
            stay = [each for each in found if not self._unpark(connection, kept[each.generation], each.stream, skip)]
        self._say(f"{name}: {len(found) - len(stay):,} streams continue, {len(stay):,} stay parked.")
        for number in others:
            self._say(f"{name}: generation {number}, which is not live, still has them parked.")
        return 1 if stay else 0

    def _unpark(self, connection: Connection[Any], generation: Generation, stream: str, skip: bool) -> bool:
        code = _code(generation)
        return code is not None and parking.retry(connection, code, generation, stream, skip=skip)


def _nothing_parked(name: str, stream: str | None, others: Sequence[int], *, skip: bool) -> str:
    of = "" if stream is None else f" of {stream}"
    if not others:
        return f"{name} has parked nothing{of}"
    numbers = ", ".join(map(str, others))
    if skip:
        return f"only the live generation of {name} can skip, and it has parked nothing{of}: generation {numbers} has"
    return f"generation {numbers} of {name} is not complete: finish its rebuild first"


def _code(generation: Generation) -> View | None:
    return INLINE.get(generation.view) or VIEWS.of(generation.view, generation.version)
