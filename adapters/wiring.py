"""The one module that knows everything: it puts the parts together."""

import gc
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from litestar import Litestar
from psycopg_pool import AsyncConnectionPool

from adapters.auth.keys import ensure_private_key
from adapters.auth.passwords import Passwords
from adapters.auth.tokens import Tokens
from adapters.http import accounts, app, health, measurements
from adapters.http.intake import FastLane, Intake
from adapters.postgres.connections import KEEPALIVE, connector
from adapters.postgres.log import PostgresLog
from adapters.postgres.reader import Reader
from adapters.settings import Settings
from application.processor import Processor
from application.writer import Writer
from projections.projector import Projector

READERS = 8
"""Connections that questions share."""

SWITCH_INTERVAL = 0.0005
"""Seconds after which the event loop lets the writer have the interpreter: the writer waits for it after each of its
statements, and everybody waits for the writer."""


def api(settings: Settings, data: Path, url: str) -> FastLane:
    """The HTTP application on a database that has been prepared; its parts live from its start to its end."""
    log = PostgresLog(connector(url))
    writer = Writer(Processor(log), group_size=settings.group_size, queue_size=settings.queue_size)
    pool = AsyncConnectionPool(
        url,
        kwargs={"autocommit": True, "application_name": "reader", **KEEPALIVE},
        min_size=1,
        max_size=READERS,
        reconnect_timeout=1.0,  # then whoever asks next makes it try again, without growing pauses
        open=False,
    )
    reader = Reader(pool, log.partitions, wait=settings.read_wait)
    tokens = Tokens(ensure_private_key(data / "keys"), settings.issuer)
    passwords = Passwords(settings.argon2_memory)

    @asynccontextmanager
    async def lifespan(_: Litestar) -> AsyncIterator[None]:
        sys.setswitchinterval(SWITCH_INTERVAL)
        writer.start()
        await pool.open()
        # What was made until here stays: the collector need not look at it again, nor so often at what comes.
        gc.collect()
        gc.freeze()
        gc.set_threshold(50_000, 20, 100)
        try:
            yield
        finally:
            writer.stop()
            log.close()
            await pool.close()

    intake = Intake(tokens, writer, settings.body_limit, settings.batch_limit)
    application = app.create(
        [
            *health.routes(tokens, reader, allowed_lag=settings.allowed_lag),
            *accounts.routes(tokens, passwords, writer, reader, body_limit=settings.body_limit),
            *measurements.routes(tokens, writer, reader, intake),
        ],
        lifespan=[lifespan],
    )
    return FastLane(application, intake)


def projector(url: str) -> Projector:
    return Projector(connector(url))
