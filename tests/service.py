"""The real processes of the service on a database of the tests."""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path

from msgspec import Struct

ROOT = Path(__file__).parent.parent

CHEAP = {
    "GROWTHRINGS_ARGON2_MEMORY": "64",
    "GROWTHRINGS_RATE_LIMIT": "off",
    "GROWTHRINGS_LOGIN_LIMIT": "off",
    "REDIS_URL": "",
}
"""Hundreds of users are registered; what a password costs is tested where it matters."""


class Service(Struct, frozen=True):
    url: str
    admin_username: str
    admin_password: str
    keys: Path
    issuer: str
    process: subprocess.Popen[str]


@contextmanager
def serve(data: Path, environment: Mapping[str, str], *, workers: int = 1) -> Iterator[Service]:
    """`growthrings serve` on a free port, until the block ends."""
    port = free_port()
    words = ["serve", "--data", str(data), "--port", str(port), "--workers", str(workers)]
    process = subprocess.Popen(
        [sys.executable, "-m", "adapters.cli", *words],
        env={**os.environ, **CHEAP, "GROWTHRINGS_ADMIN_PASSWORD": "secret of the first", **environment},
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout is not None
        for line in process.stdout:
            if line.startswith("Ready: "):
                break
        else:
            raise RuntimeError(f"serve ended with {process.wait()}")
        url = line.removeprefix("Ready: ").strip()
        yield Service(url, "admin", "secret of the first", data / "keys", "growthrings", process)
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(30)
        if process.stdout is not None:
            process.stdout.close()


def free_port() -> int:
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
