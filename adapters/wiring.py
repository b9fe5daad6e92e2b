"""The one module that knows everything: it puts the parts together."""

import asyncio
import gc
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from litestar import Litestar
from psycopg import AsyncConnection
from psycopg_pool import AsyncConnectionPool

from adapters.analytics import calculator
from adapters.auth.foreign_keys import ForeignKeys
from adapters.auth.own_keys import OwnKeys
from adapters.auth.passwords import Passwords
from adapters.auth.tokens import Tokens
from adapters.http import (
    analytics,
    app,
    audit,
    families,
    groups,
    health,
    institutions,
    logins,
    measurements,
    outcomes,
    users,
    views,
)
from adapters.http.entrance import Entrance
from adapters.http.intake import FastLane, Intake
from adapters.limiter import Limiter
from adapters.postgres.accounts_reader import AccountsReader
from adapters.postgres.analytics_reader import AnalyticsReader
from adapters.postgres.audit_reader import AuditReader
from adapters.postgres.connections import KEEPALIVE, connector
from adapters.postgres.log import PostgresLog
from adapters.postgres.outcomes_reader import OutcomesReader
from adapters.postgres.pool import Pool
from adapters.postgres.reader import Reader
from adapters.postgres.views_reader import ViewsReader
from adapters.settings import OWN_ISSUER, Settings
from application.processor import Processor
from application.writer import Writer
from projections.projector import Projector
from projections.views import VIEWS

READERS = 8
"""Connections that questions share."""

SWITCH_INTERVAL = 0.0005
"""Seconds after which the event loop lets the writer have the interpreter: the writer waits for it after each of its
statements, and everybody waits for the writer."""


def api(settings: Settings, data: Path, url: str) -> FastLane:
    """The HTTP application on a database that has been prepared; its parts live from its start to its end."""
    log = PostgresLog(connector(url))
    writer = Writer(Processor(log), group_size=settings.group_size, queue_size=settings.queue_size)
    connections = AsyncConnectionPool(
        url,
        kwargs={"autocommit": True, "application_name": "reader", **KEEPALIVE},
        min_size=1,
        max_size=READERS,
        configure=_configure,
        reconnect_timeout=1.0,  # then whoever asks next makes it try again, without growing pauses
        open=False,
    )
    pool = Pool(connections, wait=settings.read_wait)
    reader, accounts_reader = Reader(pool, log.partitions), AccountsReader(pool)
    outcomes_reader = OutcomesReader(pool, log.partitions)
    views_reader = ViewsReader(pool)
    own_keys = OwnKeys(data / "keys")
    if settings.jwks_url is None:
        foreign_keys, tokens = None, Tokens(own_keys, settings.issuer)
    else:
        foreign_keys = ForeignKeys(settings.jwks_url)
        tokens = Tokens(own_keys, OWN_ISSUER, foreign_keys, settings.issuer)
    passwords = Passwords(settings.argon2_memory)

    @asynccontextmanager
    async def lifespan(_: Litestar) -> AsyncIterator[None]:
        sys.setswitchinterval(SWITCH_INTERVAL)
        writer.start()
        await connections.open()
        # What was made until here stays: the collector need not look at it again, nor so often at what comes.
        gc.collect()
        gc.freeze()
        gc.set_threshold(50_000, 20, 100)
        fetching = asyncio.create_task(foreign_keys.keep_fresh()) if foreign_keys else None
        try:
            yield
        finally:
            if fetching is not None:
                fetching.cancel()
            calculator.stop()
            writer.stop()
            log.close()
            await connections.close()

    intake = Intake(tokens, writer, settings.body_limit, settings.batch_limit)
    entrance = Entrance(tokens, settings.body_limit)
    application = app.create(
        [
            *health.routes(own_keys, views_reader, allowed_lag=settings.allowed_lag),
            *logins.routes(entrance, passwords, Limiter(settings.login_limit), writer, accounts_reader),
            *institutions.routes(entrance, writer, accounts_reader),
            *users.routes(entrance, passwords, writer, accounts_reader),
            *families.routes(entrance, writer, accounts_reader),
            *groups.routes(entrance, writer, accounts_reader),
            *outcomes.routes(entrance, writer, outcomes_reader, batch_limit=settings.batch_limit),
            *analytics.routes(entrance, outcomes_reader, AnalyticsReader(pool, log.partitions)),
            *views.routes(entrance, views_reader),
            *audit.routes(entrance, writer, AuditReader(pool, log.partitions)),
            *measurements.routes(entrance, writer, reader, intake),
        ],
        lifespan=[lifespan],
    )
    return FastLane(application, intake)


async def _configure(connection: AsyncConnection[Any]) -> None:
    """A question waits for a lock no longer than a writer does."""
    await connection.execute("set lock_timeout = '2s'")


def projectors(url: str) -> list[Projector]:
    """One for each view, so that none waits for another's pages."""
    return [Projector(connector(url), views=VIEWS.only(name)) for name in VIEWS.latest]
