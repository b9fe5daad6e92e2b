"""The containers of docker-compose.yml as processes: without rights, on files that they cannot change.

Their packages are those of this environment that the lock of the image names; with the variable `IMAGE_FROM_INDEX` they
are installed from the index, as the Dockerfile says it.
"""

import os
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from uuid import uuid4

import httpx
import psycopg
import pytest
import redis
from psycopg import sql
from psycopg.conninfo import make_conninfo

from adapters.postgres import embedded
from tests.acceptance.client import WEIGHT, Api
from tests.running.composed import Container, composed, confined, containers, let_write, seconds, tree
from tests.running.dockerfile import Stage, build
from tests.running.processes import PASSWORD, soon
from tests.running.programme import client, enrol
from tests.running.test_scripts import committed
from tests.service import ROOT
from tests.valkey import Valkey, valkey


@dataclass(frozen=True)
class Composition:
    image: Stage
    files: set[Path]
    running: list[Container]
    redis: Valkey

    def of(self, command: str) -> list[Container]:
        return [each for each in self.running if each.service["command"][0] == command]


@pytest.fixture(scope="module")
def empty_database(server: embedded.Server) -> str:
    name = f"test_{uuid4().hex}"
    with psycopg.connect(server.url, autocommit=True) as connection:
        connection.execute(sql.SQL("create database {}").format(sql.Identifier(name)))
    return make_conninfo(server.url, dbname=name)


@pytest.fixture(scope="module")
def composition(tmp_path_factory: pytest.TempPathFactory, empty_database: str) -> Iterator[Composition]:
    folder = tmp_path_factory.mktemp("composition")
    image = build(ROOT, folder, from_index="IMAGE_FROM_INDEX" in os.environ)
    services = composed({"POSTGRES_PASSWORD": "unasked", "GROWTHRINGS_ADMIN_PASSWORD": PASSWORD})["services"]
    (folder / "redis").mkdir()
    with ExitStack() as stack:
        counting = stack.enter_context(valkey(folder / "redis", options=services["valkey"]["command"][1:]))
        settings = {"DATABASE_URL": empty_database, "REDIS_URL": counting.url, "GROWTHRINGS_ARGON2_MEMORY": "64"}
        every = {each.name: each for each in containers(services, image, settings, folder)}
        stack.callback(let_write, image.root, may=True)
        let_write(image.root, may=False)
        let_write(image.path("/keys"), may=True)
        migrate = every.pop("migrate-1")
        with migrate.running() as process:
            assert 0 == process.wait(60), migrate.err.read_text()
        let_write(image.path("/keys"), may=False)  # the others have the volume as `ro`
        for each in every.values():
            stack.enter_context(each.running())
        yield Composition(image, tree(image.root), [*every.values()], counting)


def ready(container: Container, api: Api) -> bool:
    assert container.process.poll() is None, container.err.read_text()
    try:
        return api.get("/health/ready").status_code == 200
    except httpx.TransportError:
        return False


def healthy(container: Container) -> bool:
    return container.check_health().returncode == 0


def test_the_image_holds_the_code_its_bytecode_and_nothing_else(composition: Composition) -> None:
    app = composition.image.path("/app")
    files = {path.relative_to(app) for path in tree(app) if path.is_file()}
    compiled = {file.parent.parent / f"{file.name.partition('.')[0]}.py" for file in files if file.suffix == ".pyc"}
    assert {file for file in files if file.suffix == ".py"} == compiled
    packages = {"adapters", "application", "domain", "projections"}
    code = {file for path in committed() if (file := path.relative_to(ROOT)).parts[0] in packages}
    assert code | {Path("requirements-run.lock")} == {file for file in files if file.suffix != ".pyc"}


def test_a_container_is_not_root_and_cannot_change_its_files(composition: Composition) -> None:
    api = composition.of("api")[0]
    assert 0 != int(composition.image.user)
    tried = api.run("python", "-c", "import os; print(os.getuid()); open('adapters/new.py', 'w')")
    if "unshare" in confined(composition.image.user):
        assert composition.image.user == tried.stdout.strip()
    assert "PermissionError" in tried.stderr


def test_two_apis_and_two_projectors_become_healthy_by_the_checks_of_the_file(composition: Composition) -> None:
    assert [2, 2] == [len(composition.of(command)) for command in ("api", "project")]
    for each in composition.of("api"):
        with client(each.url) as api:
            assert soon(partial(ready, each, api), 90), api.get("/health/ready").text
    for each in composition.running:
        assert soon(partial(healthy, each), 60), each.check_health()


def test_a_login_and_a_weight_of_one_api_are_good_at_the_other(composition: Composition) -> None:
    one, other = composition.of("api")
    with client(one.url) as here, client(other.url) as there:
        programme = enrol(here)
        child = programme.child()
        posted = WEIGHT.record(programme.application, child)
        listed = WEIGHT.listed(there.with_token(programme.token), child)
    assert [posted["id"]] == [each["id"] for each in listed]


def test_limits_of_all_are_counted_in_the_file_s_valkey(composition: Composition) -> None:
    with redis.Redis.from_url(composition.redis.url) as counted:
        assert list(counted.scan_iter("growthrings*"))


def test_sigterm_stops_all_in_their_time_and_nothing_was_written(composition: Composition) -> None:
    """The last of the module: afterwards nothing runs."""
    for each in composition.running:
        each.process.terminate()
    for each in composition.running:
        assert 0 == each.process.wait(seconds(each.service["stop_grace_period"])), each.err.read_text()
        assert all({"event", "level"} <= line.keys() for line in each.logged)
    for command in ("api", "project"):
        assert 1 == composition.of(command)[0].check_health().returncode
    assert composition.files == tree(composition.image.root)
