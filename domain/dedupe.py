"""Dedupe keys: each names something that may exist only once, in a fixed number of bytes.

A decision, such as `domain.measurement.record`, looks its key up and raises AlreadyRegistered if the key is held.
"""

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
    """A name in a scope. A scope begins with a partition key; all of its keys can be freed at once."""

    scope: str
    digest: bytes


class Held(Struct, frozen=True, gc=False):
    """The stream takes the key."""

    key: Key
    stream: str


class Freed(Struct, frozen=True, gc=False):
    """The key becomes free."""

    key: Key


class ScopeFreed(Struct, frozen=True, gc=False):
    """Every key of the scope becomes free."""

    scope: str


Change = Held | Freed | ScopeFreed

Rules = Mapping[type[Event], Callable[[Any], Sequence[Change]]]
"""The type of an event → the changes of keys that it causes. An event without a rule changes none."""


@lru_cache(maxsize=16_384)
def key(scope: str, *parts: str | datetime) -> Key:
    """The key of `parts` in `scope`: the SHA-256 of their JSON array, which is unambiguous and fits into an index.

    A time counts as its microseconds since 1970: the same in every time zone, and never equal to a text.
    """
    members = [(part - _EPOCH) // _MICROSECOND if isinstance(part, datetime) else part for part in parts]
    return Key(scope, sha256(_encode(members)).digest())
