"""`growthrings demo`: sends a real series of weights twice, and lists some of them."""

import argparse
import csv
import os
import secrets
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from adapters.cli.console import SafeConsole
from adapters.errors import CommandFailed
from adapters.settings import VARIABLES, Settings
from adapters.system import subprocesses

SERIES = Path(__file__).parent.parent.parent / "scripts" / "data" / "chick_weight.csv"
"""Weights of 50 chicks, in grams, on days 0 to 21 (R, `datasets::ChickWeight`; Crowder and Hand, 1990)."""

FIRST_DAY = datetime(2026, 1, 1, 8, tzinfo=UTC)
"""Day 0 of the series."""

Batch = list[dict[str, Any]]


class DemoFailed(CommandFailed):
    """The service did not do what the demo shows; the message says what it did."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--url", help="Use a running service (default: start one in a temporary folder).")


def run(settings: Settings, parsed: argparse.Namespace) -> int:
    url = parsed.url
    console = SafeConsole()
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # so that SIGTERM, too, cleans up
    try:
        if url is None:
            with _own_service(console) as (own_url, password):
                _Demo(own_url, settings.admin_username, password, console).run()
        elif settings.admin_password is None:
            raise DemoFailed(f"with --url, {VARIABLES['admin_password']} must hold the password of the first admin")  # noqa: TRY301  # reported like every other failure
        else:
            _Demo(url, settings.admin_username, settings.admin_password, console).run()
    except (DemoFailed, httpx.HTTPError) as error:
        console.print(f"The demo failed: {error}", style="red")
        return 1
    return 0


@contextmanager
def _own_service(console: Console) -> Iterator[tuple[str, str]]:
    """Run a service in a temporary folder; yields its address and the admin's password."""
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    password = secrets.token_urlsafe(12)
    with tempfile.TemporaryDirectory(prefix="growthrings-demo-", ignore_cleanup_errors=True) as folder:
        console.print("Starting a service for the demo ...")
        process = subprocesses.spawn(
            ["serve", "--data", folder, "--port", str(port)],
            {
                **os.environ,
                VARIABLES["database_url"]: "",
                VARIABLES["admin_password"]: password,
                VARIABLES["rate_limit"]: "off",
                VARIABLES["log_level"]: os.environ.get(VARIABLES["log_level"]) or "warning",
            },
            stdout=subprocess.PIPE,
            text=True,
        )
        try:
            ready = next((line for line in process.stdout or () if line.startswith("Ready: ")), None)
            if ready is None:
                raise DemoFailed("the service did not start")
            yield ready.removeprefix("Ready: ").strip(), password
        finally:
            subprocesses.stop(process)


class _Demo:
    def __init__(self, url: str, username: str, password: str, console: Console) -> None:
        self._http = httpx.Client(base_url=url, timeout=30)
        self._console = console
        self._admin = self._log_in(username, password)
        self._run = secrets.token_hex(4)

    def run(self) -> None:
        series = _series()
        institution = self._post("/v1/institutions", self._admin, {"type": "farm", "name": f"Hatchery {self._run}"})
        credentials = {"password": secrets.token_urlsafe(12), "institution_id": institution["id"]}
        name = f"scale-{self._run}"
        self._post("/v1/applications", self._admin, {"username": name, "application_name": "Scale", **credentials})
        scale = self._log_in(name, credentials["password"])
        children = {}
        with self._progress() as progress:
            for chick in progress.track(series, description="registering children"):
                child = {"username": f"chick-{chick}-{self._run}", "gender": "female", "age": "1", **credentials}
                children[chick] = self._post("/v1/children", self._admin, child)["id"]
        batches = {children[chick]: batch for chick, batch in series.items()}
        first = self._send("sending the series", scale, batches)
        again = self._send("sending it again", scale, batches)
        self._console.print(_told({"first time": first, "again": again}))
        self._list(scale, children["1"])
        sent = sum(map(len, batches.values()))
        if (first["accepted"], again["duplicates"]) != (sent, sent):
            raise DemoFailed(
                f"of {sent} items {first['accepted']} were accepted, then {again['duplicates']} duplicates"
            )

    def _send(self, what: str, token: str, batches: Mapping[str, Batch]) -> dict[str, float]:
        counts = {"accepted": 0.0, "duplicates": 0.0, "other": 0.0}
        started = time.perf_counter()
        with self._progress() as progress:
            for child_id, batch in progress.track(batches.items(), description=what):
                answer = self._post(f"/v1/children/{child_id}/weights", token, batch)
                duplicates = sum(refused["code"] == 409 for refused in answer["error"])
                counts["accepted"] += len(answer["success"])
                counts["duplicates"] += duplicates
                counts["other"] += len(answer["error"]) - duplicates
        items = sum(map(len, batches.values()))
        return counts | {"items per second": items / (time.perf_counter() - started)}

    def _list(self, token: str, child_id: str) -> None:
        table = Table("question about chick 1", "matches", "the first of them", title="listed back")
        for question in ("sort=timestamp&limit=3", "value=gte:150&sort=-value", "period=1w&end_at=2026-01-22"):
            response = self._ask("GET", f"/v1/children/{child_id}/weights?{question}", token)
            shown = ", ".join(
                f"{item['timestamp'][:10]} {item['value']:g} {item['unit']}" for item in response.json()[:3]
            )
            table.add_row(question, response.headers["X-Total-Count"], shown)
        self._console.print(table)

    def _log_in(self, username: str, password: str) -> str:
        body = {"username": username, "password": password}
        return str(self._ask("POST", "/v1/auth", None, body).json()["access_token"])

    def _post(self, path: str, token: str, body: Any) -> Any:
        return self._ask("POST", path, token, body).json()

    def _ask(self, method: str, path: str, token: str | None, body: Any = None) -> httpx.Response:
        """The response; if the service answers 429, the request is repeated after the wait that it asks for."""
        headers = {} if token is None else {"Authorization": f"Bearer {token}"}
        while (response := self._http.request(method, path, json=body, headers=headers)).status_code == 429:
            wait = int(response.headers["Retry-After"])
            self._console.print(f"The service wants to be left alone for {wait} s ...")
            time.sleep(wait)
        if not response.is_success:
            raise DemoFailed(f"{response.request.url.path} answered {response.status_code}: {response.text}")
        return response

    def _progress(self) -> Progress:
        columns = (TextColumn("{task.description:>20}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
        return Progress(*columns, console=self._console)


def _series() -> dict[str, Batch]:
    """The items of each chick, in the order of days."""
    series: dict[str, Batch] = {}
    with SERIES.open(newline="") as file:
        for row in csv.DictReader(file):
            day = FIRST_DAY + timedelta(days=int(row["Time"]))
            item = {"timestamp": day.isoformat(), "value": float(row["weight"]), "unit": "g"}
            series.setdefault(row["Chick"], []).append(item)
    return series


def _told(sent: Mapping[str, Mapping[str, float]]) -> Table:
    """A table with a row for each time and a column for each count."""
    first = next(iter(sent.values()))
    table = Table("sent", *first, title="what became of the items")
    for what, counts in sent.items():
        table.add_row(what, *(f"{count:,.0f}" for count in counts.values()))
    return table
