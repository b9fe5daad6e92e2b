"""The HTTP server: uvicorn, which answers what it has before it ends."""

import math
import os
import socket
from types import FrameType
from typing import Any

import structlog
import uvicorn
from litestar.types import ASGIApp

from adapters.http.edge.draining import Draining
from adapters.system.listening import refuse_new_connections
from adapters.system.parent_death import outlive_parent

LINGER = 0.3
"""Seconds that those have to ask, and to be answered 503, who have connected when everything else is answered."""

logger = structlog.get_logger()


def run(app: ASGIApp, draining: Draining, *, descriptor: int | None, **options: Any) -> None:
    """Serve until a signal, and drain; on the socket of that descriptor, which other processes may share, or on one of
    its own. `options` are uvicorn's."""
    sockets = None if descriptor is None else [socket.socket(fileno=descriptor)]
    Server(uvicorn.Config(app, **options), draining, is_shared=sockets is not None).run(sockets)


class Server(uvicorn.Server):
    """On the first SIGTERM or SIGINT it drains, and then ends; on a second one it ends at once, and cuts off."""

    def __init__(self, config: uvicorn.Config, draining: Draining, *, is_shared: bool) -> None:
        """`is_shared`: whether its socket is another process's, which keeps it and has started this one."""
        super().__init__(config)
        self._draining = draining
        self._is_shared = is_shared
        self._parent = os.getppid()

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        if self._draining.begun:
            self._draining.cut_short()
            self.should_exit = self.force_exit = True
            logger.info("api ends at once", in_flight=self._draining.in_flight)
        else:
            outlive_parent()
            self._draining.begin()
            logger.info("api drains", in_flight=self._draining.in_flight)

    async def on_tick(self, counter: int) -> bool:
        """Ten times a second."""
        if self._draining.begun and self._is_shared and os.getppid() != self._parent:
            self._stop_listening()  # whoever is started in place of the other process needs the address
        if self._draining.is_over and not self.should_exit:
            # What was answered, but is not yet read to its end, has what is left of the time.
            self.config.timeout_graceful_shutdown = math.ceil(self._draining.seconds_left) or 1
            self.should_exit = True
        return await super().on_tick(counter)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Whoever has connected a moment ago is answered, too: it may not have asked yet."""
        if self._is_shared:
            self._stop_listening()  # who is not accepted yet finds another process, or the one that keeps the socket
        else:
            for server in self.servers:
                for listening in server.sockets:
                    refuse_new_connections(listening)
        await self._draining.wait_until(lambda: not self.server_state.connections, LINGER)
        await super().shutdown(sockets)

    def _stop_listening(self) -> None:
        for server in self.servers:
            server.close()
