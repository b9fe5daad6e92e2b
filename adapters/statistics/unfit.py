"""What is asked of a statistic does not fit it."""


class Unfit(Exception):
    """The reason, with the member that it is about: `values: at least 3 are needed, not 2`."""

    def __init__(self, member: str, reason: str) -> None:
        super().__init__(f"{member}: {reason}")
        self.member = member
        self.reason = reason

    def __reduce__(self) -> tuple[type["Unfit"], tuple[str, str]]:
        return Unfit, (self.member, self.reason)  # so that it can come out of another process
