"""The whole HTTP application in this process, asked as a server asks it: for what can only be seen from inside."""

import asyncio
import gc
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, cast

import msgspec
from litestar.types import ASGIApp, Message, Scope

from adapters.http.edge.byte_budget import ByteBudget
from adapters.http.edge.draining import Draining
from adapters.processes.prepare import prepare
from adapters.processes.wiring import create_application
from adapters.settings import Settings

PASSWORD = "secret of the first"


class InProcess:
    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._token: str | None = None
        self.headers: dict[bytes, bytes] = {}
        """Of the last answer."""

    async def ask(
        self, method: str, path: str, pieces: Sequence[bytes] = (b"",), query: bytes = b""
    ) -> tuple[int, bytes]:
        """Status and body of the answer to a request whose body comes in these pieces."""
        headers = [(b"host", b"test"), (b"content-type", b"application/json")]
        if self._token is not None:
            headers.append((b"authorization", b"Bearer " + self._token.encode()))
        scope = {
            "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": method, "scheme": "http",
            "path": path, "raw_path": path.encode(), "query_string": query, "root_path": "", "headers": headers,
            "client": ("127.0.0.1", 1), "server": ("127.0.0.1", 2), "state": {},
        }  # fmt: skip
        left = list(reversed(pieces))
        answered: list[Message] = []

        async def receive() -> Any:
            if not left:
                await asyncio.Event().wait()  # the client stays
            piece = left.pop()
            return {"type": "http.request", "body": piece, "more_body": bool(left)}

        async def send(message: Message) -> None:
            answered.append(message)

        await self._app(cast(Scope, scope), receive, send)
        start, *rest = cast("list[Any]", answered)
        self.headers = dict(start["headers"])
        return start["status"], b"".join(message.get("body", b"") for message in rest)

    async def post(self, path: str, content: Any) -> Any:
        """What was created, or another answer that is a success."""
        status, answer = await self.ask("POST", path, [msgspec.json.encode(content)])
        assert status < 300, answer
        return msgspec.json.decode(answer)

    async def log_in(self, username: str, password: str) -> None:
        """From now on requests are of this user."""
        self._token = None
        answer = await self.post("/v1/auth", {"username": username, "password": password})
        self._token = answer["access_token"]


@asynccontextmanager
async def in_process(url: str, data: Path) -> AsyncIterator[InProcess]:
    """The application on a database that has its schema, while it lives; what it sets for its process is undone."""
    settings = Settings(
        database_url=url, admin_password=PASSWORD, argon2_memory=64, rate_limit="off", login_limit="off"
    )
    prepare(settings, data, url)
    app = create_application(settings, data, url, Draining(), ByteBudget(settings.body_budget))
    before = gc.get_threshold(), sys.getswitchinterval()
    said: asyncio.Queue[str] = asyncio.Queue()
    told: asyncio.Queue[str] = asyncio.Queue()

    async def receive() -> Any:
        return {"type": await said.get()}

    async def send(message: Message) -> None:
        told.put_nowait(message["type"])

    lifespan = asyncio.create_task(cast(Any, app)({"type": "lifespan", "state": {}}, receive, send))
    try:
        said.put_nowait("lifespan.startup")
        assert await told.get() == "lifespan.startup.complete"
        client = InProcess(app)
        await client.log_in("admin", PASSWORD)
        yield client
        said.put_nowait("lifespan.shutdown")
        assert await told.get() == "lifespan.shutdown.complete"
        await lifespan
    finally:
        gc.unfreeze()
        gc.set_threshold(*before[0])
        sys.setswitchinterval(before[1])
