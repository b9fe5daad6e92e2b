"""Answers that wait for slow readers: how many bytes of them this process holds, of all and of one client."""

from typing import Protocol

from msgspec import Struct


class Holder(Protocol):
    """A connection whose client has not yet read what it was sent."""

    def give_up(self) -> None:
        """End it at once; nobody gets the rest."""


class _Held(Struct):
    address: str
    size: int = 0


class HeldAnswers:
    """When there is too much, the connection is given up that has held its answer longest: whoever reads has read by
    then. The newest answer is never given up, however large. All methods belong to the event loop's thread."""

    def __init__(self, total: int) -> None:
        """`total`: bytes of all; one address has a quarter of them."""
        self._total = total
        self._held: dict[Holder, _Held] = {}
        self._of_addresses: dict[str, int] = {}
        self.size = 0

    def hold(self, holder: Holder, address: str, size: int) -> None:
        """The holder has so many bytes now. An empty address is one that cannot be told from others."""
        self._change(holder, self._held.setdefault(holder, _Held(address)), size)
        if address and self._of_addresses[address] > self._total // 4:
            self._shrink(address, self._of_addresses[address] - self._total // 4)
        if self.size > self._total:
            self._shrink("", self.size - self._total)

    def update(self, holder: Holder, size: int) -> None:
        """Some of what it had was read."""
        if (held := self._held.get(holder)) is not None:
            self._change(holder, held, size)

    def let_go(self, holder: Holder) -> None:
        """All of its answer is on its way, or never will be. A second call does nothing."""
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
        """Give up the oldest of that address, or of all, until there is no surplus or only the newest is left."""
        holders = [(holder, held) for holder, held in self._held.items() if address in ("", held.address)]
        for holder, held in holders[:-1]:
            if surplus <= 0:
                return
            surplus -= held.size
            self.let_go(holder)
            holder.give_up()
