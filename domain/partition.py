"""Which partition of the log a key belongs to, and how streams are named so that theirs can be told from the name."""

from functools import lru_cache
from hashlib import sha256

KEY_LENGTH = 24
_HEXADECIMAL = frozenset("0123456789abcdef")


@lru_cache(maxsize=16_384)
def partition_key(key: str) -> str:
    """The 24 hexadecimal characters that stand for `key`: itself where it is such, else the head of its SHA-256."""
    if len(key) == KEY_LENGTH and _HEXADECIMAL.issuperset(key):
        return key
    return sha256(key.encode()).hexdigest()[:KEY_LENGTH]


def stream(key: str, name: str) -> str:
    """The id of the stream `name` within the partition of `key`."""
    return f"{partition_key(key)}/{name}"


def name_of(stream_id: str) -> str:
    """The name of a stream without its partition: for an aggregate with an id of its own, that id."""
    return stream_id[KEY_LENGTH + 1 :]


@lru_cache(maxsize=65_536)
def _point(head: str) -> int:
    return int.from_bytes(sha256(head.encode()).digest()[:8], "big")


def partition(name: str, partitions: int) -> int:
    """The partition, from 0, of a stream or of a dedupe scope: both begin with a partition key, as does the key itself.

    Stable for ever: where an event lies depends on it.
    """
    return _point(name[:KEY_LENGTH]) % partitions


def position(part: int, seq: int) -> str:
    """An event's position in the log, as people and the API write it."""
    return f"{part}-{seq}"


ACCOUNTS = partition_key("accounts")
"""The one partition key of accounts and outcome definitions: rare, and unique across all."""
