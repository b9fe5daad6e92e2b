"""Closes listening sockets without resetting connections (Linux).

Linux resets the connections that are established but not accepted when their listening socket closes. So first stop new
connections from being established, then answer those that wait.
"""

import ctypes
import socket
from contextlib import suppress
from typing import Protocol

_SO_ATTACH_FILTER = 26
_RETURN = 0x06
"""The packet filter instruction that passes a number of bytes of the packet: here 0, which drops it."""


class _Instruction(ctypes.Structure):
    _fields_ = (("code", ctypes.c_ushort), ("jt", ctypes.c_ubyte), ("jf", ctypes.c_ubyte), ("k", ctypes.c_uint))


class _Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("filter", ctypes.POINTER(_Instruction)))


class Socket(Protocol):
    def setsockopt(self, level: int, name: int, value: bytes, /) -> None: ...


def refuse_new_connections(listening: Socket) -> None:
    """Establish no more connections, whatever descriptor of the socket is used. Clients that try are refused when the
    socket closes. If the system does not permit the filter, nothing changes."""
    instruction = _Instruction(_RETURN, 0, 0, 0)
    program = _Program(1, ctypes.pointer(instruction))
    with suppress(OSError):
        listening.setsockopt(socket.SOL_SOCKET, _SO_ATTACH_FILTER, bytes(program))


def is_listening(bound: socket.socket) -> bool:
    return bound.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN) != 0
