"""The bare peer: Litestar decodes one weight, stores nothing and responds with 201."""

import secrets

from litestar import Litestar, post
from litestar.params import FromPath, JSONBody
from msgspec import Struct


class Weight(Struct, frozen=True):
    """The body of a request."""

    timestamp: str
    value: float
    unit: str
    body_fat: float | None = None


class RecordedWeight(Struct, frozen=True):
    """The body of a response."""

    id: str
    timestamp: str
    value: float
    unit: str
    child_id: str
    body_fat: float | None = None


@post("/v1/children/{child_id:str}/weights")
async def post_weight(child_id: FromPath[str], data: JSONBody[Weight]) -> RecordedWeight:
    return RecordedWeight(secrets.token_hex(12), data.timestamp, data.value, data.unit, child_id, data.body_fat)


app = Litestar([post_weight], openapi_config=None)
