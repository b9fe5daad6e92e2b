"""`growthrings import-log`: imports an export into an empty log, which may have another number of partitions.

The events, the dedupe index and the directory are stored in one transaction, so that no command can ever be decided by
an incomplete log. The views are built afterwards. If the import is interrupted, the same command resumes it.
"""

import argparse
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Raw
from psycopg import Connection, Cursor

from adapters.cli import export_file
from adapters.cli.console import SafeConsole, open_console, progress_bar
from adapters.cli.export import Credential
from adapters.cli.export_file import Line, Reader
from adapters.errors import CommandFailed
from adapters.postgres.connections import connector
from adapters.postgres.event_store import SQL as LOG
from adapters.postgres.event_store import append_rows
from adapters.processes.database import database
from adapters.processes.prepare import migrate_schema
from adapters.settings import Settings
from adapters.system.terminal import print_line
from domain.event import Event
from domain.partition import partition
from domain.secret import BLANK
from projections import statements
from projections.inline import dedupe_index, directory
from projections.projector.pages import INVALID_VALUES, error_text
from projections.projector.sessions import session_name
from projections.rebuild import rebuild
from projections.verification import replay
from projections.verification.histories import PartitionHistories, Report
from projections.views.registry import VIEWS

SQL = statements.parse(Path(__file__).parent.parent / "postgres" / "sql" / "import_log.sql")

SHOWN = 10
"""Maximum number of findings that are listed."""

CHECK_PAGE = 500
"""Events that are checked together. Small, like the pages of the file, so that PostgreSQL never waits long for us."""

_BLANK = f'"password_hash":"{BLANK}"'.encode()

_credential = msgspec.json.Decoder(Credential).decode
_encode = msgspec.json.Encoder().encode


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", type=Path, metavar="FILE", help="The export of a whole log, in ndjson.")
    parser.add_argument(
        "--credentials", type=Path, metavar="FILE", help="Read the password hashes of the export from this file."
    )
    parser.add_argument(
        "--without-end",
        action="store_true",
        help="Accept a file without the last line, which holds the number of events; older versions wrote none.",
    )


def run(settings: Settings, parsed: argparse.Namespace) -> int:
    with database(settings, parsed.data, makes=True) as url:
        count = import_log(
            url,
            parsed.file,
            partitions=settings.partitions,
            credentials=parsed.credentials,
            needs_end=not parsed.without_end,
        )
    print_line(f"The log has {count:,} events; all views are built.")
    return 0


def import_log(
    url: str, path: Path, *, partitions: int, credentials: Path | None = None, needs_end: bool = True
) -> int:
    """Import an export, build all projections, and return the number of events.

    `credentials`: a file with the password hashes, which the export does not contain; without it nobody can log in.
    `needs_end`: refuse an export without its last line. Raises CommandFailed, in which case nothing is stored.
    """
    console = open_console()
    hashes = {} if credentials is None else _hashes(credentials)
    with connector(url)("prepare") as connection:
        migrate_schema(connection, partitions)
    name = session_name("import")
    with connector(url)(name) as connection:
        connection.autocommit = True
        connection.execute(SQL["session"])
        stored = _already_stored(connection, path)
        if stored is None:
            count = _Import(connection, hashes, console).store(path, needs_end=needs_end)
        else:
            count, is_finished = stored
            console.print(f"The {count:,} events of this export are in the log already.")
            if is_finished:
                return count
        connection.execute(SQL["analyze"])
        for view in VIEWS.latest:
            _grow(connection, name, view)
        connection.execute(SQL["set_finished"])
    return count


def _hashes(path: Path) -> dict[tuple[str, int], str]:
    found = {}
    with path.open("rb") as lines:
        for number, line in enumerate(lines, 1):
            try:
                each = _credential(line)
            except (msgspec.DecodeError, UnicodeDecodeError) as error:
                raise CommandFailed(f"{path}: line {number} is no credential of an export: {error}") from error
            found[each.stream, each.version] = each.password_hash
    return found


def _already_stored(connection: Connection[Any], path: Path) -> tuple[int, bool] | None:
    """If this export has been stored before, its number of events and whether the views are built; None if the log is
    empty. Raises CommandFailed if the log contains other events."""
    ((has_events,),) = connection.execute(SQL["has_events"]).fetchall()
    if not has_events:
        return None
    for digest, count, is_finished in connection.execute(SQL["imported"]):
        with path.open("rb") as file:
            if export_file.digest(file) == digest:
                return int(count), bool(is_finished)
    raise CommandFailed("the log is not empty: an export can only be imported into a new one")


