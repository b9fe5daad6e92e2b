"""Creates the HTTP application from its parts."""

import asyncio
import gc
import sys
from collections.abc import AsyncIterator, Coroutine, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import structlog
from litestar import Litestar
from litestar.handlers import HTTPRouteHandler
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
from adapters.limits.limiter import Limiter, limiter
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
from projections.lag import LagTracker

logger = structlog.get_logger()

WRITER_STOP_TIMEOUT = 4.0
"""Seconds that the writer has for its last batches when the process ends: the watchdog takes three to abort one."""

SWITCH_INTERVAL = 0.0005
"""Seconds after which the event loop yields the interpreter to the writer's thread.

The writer needs the interpreter after each of its statements, and all commands wait for the writer.
"""


@dataclass(frozen=True)
class _Parts:
    """What the application consists of. `event_store` belongs to the writer's thread."""

    settings: Settings
    url: str
    draining: Draining
    observability: Observability
    event_store: PostgresEventStore
    writer: Writer
    pools: QueryPools
    limits: Limiter
    own_keys: OwnKeys
    foreign_keys: ForeignKeys | None


def create_application(settings: Settings, data: Path, url: str, draining: Draining, bodies: ByteBudget) -> ASGIApp:
    """The HTTP application on a prepared database; its connections are open from its start-up to its shutdown.

    NoKey if there is no key to sign tokens with.
    """
    observability = Observability(settings)
    event_store = PostgresEventStore(connections.connector(url), lock_timeout=SHORT_LOCK_TIMEOUT)
    parts = _Parts(
        settings=settings,
        url=url,
        draining=draining,
        observability=observability,
        event_store=event_store,
        writer=Writer(
            Processor(observability.log(event_store)),
            batch_size=settings.batch_size,
            queue_size=settings.queue_size,
            observe=observability.batch_ran,
        ),
        pools=QueryPools(url, wait=settings.read_wait),
        limits=limiter(settings),
        own_keys=OwnKeys(key_source(settings, data)),
        foreign_keys=None if settings.jwks_url is None else ForeignKeys(settings.jwks_url),
    )
    accounts = AccountsReader(parts.pools.queries, parts.pools.identification)
    access = Access(_tokens(parts), parts.limits, settings.body_limit, bodies, accounts.check)
    post_measurements = PostMeasurements(access, parts.writer, settings.batch_limit)

    @asynccontextmanager
    async def lifespan(_: Litestar) -> AsyncIterator[None]:
        await _start(parts)
        tasks = [asyncio.create_task(each) for each in _background(parts)]
        try:
            yield
        finally:
            await _stop(parts, tasks)

    routed = application.create(_routes(parts, access, accounts, post_measurements), lifespan=[lifespan])
    return Edge(
        observability.around(FastPath(routed, post_measurements)),
        draining=draining,
        cors=Cors(settings.cors_origins) if settings.cors_origins else None,
        with_tls=tls.is_on(settings),
        observe=observability.answered,
    )


def _tokens(parts: _Parts) -> Tokens:
    settings = parts.settings
    if parts.foreign_keys is None:
        return Tokens(parts.own_keys, settings.issuer)
    return Tokens(parts.own_keys, OWN_ISSUER, parts.foreign_keys, settings.issuer, settings.audience)


def _routes(
    parts: _Parts, access: Access, accounts: AccountsReader, post_measurements: PostMeasurements
) -> list[HTTPRouteHandler]:
    settings, writer, limits = parts.settings, parts.writer, parts.limits
    queries, partitions = parts.pools.queries, parts.event_store.partitions
    lags = LagTracker()
    probe = HealthProbe(ViewsReader(parts.pools.health, lags))
    passwords = Passwords(settings.argon2_memory, lambda: parts.own_keys.secret(dummy_hashes.PURPOSE))
    outcomes_reader = OutcomesReader(queries, partitions)
    return [
        *pages.routes(),
        *jwks.routes(parts.own_keys),
        *health.routes(Health(probe, writer, limits, parts.draining, settings.allowed_lag)),
        *parts.observability.routes(probe, writer, limits),
        *logins.routes(access, Logins(limits), passwords, writer, accounts),
        *institutions.routes(access, writer, accounts),
        *users.routes(access, passwords, writer, accounts),
        *families.routes(access, writer),
        *groups.routes(access, writer, accounts),
        *outcomes.routes(access, writer, outcomes_reader, batch_limit=settings.batch_limit),
        *analytics.routes(access, accounts, outcomes_reader, AnalyticsReader(queries, partitions)),
        *views.routes(access, ViewsReader(queries, lags)),
        *audit.routes(access, writer, AuditReader(queries, partitions)),
        *measurements.routes(access, writer, MeasurementsReader(queries, partitions), post_measurements),
    ]


async def _start(parts: _Parts) -> None:
    sys.setswitchinterval(SWITCH_INTERVAL)
    parts.writer.start()
    await parts.pools.open()
    await parts.limits.open()
    # All objects up to here live as long as the process: the collector need not visit them again, nor run so often.
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 100)


def _background(parts: _Parts) -> Iterator[Coroutine[Any, Any, None]]:
    """The tasks that run for as long as the application."""
    watched: list[watchdog.Watched] = [watchdog.WatchedWriter(parts.writer, parts.event_store), *parts.pools.all]
    yield watchdog.watch(parts.url, watched)
    yield parts.observability.keep(parts.writer, parts.limits)
    if parts.foreign_keys is not None:
        yield parts.foreign_keys.keep_fresh()


async def _stop(parts: _Parts, tasks: Sequence[asyncio.Task[None]]) -> None:
    watching, *others = tasks
    for task in others:
        task.cancel()
    calculator.stop()
    parts.writer.begin_to_stop()
    # Not joined: the event loop has to run on, since it may be the watchdog that ends the last batch.
    if await parts.draining.wait_until(lambda: not parts.writer.is_alive, WRITER_STOP_TIMEOUT):
        parts.event_store.close()
    else:
        if not parts.draining.is_cut_short:  # else nobody has waited for it
            logger.error(
                "the writer did not end in time; leaving its thread behind",
                seconds=WRITER_STOP_TIMEOUT,
                busy_for=parts.writer.busy_for,
            )
        parts.event_store.abort()
    watching.cancel()
    await parts.pools.close()
    await parts.limits.close()
    await asyncio.to_thread(parts.observability.stop)
