"""`growthrings export`: writes the log to standard output, in the order of recording and without password hashes."""

import argparse
import csv
import heapq
import io
import sys
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from typing import Any, NamedTuple, Protocol, TextIO

import msgspec
from msgspec import Raw, Struct
from psycopg import Connection

from adapters.cli import arguments
from adapters.cli.export_file import End, Line
from adapters.cli.prepared_database import prepared_database
from adapters.errors import CommandFailed
from adapters.postgres.connections import connector
from adapters.settings import Settings
from adapters.system.files import create_private
from domain.catalogue import decode, recorded_at
from domain.partition import position
from domain.secret import blanked
from domain.subjects import Subjects
from projections import log
from projections.projector.sessions import session_name
from projections.verification import replay

PAGE = 500
"""Events of one partition that are in memory at once."""

BYTES = 32 * 1024 * 1024
"""Bytes of states that are in memory at once, for all partitions together."""

COLUMNS = (
    "position",
    "stream",
    "version",
    "event",
    "happened_at",
    "recorded_at",
    "actor",
    "role",
    "request_id",
    "cause",
    "data",
)
"""The columns of a CSV file; `data` is JSON."""

_encode = msgspec.json.Encoder().encode


class Credential(Struct, frozen=True):
    """The password hash that was removed from an event of an export."""

    stream: str
    version: int
    password_hash: str


class Stored(NamedTuple):
    recorded_at: datetime
    part: int
    seq: int
    stream: str
    version: int
    topic: str
    state: bytes


class Selection(Struct, frozen=True):
    """Selects events that were recorded from `start` until before `end`, about one subject. None selects all."""

    start: datetime | None = None
    end: datetime | None = None
    subject: str | None = None

    def of(self, events: Iterable[Stored]) -> Iterator[Stored]:
        """The selected events of a log, in the same order; needs all events of the log."""
        subjects = Subjects()
        for event in events:
            # The subjects of a group's event depend on the events before it, even on those before `start`.
            is_about = self.subject is None or subjects.is_about(decode(event.topic, event.state), self.subject)
            is_early = self.start is not None and event.recorded_at < self.start
            is_late = self.end is not None and event.recorded_at >= self.end
            if is_about and not is_early and not is_late:
                yield event


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--from", dest="start", metavar="TIME", help="Export events recorded at or after this time.")
    parser.add_argument("--to", dest="end", metavar="TIME", help="Export events recorded before this time.")
    parser.add_argument(
        "--subject", type=arguments.text, metavar="ID", help="Export events about this child, outcome or other object."
    )
    parser.add_argument(
        "--format", choices=["ndjson", "csv"], default="ndjson", help="Write this format (default: ndjson)."
    )
    parser.add_argument(
        "--credentials", type=Path, metavar="FILE", help="Write the password hashes to this new file, readable by you."
    )


def run(settings: Settings, parsed: argparse.Namespace) -> int:
    start = arguments.time(parsed.start, "--from")
    selection = Selection(start, arguments.time(parsed.end, "--to"), parsed.subject)
    with prepared_database(settings, parsed.data) as url:
        count = export(url, selection, format=parsed.format, out=sys.stdout, credentials=parsed.credentials)
    if parsed.subject is not None and not count:
        raise CommandFailed(
            f"the log has no event about {parsed.subject!r} in that time: check the id, --from and --to"
        )
    return 0


def export(
    url: str, selection: Selection, *, format: str, out: TextIO = sys.stdout, credentials: Path | None = None
) -> int:
    """Write the events to `out` as `ndjson` or `csv`, and return their number. The password hashes go to the file
    `credentials`, which only its owner can read, or nowhere.

    In ndjson, the last line holds the number of events and their hash (`End`). A file without it is not complete."""
    if isinstance(out, io.TextIOWrapper):
        out.reconfigure(encoding="utf-8", newline="\n")  # the hash is that of the bytes of the file
    count = 0
    with connector(url)(session_name("export")) as connection, ExitStack() as files:
        connection.autocommit = True
        secrets = None if credentials is None else files.enter_context(create_private(credentials))
        written = _Csv(out) if format == "csv" else _Json(out)
        for event in selection.of(events_of(connection)):
            state, secret = _blanked(event.state)
            written.write(event, state)
            if secrets is not None and secret is not None:
                secrets.write(_encode(Credential(event.stream, event.version, secret)).decode() + "\n")
            count += 1
        written.end(count, selection)
    return count


def events_of(connection: Connection[Any]) -> Iterator[Stored]:
    """All present events of the log, in the order of recording."""
    ends = log.log_ends(connection, log.partitions(connection))
    held = max(BYTES // len(ends), 1)
    yield from heapq.merge(*(_partition(connection, part, end, held) for part, end in ends.items()))


def _partition(connection: Connection[Any], part: int, end: int, held: int) -> Iterator[Stored]:
    """`held`: bytes of states in memory at once; a single event may be larger."""
    after = 0
    while after < end:
        rows = connection.execute(replay.SQL["events_after"], replay.page_after(part, after, PAGE, held)).fetchall()
        for seq, stream, version, topic, state in rows:
            if seq > end:
                return
            yield Stored(recorded_at(state), part, seq, stream, version, topic, state)
        after = rows[-1][0]


def _blanked(state: bytes) -> tuple[bytes, str | None]:
    """The state without its password hash, and the hash."""
    if b'"password_hash"' not in state:
        return state, None  # by far most events, which need not be decoded
    members = msgspec.json.decode(state, type=dict[str, Any])
    return _encode(blanked(members)), members.get("password_hash")


class _Written(Protocol):
    """A file that is being written."""

    def write(self, event: Stored, state: bytes) -> None: ...

    def end(self, count: int, selection: Selection) -> None: ...


class _Json(_Written):
    def __init__(self, out: TextIO) -> None:
        self._out, self._hash = out, sha256()

    def write(self, event: Stored, state: bytes) -> None:
        line = (
            _encode(Line(position(event.part, event.seq), event.stream, event.version, event.topic, Raw(state))) + b"\n"
        )
        self._hash.update(line)
        self._out.write(line.decode())

    def end(self, count: int, selection: Selection) -> None:
        end = End(count, self._hash.hexdigest(), selection.start, selection.end, selection.subject)
        self._out.write(_encode(end).decode() + "\n")


class _Csv(_Written):
    """Writes each event as a row, without a last line."""

    def __init__(self, out: TextIO) -> None:
        self._rows = csv.writer(out)
        self._rows.writerow(COLUMNS)

    def write(self, event: Stored, state: bytes) -> None:
        members = msgspec.json.decode(state, type=dict[str, Any])
        origin = members.pop("origin")
        own = {name: value for name, value in members.items() if name not in _SAID}
        self._rows.writerow(
            [
                position(event.part, event.seq),
                event.stream,
                event.version,
                event.topic,
                members["happened_at"],
                *(origin[name] for name in ("recorded_at", "actor_id", "actor_role", "request_id")),
                members["cause"],
                _encode(own).decode(),
            ]
        )

    def end(self, count: int, selection: Selection) -> None:
        return


_SAID: Iterable[str] = ("originator_id", "originator_version", "happened_at", "cause")
"""Members that have their own columns, or are contained in `stream` and `version`."""
