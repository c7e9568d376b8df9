"""Events of the connection layer that applications can listen to.

They cost nothing until somebody listens.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, TypeVar

from .http.request import EngineRequest

logger: logging.Logger = logging.getLogger("socketio_asgi.engine")

ListenerT = TypeVar("ListenerT", bound=Callable[..., Any])


@dataclass(frozen=True, slots=True)
class RefusedRequest:
    """Why a request was refused: the argument of ``connection_error``.

    Attributes:
        code: The official error code, 0 to 5.
        message: What the client was told.
        detail: What the client was not told.
        request: The request.

    Source: https://socket.io/docs/v4/server-api/#event-connection_error-1
    """

    code: int
    message: str
    detail: str
    request: EngineRequest


class Hooks:
    """Listeners by event name.

    Args:
        names: The events that there are.

    Attributes:
        in_use: Whether anybody listens to any event.
    """

    __slots__ = ("_listeners", "_names", "in_use")

    def __init__(self, names: Iterable[str]) -> None:
        self._names = frozenset(names)
        self._listeners: dict[str, list[Callable[..., Any]]] = {}
        self.in_use: bool = False

    def on(self, name: str) -> Callable[[ListenerT], ListenerT]:
        """Register the decorated function as a listener.

        Raises:
            ValueError: There is no such event.
        """
        if name not in self._names:
            raise ValueError(f"no event {name!r} here; there are {sorted(self._names)}")

        def register(listener: ListenerT) -> ListenerT:
            self._listeners.setdefault(name, []).append(listener)
            self.in_use = True
            return listener

        return register

    def has(self, name: str) -> bool:
        """Whether anybody listens to an event."""
        return name in self._listeners

    def call(self, name: str, *args: Any) -> None:
        """Call the listeners of an event; what one of them raises is logged."""
        for listener in tuple(self._listeners.get(name, ())):
            try:
                listener(*args)
            except Exception:
                logger.exception("the listener %r of %r raised", listener, name)
