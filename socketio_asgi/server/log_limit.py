"""The lines of the log that one client may cause: a flood of bad events must not fill the disk."""

from __future__ import annotations

import logging

from ..runtime import Runtime

LOGGED = 10
"""Lines of one kind that a connection causes in :data:`LOG_SECONDS`: they show what is wrong."""

LOG_SECONDS = 60.0
"""The time after which a connection may cause as many lines again."""

logger: logging.Logger = logging.getLogger("socketio_asgi.server")


class LogLimit:
    """Counts the lines that one connection has caused, by kind.

    Args:
        runtime: The event loop, for its time.
        address: The address of the client.
    """

    __slots__ = ("_address", "_lines", "_runtime")

    def __init__(self, runtime: Runtime, address: str) -> None:
        self._runtime = runtime
        self._address = address
        # When the first line was written, and how many there were since.
        self._lines: dict[object, tuple[float, int]] = {}

    def may_log(self, kind: object) -> bool:
        """True when another line may be written; the first that may not is told of instead.

        Args:
            kind: The kind of line; of a bounded number, for it is remembered.
        """
        now = self._runtime.now()
        begun, count = self._lines.get(kind, (now, 0))
        if now - begun >= LOG_SECONDS:
            begun, count = now, 0
        self._lines[kind] = (begun, count + 1)
        if count == LOGGED:
            logger.warning(
                "%s causes more lines like the last one; they are left out for a while",
                self._address,
            )
        return count < LOGGED
