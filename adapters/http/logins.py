"""Logins, and the change of the password that they rest on."""

from hashlib import sha256

from litestar import Response, post, put
from litestar.handlers import HTTPRouteHandler

from adapters.auth.passwords import Passwords
from adapters.http.entrance import Entrance, address_of
from adapters.http.errors import only
from adapters.http.requests import HttpRequest, json_response, path_id, request_id
from adapters.limits.limiter import LOGINS
from adapters.postgres.accounts_reader import AccountsReader
from application import permissions
from application.commands.change_password import ChangePassword, NewPassword
from application.writer import Writer
from domain.refusal import LoginRefused, PasswordDiffers


def routes(entrance: Entrance, passwords: Passwords, writer: Writer, reader: AccountsReader) -> list[HTTPRouteHandler]:
    @post("/v1/auth", status_code=200)
    async def log_in(request: HttpRequest) -> Response[bytes]:
        address = f"address/{address_of(request.scope)}"
        await entrance.limiter.count("accounts", address)
        sent = await entrance.sent(request, ("username", "password"))
        username, password = sent.text("username", least=0), sent.text("password", least=0)
        await entrance.limiter.count(LOGINS, address)
        await entrance.limiter.count(LOGINS, f"username/{sha256(username.encode()).hexdigest()}")
        user_id, role, kept = await reader.login(username) or ("", "", None)
        if not await passwords.matches(password, kept):
            raise LoginRefused
        return json_response({"access_token": entrance.tokens.issue(user_id, role)}, 200)

    @put("/v1/users/{user_id:str}/password", status_code=204)
    async def change_password(request: HttpRequest) -> None:
        actor = await entrance.admit(request, ChangePassword.name)
        permissions.check_own(ChangePassword.name, actor, path_id(request, "user_id"), actor.role)
        sent = await entrance.sent(request, ("old_password", "new_password"))
        old, new = sent.text("old_password", least=0), sent.text("new_password")
        kept = await reader.password_hash(actor)
        if not await passwords.matches(old, kept):
            raise PasswordDiffers("old_password")
        password = NewPassword(replaced=kept, password_hash=await passwords.hash(new))
        only(await writer.submit(ChangePassword(actor=actor, request_id=request_id(request), password=password)))

    return [log_in, change_password]
