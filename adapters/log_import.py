"""`growthrings import-log`: an export brought into an empty log, which may have another number of partitions."""

from collections.abc import Mapping
from itertools import islice
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Raw
from psycopg import Connection
from rich.console import Console

from adapters.log_export import Credential, Line
from adapters.postgres.connections import connector
from adapters.postgres.log import SQL as LOG
from adapters.postgres.migrate import migrate
from adapters.refused import Refused
from adapters.terminal import progress
from domain.catalogue import Undecodable, decode
from domain.partition import partition
from domain.secret import BLANK
from projections import rebuild, replay
from projections.inline import INLINE
from projections.sessions import session_name
from projections.views import VIEWS

PAGE = 10_000
"""Events that are held at once."""

_TYPES = ("int2", "int8", "text", "int4", "text", "bytea")

_BLANK = f'"password_hash":"{BLANK}"'.encode()

_line = msgspec.json.Decoder(Line).decode
_credential = msgspec.json.Decoder(Credential).decode
_encode = msgspec.json.Encoder().encode


def import_log(url: str, path: Path, *, partitions: int, credentials: Path | None = None) -> int:
    """Bring an export in, in one transaction, and grow everything that is kept beside the log. The number of events.

    `credentials`: the password hashes that the export does not show; without them nobody can log in. Refused, and then
    nothing is stored.
    """
    console = Console(highlight=False, markup=False, soft_wrap=True)
    hashes = {} if credentials is None else _hashes(credentials)
    with connector(url)("prepare") as connection:
        migrate(connection, partitions)
    name = session_name("rebuild")
    with connector(url)(name) as connection:
        connection.autocommit = True
        with connection.transaction():
            count = _import(connection, path, hashes, console)
        for view in (*INLINE, *VIEWS.latest):
            _grow(connection, name, view)
    return count


def _hashes(path: Path) -> dict[tuple[str, int], str]:
    with path.open(encoding="utf-8") as lines:
        return {(each.stream, each.version): each.password_hash for each in map(_credential, lines)}


def _import(connection: Connection[Any], path: Path, hashes: Mapping[tuple[str, int], str], console: Console) -> int:
    parts = [part for (part,) in connection.execute(LOG["lock"], {"parts": list(range(2**15))})]
    ((there,),) = connection.execute(replay.SQL["count"]).fetchall()
    if there:
        raise Refused(f"the log is not empty: it has {there:,} events")
    seqs = dict.fromkeys(parts, 0)
    count = blank = 0
    with path.open("rb") as lines, progress(console) as shown:
        task = shown.add_task("importing", total=None, unit="events")
        numbered = enumerate(lines, 1)
        while page := list(islice(numbered, PAGE)):
            with connection.cursor() as cursor, cursor.copy(LOG["append"]) as copy:
                copy.set_types(_TYPES)
                for number, text in page:
                    line = _read(text, number)
                    part = partition(line.stream, len(parts))
                    seqs[part] += 1
                    state = _with_hash(line, hashes)
                    blank += _BLANK in state
                    copy.write_row((part, seqs[part], line.stream, line.version, line.event, state))
            count += len(page)
            shown.update(task, completed=count)
    if blank:
        console.print(f"{blank:,} passwords were not among the credentials: who has one of them cannot log in.")
    return count


def _read(text: bytes, number: int) -> Line:
    try:
        line = _line(text)
        decode(line.event, bytes(line.state))
    except (msgspec.DecodeError, Undecodable, UnicodeDecodeError) as error:
        raise Refused(f"line {number} is no event of an export: {error}") from error
    return line


def _with_hash(line: Line, hashes: Mapping[tuple[str, int], str]) -> bytes:
    password_hash = hashes.get((line.stream, line.version))
    if password_hash is None:
        return bytes(line.state)
    members = msgspec.json.decode(line.state, type=dict[str, Raw])
    return _encode({**members, "password_hash": password_hash})


def _grow(connection: Connection[Any], builder: str, view: str) -> None:
    """What there is of it is of the empty log: nothing that it could be compared with."""
    going = rebuild.begin(connection, builder, view)
    for _ in going.grow():
        pass
    going.finish()
    for _ in going.switch():
        pass
    if view in VIEWS.latest:
        for _ in rebuild.drop_old(connection, view):
            pass
