"""What the service cannot do now, though nothing is wrong with the request."""


class Unavailable(Exception):
    """The service cannot take the command now; the client may send it again after some seconds.

    `kind`: what is lacking, in one word of few.
    """

    def __init__(self, reason: str, retry_after: int = 1, *, kind: str = "database") -> None:
        super().__init__(reason)
        self.retry_after = retry_after
        self.kind = kind
