"""docker-compose.yml and the Dockerfile are valid, restrict the containers, and have no secrets."""

import re
import subprocess
import sys
from typing import Any

import pytest

from adapters.settings import VARIABLES
from adapters.version import VERSION
from tests.running.composed import Unset, composed
from tests.running.processes import environment
from tests.service import ROOT

SECRETS = ("POSTGRES_PASSWORD", "GROWTHRINGS_ADMIN_PASSWORD")
FILE = composed(dict.fromkeys(SECRETS, "x"))
SERVICES: dict[str, Any] = FILE["services"]
OURS = {name: service for name, service in SERVICES.items() if "build" in service}


def test_the_compose_file_is_valid_against_its_schema() -> None:
    checked = subprocess.run(
        [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.compose-spec", "docker-compose.yml"],
        cwd=ROOT,
        env=environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert 0 == checked.returncode, checked.stdout


@pytest.mark.parametrize("missing", SECRETS)
def test_a_password_that_nobody_chose_stops_everything(missing: str) -> None:
    with pytest.raises(Unset, match=missing):
        composed(dict.fromkeys(set(SECRETS) - {missing}, "x") | {missing: ""})


def test_compose_services_receive_only_the_passwords_that_they_need() -> None:
    told = {
        (name, variable)
        for name, service in SERVICES.items()
        for variable, value in service.get("environment", {}).items()
        if value == "x"
    }
    assert {(name, "PGPASSWORD") for name in OURS} | {
        ("postgres", "POSTGRES_PASSWORD"),
        ("migrate", "GROWTHRINGS_ADMIN_PASSWORD"),
    } == told


@pytest.mark.parametrize("name", SERVICES)
def test_a_container_may_do_no_more_than_it_must(name: str) -> None:
    service = SERVICES[name]
    assert service["read_only"]
    assert ["ALL"] == service["cap_drop"]
    assert ["no-new-privileges:true"] == service["security_opt"]
    assert not {"privileged", "cap_add", "network_mode", "pid", "ipc", "devices"} & service.keys()
    assert {"cpus", "memory", "pids"} == service["deploy"]["resources"]["limits"].keys()
    assert "front" in service["networks"] or "ports" not in service
    assert all(port.startswith("127.0.0.1:") for port in service.get("ports", ()))
    if name not in OURS:
        assert service["user"] not in {"root", "0"}


@pytest.mark.parametrize("name", SERVICES)
def test_a_container_that_ends_or_ails_is_noticed(name: str) -> None:
    service = SERVICES[name]
    once = name == "migrate"
    assert ("no" if once else "unless-stopped") == service["restart"]
    assert once == service["healthcheck"].get("disable", False)


def test_nobody_starts_before_what_it_needs() -> None:
    waits = {
        name: {on: how["condition"] for on, how in each.get("depends_on", {}).items()} for name, each in OURS.items()
    }
    assert {"postgres": "service_healthy"} == waits.pop("migrate")
    assert {"service_completed_successfully"} == {each["migrate"] for each in waits.values()}


def test_every_image_has_its_version_and_ours_is_the_project_s() -> None:
    dockerfile = (ROOT / "Dockerfile").read_text()
    for each in [
        *re.findall(r"^FROM ([^ ]+:\S+)", dockerfile, re.MULTILINE),
        *(service["image"] for service in SERVICES.values()),
    ]:
        assert re.fullmatch(r"[a-z/]+:\d+\.\d+(\.\d+)?(-[a-z-]+)?", each)
    assert {f"growthrings:{VERSION}"} == {service["image"] for service in OURS.values()}
    assert f'image.version="{VERSION}"' in dockerfile


def test_every_variable_of_ours_is_a_setting() -> None:
    given = {variable for service in OURS.values() for variable in service["environment"]}
    assert given <= {*VARIABLES.values(), "PGPASSWORD"}


def test_every_volume_and_network_that_is_named_is_there() -> None:
    volumes = {volume.split(":")[0] for service in SERVICES.values() for volume in service.get("volumes", ())}
    assert FILE["volumes"].keys() == volumes
    assert FILE["networks"].keys() == {network for service in SERVICES.values() for network in service["networks"]}
