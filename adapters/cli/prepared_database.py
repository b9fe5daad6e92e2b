"""The database of a command that needs the schema of this version."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from adapters.processes.database import database
from adapters.processes.prepare import wait_until_prepared
from adapters.settings import Settings


@contextmanager
def prepared_database(settings: Settings, data: Path) -> Iterator[str]:
    """The URL of the database; the embedded server runs meanwhile. NotPrepared."""
    with database(settings, data) as url:
        wait_until_prepared(url)
        yield url
