"""Budgets of bytes: how much of bodies and of answers this process holds at a time, and how much of that one client."""

from application.unavailable import Unavailable

SMALL = 128 * 1024
"""Bytes of a body up to which it may use the whole budget. Larger ones leave a quarter to these."""


class ByteBudget:
    """Bytes count as they are reserved. All methods belong to the event loop's thread."""

    def __init__(self, total: int) -> None:
        self.total = total
        self.share = total // 4
        """Of one subject, at most."""
        self.of_large = total - total // 4
        """Of all that are not small together, at most."""
        self.used = 0
        self._large = 0
        self._of_subjects: dict[str, int] = {}

    def reserve(self, subject: str | None, size: int = 0) -> "Reservation":
        """Room for so many bytes. `subject`: whose share they count for; None where nobody can be told from others.
        Unavailable when there is no room."""
        reservation = Reservation(self, subject)
        reservation.resize(size)
        return reservation

    def change(self, subject: str | None, before: int, size: int) -> None:
        """What one reservation has becomes so many bytes. Unavailable when there is no room for more."""
        large = (size if size > SMALL else 0) - (before if before > SMALL else 0)
        of_subject = 0 if subject is None else self._of_subjects.get(subject, 0) + size - before
        if size > before and (
            self.used + size - before > self.total or self._large + large > self.of_large or of_subject > self.share
        ):
            reason = "this client" if of_subject > self.share else "all clients together"
            raise Unavailable(f"no room for a body of {size} bytes: {reason} would hold too many", kind="bodies")
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
        """Have room for so many bytes from now on. Unavailable, and then nothing has changed."""
        if size != self.size:
            self._budget.change(self._subject, self.size, size)
            self.size = size

    def release(self) -> None:
        """Give the room back. A second call does nothing."""
        self.resize(0)
