"""Register a further admin from the command line: the way back in when no admin can log in."""

from typing import ClassVar

from application.commands.register_user import RegisterUser
from application.ports import BatchState


class CreateAdmin(RegisterUser, frozen=True, kw_only=True):
    """Its actor is the service."""

    name: ClassVar[str] = "create_admin"

    def admit(self, known: BatchState) -> None:
        """Everybody who can run commands on the machine is permitted."""
