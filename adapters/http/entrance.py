"""The entrance of every handler: who asks, whether one of that role may, and what was sent."""

from msgspec import Struct

from adapters.auth.tokens import Tokens
from adapters.http import body, members
from adapters.http.members import Members
from adapters.http.requests import HttpRequest
from application import permissions
from application.command import Actor


class Entrance(Struct, frozen=True):
    """`body_limit` in bytes."""

    tokens: Tokens
    body_limit: int

    async def admit(self, request: HttpRequest, action: str) -> Actor:
        """The one who asks. NotAuthenticated; Forbidden where no one of that role may."""
        actor = await self.tokens.actor(request.headers.get("authorization"))
        permissions.check_role(action, actor)
        return actor

    async def sent(self, request: HttpRequest, required: tuple[str, ...] = ()) -> Members:
        """The members of the body. Unreadable, MembersMissing, and what `body.read` says."""
        return members.read(body.members(await self.body(request)), required)

    async def body(self, request: HttpRequest) -> bytes:
        """The bytes of the body, which is to be JSON. What `body.read` says."""
        return await body.read(request.receive, request.headers.get("content-type", ""), self.body_limit)
