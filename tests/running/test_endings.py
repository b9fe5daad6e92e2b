"""However a service ends, its clients are answered or refused, never reset; and another one can take its place."""

import os
import signal
import threading
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

from adapters.processes.prepare import prepare
from adapters.settings import Settings
from tests.adapters.raw_http import line, request
from tests.certificates import certificate
from tests.running.processes import PASSWORD, WITH_PASSWORD, Run, child, launch, serving, soon, sweep, until_ready
from tests.running.single_api import answering
from tests.running.unfinished_request import UnfinishedRequest


def port_of(run: Run) -> int:
    return int(run.url.rpartition(":")[2])


class Askers:
    """Clients that ask again and again, on a connection that they keep or on new ones, and note what becomes of it."""

    def __init__(self, port: int, count: int) -> None:
        self.seen: Counter[str] = Counter()
        self._port = port
        self._stopping = threading.Event()
        self._threads = [threading.Thread(target=self._ask, args=[number % 2 == 0]) for number in range(count)]

    def __enter__(self) -> "Askers":
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopping.set()
        for thread in self._threads:
            thread.join()

    def _ask(self, keeps: bool) -> None:
        while not self._stopping.is_set():
            try:
                with line(self._port) as one:
                    while not self._stopping.is_set():
                        one.send(request("GET", "/health/live"))
                        answer = one.answer()
                        self.seen[str(answer.status)] += 1
                        if not keeps or answer.headers.get("connection") == "close":
                            break
            except ConnectionRefusedError:
                self.seen["refused"] += 1
                return
            except EOFError:
                self.seen["ended"] += 1
            except OSError as error:
                self.seen[type(error).__name__] += 1


@pytest.fixture(scope="module")
def url(new_database: Callable[..., str], tmp_path_factory: pytest.TempPathFactory) -> str:
    url = new_database()
    prepare(Settings(database_url=url, admin_password=PASSWORD, argon2_memory=64), tmp_path_factory.mktemp("x"), url)
    return url


@pytest.mark.parametrize("round", range(3))
def test_a_service_that_ends_resets_nobody(round: int, url: str, tmp_path: Path) -> None:
    settings = {**WITH_PASSWORD, "DATABASE_URL": url}
    with serving(tmp_path / "data", settings) as run, Askers(port_of(run), 8) as askers:
        assert soon(lambda: askers.seen["200"] > 50)
        assert 0 == run.end(signal.SIGTERM, 60)
        assert soon(lambda: askers.seen["refused"] == 8, 30)
    assert {"200", "503", "refused", "ended"} >= set(askers.seen)
    assert askers.seen["503"] > 0


def test_an_ending_api_process_answers_503_on_a_connection_without_a_request_so_far(url: str, tmp_path: Path) -> None:
    with answering(tmp_path / "data", {**WITH_PASSWORD, "DATABASE_URL": url}) as run:
        with line(port_of(run)) as one:
            run.process.send_signal(signal.SIGTERM)
            one.send(request("GET", "/health/live"))
            answer = one.answer()
            assert (503, "close") == (answer.status, answer.headers["connection"])
            assert one.is_closed()
        assert 0 == run.process.wait(30)


@pytest.mark.parametrize("with_tls", [False, True])
def test_a_connection_not_yet_accepted_when_the_last_process_ends_is_answered(
    with_tls: bool, url: str, tmp_path: Path
) -> None:
    pem, key = certificate(tmp_path, "ours")
    of_tls = {"GROWTHRINGS_TLS_CERTIFICATE": str(pem), "GROWTHRINGS_TLS_KEY": str(key)} if with_tls else {}
    with serving(tmp_path / "data", {**WITH_PASSWORD, "DATABASE_URL": url, **of_tls}) as run:
        api = child(tmp_path / "data", "api")
        os.kill(api, signal.SIGSTOP)  # it accepts nobody any more
        seen: list[int] = []

        def ask() -> None:
            base = run.url.replace("http:", "https:") if with_tls else run.url
            seen.append(httpx.get(f"{base}/health/live", verify=False, timeout=60).status_code)

        asking = threading.Thread(target=ask)
        asking.start()
        time.sleep(0.5)
        os.kill(api, signal.SIGKILL)
        assert 0 == run.end(signal.SIGTERM, 60)
        asking.join()
        assert [503] == seen or [200] == seen  # a process that was started again may have been in time


def test_a_process_that_was_stopped_and_goes_on_answers_what_lay_in_its_sockets(url: str, tmp_path: Path) -> None:
    """Its timers are all due by then: that of connections without a request after 5 s."""
    settings = {**WITH_PASSWORD, "DATABASE_URL": url}
    with answering(tmp_path / "data", settings) as run, line(port_of(run)) as one:
        one.send(request("GET", "/health/live"))
        assert 200 == one.answer().status
        run.process.send_signal(signal.SIGSTOP)
        one.send(request("GET", "/health/live"))
        time.sleep(6)
        run.process.send_signal(signal.SIGCONT)
        assert 200 == one.answer().status


def test_a_new_start_succeeds_at_once_after_a_kill_with_half_a_request_in_flight(tmp_path: Path) -> None:
    data = tmp_path / "data"
    with serving(data) as run:
        port = port_of(run)
        login = httpx.post(f"{run.url}/v1/auth", json={"username": "admin", "password": PASSWORD}).json()
        with UnfinishedRequest(
            port, "/v1/institutions", login["access_token"], {"type": "school", "name": "Hill School"}
        ):
            run.process.kill()
            run.process.wait()
            again = launch(data, port=port)
            try:
                until_ready(again)
            finally:
                again.process.terminate()
                again.process.wait(30)
                sweep(data)
