"""The one module that knows everything: it puts the parts together."""

import asyncio
import gc
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import structlog
from litestar import Litestar
from litestar.types import ASGIApp

from adapters.auth import dummy_hashes
from adapters.auth.foreign_keys import ForeignKeys
from adapters.auth.own_keys import OwnKeys, key_source
from adapters.auth.passwords import Passwords
from adapters.auth.tokens import Tokens
from adapters.http.api import (
    analytics,
    audit,
    families,
    groups,
    health,
    institutions,
    jwks,
    logins,
    measurements,
    outcomes,
    users,
    views,
)
from adapters.http.api.fast_path import FastPath, PostMeasurements
from adapters.http.api.readiness import Health
from adapters.http.edge import application
from adapters.http.edge.access import Access
from adapters.http.edge.byte_budget import ByteBudget
from adapters.http.edge.cors import Cors
from adapters.http.edge.draining import Draining
from adapters.http.edge.edge import Edge
from adapters.http.openapi import pages
from adapters.limits.limiter import limiter
from adapters.limits.logins import Logins
from adapters.postgres import connections, watchdog
from adapters.postgres.event_store import SHORT_LOCK_TIMEOUT, PostgresEventStore
from adapters.postgres.health_probe import HealthProbe
from adapters.postgres.query_pools import QueryPools
from adapters.postgres.readers.accounts import AccountsReader
from adapters.postgres.readers.analytics import AnalyticsReader
from adapters.postgres.readers.audit import AuditReader
from adapters.postgres.readers.measurements import MeasurementsReader
from adapters.postgres.readers.outcomes import OutcomesReader
from adapters.postgres.readers.views import ViewsReader
from adapters.settings import OWN_ISSUER, Settings
from adapters.statistics import calculator
from adapters.system import tls
from adapters.telemetry.observability import Observability
from application.processor import Processor
from application.writer import Writer
from projections.lag import Lags

logger = structlog.get_logger()

WRITER_TIME = 4.0
"""Seconds that the writer has for its last batches when the process ends: the watchdog needs three to give one up."""

SWITCH_INTERVAL = 0.0005
"""Seconds after which the event loop lets the writer have the interpreter: the writer waits for it after each of its
statements, and everybody waits for the writer."""


def api(settings: Settings, data: Path, url: str, draining: Draining, bodies: ByteBudget) -> ASGIApp:
    """The HTTP application on a database that has been prepared; its parts live from its start to its end. NoKey."""
    log = PostgresEventStore(connections.connector(url), lock_timeout=SHORT_LOCK_TIMEOUT)
    observability = Observability(settings)
    writer = Writer(
        Processor(observability.log(log)),
        batch_size=settings.batch_size,
        queue_size=settings.queue_size,
        observe=observability.batch_ran,
    )
    pools = QueryPools(url, wait=settings.read_wait)
    pool = pools.queries
    reader, accounts_reader = MeasurementsReader(pool, log.partitions), AccountsReader(pool, pools.identification)
    outcomes_reader = OutcomesReader(pool, log.partitions)
    lags = Lags()
    views_reader = ViewsReader(pool, lags)
    own_keys = OwnKeys(key_source(settings, data))
    foreign_keys = None if settings.jwks_url is None else ForeignKeys(settings.jwks_url)
    tokens = _tokens(settings, own_keys, foreign_keys)
    passwords = Passwords(settings.argon2_memory, lambda: own_keys.secret(dummy_hashes.PURPOSE))
    limits = limiter(settings)
    probe = HealthProbe(ViewsReader(pools.health, lags))

    @asynccontextmanager
    async def lifespan(_: Litestar) -> AsyncIterator[None]:
        sys.setswitchinterval(SWITCH_INTERVAL)
        writer.start()
        await pools.open()
        await limits.open()
        # What was made until here stays: the collector need not look at it again, nor so often at what comes.
        gc.collect()
        gc.freeze()
        gc.set_threshold(50_000, 20, 100)
        fetching = asyncio.create_task(foreign_keys.keep_fresh()) if foreign_keys else None
        sampling = asyncio.create_task(observability.keep(writer, limits))
        listening = asyncio.create_task(watchdog.watch(url, [watchdog.WatchedWriter(writer, log), *pools.all]))
        try:
            yield
        finally:
            if fetching is not None:
                fetching.cancel()
            sampling.cancel()
            calculator.stop()
            writer.begin_to_stop()
            # Not joined: the event loop has to go on, since the watchdog may be what ends the last batch.
            if not await draining.wait_until(lambda: not writer.is_alive, WRITER_TIME):
                logger.error("the writer does not end; leaving it behind", busy_for=writer.busy_for)
                log.abort()
            else:
                log.close()
            listening.cancel()
            await pools.close()
            await limits.close()
            await asyncio.to_thread(observability.stop)

    access = Access(tokens, limits, settings.body_limit, bodies, accounts_reader.check)
    post_measurements = PostMeasurements(access, writer, settings.batch_limit)
    routed = application.create(
        [
            *pages.routes(),
            *jwks.routes(own_keys),
            *health.routes(Health(probe, writer, limits, draining, settings.allowed_lag)),
            *observability.routes(probe, writer, limits),
            *logins.routes(access, Logins(limits), passwords, writer, accounts_reader),
            *institutions.routes(access, writer, accounts_reader),
            *users.routes(access, passwords, writer, accounts_reader),
            *families.routes(access, writer),
            *groups.routes(access, writer, accounts_reader),
            *outcomes.routes(access, writer, outcomes_reader, batch_limit=settings.batch_limit),
            *analytics.routes(access, accounts_reader, outcomes_reader, AnalyticsReader(pool, log.partitions)),
            *views.routes(access, views_reader),
            *audit.routes(access, writer, AuditReader(pool, log.partitions)),
            *measurements.routes(access, writer, reader, post_measurements),
        ],
        lifespan=[lifespan],
    )
    cors = Cors(settings.cors_origins) if settings.cors_origins else None
    within = observability.around(FastPath(routed, post_measurements))
    return Edge(within, draining=draining, cors=cors, with_tls=tls.is_on(settings), observe=observability.answered)


def _tokens(settings: Settings, own_keys: OwnKeys, foreign_keys: ForeignKeys | None) -> Tokens:
    if foreign_keys is None:
        return Tokens(own_keys, settings.issuer)
    return Tokens(own_keys, OWN_ISSUER, foreign_keys, settings.issuer, settings.audience)
