"""The mapper: converts between domain events and the library's `StoredEvent`, so that the library's event store works
on this event log."""

from typing import Any

from eventsourcing.domain import DomainEventProtocol
from eventsourcing.persistence import Mapper, MapperDeserialisationError, StoredEvent

from domain.catalogue import Undecodable, decode, encode
from domain.event import Event


class EventMapper(Mapper[str]):
    """Topics are the permanent names of the events, never module paths; states are their JSON."""

    def to_stored_event(self, domain_event: DomainEventProtocol[str]) -> StoredEvent:
        if not isinstance(domain_event, Event):
            raise TypeError(f"{type(domain_event).__name__} is no event of this log")
        return StoredEvent(
            originator_id=domain_event.originator_id,
            originator_version=domain_event.originator_version,
            topic=domain_event.stored_name,
            state=encode(domain_event),
        )

    def to_domain_event(self, stored_event: StoredEvent) -> Any:
        try:
            return decode(stored_event.topic, stored_event.state)
        except Undecodable as error:
            raise MapperDeserialisationError(str(error)) from error
