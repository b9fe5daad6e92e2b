"""The HTTP server: uvicorn, which drains before it ends."""

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
"""Seconds that clients which connected at the end have to send a request and get their 503."""

logger = structlog.get_logger()


def run(app: ASGIApp, draining: Draining, *, descriptor: int | None, **options: Any) -> None:
    """Serve until a signal comes, then drain.

    `descriptor`: of a socket that other processes may share; None makes a new socket. `options` are uvicorn's.
    """
    sockets = None if descriptor is None else [socket.socket(fileno=descriptor)]
    Server(uvicorn.Config(app, **options), draining, is_shared=sockets is not None).run(sockets)


class Server(uvicorn.Server):
    """Drains and ends on the first SIGTERM or SIGINT; ends at once on the second."""

    def __init__(self, config: uvicorn.Config, draining: Draining, *, is_shared: bool) -> None:
        """`is_shared`: whether the socket belongs to the parent process, which keeps it open."""
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
        """Called by uvicorn ten times a second."""
        if self._draining.begun and self._is_shared and os.getppid() != self._parent:
            self._stop_listening()  # a new parent process needs the address
        if self._draining.is_over and not self.should_exit:
            # Responses that clients are still reading have the rest of the time.
            self.config.timeout_graceful_shutdown = math.ceil(self._draining.seconds_left) or 1
            self.should_exit = True
        return await super().on_tick(counter)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Also answers clients that have just connected and not sent their request yet."""
        if self._is_shared:
            self._stop_listening()  # another process accepts the connections that wait
        else:
            for server in self.servers:
                for listening in server.sockets:
                    refuse_new_connections(listening)
        await self._draining.wait_until(lambda: not self.server_state.connections, LINGER)
        await super().shutdown(sockets)
        if self.force_exit:
            await self.lifespan.shutdown()  # uvicorn leaves it out; the application would be cancelled, with a trace

    def _stop_listening(self) -> None:
        for server in self.servers:
            server.close()
