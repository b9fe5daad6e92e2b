"""The service itself in the OpenAPI document: views, health, metrics, keys and the document."""

from collections.abc import Iterator

from adapters.http.api.readiness import Check, ViewCheck
from adapters.http.openapi.operations import Answer, Operation, ok
from adapters.http.schemas.json_schema import COUNT, Json, array, choice, closed, of_struct, ref, string
from adapters.version import VERSION
from application.queries.views import ViewStatus

TAG = "Service"

VIEW: Json = {
    "view": "measurements",
    "generation": 1,
    "version": 1,
    "latest_version": 1,
    "state": "live",
    "place": 4711,
    "head": 4711,
    "lag_events": 0,
    "lag_seconds": 0.0,
    "rows": {"measurements": 4000},
    "rate": 12.5,
    "parked_streams": 0,
    "workers": ["projector 4242"],
}
KEY: Json = {"kty": "RSA", "kid": "2024-06", "use": "sig", "alg": "RS256", "n": "sXch…", "e": "AQAB"}
CHECKS: Json = {"writer": {"ok": True, "what": "last batch 0.4 s ago, queue 12 of 20,000"}}
LIVENESS: Json = {"status": "live", "version": VERSION, "checks": CHECKS}
READINESS: Json = {
    "status": "ready",
    "log": "reachable",
    "checks": CHECKS,
    "views": {
        "measurements": {
            "ok": True,
            "what": "0.2 s behind, 3 events; allowed: 10 s",
            "events_behind": 0,
            "seconds_behind": 0.0,
            "parked_streams": 0,
        }
    },
}


def operations() -> Iterator[Operation]:
    yield Operation(
        method="GET",
        path="/v1/views",
        id="list_views",
        tag=TAG,
        summary="List the status of every generation of every view",
        action="read_views",
        answers=(
            Answer(status=200, description="All generations of all views.", schema=array(ref("View")), example=[VIEW]),
        ),
    )
    yield _health("live", "Whether this process can still do its work", "Liveness", LIVENESS, {"status": "not live"})
    yield _health("ready", "Whether this process can answer requests", "Readiness", READINESS, {"status": "not ready"})
    yield Operation(
        method="GET",
        path="/metrics",
        id="read_metrics",
        tag=TAG,
        summary="Read the metrics in the text format of Prometheus",
        description="They contain no names, values or ids. A setting turns the endpoint off.",
        answers=(Answer(status=200, description="The metrics.", schema=string(), media_type="text/plain"),),
    )
    yield Operation(
        method="GET",
        path="/.well-known/jwks.json",
        id="list_keys",
        tag=TAG,
        summary="List the public keys that verify tokens, as a JWKS",
        answers=(Answer(status=200, description="All valid keys.", schema=ref("Keys"), example={"keys": [KEY]}),),
    )
    yield Operation(
        method="GET",
        path="/openapi.json",
        id="read_openapi",
        tag=TAG,
        summary="Read the OpenAPI document",
        answers=(Answer(status=200, description="The OpenAPI document.", schema={"type": "object"}),),
    )
    yield Operation(
        method="GET",
        path="/docs",
        id="read_docs",
        tag=TAG,
        summary="Read the OpenAPI document as a page",
        answers=(Answer(status=200, description="A page with Swagger UI.", schema=string(), media_type="text/html"),),
    )


def _health(what: str, summary: str, name: str, well: Json, change: Json) -> Operation:
    unwell = {**well, **change, "checks": {"writer": {"ok": False, "what": "its thread has ended"}}}
    return Operation(
        method="GET",
        path=f"/health/{what}",
        id=f"is_{what}",
        tag=TAG,
        summary=summary,
        description="The response lists every check and its result.",
        answers=(
            ok(name, well, "Yes, with the result of every check."),
            Answer(
                status=503,
                description="No, with the result of every check.",
                schema=ref(name),
                example=unwell,
                headers=("Retry-After",),
            ),
        ),
    )


def schemas() -> dict[str, Json]:
    state, checks = choice("live", "kept", "growing", "unfinished"), _by_name("Check")
    return {
        "View": of_struct(ViewStatus, place=COUNT, head=COUNT, lag_events=COUNT, parked_streams=COUNT, state=state),
        "Check": of_struct(Check),
        "ViewCheck": of_struct(ViewCheck, events_behind=COUNT, parked_streams=COUNT),
        "Liveness": closed(status=choice("live", "not live"), version=string(), checks=checks),
        "Readiness": closed(
            status=choice("ready", "not ready"),
            log=choice("reachable", "unreachable"),
            checks=checks,
            views=_by_name("ViewCheck"),
        ),
        "Keys": closed(keys=array({"type": "object", "required": ["kty", "kid"]}, minItems=1)),
    }


def _by_name(name: str) -> Json:
    return {"type": "object", "additionalProperties": ref(name)}
