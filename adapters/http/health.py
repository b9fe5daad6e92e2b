"""Health, and the public key: what a load balancer, an orchestrator and another service ask for."""

from typing import Any

from litestar import Response, get
from litestar.handlers import HTTPRouteHandler

from adapters.auth.own_keys import OwnKeys
from adapters.http.requests import HttpRequest, json_response
from adapters.postgres.views_reader import ViewsReader
from application.writer import Unavailable


def routes(own_keys: OwnKeys, reader: ViewsReader, *, allowed_lag: float) -> list[HTTPRouteHandler]:
    """`allowed_lag`: seconds that a live view may be behind."""

    @get("/health/live")
    async def is_live(request: HttpRequest) -> Response[bytes]:
        return json_response({"status": "live"}, 200)

    @get("/health/ready")
    async def ready(request: HttpRequest) -> Response[bytes]:
        """200 when the log answers and every live view is near enough to it, else 503 and what is wrong."""
        try:
            generations = await reader.statuses()
        except Unavailable:
            return _not_ready({"log": "unreachable"})
        live = [each for each in generations if each.state == "live"]
        views = {each.view: {"events_behind": each.lag_events, "seconds_behind": each.lag_seconds} for each in live}
        behind = any(each.lag_seconds > allowed_lag for each in live)
        if behind:
            return _not_ready({"log": "reachable", "views": views})
        return json_response({"status": "ready", "log": "reachable", "views": views}, 200)

    @get("/.well-known/jwks.json")
    async def jwks(request: HttpRequest) -> Response[bytes]:
        return json_response({"keys": own_keys.jwks}, 200)

    return [is_live, ready, jwks]


def _not_ready(why: dict[str, Any]) -> Response[bytes]:
    return json_response({"status": "not ready", **why}, 503, {"Retry-After": "1"})
