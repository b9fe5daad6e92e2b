"""The message of a command that ends with an error: what happened, and what to do next."""

import errno
import re
from collections.abc import Sequence

import psycopg
from psycopg import errors as sql

from adapters.errors import CommandFailed
from domain.catalogue import Undecodable
from projections.database_error import message_of
from projections.rebuild.generation_build import RebuildRefused

Sentences = tuple[str, str]

_NOT_OURS = (
    sql.UndefinedTable,
    sql.UndefinedColumn,
    sql.UndefinedFunction,
    sql.UndefinedObject,
    sql.InvalidSchemaName,
    sql.InvalidColumnReference,
    sql.AmbiguousColumn,
    sql.DatatypeMismatch,
    sql.WrongObjectType,
    sql.DuplicateTable,
    sql.DuplicateObject,
    sql.DuplicateFunction,
)

DATABASE: Sequence[tuple[tuple[type[psycopg.Error], ...], str, str]] = (
    (
        (sql.ReadOnlySqlTransaction,),
        "The database is read-only",
        "DATABASE_URL must name the primary server, not a standby, and its role must be allowed to write.",
    ),
    (
        _NOT_OURS,
        "The tables of the database are not those of this version of Growthrings",
        "It holds those of another program, or of a backup that was restored in part: "
        "check DATABASE_URL, or restore a complete backup.",
    ),
    (
        (sql.InsufficientPrivilege,),
        "The role of the database may not do that",
        "Name the role in DATABASE_URL that owns the tables, or grant it the privilege.",
    ),
    (
        (sql.DiskFull, sql.OutOfMemory, sql.ConfigurationLimitExceeded, sql.InsufficientResources),
        "The database has no room left",
        "Give its server more disk or memory, and run the same again.",
    ),
    (
        (sql.TooManyConnections,),
        "The database takes no more connections",
        "Raise its max_connections, or end other sessions, and run the same again.",
    ),
    (
        (sql.LockNotAvailable, sql.QueryCanceled, sql.DeadlockDetected, sql.SerializationFailure),
        "The database was kept busy by other sessions",
        "See what they do in pg_stat_activity, and run the same again.",
    ),
    (
        (psycopg.OperationalError,),
        "The database cannot be reached, or went away",
        "See whether its server runs and DATABASE_URL is right, and run the same again: it goes on from there.",
    ),
    ((psycopg.Error,), "The database refused a statement", "See the log of PostgreSQL."),
)
"""Errors of the database → what happened, and what to do next. The first match counts."""

_FILES = {
    errno.EEXIST: "is there already: name another file, or remove that one",
    errno.ENOENT: "is not there: check its name",
    errno.EACCES: "may not be used by this user: change its permissions, or run as its owner",
    errno.EPERM: "may not be used by this user: change its permissions, or run as its owner",
    errno.EISDIR: "is a folder: name a file",
    errno.ENOTDIR: "has a file where a folder should be: check its name",
    errno.ENOSPC: "has no room: its disk is full",
    errno.EROFS: "cannot be written: its disk is read-only",
}
"""Error number → what is wrong with the file, and what to do next."""


def explain(error: Exception) -> tuple[str, int]:
    """The message for the operator, and the exit code of the command."""
    match error:
        case CommandFailed() | RebuildRefused():
            return str(error), error.exit_code
        case psycopg.Error():
            happened, todo = next(found for kinds, *found in DATABASE if isinstance(error, kinds))
            return f"{happened}: {_in_a_line(error)}. {todo}", 1
        case OSError():
            return _of_system(error), 1
        case Undecodable():
            return f"The log holds what this version cannot read: {error}. `growthrings replay` finds all of it.", 1
    return (
        f"This is a fault of Growthrings, or of the data that it was given: {type(error).__name__}: "
        f"{message_of(error)} ({_place(error)}). With GROWTHRINGS_LOG_LEVEL=debug it shows its trace.",
        1,
    )


def _in_a_line(error: psycopg.Error) -> str:
    """Without the additional lines of the driver."""
    said = re.sub(r"\n\t.*", "", message_of(error))
    return " ".join(said.split()).rstrip(".")


def _of_system(error: OSError) -> str:
    reason = error.strerror or message_of(error)
    if error.filename is not None:
        return f"{error.filename} {_FILES.get(error.errno or 0, f'cannot be used: {reason}')}."
    if error.errno in (errno.ENOSPC, errno.EIO, errno.EFBIG, errno.EDQUOT):
        return f"The output cannot be written: {reason}. Send it to a place with room, and run the same again."
    return f"A system call failed: {reason}."


def _place(error: Exception) -> str:
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    if trace is None:
        return "unknown place"
    return f"{trace.tb_frame.f_code.co_filename.rpartition('/')[2]}:{trace.tb_lineno}"
