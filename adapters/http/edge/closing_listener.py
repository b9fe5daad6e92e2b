"""Answers 503 to clients that connected to a service which is ending."""

import asyncio
import socket
import ssl
from contextlib import suppress

from adapters.http.edge import edge, error_responses
from adapters.http.edge.error_responses import RequestInfo
from adapters.http.edge.http_protocol import render
from adapters.http.edge.requests import new_request_id
from adapters.system.listening import refuse_new_connections
from application.unavailable import Unavailable

WAIT = 1.0
"""Seconds that all clients together have to send their requests and read the answers."""

HEAD = 64 * 1024


def send_away(listening: socket.socket, context: ssl.SSLContext | None) -> None:
    """Stop listening, and answer 503 to connections that were not accepted yet. Takes at most WAIT."""
    refuse_new_connections(listening)
    listening.setblocking(False)
    accepted: list[socket.socket] = []
    with suppress(OSError):  # no connection is left
        while True:
            accepted.append(listening.accept()[0])
    if accepted:
        asyncio.run(_answer(accepted, context))


async def _answer(accepted: list[socket.socket], context: ssl.SSLContext | None) -> None:
    answers = [asyncio.create_task(_answer_one(each, context)) for each in accepted]
    await asyncio.wait(answers, timeout=WAIT)


async def _answer_one(connection: socket.socket, context: ssl.SSLContext | None) -> None:
    with suppress(
        OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError
    ):  # it disconnected, or does not speak HTTP
        loop = asyncio.get_running_loop()
        reader = asyncio.StreamReader(limit=HEAD)
        protocol = asyncio.StreamReaderProtocol(reader)
        transport, _ = await loop.connect_accepted_socket(lambda: protocol, connection, ssl=context)
        writer = asyncio.StreamWriter(transport, protocol, reader, loop)
        head = await reader.readuntil(b"\r\n\r\n")
        method, target, *_ = (*head.partition(b"\r\n")[0].decode("latin-1").split(" "), "", "")
        request_info = RequestInfo(method, target.partition("?")[0], new_request_id())
        response = error_responses.error_response(Unavailable("the service is ending", kind="ending"), request_info)
        writer.write(render(response, request_info.request_id, edge.security(with_tls=context is not None)))
        if writer.can_write_eof():
            writer.write_eof()
        while await reader.read(HEAD):  # unread bytes would reset the connection before the client reads the answer
            pass
        writer.close()
