"""Register the admin who registers everybody else: asked for by the service itself, before anybody is there."""

from typing import ClassVar

from application.command import Actor
from application.commands.register_user import RegisterUser
from application.ports import BatchState

SERVICE = Actor(id="growthrings", role="service")
"""The service itself, where an event needs somebody who asked."""


class RegisterFirstAdmin(RegisterUser, frozen=True, kw_only=True):
    name: ClassVar[str] = "register_first_admin"

    def admit(self, known: BatchState) -> None:
        """Nobody is there yet who could be asked for leave."""
