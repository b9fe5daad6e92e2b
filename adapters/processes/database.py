"""The database of a command: that of `DATABASE_URL`, an embedded one that runs, or one that the command starts."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from adapters.errors import CommandFailed
from adapters.postgres import embedded
from adapters.settings import Settings


@contextmanager
def database(settings: Settings, data: Path, *, makes: bool = False) -> Iterator[str]:
    """The URL of the database, valid while the block runs. `makes`: create it if the data folder has none. Refused."""
    if settings.database_url:
        yield settings.database_url
    elif (running := embedded.url(data)) is not None:
        yield running
    else:
        if not (makes or (data / "postgres").exists()):
            raise CommandFailed(f"There is no database in {data}, and DATABASE_URL names none.")
        server = _start(data)
        try:
            yield server.url
        finally:
            server.stop()


def _start(data: Path) -> embedded.Server:
    try:
        return embedded.start(data)
    except (embedded.ServerInUse, RuntimeError, TimeoutError, OSError) as error:
        raise CommandFailed(f"{data} has no database that could be used: {error}") from error
