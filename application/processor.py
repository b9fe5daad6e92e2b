"""The processor: decides a batch of commands in order, in one transaction, with a result for each of them."""

from collections.abc import Callable, Sequence
from typing import Generic

import structlog

from application.command import Command, CommandResult, Fault, ItemResult
from application.envelope import events_of
from application.ids import Ids
from application.outage import Outage, Outages
from application.ports import AppendRefused, CommitInDoubt, K, Log, LogLost, LogUnavailable, PartitionsHeld, Reads
from domain.catalogue import Undecodable, encode
from domain.event import Event, Origin
from domain.partition import partition, partition_key
from domain.refusal import Refusal, without_frames

logger = structlog.get_logger()

ATTEMPTS = 3
"""How often a batch is tried if the connection is lost before the commit."""

LOGGED_IDS = 10
"""Request ids of a refused batch in the log, at most; each command that fails in the end has a line with its own."""

CommandResults = dict[int, CommandResult | LogUnavailable]
"""The results by the index of the command among those that were passed in."""


class Processor(Generic[K]):
    """Runs batches against a log. Knows nothing of threads, queues or SQL. To be used by one thread at a time."""

    def __init__(self, log: Log[K]) -> None:
        self._log = log
        self._ids = Ids()
        self._outage = Outage("commands cannot be stored", "commands are stored again")
        self._bugs = Outages("a decision failed")
        self._refusals = Outages("batch refused")
        self._failed: dict[str, tuple[Command, str]] = {}

    def run(self, commands: Sequence[Command], *, oldest_waits: bool) -> CommandResults:
        """Decide and store one batch: those of the commands (at least one, oldest first) whose partitions are free.

        Commands whose partitions another session holds have no result: they have to be run again. With `oldest_waits`
        the batch waits for the partitions of the oldest command, which then has a result in any case: PartitionsHeld
        if the wait was too long.
        """
        try:
            return self._run(commands, set(), oldest_waits=oldest_waits)
        finally:
            for command, cause in self._failed.values():
                logger.error("command failed", command=command.name, cause=cause, request_id=command.request_id)
            self._failed.clear()

    def _run(self, commands: Sequence[Command], held: set[int], *, oldest_waits: bool) -> CommandResults:
        """`held`: partitions for which a command has waited in vain, or that a command in front waits for. Who needs
        one of them gets PartitionsHeld at once, and is added: each would wait as long again."""
        results, indexes, partitions = self._with_partitions(commands, held)
        if indexes:
            batch = [commands[index] for index in indexes]
            by_position = self._run_attempts(batch, partitions, held, oldest_waits=oldest_waits)
            results |= {indexes[position]: result for position, result in by_position.items()}
        return results

    def _with_partitions(
        self, commands: Sequence[Command], held: set[int]
    ) -> tuple[CommandResults, list[int], list[frozenset[int]]]:
        """The indexes of the commands that can be tried, with their partitions; the others have a result."""
        results: CommandResults = {}
        indexes, partitions = [], []
        for index, command in enumerate(commands):
            try:
                wanted = self._partitions_of(command)
            except Exception as error:
                results[index] = self._fault(command, error)
                continue
            if wanted.isdisjoint(held):
                partitions.append(wanted)
                indexes.append(index)
            else:
                held |= wanted
                results[index] = PartitionsHeld("another session holds the partitions")
        return results, indexes, partitions

    def _fault(self, command: Command, error: Exception) -> Fault:
        cause = self._bugs.failed(error, command=command.name, request_id=command.request_id)
        self._failed.setdefault(command.request_id, (command, cause))
        return Fault()

    def _partitions_of(self, command: Command) -> frozenset[int]:
        return frozenset(partition(partition_key(key), self._log.partitions) for key in command.partition_keys())

    def _run_attempts(
        self, commands: Sequence[Command], partitions: Sequence[frozenset[int]], held: set[int], *, oldest_waits: bool
    ) -> CommandResults:
        wait_for = partitions[0] if oldest_waits else frozenset[int]()
        for attempt in range(1, ATTEMPTS + 1):
            try:
                return self._run_once(commands, partitions, wait_for, held)
            except PartitionsHeld as error:
                held |= wait_for
                return {0: error}  # only the oldest command waited for its partitions; those of the others may be free
            except LogUnavailable as error:
                self._outage.failed(str(error), commands=len(commands), attempt=attempt)
                unavailable = error
                if not isinstance(error, LogLost):
                    break
        return dict.fromkeys(range(len(commands)), unavailable)

    def _run_once(
        self,
        commands: Sequence[Command],
        partitions: Sequence[frozenset[int]],
        wait_for: frozenset[int],
        held: set[int],
    ) -> CommandResults:
        try:
            known = self._log.begin(wait_for, frozenset[int]().union(*partitions) - wait_for)
        except Undecodable as error:
            return dict(enumerate(self._run_halves(commands, error, held)))
        try:
            indexes = _runnable(partitions, known.parts)
            batch = [commands[index] for index in indexes]
            results: Sequence[CommandResult | LogUnavailable] = self._decide(batch, known)
            self._log.append(known)
            self._commit(known)
            self._outage.works()
        except (AppendRefused, Undecodable) as error:
            results = self._run_halves(batch, error, held)
        except CommitInDoubt as error:
            # Running the batch again would refuse its own commands as duplicates if it was stored.
            logger.error(
                "a commit in doubt cannot be settled",
                error=str(error),
                request_ids=[command.request_id for command in batch],
            )
            results = [LogUnavailable("it is not known whether it was stored")] * len(batch)
        except BaseException:
            self._log.rollback()
            raise
        return dict(zip(indexes, results, strict=True))

    def _commit(self, known: K) -> None:
        try:
            self._log.commit(known)
        except CommitInDoubt as doubt:
            stored = self._log.settle(known)
            if not stored:
                logger.warning("a commit in doubt was not stored")
                raise LogLost("the connection was lost at commit") from doubt
            logger.warning("a commit in doubt was stored")

    def _run_halves(
        self, batch: Sequence[Command], error: Exception, held: set[int]
    ) -> list[CommandResult | LogUnavailable]:
        """Run a batch that cannot be stored, or rests on an event that cannot be decoded, again in halves: only the
        command that causes the error fails."""
        self._log.rollback()
        ids = [command.request_id for command in batch[:LOGGED_IDS]]
        cause = self._refusals.failed(error, commands=len(batch), request_ids=ids)
        if len(batch) == 1:
            self._failed.setdefault(batch[0].request_id, (batch[0], cause))
            return [Fault()]
        middle = len(batch) // 2
        return [*self._run_all(batch[:middle], held), *self._run_all(batch[middle:], held)]

    def _run_all(self, commands: Sequence[Command], held: set[int]) -> list[CommandResult | LogUnavailable]:
        """Run batches until every command has a result."""
        results: CommandResults = {}
        while remaining := [index for index in range(len(commands)) if index not in results]:
            by_position = self._run([commands[index] for index in remaining], held, oldest_waits=True)
            results |= {remaining[position]: result for position, result in by_position.items()}
        return [results[index] for index in range(len(commands))]

    def _decide(self, batch: Sequence[Command], known: K) -> list[CommandResult]:
        """The result of every command; each one sees what the ones before it have decided."""
        faulty: set[int] = set()
        for look_up in (_reads, _follows):
            reads = Reads()
            for index, command in enumerate(batch):
                try:
                    look_up(command, known, reads)
                except Exception as error:
                    self._fault(command, error)
                    faulty.add(index)
            self._log.load(known, reads)
        new_id = self._ids.since(known.recorded_at)
        return [
            Fault() if index in faulty else self._result(command, known, new_id) for index, command in enumerate(batch)
        ]

    def _result(self, command: Command, known: K, new_id: Callable[[], str]) -> CommandResult:
        origin = Origin(known.recorded_at, command.actor.id, command.actor.role, command.request_id)
        try:
            command.admit(known)
        except Refusal as refusal:
            return without_frames(refusal)
        except Exception as error:
            return self._fault(command, error)
        results: list[ItemResult] = []
        for item in command.items:
            try:
                result, facts = command.decide(item, known, new_id=new_id)
                events = events_of(facts, known.version, origin=origin, cause=command.name)
                self._check_partitions(events, known)
                states = [encode(event) for event in events]
            except Refusal as refusal:
                results.append(without_frames(refusal))
            except Exception as error:
                results.append(self._fault(command, error))
            else:
                known.apply(events, states)
                results.append(result)
        return results

    def _check_partitions(self, events: Sequence[Event], known: K) -> None:
        for event in events:
            if partition(event.originator_id, self._log.partitions) not in known.parts:
                raise ValueError(f"{event.originator_id} is in no partition that the command has named")


def _runnable(partitions: Sequence[frozenset[int]], locked: frozenset[int]) -> list[int]:
    """The indexes of the commands that can run now: all of their partitions are locked, and no older command that has
    to wait needs one of them."""
    deferred: set[int] = set()
    indexes = []
    for index, wanted in enumerate(partitions):
        if wanted <= locked and wanted.isdisjoint(deferred):
            indexes.append(index)
        else:
            deferred |= wanted
    return indexes


def _reads(command: Command, _known: object, reads: Reads) -> None:
    command.reads(reads)


def _follows(command: Command, known: K, reads: Reads) -> None:
    command.follow(known, reads)
