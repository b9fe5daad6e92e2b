"""The application names of sessions that hold something: whoever else wants it sees whether they are still there."""

import os
import socket
from uuid import uuid4


def session_name(kind: str) -> str:
    """A name that is nobody else's, and tells a person where the process is; PostgreSQL keeps 63 characters of one."""
    return f"{kind}-{_this_host()}-{os.getpid()}-{uuid4().hex[:8]}"


def process_of(name: str) -> str:
    """The process that such a name tells of, as a person writes it."""
    _, _, rest = name.partition("-")
    host, pid, _ = rest.rsplit("-", 2)
    return f"{pid}@{host}"


def is_of_this_host(name: str) -> bool:
    """Whether such a name is of a process on this machine, or in this container."""
    return process_of(name).partition("@")[2] == _this_host()


def _this_host() -> str:
    """The end of its name, which tells containers of one sort apart."""
    return "".join(c for c in socket.gethostname() if c.isascii() and (c.isalnum() or c in ".-"))[-24:]
