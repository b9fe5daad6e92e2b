"""Partitions of the log: the one that a key belongs to, and names of streams that begin with a partition key."""

from functools import lru_cache
from hashlib import sha256

KEY_LENGTH = 24
_HEXADECIMAL = frozenset("0123456789abcdef")


@lru_cache(maxsize=16_384)
def partition_key(key: str) -> str:
    """The partition key of any text: itself if it is 24 hexadecimal characters, else the first 24 of its SHA-256."""
    if len(key) == KEY_LENGTH and _HEXADECIMAL.issuperset(key):
        return key
    return sha256(key.encode()).hexdigest()[:KEY_LENGTH]


def stream(key: str, name: str) -> str:
    """The id of the stream `name` within the partition of `key`."""
    return f"{partition_key(key)}/{name}"


def name_of(stream_id: str) -> str:
    """The name of a stream without its partition key: usually the id of its aggregate."""
    return stream_id[KEY_LENGTH + 1 :]


@lru_cache(maxsize=65_536)
def _point(head: str) -> int:
    return int.from_bytes(sha256(head.encode()).digest()[:8], "big")


def partition(name: str, partitions: int) -> int:
    """The partition, from 0, of a stream, of a dedupe scope or of a partition key: all of them begin with such a key.

    It must never change: stored events are found by it.
    """
    return _point(name[:KEY_LENGTH]) % partitions


def position(part: int, seq: int) -> str:
    """An event's position in the log, as people and the API write it."""
    return f"{part}-{seq}"


ACCOUNTS = partition_key("accounts")
"""The one partition key of all accounts and outcome definitions: they change rarely, and their names are unique."""
