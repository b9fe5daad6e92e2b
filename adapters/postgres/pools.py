"""The pools of a process that answers questions, each with connections of its own."""

from collections.abc import Sequence

from adapters.postgres import connections
from adapters.postgres.pool import Pool
from adapters.postgres.shares import Shares

READING = 8
"""Connections that questions share."""

IDENTIFYING = 2
"""Connections for logins, and for who somebody is: slow questions do not hold these up."""

LOOKING = 1
"""Connections for health: that questions have taken all of theirs does not mean that the database is away."""


class Pools:
    def __init__(self, url: str, *, wait: float) -> None:
        """`wait`: as of `Pool`."""
        self.reading = Pool(connections.pool(url, READING), wait=wait, shares=Shares(READING))
        self.identifying = Pool(connections.pool(url, IDENTIFYING), wait=wait)
        self.looking = Pool(connections.pool(url, LOOKING), wait=wait)

    @property
    def all(self) -> Sequence[Pool]:
        return self.reading, self.identifying, self.looking

    async def open(self) -> None:
        for pool in self.all:
            await pool.open()

    async def close(self) -> None:
        for pool in self.all:
            await pool.close()
