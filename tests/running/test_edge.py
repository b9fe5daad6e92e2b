"""`serve` with a certificate, and for the pages of one other origin."""

import ssl
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest

from tests.certificates import certificate
from tests.running.processes import WITH_PASSWORD, processes_of, run_briefly, serving
from tests.service import free_port

ORIGIN = "https://app.example.org"


@pytest.fixture(scope="module")
def page(new_database: Callable[..., str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    """Requests as the page sends them, which trusts the certificate and nothing else."""
    folder = tmp_path_factory.mktemp("tls")
    pem, key = certificate(folder, "ours")
    settings = {
        **WITH_PASSWORD,
        "DATABASE_URL": new_database(),
        "GROWTHRINGS_TLS_CERTIFICATE": str(pem),
        "GROWTHRINGS_TLS_KEY": str(key),
        "GROWTHRINGS_CORS_ORIGINS": f"https://other.example.org, {ORIGIN}",
    }
    with serving(folder / "data", settings) as run:
        url = run.url.replace("http:", "https:")
        assert f"Ready: {url}" == run.told.splitlines()[-1]
        context = ssl.create_default_context(cafile=pem)
        with httpx.Client(base_url=url, verify=context, headers={"Origin": ORIGIN}, timeout=30) as http:
            yield http


def test_a_service_with_a_certificate_serves_https_only_and_sends_strict_transport_security(page: httpx.Client) -> None:
    answer = page.get("/health/live")
    assert 200 == answer.status_code
    assert "max-age=31536000" == answer.headers["strict-transport-security"]
    with pytest.raises(httpx.RemoteProtocolError):
        httpx.get(str(page.base_url).replace("https:", "http:"))


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [("GET", "/nowhere", 404), ("POST", f"/v1/children/{'0' * 24}/weights", 401), ("PUT", "/v1/auth", 405)],
)
def test_a_page_of_the_named_origin_may_ask_and_read_refusals_too(
    method: str, path: str, status: int, page: httpx.Client
) -> None:
    preflight = page.options(path, headers={"Access-Control-Request-Method": method})
    assert 204 == preflight.status_code
    answer = page.request(method, path)
    assert status == answer.status_code
    assert [ORIGIN] * 2 == [each.headers["access-control-allow-origin"] for each in (preflight, answer)]
    assert "x-request-id" in answer.headers["access-control-expose-headers"].lower()


def test_a_missing_certificate_is_reported_before_the_data_folder_is_created(tmp_path: Path) -> None:
    _, key = certificate(tmp_path, "ours")
    settings = {"GROWTHRINGS_TLS_CERTIFICATE": str(tmp_path / "none.pem"), "GROWTHRINGS_TLS_KEY": str(key)}
    data = tmp_path / "data"
    for command in ("serve", "api"):
        port = str(free_port())
        ended = run_briefly(command, "--data", str(data), "--port", port, settings={**WITH_PASSWORD, **settings})
        assert (2, "") == (ended.returncode, ended.stdout)
        assert 1 == len(ended.stderr.splitlines())
        assert "GROWTHRINGS_TLS_CERTIFICATE" in ended.stderr
        assert "none.pem cannot be read" in ended.stderr
    assert not data.exists()
    assert {} == processes_of(data)
