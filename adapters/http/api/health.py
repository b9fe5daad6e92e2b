"""Health over HTTP, as a load balancer and an orchestrator read it."""

from litestar import Response, get
from litestar.handlers import HTTPRouteHandler

from adapters.http.api.readiness import Health
from adapters.http.edge.requests import HttpRequest, json_response
from adapters.version import VERSION


def routes(health: Health) -> list[HTTPRouteHandler]:
    @get("/health/live")
    async def is_live(request: HttpRequest) -> Response[bytes]:
        """200, or 503 when only a restart can help."""
        writer = health.of_writer()
        if health.is_live:
            return json_response({"status": "live", "version": VERSION, "checks": {"writer": writer}}, 200)
        return json_response(
            {"status": "not live", "version": VERSION, "checks": {"writer": writer}}, 503, {"Retry-After": "1"}
        )

    @get("/health/ready")
    async def ready(request: HttpRequest) -> Response[bytes]:
        """200 when requests can be answered, else 503, within two seconds."""
        is_ready, content = health.readiness(await health.probe.snapshot())
        return json_response(content, 200) if is_ready else json_response(content, 503, {"Retry-After": "1"})

    return [is_live, ready]
