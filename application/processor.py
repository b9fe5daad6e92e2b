"""The processor: decides a group of commands one after another, in one transaction, and answers each of them."""

from collections.abc import Callable, Sequence
from typing import Generic

import structlog

from application.command import Command, CommandResult, Fault, ItemResult
from application.ids import Ids
from application.outage import Outage
from application.ports import AppendRefused, CommitInDoubt, K, Log, LogLost, LogUnavailable, PartitionsHeld, Reads
from domain.catalogue import Undecodable, encode
from domain.event import Event, Origin
from domain.partition import partition, partition_key
from domain.refusal import Refusal, without_frames

logger = structlog.get_logger()

ATTEMPTS = 3
"""How often a group is begun when the connection is lost before it could be stored."""


CommandResults = dict[int, CommandResult | LogUnavailable]
"""By place among the commands that waited."""


class Processor(Generic[K]):
    """Runs groups against a log; knows nothing of threads, queues and SQL."""

    def __init__(self, log: Log[K]) -> None:
        self._log = log
        self._ids = Ids()
        self._outage = Outage("commands cannot be stored", "commands are stored again")

    def parts(self, command: Command) -> frozenset[int]:
        """The partitions that the command may write to."""
        return frozenset(partition(partition_key(key), self._log.partitions) for key in command.partition_keys())

    def run(self, waiting: Sequence[Command], *, oldest_waits: bool) -> CommandResults:
        """Decide and store what can be taken of `waiting` (not empty, first come first) as one group.

        The answers, by place in `waiting`. Those whose partitions another writer holds are left out, to be run
        later; the oldest is among the answers where it is told to wait, if only as LogUnavailable.
        """
        answers, places, parts = self._places(waiting)
        if places:
            done = self._run_placed([waiting[place] for place in places], parts, oldest_waits=oldest_waits)
            answers |= {places[index]: answer for index, answer in done.items()}
        return answers

    def _places(self, waiting: Sequence[Command]) -> tuple[CommandResults, list[int], list[frozenset[int]]]:
        """Which commands say what partitions they may write to, and these; the others are faults."""
        answers: CommandResults = {}
        places, parts = [], []
        for place, command in enumerate(waiting):
            try:
                parts.append(self.parts(command))
                places.append(place)
            except Exception:
                _log_fault(command)
                answers[place] = Fault()
        return answers, places, parts

    def _run_placed(
        self, waiting: Sequence[Command], parts: Sequence[frozenset[int]], *, oldest_waits: bool
    ) -> CommandResults:
        wait_for = parts[0] if oldest_waits else frozenset[int]()
        for attempt in range(1, ATTEMPTS + 1):
            try:
                return self._run_once(waiting, parts, wait_for)
            except PartitionsHeld as error:
                return {0: error}  # only the oldest waited; the others may have better luck
            except LogUnavailable as error:
                self._outage.failed(str(error), commands=len(waiting), attempt=attempt)
                unavailable = error
                if not isinstance(error, LogLost):
                    break
        return dict.fromkeys(range(len(waiting)), unavailable)

    def _run_once(
        self, waiting: Sequence[Command], parts: Sequence[frozenset[int]], wait_for: frozenset[int]
    ) -> CommandResults:
        try:
            known = self._log.begin(wait_for, frozenset[int]().union(*parts) - wait_for)
        except Undecodable as error:
            return dict(enumerate(self._run_apart(waiting, error)))
        try:
            places = _takeable(parts, known.parts)
            group = [waiting[place] for place in places]
            answers: Sequence[CommandResult | LogUnavailable] = self._decide(group, known)
            self._log.append(known)
            self._commit(known)
            self._outage.works()
        except (AppendRefused, Undecodable) as error:
            answers = self._run_apart(group, error)
        except CommitInDoubt as error:
            # Run again, it would answer its own commands with 409. Whoever sends one again may get that: it is stored.
            logger.error(
                "commit in doubt, and not settled",
                error=str(error),
                request_ids=[command.request_id for command in group],
            )
            answers = [LogUnavailable("it is not known whether it was stored")] * len(group)
        except BaseException:
            self._log.rollback()
            raise
        return dict(zip(places, answers, strict=True))

    def _commit(self, known: K) -> None:
        try:
            self._log.commit(known)
        except CommitInDoubt as doubt:
            stored = self._log.settle(known)
            logger.warning("commit in doubt, and settled", settled="stored" if stored else "not stored")
            if not stored:
                raise LogLost("the connection was lost at commit") from doubt

    def _run_apart(self, group: Sequence[Command], error: Exception) -> list[CommandResult | LogUnavailable]:
        """Run a group again in halves of which something cannot be stored, or rests on what cannot be read: so that it
        fails alone."""
        self._log.rollback()
        logger.error("group refused", exc_info=error, request_ids=[command.request_id for command in group])
        if len(group) == 1:
            return [Fault()]
        middle = len(group) // 2
        return [*self._run_all(group[:middle]), *self._run_all(group[middle:])]

    def _run_all(self, commands: Sequence[Command]) -> list[CommandResult | LogUnavailable]:
        answers: CommandResults = {}
        while left := [place for place in range(len(commands)) if place not in answers]:
            done = self.run([commands[place] for place in left], oldest_waits=True)
            answers |= {left[place]: answer for place, answer in done.items()}
        return [answers[place] for place in range(len(commands))]

    def _decide(self, group: Sequence[Command], known: K) -> list[CommandResult]:
        """The answer of every command, each seeing what the ones before it have decided."""
        faulty: set[int] = set()
        for look_up in (_reads, _follows):
            reads = Reads()
            for place, command in enumerate(group):
                try:
                    look_up(command, known, reads)
                except Exception:
                    _log_fault(command)
                    faulty.add(place)
            self._log.load(known, reads)
        new_id = self._ids.since(known.recorded_at)
        return [
            Fault() if place in faulty else self._answer(command, known, new_id) for place, command in enumerate(group)
        ]

    def _answer(self, command: Command, known: K, new_id: Callable[[], str]) -> CommandResult:
        origin = Origin(known.recorded_at, command.actor.id, command.actor.role, command.request_id)
        try:
            command.admit(known)
        except Refusal as refusal:
            return without_frames(refusal)
        except Exception:
            _log_fault(command)
            return Fault()
        outcomes: list[ItemResult] = []
        for item in command.items:
            try:
                outcome, events = command.decide(item, known, origin=origin, new_id=new_id)
                self._check_partitions(events, known)
                states = [encode(event) for event in events]
            except Refusal as refusal:
                outcomes.append(without_frames(refusal))
            except Exception:
                _log_fault(command)
                outcomes.append(Fault())
            else:
                known.apply(events, states)
                outcomes.append(outcome)
        return outcomes

    def _check_partitions(self, events: Sequence[Event], known: K) -> None:
        for event in events:
            if partition(event.originator_id, self._log.partitions) not in known.parts:
                raise ValueError(f"{event.originator_id} is in no partition that the command has named")


def _takeable(parts: Sequence[frozenset[int]], locked: frozenset[int]) -> list[int]:
    """The places of the commands that may run now: all of their partitions locked, and none passed over before them
    in any of those."""
    passed_over: set[int] = set()
    places = []
    for place, wanted in enumerate(parts):
        if wanted <= locked and wanted.isdisjoint(passed_over):
            places.append(place)
        else:
            passed_over |= wanted
    return places


def _reads(command: Command, _known: object, reads: Reads) -> None:
    command.reads(reads)


def _follows(command: Command, known: K, reads: Reads) -> None:
    command.follow(known, reads)


def _log_fault(command: Command) -> None:
    logger.exception("command failed", command=command.name, request_id=command.request_id)
