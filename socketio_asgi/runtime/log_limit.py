"""The lines of the log that one client may cause: a flood of errors must not fill the disk."""

from __future__ import annotations

import logging
from collections import OrderedDict
from collections.abc import Callable

LOGGED = 10
"""Lines of one kind that a client causes in :data:`LOG_SECONDS`: they show what is wrong."""

LOG_SECONDS = 60.0
"""The time after which a client may cause as many lines again."""

MAX_LOGGED_ADDRESSES = 1000
"""Addresses whose lines are counted, the latest that caused any."""

Now = Callable[[], float]
"""The clock of an event loop, in seconds."""


class LogLimit:
    """Counts the lines that one client has caused, by kind.

    Args:
        now: The clock.
        logger: Where the lines go; it is told when some are left out.
        address: The address of the client.
    """

    __slots__ = ("_address", "_lines", "_logger", "_now")

    def __init__(self, now: Now, logger: logging.Logger, address: str) -> None:
        self._now = now
        self._logger = logger
        self._address = address
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
        if count == LOGGED:
            self._logger.warning(
                "%s causes more lines like the last one; they are left out for a while",
                self._address,
            )
        return count < LOGGED


class LogLimits:
    """Counts the lines that clients have caused by requests, by address and kind.

    Args:
        now: The clock.
        logger: Where the lines go.
    """

    def __init__(self, now: Now, logger: logging.Logger) -> None:
        self._now = now
        self._logger = logger
        self._by_address: OrderedDict[str, LogLimit] = OrderedDict()

    def may_log(self, address: str, kind: object) -> bool:
        """True when a client may cause another line; see :meth:`LogLimit.may_log`."""
        limit = self._by_address.get(address)
        if limit is None:
            limit = self._by_address[address] = LogLimit(self._now, self._logger, address)
            if len(self._by_address) > MAX_LOGGED_ADDRESSES:
                self._by_address.popitem(last=False)
        return limit.may_log(kind)
