"""Logins over HTTP, and the change of one's own password."""

import time
from contextlib import suppress

import structlog
from litestar import Response, post, put
from litestar.handlers import HTTPRouteHandler

from adapters.auth.fair_thread_pool import Requester
from adapters.auth.passwords import Passwords
from adapters.http.edge.access import Access, address_of, peer_of
from adapters.http.edge.command_results import accepted_id
from adapters.http.edge.requests import HttpRequest, json_response, path_id, request_id
from adapters.http.schemas import query_parameters
from adapters.limits.logins import Logins
from adapters.postgres.readers.accounts import AccountsReader, Login
from application import permissions
from application.command import Actor
from application.commands.change_password import ChangePassword, NewPassword
from application.commands.renew_password_hash import RenewPasswordHash
from application.unavailable import Unavailable
from application.writer import Writer
from domain.password import canonical
from domain.refusal import LoginRefused, PasswordDiffers

logger = structlog.get_logger()

LEARN = 60.0
"""Seconds between two queries for the parameters of all password hashes."""


def routes(
    access: Access, logins: Logins, passwords: Passwords, writer: Writer, reader: AccountsReader
) -> list[HTTPRouteHandler]:
    learned_at = float("-inf")

    @post("/v1/auth", status_code=200)
    async def log_in(request: HttpRequest) -> Response[bytes]:
        address = address_of(request.scope)
        await access.limiter.count("accounts", f"address/{address}")
        query_parameters.read(query_parameters.pairs(request.scope["query_string"]), ())
        async with logins.from_address(address):
            sent = await access.read_members(request, ("username", "password"))
            username, password = sent.username(least=0), sent.password("password")
            async with logins.of_name(username, address):
                await learn_costs()
                found = await reader.login(username)
                kept = passwords.dummy_hashes.of(username) if found is None else found.password_hash
                by = requester_of(request, f"username/{username}")
                checked = await passwords.check(password, kept, by)
                if found is None or not checked.matches:
                    note_failure(request, None if found is None else found.user_id)
                    raise LoginRefused
        request.scope["state"]["user_id"] = found.user_id
        if checked.is_outdated:
            await renew_hash(found, password, by, request_id(request))
        token = access.tokens.issue(found.user_id, found.role, found.password_changes)
        return json_response({"access_token": token}, 200)

    async def learn_costs() -> None:
        """Adapt the dummy hashes to those of the users. Runs before any login, so that its time reveals nothing."""
        nonlocal learned_at
        now = time.monotonic()
        if now >= learned_at + LEARN:
            learned_at = now
            passwords.dummy_hashes.learn(await reader.hash_parameters())

    async def renew_hash(found: Login, password: str, by: Requester, request_id: str) -> None:
        actor = Actor(found.user_id, found.role, password_changes=found.password_changes)
        with suppress(Unavailable):  # the next login tries again
            renewed = NewPassword(found.password_hash, await passwords.hash(canonical(password), by))
            await writer.submit(RenewPasswordHash(actor=actor, request_id=request_id, password=renewed))

    @put("/v1/users/{user_id:str}/password", status_code=204)
    async def change_password(request: HttpRequest) -> None:
        actor = await access.authorize(request, ChangePassword.name)
        permissions.check_own(ChangePassword.name, actor, path_id(request, "user_id"), actor.role)
        sent = await access.read_members(request, ("old_password", "new_password"))
        old, new = sent.password("old_password"), sent.new_password("new_password")
        username, kept = await reader.credentials(actor)
        address, by = address_of(request.scope), requester_of(request, actor.id)
        # A guess of the old password counts like a failed login.
        async with logins.from_address(address), logins.of_name(username, address):
            checked = await passwords.check(old, kept, by)
            if not checked.matches:
                note_failure(request, actor.id)
                raise PasswordDiffers("old_password")
        password = NewPassword(replaced=kept, password_hash=await passwords.hash(new, by))
        accepted_id(await writer.submit(ChangePassword(actor=actor, request_id=request_id(request), password=password)))

    return [log_in, change_password]


def note_failure(request: HttpRequest, user_id: str | None) -> None:
    """`user_id`: of the user whose password was guessed, where there is one."""
    logger.warning("login failed", address=peer_of(request.scope), user_id=user_id, request_id=request_id(request))


def requester_of(request: HttpRequest, subject: str) -> Requester:
    """For whom a password is hashed. It watches for the client to disconnect, so the body must have been read."""
    return Requester(subject, address_of(request.scope), request.receive)
