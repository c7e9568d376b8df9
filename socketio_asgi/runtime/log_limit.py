"""The lines of the log that clients may cause: a flood of errors must not fill the disk."""

from __future__ import annotations

import logging
import time
from collections import OrderedDict
from collections.abc import Callable
from contextvars import ContextVar
from types import TracebackType

LOGGED = 10
"""Lines of one kind that a client causes in :data:`LOG_SECONDS`: they show what is wrong."""

LOGGED_OF_ALL = 100
"""Lines about one fault that all clients cause in that time, however often they connect."""

LOG_SECONDS = 60.0
"""The time after which a client may cause as many lines again."""

MAX_LOGGED_ADDRESSES = 1000
"""Addresses, or functions, whose lines are counted: the latest that caused any."""

Now = Callable[[], float]
"""The clock of an event loop, in seconds."""


class LogLimit:
    """Counts the lines that one client has caused, by kind.

    Args:
        now: The clock.
        logger: Where the lines go; it is told when some are left out.
        cause: The address of the client, or what else causes the lines.
        at_most: The lines of one kind in :data:`LOG_SECONDS`.
    """

    __slots__ = ("_at_most", "_cause", "_lines", "_logger", "_now")

    def __init__(self, now: Now, logger: logging.Logger, cause: str, at_most: int = LOGGED) -> None:
        self._now = now
        self._logger = logger
        self._cause = cause
        self._at_most = at_most
        # When the first line was written, and how many there were since.
        self._lines: dict[object, tuple[float, int]] = {}

    def may_log(self, kind: object) -> bool:
        """True when another line may be written; the first that may not is told of instead.

        Args:
            kind: The kind of line; of a bounded number, for it is remembered.
        """
        now = self._now()
        begun, count = self._lines.get(kind, (now, 0))
        if now - begun >= LOG_SECONDS:
            begun, count = now, 0
        self._lines[kind] = (begun, count + 1)
        if count == self._at_most:
            self._logger.warning(
                "%s causes more lines like the last one; they are left out for a while",
                self._cause,
            )
        return count < self._at_most


class LogLimits:
    """Counts lines by what causes them, such as the address of a client, and by kind.

    Args:
        now: The clock.
        logger: Where the lines go.
        at_most: The lines of one cause and kind in :data:`LOG_SECONDS`.
    """

    def __init__(self, now: Now, logger: logging.Logger, at_most: int = LOGGED) -> None:
        self._now = now
        self._logger = logger
        self._at_most = at_most
        self._by_cause: OrderedDict[str, LogLimit] = OrderedDict()

    def may_log(self, cause: str, kind: object) -> bool:
        """True when there may be another line; see :meth:`LogLimit.may_log`."""
        limit = self._by_cause.get(cause)
        if limit is None:
            limit = LogLimit(self._now, self._logger, cause, self._at_most)
            self._by_cause[cause] = limit
            if len(self._by_cause) > MAX_LOGGED_ADDRESSES:
                self._by_cause.popitem(last=False)
        return limit.may_log(kind)


def limit_lines(logger: logging.Logger, at_most: int = LOGGED) -> LogLimits:
    """A limit by the clock of the process, where no event loop is known."""
    return LogLimits(time.monotonic, logger, at_most)


# For all servers of the process, which share its log.
_faults = limit_lines(logging.getLogger("socketio_asgi"), LOGGED_OF_ALL)


fault_listener: ContextVar[Callable[[BaseException], object] | None] = ContextVar(
    "fault_listener", default=None
)
"""Called with each exception that goes into the log, or would: a test is to fail by it."""

stray_fault_listeners: list[Callable[[BaseException], bool]] = []
"""Called with those for which the context has no listener, the latest first, until one takes it:
handlers have the context of their server, which may be older than the test."""


def may_log_fault(cause: str, error: BaseException | None = None) -> bool:
    """True when there may be another line about something that went wrong in this process.

    Lines are counted by their cause, the type of the error and the line of code that raised it, for
    all clients together: another fault of the same function is told.

    Args:
        cause: The function of the application that went wrong, or what else causes the lines.
        error: What was raised, if anything was.
    """
    if error is not None:
        _tell_listener(error)
    kind = None if error is None else (type(error), _place(error.__traceback__))
    return _faults.may_log(cause, kind)


def _tell_listener(error: BaseException) -> None:
    listener = fault_listener.get()
    if listener is not None:
        listener(error)
        return
    for take in reversed(stray_fault_listeners):
        if take(error):
            break


def _place(traceback: TracebackType | None) -> tuple[str, int] | None:
    """The file and line where an exception was raised."""
    if traceback is None:
        return None
    while traceback.tb_next is not None:
        traceback = traceback.tb_next
    return traceback.tb_frame.f_code.co_filename, traceback.tb_lineno
