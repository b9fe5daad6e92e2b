"""Commands of the shell, run in this process, against a database that a test has prepared."""

from collections.abc import Callable
from typing import NamedTuple

import pytest
from structlog.testing import capture_logs

from adapters.cli import main
from adapters.processes import prepare
from adapters.settings import VARIABLES
from adapters.telemetry import logs


class Ended(NamedTuple):
    code: int
    out: str
    err: str


Command = Callable[..., Ended]


def commanding(url: str, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Command:
    """A function that runs a command on a database, and says how it ended. Nobody waits for one to be prepared."""
    for variable in VARIABLES.values():
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setenv("DATABASE_URL", url)
    monkeypatch.setenv("GROWTHRINGS_ARGON2_MEMORY", "64")
    monkeypatch.setattr(logs, "configure", lambda *_: None)  # loggers that were used once keep to it
    monkeypatch.setattr(prepare, "PREPARE_TIME", 0.0)

    def run(*words: str) -> Ended:
        capfd.readouterr()
        with capture_logs():
            try:
                code = main.main(list(words))
            except SystemExit as ended:  # argparse's
                code = int(ended.code or 0)
        return Ended(code, *capfd.readouterr())

    return run
