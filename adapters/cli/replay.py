"""`growthrings replay`: checks the log, shows one history, or rebuilds a view as of a time."""

import argparse
import gc
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from itertools import pairwise
from operator import attrgetter
from typing import Any

from msgspec import Struct
from psycopg import Connection

from adapters.cli import arguments, replay_workers
from adapters.cli.console import SafeConsole, open_console, progress_bar, show_table
from adapters.cli.prepared_database import prepared_database
from adapters.errors import CommandFailed, UsageError
from adapters.postgres.connections import connector
from adapters.postgres.readers.audit import PAGE, SQL, fact_with_state
from adapters.settings import Settings
from adapters.system.terminal import escaped, print_json
from application.queries.audit import Fact
from domain import history
from domain.catalogue import decode, names_of
from domain.partition import partition, position
from projections import log
from projections.projector import pages
from projections.projector.sessions import session_name
from projections.verification import replay
from projections.verification.histories import Finding, Report
from projections.verification.stored_rows import all_projections
from projections.views.registry import VIEWS
from projections.views.view import PositionedEvent

SHOWN = 100
"""Maximum number of findings that are printed."""


class Replayed(Struct, frozen=True, kw_only=True):
    """The result of a replay; `seconds` is its duration."""

    events: int
    streams: int
    names: Mapping[str, int]
    compared: list[str]
    findings: list[Finding]
    seconds: float


def add_arguments(parser: argparse.ArgumentParser) -> None:
    mode = parser.add_mutually_exclusive_group()
    mode.add_argument("--log-only", action="store_true", help="Check only the log, not the tables derived from it.")
    mode.add_argument(
        "--stream", type=arguments.text, metavar="ID", help="Show one history, by the id that the API shows."
    )
    mode.add_argument("--into", metavar="VIEW", help="Build a view into separate tables that you can inspect.")
    parser.add_argument("--as-of", metavar="TIME", help="With --stream: show what had happened by this time.")
    parser.add_argument(
        "--known-at", metavar="TIME", help="With --stream and --into: use what had been recorded by this time."
    )
    parser.add_argument(
        "--workers", type=arguments.count, default=1, metavar="N", help="Read the log with N processes (default: 1)."
    )
    parser.add_argument("--json", action="store_true", help="Print JSON; not available with --into.")


def option_conflict(parsed: argparse.Namespace) -> str | None:
    """Which options cannot be combined; None when all can."""
    if parsed.as_of is not None and parsed.stream is None:
        return "--as-of needs --stream"
    if parsed.known_at is not None and parsed.stream is None and parsed.into is None:
        return "--known-at needs --stream or --into"
    if parsed.json and parsed.into is not None:
        return "--into cannot print JSON: leave out --json"
    if parsed.workers > 1 and (parsed.stream is not None or parsed.into is not None):
        return "--workers needs the whole log: leave out --stream and --into"
    return None


def run(settings: Settings, parsed: argparse.Namespace) -> int:
    """The exit code. UsageError, CommandFailed."""
    if conflict := option_conflict(parsed):
        raise UsageError(conflict)
    as_of = arguments.time(parsed.as_of, "--as-of")
    known_at = arguments.time(parsed.known_at, "--known-at")
    with prepared_database(settings, parsed.data) as url:
        if parsed.into is not None:
            return build_into(url, parsed.into, known_at=known_at)
        if parsed.stream is not None:
            return show_history(url, parsed.stream, as_of=as_of, known_at=known_at, as_json=parsed.json)
        return check_log(url, as_json=parsed.json, compares=not parsed.log_only, workers=parsed.workers)


def check_log(url: str, *, as_json: bool, compares: bool, workers: int = 1) -> int:
    """Check the whole log, in this process or in several; 1 when there are findings."""
    console = open_console(quiet=as_json)
    started = time.monotonic()
    report = Report()
    with connector(url)(session_name("replay")) as connection:
        connection.autocommit = True
        kept = all_projections(connection) if compares else []
        partitions = log.partition_count(connection)
        ((total,),) = connection.execute(replay.SQL["event_count"]).fetchall()
    with progress_bar(console) as shown, _collector_off():
        task = shown.add_task("replaying", total=total, unit="events")
        for events in replay_workers.replay_partitions(url, partitions, report, workers=workers, compares=compares):
            shown.advance(task, events)
    ended = Replayed(
        events=report.events,
        streams=report.streams,
        names=dict(sorted(report.names.items())),
        compared=[each.view.name for each in kept],
        findings=report.findings,
        seconds=round(time.monotonic() - started, 3),
    )
    if as_json:
        print_json(ended)
    else:
        _tell(console, ended)
    return 1 if ended.findings else 0


