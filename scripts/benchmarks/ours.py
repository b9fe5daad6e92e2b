"""The measured service: started on an empty folder, and used over HTTP by its contract."""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
from msgspec import Struct

from scripts.benchmarks.peers import free_port, process

ADMIN = {"username": "admin", "password": "benchmark of the write side"}
PASSWORD = "a password of the benchmark"
CHILDREN = 50


class Service(Struct, frozen=True):
    """A running service with `children`, whose weights the application user with `token` may post."""

    port: int
    conninfo: str
    token: str
    children: tuple[str, ...]


@contextmanager
def service(folder: Path, *, workers: int = 1, children: int = CHILDREN) -> Iterator[Service]:
    """Run the service with this number of API processes, and with its data in `folder`, which has none yet."""
    folder.mkdir(exist_ok=True)
    port, data, log = free_port(), folder / "data", folder / "service.log"
    settings = {
        "GROWTHRINGS_ADMIN_PASSWORD": ADMIN["password"],
        "GROWTHRINGS_RATE_LIMIT": "off",
        "GROWTHRINGS_LOGIN_LIMIT": "off",
    }
    arguments = ["-m", "adapters.cli", "serve", "--data", str(data), "--port", str(port), "--workers", str(workers)]
    with process(arguments, log, lambda: "Ready: " in log.read_text(), **settings):
        socket_folder = (data / "socket").read_text().strip()
        conninfo = f"host={socket_folder} user=growthrings dbname=growthrings"
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=60) as client:
            token, ids = accounts(client, children)
        yield Service(port, conninfo, token, ids)


def accounts(client: httpx.Client, number: int) -> tuple[str, tuple[str, ...]]:
    """Register an institution, an application and `number` children. Returns the application's token and the ids of the
    children."""
    client.headers["Authorization"] = f"Bearer {login(client, ADMIN)}"
    institution = post(client, "/v1/institutions", {"type": "Institute", "name": "Benchmark"})["id"]
    application = {"username": "benchmark", "password": PASSWORD}
    post(
        client,
        "/v1/applications",
        {**application, "institution_id": institution, "application_name": "Benchmark"},
    )

    def child(number: int) -> str:
        body = {"username": f"child {number}", "password": PASSWORD, "institution_id": institution}
        return str(post(client, "/v1/children", {**body, "gender": "female", "age": "8"})["id"])

    with ThreadPoolExecutor(4) as threads:
        children = tuple(threads.map(child, range(number)))
    return login(client, application), children


def login(client: httpx.Client, user: dict[str, str]) -> str:
    answer = client.post("/v1/auth", json=user)
    answer.raise_for_status()
    return str(answer.json()["access_token"])


def post(client: httpx.Client, path: str, body: dict[str, str]) -> dict[str, Any]:
    answer = client.post(path, json=body)
    if answer.status_code != 201:
        raise RuntimeError(f"POST {path}: {answer.status_code} {answer.text}")
    created: dict[str, Any] = answer.json()
    return created


def catch_up(service: Service, timeout: float = 300) -> float:
    """Wait until the view contains all acknowledged measurements of every child. Returns the seconds that it took."""
    start = time.monotonic()
    with reader(service) as client:
        for child in service.children:
            while (answer := get(client, child, {"start_at": "2200-01-01"})).status_code == 503:
                if time.monotonic() - start > timeout:
                    raise RuntimeError(f"the projector is {timeout} s behind: {answer.text}")
                time.sleep(0.1)
            answer.raise_for_status()
    return time.monotonic() - start


def listed(service: Service) -> int:
    """The number of weights in the view, for all children together."""
    with reader(service) as client:
        answers = [get(client, child, {"limit": "1"}).raise_for_status() for child in service.children]
    return sum(int(answer.headers["X-Total-Count"]) for answer in answers)


def reader(service: Service) -> httpx.Client:
    return httpx.Client(
        base_url=f"http://127.0.0.1:{service.port}",
        headers={"Authorization": f"Bearer {service.token}"},
        timeout=60,
    )


def get(client: httpx.Client, child: str, query: dict[str, str]) -> httpx.Response:
    return client.get(f"/v1/children/{child}/weights", params=query)
