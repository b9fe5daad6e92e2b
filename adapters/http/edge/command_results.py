"""Results of commands: what was accepted, or the refusal or fault raised as an exception."""

from typing import TypeVar

from application.command import CommandResult, Fault, ItemResult, State, id_of
from domain.errors import GrowthringsError
from domain.refusal import Refusal

S = TypeVar("S", bound=State)


class LoggedFault(GrowthringsError):
    """An internal error that was logged already."""


def item_results(result: CommandResult) -> list[ItemResult]:
    """The results of a command's items. Raises the Refusal of the whole command, or LoggedFault."""
    if isinstance(result, Refusal):
        raise result
    if isinstance(result, Fault):
        raise LoggedFault
    return result


def accepted_id(result: CommandResult) -> str:
    """The id that resulted from a command of one item. Raises its Refusal, or LoggedFault."""
    return id_of(accepted_result(result))


def accepted_state(result: CommandResult, type: type[S]) -> S:
    """The state that resulted from a command of one item. Raises its Refusal, or LoggedFault."""
    state = accepted_result(result)
    if not isinstance(state, type):
        raise TypeError(f"the command answers with a {state.__class__.__name__}")
    return state


def accepted_result(result: CommandResult) -> str | State:
    """The id or state that resulted from a command of one item. Raises its Refusal, or LoggedFault."""
    (outcome,) = item_results(result)
    if isinstance(outcome, Refusal):
        raise outcome
    if isinstance(outcome, Fault):
        raise LoggedFault
    return outcome
