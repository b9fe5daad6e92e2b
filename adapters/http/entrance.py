"""The entrance of every handler: who asks, whether one of that role may, and what was sent."""

from functools import lru_cache
from ipaddress import AddressValueError, IPv6Address, IPv6Network

from litestar.types import Scope
from msgspec import Struct

from adapters.auth.tokens import Tokens
from adapters.http import body, members
from adapters.http.endpoints import family_of
from adapters.http.members import Members
from adapters.http.requests import HttpRequest
from adapters.limits.limiter import Limiter
from adapters.postgres.shares import ASKER
from application import permissions
from application.command import Actor
from application.unavailable import Unavailable
from domain.refusal import NotAuthenticated

ADDRESS = 64
"""Characters of an address that count: a proxy may pass on any text, and what it passes on is remembered."""


class Entrance(Struct, frozen=True):
    """`body_limit` in bytes."""

    tokens: Tokens
    limiter: Limiter
    body_limit: int

    async def admit(self, request: HttpRequest, action: str) -> Actor:
        """The one who asks. What `identify` says; Forbidden where no one of that role may."""
        family = family_of(request.scope["path"])
        actor = await self.identify(request.headers.get("authorization"), family, request.scope)
        ASKER.set(actor.id)
        permissions.check_role(action, actor)
        return actor

    async def identify(self, authorization: str | None, family: str, scope: Scope) -> Actor:
        """Whose token it is; the request counts for him, or for its address where it has no good token.
        NotAuthenticated; TooManyRequests; Unavailable when it cannot be told now."""
        try:
            actor = await self.tokens.actor(authorization)
        except (NotAuthenticated, Unavailable):
            await self.limiter.count(family, f"address/{address_of(scope)}")
            raise
        await self.limiter.count(family, f"subject/{actor.id}")
        return actor

    async def sent(self, request: HttpRequest, required: tuple[str, ...] = ()) -> Members:
        """The members of the body. Unreadable, MembersMissing, and what `body.read` says."""
        return members.read(body.members(await self.body(request)), required)

    async def body(self, request: HttpRequest) -> bytes:
        """The bytes of the body, which is to be JSON. What `body.read` says."""
        headers = request.headers
        return await body.read(
            request.receive, headers.get("content-type", ""), headers.get("content-encoding", ""), self.body_limit
        )


def address_of(scope: Scope) -> str:
    """Where a request comes from: the peer, or whoever a trusted proxy says. Of IPv6 the network of 64 bits, which is
    what one client has."""
    client = scope.get("client")
    return _network(client[0][:ADDRESS]) if client else ""


@lru_cache(maxsize=1_024)
def _network(address: str) -> str:
    if ":" not in address:
        return address
    try:
        read = IPv6Address(address)
    except AddressValueError:
        return address
    return str(read.ipv4_mapped or IPv6Network((read.packed, 64), strict=False))
