"""Where the database of a command is: the one it is told, the embedded one that runs, or one that it starts itself."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from adapters.postgres import embedded
from adapters.settings import Settings


@contextmanager
def database(settings: Settings, data: Path) -> Iterator[str]:
    """The address to connect to, for as long as the block runs."""
    if settings.database_url:
        yield settings.database_url
        return
    running = embedded.url(data)
    if running is not None:
        yield running
        return
    server = embedded.start(data)
    try:
        yield server.url
    finally:
        server.stop()
