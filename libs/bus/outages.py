"""Errors by what they mean for a batch: is the database away, or is something wrong with the batch?"""

import asyncpg

_AWAY = (
    OSError,  # TimeoutError is one: no connection became free, or an answer did not come
    asyncpg.PostgresConnectionError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
    asyncpg.exceptions.AdminShutdownError,
    asyncpg.exceptions.CrashShutdownError,
    asyncpg.exceptions.CannotConnectNowError,
    # asyncpg tells of the next two as of a lost connection, with them as the cause, unless between statements.
    asyncpg.exceptions.IdleInTransactionSessionTimeoutError,
    asyncpg.exceptions.TransactionTimeoutError,
    asyncpg.exceptions.InsufficientResourcesError,
)
# Somebody else's transaction was in the way: another replica, a request, a frozen process.
_CONTENTION = (
    asyncpg.exceptions.LockNotAvailableError,
    asyncpg.exceptions.DeadlockDetectedError,
    asyncpg.exceptions.SerializationError,
)


def is_outage(error: BaseException) -> bool:
    """Whether the error may be the database's absence rather than the work's fault."""
    return isinstance(error, _AWAY)


def is_contention(error: BaseException) -> bool:
    """Whether the work only met another transaction, and can be tried again as it is."""
    return isinstance(error, _CONTENTION)


def code_of(error: BaseException | None) -> str:
    """The name of the error's class: all of an error that may be logged or kept, its text may hold values."""
    return type(error).__name__ if error is not None else "Exception"
