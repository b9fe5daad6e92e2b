"""An API process alone, on a database that another service has prepared and keeps the views of: it is up sooner."""

import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

import httpx

from tests.running.processes import Run, command, environment, soon
from tests.service import ROOT, free_port


@contextmanager
def answering(data: Path, settings: Mapping[str, str]) -> Iterator[Run]:
    """One that answers, and is gone after the block. `data` holds its keys, which it makes where there are none."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    data.mkdir(exist_ok=True)
    notes = data.parent / uuid4().hex
    out, err = notes.with_suffix(".out"), notes.with_suffix(".err")
    with out.open("wb") as told, err.open("wb") as logged:
        process = subprocess.Popen(
            command("api", "--data", str(data), "--port", str(port)),
            env=environment(**settings),
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            stdout=told,
            stderr=logged,
        )
    try:
        assert soon(lambda: process.poll() is not None or is_answering(url), 60)
        assert process.poll() is None, err.read_text()
        yield Run(process, data, url, out, err)
    finally:
        process.terminate()
        process.wait(30)


def is_answering(url: str) -> bool:
    try:
        return httpx.get(f"{url}/health/live", timeout=5).status_code == 200
    except httpx.TransportError:
        return False
