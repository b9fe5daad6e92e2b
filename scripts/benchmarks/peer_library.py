"""The library used as documented: an aggregate per weight, saved with its one event by a handler in a thread.

The environment selects the database: PERSISTENCE_MODULE, POSTGRES_*.
"""

from uuid import UUID

from eventsourcing.application import Application
from eventsourcing.domain import Aggregate, event
from litestar import Litestar, post
from litestar.params import FromPath, JSONBody

from scripts.benchmarks.peer_bare import RecordedWeight, Weight


class WeightOfChild(Aggregate):
    """One weight; the same event also contains its body fat."""

    @event("Recorded")
    def __init__(self, child_id: str, timestamp: str, value: float, unit: str, body_fat: float | None) -> None:
        self.child_id = child_id
        self.timestamp = timestamp
        self.value = value
        self.unit = unit
        self.body_fat = body_fat


class Weights(Application[UUID]):
    """Saves weights with the recorder that the environment selects."""


weights = Weights()


@post("/v1/children/{child_id:str}/weights", sync_to_thread=True)
def post_weight(child_id: FromPath[str], data: JSONBody[Weight]) -> RecordedWeight:
    weight = WeightOfChild(child_id, data.timestamp, data.value, data.unit, data.body_fat)
    weights.save(weight)
    return RecordedWeight(weight.id.hex[:24], data.timestamp, data.value, data.unit, child_id, data.body_fat)


app = Litestar([post_weight], openapi_config=None, on_shutdown=[weights.close])
