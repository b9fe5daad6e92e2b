"""Dedupe keys: what may exist only once, under a name that has the same size whatever it is made of."""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from hashlib import sha256
from typing import Any

import msgspec
from msgspec import Struct

from domain.event import Event

_encode = msgspec.json.Encoder().encode
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


class Key(Struct, frozen=True, gc=False):
    """One name in one scope. A scope begins with a partition key, and can be given up as a whole."""

    scope: str
    digest: bytes


class Held(Struct, frozen=True, gc=False):
    """From now on the stream holds the key."""

    key: Key
    stream: str


class Freed(Struct, frozen=True, gc=False):
    """The key is free again."""

    key: Key


class ScopeFreed(Struct, frozen=True, gc=False):
    """Every key of the scope is free again."""

    scope: str


Change = Held | Freed | ScopeFreed

Rules = Mapping[type[Event], Callable[[Any], Sequence[Change]]]
"""Of some events, what each does to keys; an event without a rule does nothing to them."""


@lru_cache(maxsize=16_384)
def key(scope: str, *parts: str | datetime) -> Key:
    """The key of `parts` in `scope`. A JSON array is unambiguous, SHA-256 keeps it within the limits of an index.

    An instant is a number in it, of microseconds since 1970: the same in every zone, and never the same as a text.
    """
    unambiguous = [(part - _EPOCH) // _MICROSECOND if isinstance(part, datetime) else part for part in parts]
    return Key(scope, sha256(_encode(unambiguous)).digest())
