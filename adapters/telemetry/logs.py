"""Logging: named events as JSON lines, or in a readable form if the output is a terminal.

Log lines contain names, counts and ids, but never a measured value, a password or a token.
"""

import atexit
import logging
import sys
import time
import traceback
from collections.abc import Callable
from typing import Any, TextIO

import msgspec
import structlog
from structlog.typing import EventDict, ExcInfo, Processor, WrappedLogger

from adapters.system.terminal import escaped_lines
from adapters.telemetry.log_lines import Lines, Stream, past_buffer
from projections.database_error import message_of, without_detail

LENGTH = 16_000
"""Maximum number of characters of a field."""

CAUSES = 10
"""Maximum number of preceding errors that the trace of an error shows."""

_encode = msgspec.json.Encoder().encode


class Log:
    """The log of a process: its name, level and output."""

    def __init__(self, process: str, level: int, stream: TextIO) -> None:
        self.process = process
        self.level = level
        self.lines = Lines(past_buffer(stream))
        self._console = structlog.dev.ConsoleRenderer() if stream.isatty() else None
        self.renderer: Processor = self._console or structlog.processors.JSONRenderer()

    def named(self, _logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
        """Add the name of the process to the event."""
        event["process"] = self.process
        return event

    def rendered(self, event: dict[str, Any]) -> str:
        """The line of an event that needs no further processing and contains no text from outside."""
        return _encode(event).decode() if self._console is None else str(self._console(None, event["level"], event))


_of_process: Log | None = None


def of_process() -> Log | None:
    """The log that `configure` has created."""
    return _of_process


def configure(level: str, process: str) -> Log:
    """Log events of at least `level` to standard error, one line each, with the name of the process. Libraries log in
    the same way."""
    number = logging.getLevelNamesMapping()[level.upper()]
    global _of_process  # noqa: PLW0603  # a process has one log, as it has one standard error
    log = _of_process = Log(process, number, sys.stderr)
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        log.named,
        structlog.processors.ExceptionRenderer(trace),
        presentable,
    ]
    structlog.configure(
        processors=[*shared, log.renderer],
        wrapper_class=structlog.make_filtering_bound_logger(number),
        logger_factory=lambda *_: log.lines,
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(Stream(log.lines))
    handler.addFilter(OnceAMinute())
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, log.renderer],
        )
    )
    logging.basicConfig(level=max(number, logging.WARNING), handlers=[handler], force=True)
    atexit.register(log.lines.flush)
    return log


class OnceAMinute(logging.Filter):
    """Limits a repeated message of a library to one line a minute, which says how many were left out."""

    REPEAT = 60.0
    MOST = 1_000

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__()
        self._clock = clock
        self._seen: dict[tuple[str, str], tuple[float, int]] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        now, key = self._clock(), (record.name, str(record.msg))
        at, left_out = self._seen.get(key, (now - self.REPEAT, 0))
        if now - at < self.REPEAT:
            self._seen[key] = at, left_out + 1
            return False
        if len(self._seen) >= self.MOST:
            self._seen.clear()
        self._seen[key] = now, 0
        if left_out:
            record.msg, record.args = f"{record.getMessage()} (and {left_out:,} times before)", ()
        return True


def presentable(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """Shorten long fields, remove details of database errors, and escape characters that control a terminal."""
    for name, value in event.items():
        if isinstance(value, str) and not (len(value) <= LENGTH and value.isprintable()):
            text = value if name == "exception" else without_detail(value)
            event[name] = escaped_lines(text if len(text) <= LENGTH else f"{text[:LENGTH]}…")
    return event


def trace(exc_info: ExcInfo) -> str:
    """Format an error and those that led to it as Python does. Of PostgreSQL's errors it shows only the message,
    because the details contain values of rows."""
    return _trace(exc_info[1], CAUSES)


def _trace(error: BaseException, causes: int) -> str:
    name = type(error).__qualname__
    module = type(error).__module__
    said = f"{name if module == 'builtins' else f'{module}.{name}'}: {message_of(error)}"
    if causes == 0:
        return said
    parts = []
    if error.__cause__ is not None:
        parts += [_trace(error.__cause__, causes - 1), "It caused:"]
    elif error.__context__ is not None and not error.__suppress_context__:
        parts += [_trace(error.__context__, causes - 1), "While it was handled:"]
    parts.append("Traceback (most recent call last):\n" + "".join(traceback.format_tb(error.__traceback__)) + said)
    if isinstance(error, BaseExceptionGroup):
        parts += ["It holds:", *(_trace(each, causes - 1) for each in error.exceptions)]
    return "\n\n".join(parts)
