"""A budget of bytes that this process holds at a time, in all and for one client."""

from application.unavailable import Unavailable

SMALL = 128 * 1024
"""Bodies of up to so many bytes may use the whole budget; larger ones leave a quarter of it free."""


class ByteBudget:
    """Bytes count once they are reserved. All methods must be called on the event loop's thread."""

    def __init__(self, total: int) -> None:
        self.total = total
        self.share = total // 4
        """Bytes that one subject may hold."""
        self.of_large = total - total // 4
        """Bytes that all large bodies together may hold."""
        self.used = 0
        self._large = 0
        self._of_subjects: dict[str, int] = {}

    def reserve(self, subject: str | None, size: int = 0) -> "Reservation":
        """Reserve so many bytes for a subject, or for None when clients cannot be told apart. Raises Unavailable."""
        reservation = Reservation(self, subject)
        reservation.resize(size)
        return reservation

    def change(self, subject: str | None, before: int, size: int) -> None:
        """Change a reservation from `before` to `size` bytes. Raises Unavailable when the budget has no room."""
        large = (size if size > SMALL else 0) - (before if before > SMALL else 0)
        of_subject = 0 if subject is None else self._of_subjects.get(subject, 0) + size - before
        if size > before and (
            self.used + size - before > self.total or self._large + large > self.of_large or of_subject > self.share
        ):
            holder = "this client" if of_subject > self.share else "all clients together"
            raise Unavailable(f"no room for a body of {size} bytes: {holder} would hold too many", kind="bodies")
        self.used += size - before
        self._large += large
        if of_subject:
            self._of_subjects[str(subject)] = of_subject
        elif subject is not None:
            self._of_subjects.pop(subject, None)


class Reservation:
    __slots__ = ("_budget", "_subject", "size")

    def __init__(self, budget: ByteBudget, subject: str | None) -> None:
        self._budget = budget
        self._subject = subject
        self.size = 0

    def resize(self, size: int) -> None:
        """Reserve so many bytes instead. Raises Unavailable, and then nothing has changed."""
        if size != self.size:
            self._budget.change(self._subject, self.size, size)
            self.size = size

    def release(self) -> None:
        """Release all bytes. A second call does nothing."""
        self.resize(0)
