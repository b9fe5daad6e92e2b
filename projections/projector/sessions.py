"""Application names of sessions that hold leases or locks, so that others can check whether they still exist."""

import os
import socket
from uuid import uuid4


def session_name(kind: str) -> str:
    """A unique name that says on which host and in which process a session runs. PostgreSQL keeps 63 characters."""
    return f"{kind}-{_this_host()}-{os.getpid()}-{uuid4().hex[:8]}"


def process_of(name: str) -> str:
    """The process of a session name, as pid@host."""
    _, _, rest = name.partition("-")
    host, pid, _ = rest.rsplit("-", 2)
    return f"{pid}@{host}"


def is_of_this_host(name: str) -> bool:
    """Whether the session belongs to a process of this machine or container."""
    return process_of(name).partition("@")[2] == _this_host()


def _this_host() -> str:
    """The end of the host name, which differs between containers of one kind."""
    return "".join(c for c in socket.gethostname() if c.isascii() and (c.isalnum() or c in ".-"))[-24:]
