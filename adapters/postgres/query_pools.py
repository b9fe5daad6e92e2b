"""The pools of a process that answers questions, each with connections of its own."""

from collections.abc import Sequence

from adapters.postgres import connections
from adapters.postgres.fair_semaphore import FairSemaphore
from adapters.postgres.query_pool import QueryPool

QUERY_CONNECTIONS = 8
"""Connections that questions share."""

IDENTIFICATION_CONNECTIONS = 2
"""Connections for logins, and for who somebody is: slow questions do not hold these up."""

HEALTH_CONNECTIONS = 1
"""Connections for health: that questions have taken all of theirs does not mean that the database is away."""


class QueryPools:
    def __init__(self, url: str, *, wait: float) -> None:
        """`wait`: as of `QueryPool`."""
        self.queries = QueryPool(
            connections.pool(url, QUERY_CONNECTIONS), wait=wait, shares=FairSemaphore(QUERY_CONNECTIONS)
        )
        self.identification = QueryPool(connections.pool(url, IDENTIFICATION_CONNECTIONS), wait=wait)
        self.health = QueryPool(connections.pool(url, HEALTH_CONNECTIONS), wait=wait)

    @property
    def all(self) -> Sequence[QueryPool]:
        return self.queries, self.identification, self.health

    async def open(self) -> None:
        for pool in self.all:
            await pool.open()

    async def close(self) -> None:
        for pool in self.all:
            await pool.close()
