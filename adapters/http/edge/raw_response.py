"""A response that needs no framework: its status, JSON content and headers."""

from litestar.types import Send
from msgspec import Struct


class RawResponse(Struct, frozen=True):
    """`headers`: besides those that the edge adds."""

    status: int
    content: bytes
    headers: dict[str, str] = {}

    async def send_to(self, send: Send) -> None:
        """Send the whole response."""
        headers = [(name.lower().encode(), value.encode()) for name, value in self.headers.items()]
        if self.content:
            headers += [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(self.content))]
        await send({"type": "http.response.start", "status": self.status, "headers": headers})
        await send({"type": "http.response.body", "body": self.content, "more_body": False})