@contextmanager
def _collector_off() -> Iterator[None]:
    """A replay keeps many objects without cycles, which the garbage collector would traverse."""
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def _tell(console: SafeConsole, ended: Replayed) -> None:
    console.print(f"{ended.events:,} events of {ended.streams:,} streams")
    for name, count in ended.names.items():
        console.print(escaped(f"{count:>14,}  {name}"))
    if ended.compared:
        console.print(f"compared: {', '.join(ended.compared)}")
    for each in ended.findings[:SHOWN]:
        console.print(escaped(f"{each.what}  {each.position}  {each.stream}: {each.why}"))
    if len(ended.findings) > SHOWN:
        console.print(f"… and {len(ended.findings) - SHOWN:,} more")
    console.print(f"{len(ended.findings):,} findings" if ended.findings else "Nothing is wrong.")


def show_history(url: str, id: str, *, as_of: datetime | None, known_at: datetime | None, as_json: bool) -> int:
    """The history of one aggregate, fact by fact; `id` as the API shows it, or a stream's own."""
    with connector(url)(session_name("replay")) as connection:
        connection.autocommit = True
        facts = [
            each
            for each in _facts(connection, id)
            if (known_at is None or each.event.origin.recorded_at <= known_at)
            and (as_of is None or each.event.happened_at <= as_of)
        ]
    states = history.states([each.event for each in facts])
    shown = [fact_with_state(fact, state) for fact, state in zip(facts, states, strict=True)]
    if as_json:
        print_json(shown)
    else:
        show_table(_HEADINGS, _rows(shown))
    return 0


def _facts(connection: Connection[Any], id: str) -> list[PositionedEvent]:
    partitions = log.partition_count(connection)
    streams = [stream for _, stream in connection.execute(SQL["streams"], {"id": id})] or [id]
    part = partition(streams[0], partitions)
    asked: dict[str, Any] = {"part": part, "stream": streams[0], "limit": PAGE, "bytes": pages.BYTES, "after": 0}
    facts: list[PositionedEvent] = []
    while page := _stored(connection, "facts", asked):
        facts += page
        asked["after"] = page[-1].seq
    if not facts:
        raise CommandFailed(f"nothing in the log is called {id}")
    elsewhere = set().union(*(history.streams_elsewhere(each.event) for each in facts)) - {streams[0]}
    asked |= {"streams": list(elsewhere), "topics": list(names_of(history.ELSEWHERE)), "after": facts[0].seq}
    return sorted([*facts, *_stored(connection, "facts_elsewhere", asked)], key=attrgetter("seq"))


def _stored(connection: Connection[Any], name: str, asked: dict[str, Any]) -> list[PositionedEvent]:
    rows = connection.execute(SQL[name], asked).fetchall()
    return [PositionedEvent(part, seq, decode(topic, state)) for part, seq, topic, state in rows]


_HEADINGS = ("position", "version", "fact", "happened", "recorded", "by", "what changed")


def _rows(facts: list[Fact]) -> list[Sequence[str]]:
    rows: list[Sequence[str]] = []
    for before, fact in pairwise([None, *facts]):
        if fact is None:
            continue
        event = fact.event
        rows.append(
            (
                position(fact.part, fact.seq),
                str(event.originator_version),
                event.stored_name,
                f"{event.happened_at:%Y-%m-%d %H:%M}",
                f"{event.origin.recorded_at:%Y-%m-%d %H:%M}",
                escaped(f"{event.origin.actor_role} {event.origin.actor_id}"),
                "\n".join(map(escaped, _changes(before.state if before else None, fact))),
            )
        )
    return rows


def _changes(before: dict[str, Any] | None, fact: Fact) -> list[str]:
    """What is another than before; where the state does not tell, what the fact says."""
    if fact.state is None and before is not None:
        return ["it is gone"]
    old = before or {}
    changed = {
        name: value for name, value in (fact.state or {}).items() if name != "version" and value != old.get(name)
    }
    if before is not None and changed:
        return [f"{name}: {old.get(name)} → {value}" for name, value in changed.items()]
    return [f"{name}: {value}" for name, value in (changed or fact.data).items()]


def build_into(url: str, name: str, *, known_at: datetime | None) -> int:
    """Grow a view from what was recorded until a time into tables of its own, for looking at."""
    view = VIEWS.latest.get(name)
    if view is None:
        raise CommandFailed(f"there is no view {name}: there are {', '.join(VIEWS.latest)}")
    console = open_console()
    with connector(url)(session_name("replay")) as connection:
        connection.autocommit = True
        ((total,),) = connection.execute(replay.SQL["event_count"]).fetchall()
        with progress_bar(console) as shown:
            task = shown.add_task("replaying", total=total, unit="events")
            for events in replay.fill_into(connection, view, known_at or datetime.max.replace(tzinfo=UTC)):
                shown.advance(task, events)
    for table in replay.replay_tables(view):
        console.print(f"{replay.SCHEMA}.{table}")
    return 0
