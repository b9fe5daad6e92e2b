"""`growthrings users` with a running service: restoring access, and the fate of issued tokens."""

import os
import pty
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from tests.acceptance import refusals
from tests.acceptance.client import WEIGHT, Api, nothing, refused
from tests.acceptance.people import PASSWORD as OF_PEOPLE
from tests.acceptance.people import unique
from tests.running.processes import PASSWORD, Run, command, environment, serving
from tests.running.programme import Programme, client, enrol
from tests.running.rotating import settings
from tests.service import ROOT

NEW = "tr0ub4dor & 3"


class Office:
    """A service, and the machine that it runs on."""

    def __init__(self, run: Run, database_url: str, api: Api) -> None:
        self.run, self.database_url, self.api = run, database_url, api
        self.programme: Programme = enrol(api)

    def users(self, *words: str, typed: str = "") -> subprocess.CompletedProcess[str]:
        """`growthrings users` with something on standard input."""
        return subprocess.run(
            command("users", *words, "--data", str(self.run.data)),
            env=environment(**settings(self.database_url)),
            cwd=ROOT,
            input=typed,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    def rows(self) -> list[Any]:
        with psycopg.connect(self.database_url) as session:
            return session.execute("select id, username, password_changes from users order by id").fetchall()


@pytest.fixture(scope="module")
def office(new_database: Callable[..., str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    folder, database_url = tmp_path_factory.mktemp("users"), new_database(64)
    with serving(folder / "data", settings(database_url)) as run, client(run.url) as api:
        yield Office(run, database_url, api)
        assert "Traceback" not in run.err.read_text()


def test_an_admin_is_created_with_the_password_of_standard_input(office: Office) -> None:
    name = unique("second admin")
    ended = office.users("create-admin", name, typed=f"{NEW}\nnot this line\n")
    assert (0, "") == (ended.returncode, ended.stderr)
    assert NEW not in ended.stdout
    admin = office.api.login(name, NEW)
    assert admin.get("/v1/institutions").status_code == 200
    facts = admin.get("/v1/audit/events?actor=growthrings&event=user.registered.v1").json()["events"]
    assert {"register_first_admin", "create_admin"} == {fact["cause"] for fact in facts}


def test_a_reset_ends_the_tokens_of_an_admin_who_cannot_log_in(office: Office) -> None:
    name = unique("lost admin")
    office.users("create-admin", name, typed=NEW)
    before = office.api.login(name, NEW)
    ended = office.users("reset-password", name, typed=f"{OF_PEOPLE}\n")
    assert (0, "") == (ended.returncode, ended.stderr)
    assert refusals.BAD_TOKEN == refused(before.get("/v1/institutions"))
    assert refusals.BAD_LOGIN == refused(office.api.post("/v1/auth", {"username": name, "password": NEW}))
    assert office.api.login(name, OF_PEOPLE).get("/v1/institutions").status_code == 200


def test_an_admin_changes_its_password(office: Office) -> None:
    name = unique("admin")
    office.users("create-admin", name, typed=NEW)
    admin = office.api.login(name, NEW)
    (user_id,) = [id for id, username, _ in office.rows() if username == name]
    changed = admin.put(f"/v1/users/{user_id}/password", {"old_password": NEW, "new_password": PASSWORD})
    assert nothing(changed)
    assert refusals.BAD_TOKEN == refused(admin.get("/v1/institutions"))
    assert office.api.login(name, PASSWORD).get("/v1/institutions").status_code == 200


def test_everybody_is_listed_in_the_order_of_registration(office: Office) -> None:
    user = office.programme.people.child()
    ended = office.users("list")
    assert (0, "") == (ended.returncode, ended.stderr)
    lines = ended.stdout.splitlines()
    assert [id for id, *_ in office.rows()] == [line.split()[0] for line in lines]
    assert [user.id, "child", repr(user.username)] == lines[-1].split(maxsplit=2)


@pytest.mark.parametrize(
    ("words", "typed", "said"),
    [
        (("create-admin", "short"), "seven c", "The password must have at least 8 characters!"),
        (("create-admin", "nothing"), "", "The password must have at least 8 characters!"),
        (("create-admin", "long"), "x" * 5_000, "The password must have at most 1024 bytes!"),
        (("create-admin", "admin"), NEW, "Admin is already registered..."),
        (("create-admin", "x" * 201), NEW, "A user name has 1 to 200 characters."),
        (("reset-password", "nobody"), NEW, "There is no user 'nobody': `growthrings users list` shows all."),
    ],
    ids=lambda value: str(value)[:30],
)
def test_a_refused_users_command_prints_the_reason_and_changes_nothing(
    words: tuple[str, ...], typed: str, said: str, office: Office
) -> None:
    before = office.rows()
    ended = office.users(*words, typed=typed)
    assert (1, "", said) == (ended.returncode, ended.stdout, ended.stderr.strip())
    assert before == office.rows()


def test_a_password_is_no_argument(office: Office) -> None:
    ended = office.users("create-admin", "another", NEW)
    assert (2, "") == (ended.returncode, ended.stdout)


def test_the_users_command_prompts_twice_for_a_password_and_does_not_echo_it(office: Office) -> None:
    name = unique("typing admin")
    assert 1 == typing(office, name, NEW, PASSWORD)[0]
    assert [] == [username for _, username, _ in office.rows() if username == name]
    status, shown = typing(office, name, NEW, NEW)
    assert 0 == status, shown
    assert NEW not in shown
    assert office.api.login(name, NEW).token


def typing(office: Office, name: str, *passwords: str) -> tuple[int, str]:
    """The exit code and what the terminal shows."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        command("users", "create-admin", name, "--data", str(office.run.data)),
        env=environment(**settings(office.database_url)),
        cwd=ROOT,
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        start_new_session=True,
        preexec_fn=own_terminal,  # noqa: PLW1509  # takes no lock
    )
    os.close(theirs)
    shown, left = "", list(passwords)
    try:
        while piece := os.read(ours, 1_000):
            shown += piece.decode()
            if shown.rstrip(" ").endswith(":") and left:
                os.write(ours, f"{left.pop(0)}\n".encode())
    except OSError:
        pass  # the other end is closed
    finally:
        os.close(ours)
    return process.wait(60), shown


def own_terminal() -> None:
    """Standard input is the terminal of this session, which `getpass` opens by its name."""
    os.close(os.open(os.ttyname(0), os.O_RDWR))


def test_rotating_keys_at_once_ends_every_session(office: Office) -> None:
    child = office.programme.child()
    token = office.programme.application
    assert 200 == token.get(WEIGHT.path(child)).status_code
    words = command("keys", "rotate", "--now", "--data", str(office.run.data))
    ended = subprocess.run(words, env=environment(), cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)
    assert (0, "") == (ended.returncode, ended.stderr)
    assert refusals.BAD_TOKEN == refused(token.get(WEIGHT.path(child)))
    shown = office.api.get("/.well-known/jwks.json").json()["keys"]
    assert 1 == len(shown)
    assert [] == list(Path(office.run.data, "keys").glob("retired-*"))
    assert 200 == office.api.login("admin", PASSWORD).get("/v1/institutions").status_code
