"""`project`: a process that keeps the views up to date until it is told to stop."""

import asyncio
import os
import signal
import threading
from pathlib import Path

import structlog

from adapters.postgres import watchdog
from adapters.postgres.connections import connector
from adapters.processes.database import database
from adapters.processes.prepare import connect_when_prepared
from adapters.settings import Settings
from adapters.system.stop_signals import stop_signals
from adapters.version import VERSION
from projections.projector.projector import Projector
from projections.views.registry import VIEWS

logger = structlog.get_logger()


def run(settings: Settings, data: Path) -> None:
    """Keep every view up to date, each in its own thread, so that no view waits for another. NotPrepared."""
    with database(settings, data) as url:
        with stop_signals() as stopping:
            if not connect_when_prepared(url, stopping):
                return
        logger.info("projector starts", version=VERSION, pid=os.getpid(), views=list(VIEWS.latest))
        running = [Projector(connector(url), views=VIEWS.only(name)) for name in VIEWS.latest]

        def stop(*_: object) -> None:
            logger.info("projector hands over its partitions")
            for each in running:
                each.stop()

        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, stop)
        # Without it, a projector would wait for ever for a database that vanished.
        watching = watchdog.watch(url, [watchdog.WatchedProjector(each) for each in running])
        threading.Thread(target=asyncio.run, args=[watching], name="watchdog", daemon=True).start()
        threads = [threading.Thread(target=each.run) for each in running]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    logger.info("projector ended")
