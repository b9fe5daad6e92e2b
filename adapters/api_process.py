"""`api`: one process that answers requests, until it is told to end."""

from pathlib import Path

from adapters import open_files, tls
from adapters.database import database
from adapters.http import arrival, edge, server
from adapters.http.byte_budget import ByteBudget
from adapters.http.draining import Draining
from adapters.prepare import wait_until_prepared
from adapters.settings import Settings
from adapters.wiring import api


def run(settings: Settings, data: Path, host: str, port: int, *, descriptor: int | None) -> None:
    """Serve on an address, or on the socket of that descriptor, which other processes may share. NotPrepared; NoKey."""
    tls.check(settings)
    open_files.allow_many()
    draining = Draining()
    bodies = ByteBudget(settings.body_budget)
    with database(settings, data) as url:
        wait_until_prepared(url, for_commands=True)
        server.run(
            api(settings, data, url, draining, bodies),
            draining,
            descriptor=descriptor,
            host=host,
            port=port,
            loop="uvloop",
            http=arrival.protocol(
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
