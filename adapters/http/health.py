"""Health, and the public key: what a load balancer, an orchestrator and another service ask for."""

from datetime import UTC, datetime
from typing import Any

from litestar import Response, get
from litestar.handlers import HTTPRouteHandler

from adapters.auth.own_keys import OwnKeys
from adapters.http.requests import HttpRequest, json_response
from adapters.postgres.reader import Reader
from application.writer import Unavailable


def routes(own_keys: OwnKeys, reader: Reader, *, allowed_lag: float) -> list[HTTPRouteHandler]:
    """`allowed_lag`: seconds that a live view may be behind."""

    @get("/health/live")
    async def live(request: HttpRequest) -> Response[bytes]:
        return json_response({"status": "live"}, 200)

    @get("/health/ready")
    async def ready(request: HttpRequest) -> Response[bytes]:
        """200 when the log answers and every live view is near enough to it, else 503 and what is wrong."""
        try:
            lags = await reader.lags()
        except Unavailable:
            return _not_ready({"log": "unreachable"})
        now = datetime.now(UTC)
        views: dict[str, Any] = {}
        behind = False
        for lag in lags:
            if lag.live:
                seconds = 0.0 if lag.since is None else max(0.0, (now - lag.since).total_seconds())
                views[lag.view] = {"events_behind": lag.events, "seconds_behind": round(seconds, 3)}
                behind |= seconds > allowed_lag
        if behind:
            return _not_ready({"log": "reachable", "views": views})
        return json_response({"status": "ready", "log": "reachable", "views": views}, 200)

    @get("/.well-known/jwks.json")
    async def jwks(request: HttpRequest) -> Response[bytes]:
        return json_response({"keys": own_keys.jwks}, 200)

    return [live, ready, jwks]


def _not_ready(why: dict[str, Any]) -> Response[bytes]:
    return json_response({"status": "not ready", **why}, 503, {"Retry-After": "1"})
