"""Logs: events with names, as JSON lines, or for a person where the output is a terminal.

What is logged are names, counts and ids: never a measured value, a password or a token.
"""

import logging
import re
import sys
from contextlib import suppress
from functools import partial
from typing import TextIO

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

_DETAIL = re.compile(r"^(?:DETAIL|CONTEXT|HINT|LINE \d+): .*\n?", re.MULTILINE)


class Lines:
    """Writes lines. A log that is full, or that nobody reads any more, must not stop who writes to it."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def msg(self, message: str) -> None:
        with suppress(OSError):
            self._stream.write(f"{message}\n")  # at once: others write there, too
            self._stream.flush()

    debug = info = warning = error = critical = exception = msg


def configure(level: str) -> None:
    """Log to standard error from `level` on, one line an event; what libraries log comes the same way."""
    number = logging.getLevelNamesMapping()[level.upper()]
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
        without_details,
    ]
    renderer: Processor = (
        structlog.dev.ConsoleRenderer() if sys.stderr.isatty() else structlog.processors.JSONRenderer()
    )
    structlog.configure(
        processors=[*shared, renderer],
        wrapper_class=structlog.make_filtering_bound_logger(number),
        logger_factory=partial(Lines, sys.stderr),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer],
        )
    )
    logging.basicConfig(level=max(number, logging.WARNING), handlers=[handler], force=True)


def without_details(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """PostgreSQL's errors come with the rows that they are about: leave those out."""
    for name in ("exception", "error", "reason"):
        if isinstance(event.get(name), str):
            event[name] = _DETAIL.sub("", event[name]).rstrip("\n")
    return event
