"""Limits the bytes of responses that wait for slow clients, in all and for one client."""

from typing import Protocol

from msgspec import Struct


class Holder(Protocol):
    """A connection whose client has not read its response yet."""

    def give_up(self) -> None:
        """Abort the connection at once."""


class _Held(Struct):
    address: str
    size: int = 0


class HeldAnswers:
    """If there are too many bytes, aborts the connections that have held theirs longest: a client that reads has
    read by then. The newest response is never aborted, however large. All methods must be called
    on the event loop's thread."""

    def __init__(self, total: int) -> None:
        """`total`: bytes in all; one address may hold a quarter of them."""
        self._total = total
        self._held: dict[Holder, _Held] = {}
        self._of_addresses: dict[str, int] = {}
        self.size = 0

    def hold(self, holder: Holder, address: str, size: int) -> None:
        """Record that the holder has so many bytes. An empty address means that clients cannot be told apart."""
        self._change(holder, self._held.setdefault(holder, _Held(address)), size)
        if address and self._of_addresses[address] > self._total // 4:
            self._shrink(address, self._of_addresses[address] - self._total // 4)
        if self.size > self._total:
            self._shrink("", self.size - self._total)

    def update(self, holder: Holder, size: int) -> None:
        """Record how many bytes are left after the client read some."""
        if (held := self._held.get(holder)) is not None:
            self._change(holder, held, size)

    def let_go(self, holder: Holder) -> None:
        """Forget the holder: its response was sent or aborted. A second call does nothing."""
        if (held := self._held.get(holder)) is not None:
            self._change(holder, held, 0)

    def _change(self, holder: Holder, held: _Held, size: int) -> None:
        self.size += size - held.size
        of_address = self._of_addresses.get(held.address, 0) + size - held.size
        held.size = size
        if of_address:
            self._of_addresses[held.address] = of_address
        else:
            self._of_addresses.pop(held.address, None)
        if size == 0:
            del self._held[holder]

    def _shrink(self, address: str, surplus: int) -> None:
        """Abort the oldest holders of the address, or of all, until the surplus is gone or only the newest is left."""
        holders = [(holder, held) for holder, held in self._held.items() if address in ("", held.address)]
        for holder, held in holders[:-1]:
            if surplus <= 0:
                return
            surplus -= held.size
            self.let_go(holder)
            holder.give_up()
