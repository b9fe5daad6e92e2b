"""Register the first admin, who registers all other users; sent by the service at its first start."""

from typing import ClassVar

from application.command import Actor
from application.commands.register_user import RegisterUser
from application.ports import BatchState

SERVICE = Actor(id="growthrings", role="service")
"""The actor of commands that the service itself sends."""


class RegisterFirstAdmin(RegisterUser, frozen=True, kw_only=True):
    name: ClassVar[str] = "register_first_admin"

    def admit(self, known: BatchState) -> None:
        """There is no user yet whose permission could be checked."""
