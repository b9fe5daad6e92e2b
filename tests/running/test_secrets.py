"""Secrets stay where they are needed: not in the environment of other processes, nor in files that others may read."""

from pathlib import Path

import pytest

from tests.running.processes import PASSWORD, Run, processes_of, run_briefly, serving, soon

SECRET = "redis://:s3cret@127.0.0.1:1"


def environments(run: Run) -> dict[str, bytes]:
    """What each process of the service has in its environment, by its command."""
    return {
        call: Path(f"/proc/{pid}/environ").read_bytes()
        for pid, call in processes_of(run.data).items()
        if "adapters.cli serve" not in call and "curl" not in call
    }


def test_postgresql_and_the_projector_have_no_secrets_of_others_in_their_environment(tmp_path: Path) -> None:
    given = {"GROWTHRINGS_ADMIN_PASSWORD": PASSWORD, "REDIS_URL": SECRET, "GROWTHRINGS_PASSWORD": "of-an-import"}
    with serving(tmp_path / "data", given) as run:
        found = environments(run)
        of_projector = [each for call, each in found.items() if "adapters.cli project" in call]
        of_postgres = [each for call, each in found.items() if "adapters.cli" not in call]
        assert of_projector
        assert of_postgres
        for each in (*of_projector, *of_postgres):
            assert [] == [secret for secret in (PASSWORD, "s3cret", "of-an-import") if secret.encode() in each]
        assert [] == [call for call, each in found.items() if PASSWORD.encode() in each]
        assert [] == [each for each in of_postgres if b"GROWTHRINGS" in each or b"DATABASE_URL" in each]


@pytest.mark.parametrize("mode", [0o644, 0o640, 0o602])
def test_a_private_key_that_others_have_access_to_is_refused_with_what_to_do(mode: int, tmp_path: Path) -> None:
    data = tmp_path / "data"
    with serving(data):
        pass
    key = data / "keys" / "private.pem"
    key.chmod(mode)
    for words in (("serve",), ("prepare",), ("keys", "rotate")):
        ended = run_briefly(*words, "--data", str(data))
        assert 1 == ended.returncode, ended
        assert f"chmod 600 {key}" in ended.stderr
        assert "Traceback" not in ended.stderr
    key.chmod(0o600)
    with serving(data):
        pass


def test_a_start_says_which_variables_have_no_effect(tmp_path: Path) -> None:
    data = tmp_path / "data"
    with serving(data) as first:
        assert "GROWTHRINGS_ADMIN_PASSWORD" not in first.err.read_text()
    given = {"GROWTHRINGS_ADMIN_PASSWORD": "another one", "GROWTHRINGS_LOGIN_LIMITS": "off"}
    with serving(data, given) as second:
        assert soon(lambda: "has no effect" in second.err.read_text())
        events = [(entry["event"], entry.get("variable"), entry.get("did_you_mean")) for entry in second.logged]
        assert 1 == sum("GROWTHRINGS_ADMIN_PASSWORD has no effect" in event for event, *_ in events)
        told = ("unknown variable is ignored", "GROWTHRINGS_LOGIN_LIMITS", "GROWTHRINGS_LOGIN_LIMIT")
        assert 1 == events.count(told)
        assert "another one" not in second.err.read_text()
