"""The connection of a client, as applications see it.

Source: https://socket.io/docs/v4/client-api/#manager
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..runtime.callables import check_plain
from .manager_core import ManagerCore

MANAGER_EVENTS = (
    "open",
    "close",
    "error",
    "ping",
    "upgrade",
    "reconnect",
    "reconnect_attempt",
    "reconnect_error",
    "reconnect_failed",
)
"""What can be listened to, beside the events of the server.

Source: https://socket.io/docs/v4/client-api/#events
"""


class Manager:
    """The connection below the namespaces of a client, ``io.manager``.

    Source: https://socket.io/docs/v4/client-api/#manager
    """

    __slots__ = ("__socketio__",)

    def __init__(self, core: ManagerCore) -> None:
        self.__socketio__: ManagerCore = core

    @property
    def transport(self) -> str | None:
        """The name of the transport in use; None without a connection."""
        session = self.__socketio__.session
        return None if session is None or session.transport is None else session.transport.name

    @property
    def reconnecting(self) -> bool:
        """True while the client tries to come back."""
        return self.__socketio__.reconnecting

    def on(self, event: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
        """Listen to what happens to the connection; a plain, quick function.

        Args:
            event: One of :data:`MANAGER_EVENTS`.

        Raises:
            TypeError: The listener is asynchronous.
            ValueError: There is no such event.

        Source: https://socket.io/docs/v4/client-api/#events
        """
        if event not in MANAGER_EVENTS:
            known = ", ".join(map(repr, MANAGER_EVENTS))
            raise ValueError(f"a manager has no event {event!r}; it has {known}")

        def register(listener: Callable[..., Any]) -> Callable[..., Any]:
            check_plain(listener)
            self.__socketio__.listeners.setdefault(event, []).append(listener)
            return listener

        return register

    def off(self, event: str, listener: Callable[..., Any]) -> None:
        """Take a listener off; does nothing when it is not there."""
        listeners = self.__socketio__.listeners.get(event, [])
        if listener in listeners:
            listeners.remove(listener)