class _Import:
    """Stores the events of an export and builds the inline projections in one transaction."""

    def __init__(
        self, connection: Connection[Any], hashes: Mapping[tuple[str, int], str], console: SafeConsole
    ) -> None:
        self._connection, self._hashes, self._console = connection, hashes, console

    def store(self, path: Path, *, needs_end: bool) -> int:
        """Store the export and return the number of events. Raises CommandFailed."""
        with self._connection.transaction(), self._connection.cursor() as cursor, path.open("rb") as file:
            parts = [part for (part,) in cursor.execute(LOG["lock"], {"parts": list(range(2**15))})]
            ((has_events,),) = cursor.execute(SQL["has_events"]).fetchall()
            if has_events:
                raise CommandFailed("the log is not empty: somebody has written to it")
            reader = Reader(file)
            self._append(cursor, reader, len(parts), needs_end=needs_end)
            cursor.execute(SQL["analyze_events"])
            self._grow_inline(cursor, parts, reader.count)
            cursor.execute(SQL["set_imported"], {"sha256": reader.sha256, "events": reader.count})
        return reader.count

    def _append(self, cursor: Cursor[Any], reader: Reader, partitions: int, *, needs_end: bool) -> None:
        seqs: defaultdict[int, int] = defaultdict(int)
        blank = 0
        with progress_bar(self._console) as shown:
            task = shown.add_task("importing", total=None, unit="events")
            for page in reader.pages(needs_end=needs_end):
                rows = []
                for line in page:
                    part = partition(line.stream, partitions)
                    seqs[part] += 1
                    state = self._with_hash(line)
                    blank += _BLANK in state
                    rows.append((part, seqs[part], line.stream, line.version, line.event, state))
                try:
                    append_rows(cursor, rows)
                except INVALID_VALUES as error:
                    first, last = reader.count - len(page) + 1, reader.count
                    raise CommandFailed(
                        f"lines {first:,} to {last:,} hold an event that cannot be stored: {error_text(error)}"
                    ) from error
                shown.advance(task, len(page))
        if blank:
            self._console.print(
                f"{blank:,} passwords were not among the credentials: who has one of them cannot log in."
            )

    def _with_hash(self, line: Line) -> bytes:
        password_hash = self._hashes.get((line.stream, line.version))
        if password_hash is None:
            return bytes(line.state)
        members = msgspec.json.decode(line.state, type=dict[str, Raw])
        return _encode({**members, "password_hash": password_hash})

    def _grow_inline(self, cursor: Cursor[Any], parts: Sequence[int], total: int) -> None:
        """Read the log again, partition by partition, as a replay does. Refuse a damaged one, and build the inline
        projections from its events."""
        report = Report()
        with progress_bar(self._console) as shown:
            task = shown.add_task("checking", total=total, unit="events")
            for part in parts:
                history = PartitionHistories(part, len(parts), report)
                for stored in replay.stored_pages(self._connection, part, CHECK_PAGE):
                    events = [event for _, event in history.add_page(stored)]
                    _refuse(report)
                    _write_inline(cursor, events, len(parts))
                    shown.advance(task, len(stored))


def _refuse(report: Report) -> None:
    if not report.findings:
        return
    found = "\n".join(f"{each.stream}: {each.why}" for each in report.findings[:SHOWN])
    raise CommandFailed(f"the export is damaged:\n{found}")


def _write_inline(cursor: Cursor[Any], events: Sequence[Event], partitions: int) -> None:
    dedupe_index.write(cursor, dedupe_index.fold(events), partitions)
    directory.write(cursor, directory.fold(event for event in events if type(event) in directory.EVENTS))


def _grow(connection: Connection[Any], builder: str, view: str) -> None:
    """Build a view that has not seen the whole log, as a rebuild does, which resumes an interrupted one. The live
    generation is that of the empty log, so there is nothing to compare with."""
    if rebuild.is_behind(connection, view):
        going = rebuild.begin(connection, builder, view)
        for _ in going.fill():
            pass
        going.finish()
        for _ in going.switch():
            pass
    for _ in rebuild.drop_old(connection, view):
        pass
