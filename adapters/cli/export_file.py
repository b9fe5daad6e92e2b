"""The format of an export: one event per line, and a last line that shows that the file is complete."""

import os
import time
from collections import defaultdict
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Annotated, BinaryIO

import msgspec
from msgspec import Meta, Raw, Struct, field

from adapters.errors import CommandFailed
from domain.catalogue import Undecodable, decode

PAGE = 10_000
"""Maximum number of events of a page."""

PAGE_BYTES = 16 * 1024 * 1024
"""Approximate bytes of a page."""

PAGE_TIME = 1.0
"""Seconds after which a page ends. An import that lets PostgreSQL wait much longer looks like a client that hangs, and
a writer of the same log would terminate its session."""

LINE_LIMIT = 64 * 1024 * 1024
"""Maximum bytes of a line. The largest event that an older version accepted has a text of 16 MiB."""

END_LIMIT = 4_096
"""Bytes at the end of the file in which the last line is searched for."""

MAX_CLOCK_LEAD = timedelta(days=366)
"""How far the clock of the exported service may have been ahead. A clock with a wrong day, month or year has recorded
events in the future; later events of their partitions are then recorded in the future, too, until that time is
reached."""


class Line(Struct, frozen=True):
    """One event of an export, a line of JSON."""

    position: Annotated[str, Meta(pattern=r"\A[0-9]{1,5}-[0-9]{1,18}\Z")]
    stream: str
    version: int
    event: str
    state: Raw


class End(Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """The last line: the number of events, and the SHA-256 of all lines before it, including their line feeds. A
    partial export also says which part of the log it contains."""

    events: int
    sha256: str
    start: datetime | None = field(default=None, name="from")
    end: datetime | None = field(default=None, name="to")
    subject: str | None = None

    @property
    def is_partial(self) -> bool:
        """Whether events are missing. An export up to a time is the whole log of that time, and thus not partial."""
        return self.start is not None or self.subject is not None


_BEGINNING_OF_END = b'{"events":'

_line = msgspec.json.Decoder(Line).decode
_end = msgspec.json.Decoder(End).decode


class Reader:
    """Reads the export of a whole log and checks each line: no event of a partition may be missing, and all must be in
    the order of recording."""

    def __init__(self, file: BinaryIO) -> None:
        self.count = 0
        self._file = file
        self._hash = sha256()
        self._number = 0
        self._seqs: defaultdict[int, int] = defaultdict(int)
        self._recorded_at = datetime.min.replace(tzinfo=UTC)
        self._latest = datetime.now(UTC) + MAX_CLOCK_LEAD

    @property
    def sha256(self) -> str:
        """The SHA-256 of the events that have been read."""
        return self._hash.hexdigest()

    def pages(self, *, needs_end: bool = True) -> Iterator[list[Line]]:
        """All events, page by page. Raises CommandFailed if the file is damaged, or if `needs_end` is true and the last
        line is missing."""
        self._refuse_part()
        page: list[Line] = []
        size, began = 0, time.monotonic()
        while text := self._next():
            if text.startswith(_BEGINNING_OF_END):
                self._check_end(text)
                break
            page.append(self._checked(text))
            size += len(text)
            if len(page) == PAGE or size > PAGE_BYTES or time.monotonic() - began > PAGE_TIME:
                yield page
                page, size, began = [], 0, time.monotonic()
        else:
            if needs_end:
                raise CommandFailed(
                    "the last line, which has the number of events and their hash, is missing: the file was cut, or "
                    "an older version has written it, which wrote no such line. If it is complete, add --without-end"
                )
        if page:
            yield page

    def _refuse_part(self) -> None:
        """Refuse a partial export at once; otherwise the error would be a gap at some line."""
        if not self._file.seekable():
            return
        size = self._file.seek(0, os.SEEK_END)
        self._file.seek(max(0, size - END_LIMIT))
        last = self._file.read().rpartition(b"\n" + _BEGINNING_OF_END)[2]
        self._file.seek(0)
        try:
            is_partial = _end(_BEGINNING_OF_END + last).is_partial
        except (msgspec.DecodeError, UnicodeDecodeError):
            return  # the last line is validated when it is read
        if is_partial:
            raise CommandFailed(
                "the export is of a part of the log (--from, --subject): only a whole one can be imported"
            )

    def _next(self) -> bytes:
        self._number += 1
        text = self._file.readline(LINE_LIMIT + 1)
        if len(text) > LINE_LIMIT:
            raise CommandFailed(f"line {self._number} has more than {LINE_LIMIT:,} bytes")
        if text and not text.endswith(b"\n"):
            raise CommandFailed(f"line {self._number} has no end: the file was cut")
        return text

    def _checked(self, text: bytes) -> Line:
        try:
            line = _line(text)
            event = decode(line.event, bytes(line.state))
        except (msgspec.DecodeError, Undecodable, UnicodeDecodeError) as error:
            raise CommandFailed(f"line {self._number} is no event of an export: {error}") from error
        part, _, seq = line.position.partition("-")
        expected = self._seqs[int(part)] + 1
        if int(seq) != expected:
            raise CommandFailed(
                f"line {self._number} has event {line.position} where {int(part)}-{expected} is due: "
                "events are missing, or not in their order"
            )
        if (event.originator_id, event.originator_version) != (line.stream, line.version):
            raise CommandFailed(
                f"line {self._number} says it is event {line.version} of {line.stream}, and holds "
                f"event {event.originator_version} of {event.originator_id}"
            )
        recorded_at = event.origin.recorded_at
        if recorded_at < self._recorded_at:
            raise CommandFailed(f"line {self._number} was recorded at {recorded_at}, before the line before it")
        if recorded_at > self._latest:
            raise CommandFailed(
                f"line {self._number} was recorded at {recorded_at}, more than {MAX_CLOCK_LEAD.days} days in the "
                "future: no clock is that far ahead"
            )
        self._seqs[int(part)] = expected
        self._recorded_at = recorded_at
        self._hash.update(text)
        self.count += 1
        return line

    def _check_end(self, text: bytes) -> None:
        try:
            end = _end(text)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise CommandFailed(f"line {self._number} is not the last line of an export: {error}") from error
        if self._next():
            raise CommandFailed(f"line {self._number} comes after the end of the export")
        if end.events != self.count:
            raise CommandFailed(
                f"the file has {self.count:,} events, and its last line says that there are {end.events:,}"
            )
        if end.sha256 != self.sha256:
            raise CommandFailed(
                f"the events of the file were changed: their SHA-256 is {self.sha256}, its last line says {end.sha256}"
            )


def digest(file: BinaryIO) -> str:
    """The SHA-256 of the events of an export, without decoding them."""
    found = sha256()
    while (text := file.readline(LINE_LIMIT)) and not text.startswith(_BEGINNING_OF_END):
        found.update(text)
    return found.hexdigest()
