"""Results of commands: what was accepted, or the refusal or fault raised as an exception."""

from typing import TypeVar

from application.command import CommandResult, Fault, ItemResult, State, id_of
from domain.refusal import Refusal

S = TypeVar("S", bound=State)


class LoggedFault(Exception):
    """A fault of ours that is in the log already."""


def item_results(result: CommandResult) -> list[ItemResult]:
    """The outcomes of a command's items; the Refusal of the whole is raised, as is Failed."""
    if isinstance(result, Refusal):
        raise result
    if isinstance(result, Fault):
        raise LoggedFault
    return result


def accepted_id(result: CommandResult) -> str:
    """The id that a command of one item answers with; its Refusal is raised, as is Failed."""
    return id_of(accepted_result(result))


def accepted_state(result: CommandResult, type: type[S]) -> S:
    """The state of this type that a command of one item answers with, likewise."""
    state = accepted_result(result)
    if not isinstance(state, type):
        raise TypeError(f"the command answers with a {state.__class__.__name__}")
    return state


def accepted_result(result: CommandResult) -> str | State:
    """The id or the state that a command of one item answers with, likewise."""
    (outcome,) = item_results(result)
    if isinstance(outcome, Refusal):
        raise outcome
    if isinstance(outcome, Fault):
        raise LoggedFault
    return outcome
