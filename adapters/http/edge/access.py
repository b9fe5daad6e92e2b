"""Access: authenticates and authorizes a request, and reads its query parameters and its body."""

from collections.abc import Awaitable, Callable
from functools import lru_cache
from ipaddress import AddressValueError, IPv6Address, IPv6Network

from litestar.types import Receive, Scope
from msgspec import Struct

from adapters.auth.tokens import Tokens
from adapters.http.edge import decoding, request_body
from adapters.http.edge.api_areas import api_area_of
from adapters.http.edge.byte_budget import ByteBudget
from adapters.http.edge.request_body import ACCOUNTS, Limit
from adapters.http.edge.requests import HttpRequest, check_path_ids, path_id
from adapters.http.schemas import json_values, members, query_parameters
from adapters.http.schemas.members import Members, Required
from adapters.http.schemas.query_parameters import Declared, ParameterValues
from adapters.limits.limiter import Limiter
from adapters.postgres.fair_semaphore import CURRENT_USER
from application import permissions
from application.command import Actor
from application.unavailable import Unavailable
from domain.refusal import NotAuthenticated, Refusal

ADDRESS = 64
"""Characters of an address that are used. A trusted proxy may pass on any text, and the limiter keeps it in memory."""


class Access(Struct, frozen=True):
    """`body_limit`: bytes of the largest body. `check_actor_exists` raises UserGone for an actor that was removed."""

    tokens: Tokens
    limiter: Limiter
    body_limit: int
    bodies: ByteBudget
    check_actor_exists: Callable[[Actor], Awaitable[None]]

    async def authorize(self, request: HttpRequest, action: str, owner: str | None = None) -> Actor:
        """The actor of a request without query parameters. Raises what `authorize_query` raises."""
        actor, _ = await self.authorize_query(request, action, (), owner)
        return actor

    async def authorize_query(
        self, request: HttpRequest, action: str, declared: Declared, owner: str | None = None
    ) -> tuple[Actor, ParameterValues]:
        """Authenticate and authorize the request, check the ids in its path and read its query parameters.

        `owner`: the role of the user whose things the path names; Forbidden when that is not the actor. Raises what
        `authenticate`, `check_path_ids` and `read_parameters` raise, and Forbidden when the actor's role may not do it.
        """
        api_area = api_area_of(request.scope["path"])
        actor = await self.authenticate(request.headers.get("authorization"), api_area, request.scope)
        CURRENT_USER.set(actor.id)
        permissions.check_role(action, actor)
        check_path_ids(request)
        if owner is not None:
            permissions.check_own(action, actor, path_id(request, f"{owner}_id"), owner)
        return actor, await self.read_parameters(actor, request.scope, declared)

    async def read_parameters(self, actor: Actor, scope: Scope, declared: Declared) -> ParameterValues:
        """The query parameters of the request. Raises UserGone first, then what `query_parameters.read` raises."""
        try:
            return query_parameters.read(query_parameters.pairs(scope["query_string"]), declared)
        except Refusal:
            await self.check_actor_exists(actor)
            raise

    async def authenticate(self, authorization: str | None, api_area: str, scope: Scope) -> Actor:
        """The actor of the token. The request counts for the token's subject, or without a valid token for its address.

        Raises NotAuthenticated, TooManyRequests, or Unavailable when the token cannot be checked now.
        """
        try:
            actor = await self.tokens.actor(authorization)
        except (NotAuthenticated, Unavailable):
            await self.limiter.count(api_area, f"address/{address_of(scope)}")
            raise
        scope["state"]["user_id"] = actor.id
        subject = scope["state"]["subject"] = f"subject/{actor.id}"
        await self.limiter.count(api_area, subject)
        return actor

    async def read_members(self, request: HttpRequest, required: Required = (), *, most: int = ACCOUNTS) -> Members:
        """The members of a body of at most `most` bytes. Raises Unreadable, MembersMissing, and as `read_body`."""
        sent = await self.read_body(request, Limit(one=most, array=most))
        return members.read(await decoding.run(len(sent), json_values.members, sent), required)

    async def read_body(self, request: HttpRequest, limit: Limit) -> bytes:
        """The bytes of the body. Raises what `receive_body` raises."""
        headers = request.headers
        return await self.receive_body(
            request.scope,
            request.receive,
            limit,
            content_type=headers.get("content-type", ""),
            content_encoding=headers.get("content-encoding", ""),
            content_length=headers.get("content-length", ""),
        )

    async def receive_body(
        self,
        scope: Scope,
        receive: Receive,
        limit: Limit,
        *,
        content_type: str,
        content_encoding: str,
        content_length: str,
    ) -> bytes:
        """The bytes of the body. They count for the actor, or for the address, until the request is answered.

        Raises UnsupportedMediaType and what `request_body.read` raises.
        """
        request_body.check_type(content_type, content_encoding)
        state = scope["state"]
        reservation = state["body"] = self.bodies.reserve(state.get("subject") or f"address/{address_of(scope)}")
        within = Limit(one=min(limit.one, self.body_limit), array=min(limit.array, self.body_limit))
        return await request_body.read(receive, within, reservation, content_length)


def peer_of(scope: Scope) -> str:
    """The address of the client, for logs."""
    client = scope.get("client")
    return client[0][:ADDRESS] if client else ""


def address_of(scope: Scope) -> str:
    """The address that counts for limits: that of the peer, or the one that a trusted proxy names.

    For IPv6 it is the /64 network, since one client has all of its addresses.
    """
    return network_of(peer_of(scope))


def network_of(address: str) -> str:
    """The address, or the /64 network of an IPv6 address."""
    return _network(address[:ADDRESS])


@lru_cache(maxsize=1_024)
def _network(address: str) -> str:
    if ":" not in address:
        return address
    try:
        read = IPv6Address(address)
    except AddressValueError:
        return address
    return str(read.ipv4_mapped or IPv6Network((read.packed, 64), strict=False))
