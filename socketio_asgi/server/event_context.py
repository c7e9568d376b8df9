"""Everything that is known about an event beside its arguments, as applications see it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, cast

from ..engine.handshake import Handshake
from ..events.context import ContextBase
from ..events.plans import HandlerCall, HandlerKind
from .namespace import Namespace
from .namespace_core import NamespaceCore

if TYPE_CHECKING:
    from .server import Server
    from .socket import Socket


class EventContext(ContextBase):
    """An event that is handled: who sent it, where, and what with.

    A handler, a dependency, an event middleware and an exception handler get one for a parameter of
    this type; all of one event get the same.
    """

    __slots__ = ("_call", "_core")

    def __init__(self, core: NamespaceCore, call: HandlerCall) -> None:
        self._core = core
        self._call = call

    def __repr__(self) -> str:
        return f"<EventContext {self.event!r} in {self._core.name!r}>"

    @property
    def event(self) -> str:
        """The name of the event."""
        registration = self._call.handler.registration
        if registration.kind is HandlerKind.CATCH_ALL:
            return cast("str", self._call.args[0])
        return registration.name

    @property
    def args(self) -> Sequence[Any]:
        """The arguments of the event, as they came."""
        args = self._call.args
        is_catch_all = self._call.handler.registration.kind is HandlerKind.CATCH_ALL
        return args[1:] if is_catch_all else args

    @property
    def wants_ack(self) -> bool:
        """True when the client asked for an acknowledgement."""
        return self._call.wants_ack

    @property
    def handler(self) -> Callable[..., Any]:
        """The function that handles the event."""
        return self._call.handler.function

    @property
    def socket(self) -> Socket[Any]:
        """The socket of the client.

        Raises:
            RuntimeError: The event came from another server.
        """
        if self._call.subject is None:
            raise RuntimeError("an event of another server has no socket")
        return cast("Socket[Any]", self._call.subject)

    @property
    def handshake(self) -> Handshake:
        """The handshake of the client.

        Raises:
            RuntimeError: The event came from another server.
        """
        return self.socket.handshake

    @property
    def namespace(self) -> Namespace:
        """The namespace of the event."""
        return cast("Namespace", self._core.public)

    @property
    def server(self) -> Server:
        """The server."""
        return cast("Server", self._core.server.public)
