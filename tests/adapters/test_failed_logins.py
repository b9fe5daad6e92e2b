"""Every failed login is logged with its address, and with the user if the name is known."""

from pathlib import Path

import msgspec
from structlog.testing import capture_logs

from tests.adapters.in_process import in_process


async def test_guesses_at_a_login_and_of_an_old_password_are_failed_logins_in_the_log(
    database: str, tmp_path: Path
) -> None:
    async with in_process(database, tmp_path) as client:
        school = await client.post("/v1/institutions", {"type": "school", "name": "Hill School"})
        child = {"username": "kim", "password": "long enough", "institution_id": school["id"]}
        child_id = (await client.post("/v1/children", {**child, "gender": "female", "age": 9}))["id"]
        await client.log_in("kim", "long enough")
        with capture_logs() as logged:
            for username, password in (("kim", "wrong"), ("nobody", "wrong"), ("kim", "long enough")):
                sent = msgspec.json.encode({"username": username, "password": password})
                await client.ask("POST", "/v1/auth", [sent])
            for old in ("wrong", "long enough"):
                sent = msgspec.json.encode({"old_password": old, "new_password": "longer than before"})
                await client.ask("PUT", f"/v1/users/{child_id}/password", [sent])
    failed = [each for each in logged if each["event"] == "login failed"]
    assert [child_id, None, child_id] == [each["user_id"] for each in failed]
    assert {"127.0.0.1"} == {each["address"] for each in failed}
    assert "wrong" not in str(logged)
    assert "kim" not in str(logged)
