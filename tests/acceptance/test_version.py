"""The version of the service over HTTP."""

from adapters.version import VERSION
from tests.acceptance.client import Api


def test_the_health_of_a_live_process_names_its_version(anyone: Api) -> None:
    assert VERSION == anyone.get("/health/live").json()["version"]
