"""`api`: a process that answers requests until it is told to stop."""

import os
from collections.abc import Callable
from pathlib import Path

import psycopg
import structlog
from litestar.types import ASGIApp

from adapters.http.edge import edge, http_protocol, server
from adapters.http.edge.byte_budget import ByteBudget
from adapters.http.edge.draining import Draining
from adapters.postgres.wait_for_database import one_line
from adapters.processes.database import database
from adapters.processes.prepare import connect_when_prepared
from adapters.processes.wiring import create_application
from adapters.settings import Settings
from adapters.system import files, tls
from adapters.system.stop_signals import stop_signals
from adapters.version import VERSION
from application.outage import Outage
from application.ports import LogUnavailable

logger = structlog.get_logger()


def run(settings: Settings, data: Path, host: str, port: int, *, descriptor: int | None) -> None:
    """Serve on an address, or on the socket of a descriptor that other processes may share. NotPrepared; NoKey."""
    tls.check(settings)
    files.raise_open_file_limit()
    draining = Draining()
    bodies = ByteBudget(settings.body_budget)
    with database(settings, data) as url:
        application = _wait_and_create(url, lambda: create_application(settings, data, url, draining, bodies))
        if application is None:
            return
        address = f"{host}:{port}" if descriptor is None else f"socket {descriptor}"
        logger.info("api starts", version=VERSION, pid=os.getpid(), address=address)
        server.run(
            application,
            draining,
            descriptor=descriptor,
            host=host,
            port=port,
            loop="uvloop",
            http=http_protocol.protocol(
                wait=settings.request_wait,
                body_limit=settings.body_limit,
                bodies=bodies,
                headers=edge.security(with_tls=tls.is_on(settings)),
            ),
            ws="none",
            ssl_certfile=settings.tls_certificate,
            ssl_keyfile=settings.tls_key,
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=settings.trusted_proxies is not None,
            forwarded_allow_ips=settings.trusted_proxies or "",
        )
    logger.info("api ended")


def _wait_and_create(url: str, make: Callable[[], ASGIApp]) -> ASGIApp | None:
    """Wait for the database, then create the application; None if a signal ended the wait."""
    outage = Outage("lost the database while the API was starting; trying again")
    with stop_signals() as stopping:
        while connect_when_prepared(url, stopping):
            try:
                return make()
            except (LogUnavailable, psycopg.OperationalError) as error:  # the database was lost meanwhile
                outage.failed(one_line(error))
    return None
