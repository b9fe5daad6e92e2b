"""The public keys over HTTP, with which another service checks the tokens that this one issues."""

from litestar import Response, get
from litestar.handlers import HTTPRouteHandler

from adapters.auth.own_keys import OwnKeys
from adapters.http.edge.requests import HttpRequest, json_response


def routes(own_keys: OwnKeys) -> list[HTTPRouteHandler]:
    @get("/.well-known/jwks.json")
    async def jwks(request: HttpRequest) -> Response[bytes]:
        return json_response({"keys": own_keys.jwks}, 200)

    return [jwks]
