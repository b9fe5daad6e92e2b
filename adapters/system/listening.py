"""Listening sockets that are closed without a reset for anybody (Linux).

A connection that is complete, and that nobody has accepted when the socket closes, is reset. So no new ones are let in
first, and those that are there are answered.
"""

import ctypes
import socket
from contextlib import suppress
from typing import Protocol

_SO_ATTACH_FILTER = 26
_RETURN = 0x06
"""The one instruction of a packet filter that lets so many bytes of a packet through: none."""


class _Instruction(ctypes.Structure):
    _fields_ = (("code", ctypes.c_ushort), ("jt", ctypes.c_ubyte), ("jf", ctypes.c_ubyte), ("k", ctypes.c_uint))


class _Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("filter", ctypes.POINTER(_Instruction)))


class Socket(Protocol):
    def setsockopt(self, level: int, name: int, value: bytes, /) -> None: ...


def refuse_new_connections(listening: Socket) -> None:
    """From now on no connection is completed, through whatever descriptor of the socket. Whoever tries is refused when
    it closes. Where the system does not let us, all goes on as before."""
    instruction = _Instruction(_RETURN, 0, 0, 0)
    program = _Program(1, ctypes.pointer(instruction))
    with suppress(OSError):
        listening.setsockopt(socket.SOL_SOCKET, _SO_ATTACH_FILTER, bytes(program))


def is_listening(bound: socket.socket) -> bool:
    return bound.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN) != 0
