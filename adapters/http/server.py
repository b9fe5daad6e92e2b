"""The HTTP server: uvicorn, which answers what it has before it ends."""

import math
import socket
from types import FrameType
from typing import Any

import uvicorn
from litestar.types import ASGIApp

from adapters.http.draining import Draining


def run(app: ASGIApp, draining: Draining, *, descriptor: int | None, **options: Any) -> None:
    """Serve until a signal, and drain; on the socket of that descriptor, which other processes may share, or on one of
    its own. `options` are uvicorn's."""
    sockets = None if descriptor is None else [socket.socket(fileno=descriptor)]
    Server(uvicorn.Config(app, **options), draining).run(sockets)


class Server(uvicorn.Server):
    """On the first SIGTERM or SIGINT it drains, and then ends; on a second one it ends at once, and cuts off."""

    def __init__(self, config: uvicorn.Config, draining: Draining) -> None:
        super().__init__(config)
        self._draining = draining

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        if self._draining.begun:
            self._draining.cut_short()
            self.should_exit = self.force_exit = True
        else:
            self._draining.begin()

    async def on_tick(self, counter: int) -> bool:
        """Ten times a second."""
        if self._draining.is_over and not self.should_exit:
            # What was answered, but is not yet read to its end, has what is left of the time.
            self.config.timeout_graceful_shutdown = math.ceil(self._draining.seconds_left) or 1
            self.should_exit = True
        return await super().on_tick(counter)
