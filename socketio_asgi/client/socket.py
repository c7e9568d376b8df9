"""One namespace of a client, as applications see it."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable
from typing import ParamSpec, TypeVar

from ..checks import check_count, check_seconds
from ..events.listeners import Listener, Listeners, ListenerT, Observing
from ..events.signatures import check_name
from ..protocol import RESERVED_EVENTS
from .emitting import Emitting, Sending
from .manager import Manager
from .manager_core import ManagerCore
from .options import MAX_SECONDS, Auth
from .socket_core import ClientSocketCore
from .streams import MAX_WAITING, EventStream, ReceivedEvent

ParamsT = ParamSpec("ParamsT")
ReplyT = TypeVar("ReplyT")

LIFECYCLE_EVENTS = ("connect", "connect_error", "disconnect")
"""What happens to a namespace of a client.

Source: https://socket.io/docs/v4/client-socket-instance/#events
"""


class ClientSocket(Emitting, Observing):
    """One namespace of a client; made by :meth:`.client.Client.of`.

    Source: https://socket.io/docs/v4/client-socket-instance/
    """

    def __init__(self, manager: ManagerCore, name: str, auth: Auth) -> None:
        self.__socketio__: ClientSocketCore = ClientSocketCore(manager, name, auth)

    def __repr__(self) -> str:
        core = self.__socketio__
        return f"<{type(self).__name__} {core.name} {core.id or core.state.value}>"

    @property
    def _listeners(self) -> Listeners:
        return self.__socketio__.listeners

    # -- state -------------------------------------------------------------------------------

    @property
    def namespace(self) -> str:
        """The name of the namespace."""
        return self.__socketio__.name

    @property
    def id(self) -> str | None:
        """The id that the server gave this socket; None while it is not connected.

        It is another one after each connection, unless the state was recovered.
        """
        return self.__socketio__.id

    @property
    def connected(self) -> bool:
        """True while the client is connected to the namespace."""
        return self.__socketio__.connected

    @property
    def active(self) -> bool:
        """True when it is connected, or will connect again by itself."""
        return self.__socketio__.active

    @property
    def recovered(self) -> bool:
        """True when the server has recovered the state of the connection before.

        Source: https://socket.io/docs/v4/connection-state-recovery/
        """
        return self.__socketio__.recovered

    @property
    def auth(self) -> Auth:
        """The dict, or the function, that introduces the client; may be replaced at any time."""
        return self.__socketio__.auth

    @auth.setter
    def auth(self, auth: Auth) -> None:
        self.__socketio__.auth = auth

    @property
    def manager(self) -> Manager:
        """The connection below, with events of its own: ``@io.manager.on("reconnect")``."""
        return Manager(self.__socketio__.manager)

    # -- listening ---------------------------------------------------------------------------

    def on(self, event: str) -> Callable[[ListenerT], ListenerT]:
        """Register a handler of an event of the server.

        Or of what happens to the namespace: ``connect``, ``connect_error``, ``disconnect``. A
        handler of an event is given its values, validated by its annotations. What the first
        handler of an event returns is the answer, if the server asked for one. ``disconnect`` is
        given the reason and more about it, ``connect_error`` the exception.

        Args:
            event: The name of the event.

        Raises:
            TypeError: The name is not text, or the function cannot be called as a handler.
            ValueError: No server can send an event of that name.

        Source: https://socket.io/docs/v4/listening-to-events/
        """
        return self._register(event, "@io.on", once=False)

    def once(self, event: str) -> Callable[[ListenerT], ListenerT]:
        """Register a handler that is called one time; see :meth:`on`."""
        return self._register(event, "@io.once", once=True)

    def _register(
        self, event: str, decorator: str, *, once: bool
    ) -> Callable[[ListenerT], ListenerT]:
        check_name(event, decorator)
        listeners = self._listeners_of(event)
        if listeners is self._listeners and event in RESERVED_EVENTS:
            raise ValueError(
                f"no server can send the event {event!r}; what happens to the namespace is"
                f" {', '.join(map(repr, LIFECYCLE_EVENTS))}"
            )

        def register(listener: ListenerT) -> ListenerT:
            listeners.add(event, listener, once=once)
            return listener

        return register

    def _listeners_of(self, event: str) -> Listeners:
        core = self.__socketio__
        return core.calls.lifecycle_listeners if event in LIFECYCLE_EVENTS else core.listeners

    def off(self, event: str, listener: Listener | None = None) -> None:
        """Take a handler off, or all of an event; does nothing when there is none."""
        self._listeners_of(event).remove(event, listener)

    def remove_all_listeners(self) -> None:
        """Take all handlers of events of the server off."""
        self._listeners.clear()

    def event_names(self) -> list[str]:
        """The events of the server that have handlers."""
        return self._listeners.event_names()

    # -- sending -----------------------------------------------------------------------------

    @property
    def _sending(self) -> Sending:
        return Sending(self.__socketio__.outbox, self.__socketio__.manager.options.ack_timeout)

    # -- events as they are waited for -------------------------------------------------------

    def stream(self, *names: str, max_waiting: int = MAX_WAITING) -> EventStream:
        """The events of the server, taken down while the context lasts: ``async with io.stream()``.

        Args:
            *names: The names of the events; none is all.
            max_waiting: The number of events that may wait to be taken.
        """
        limit = check_count("max_waiting", max_waiting, "events")
        return EventStream(self.__socketio__, names, limit)

    async def events(
        self, *names: str, max_waiting: int = MAX_WAITING
    ) -> AsyncGenerator[ReceivedEvent]:
        """The events of the server, as they come, from the first step on.

        It ends when the client disconnects for good. To miss none that come before the first step,
        use :meth:`stream`.

        Args:
            *names: The names of the events; none is all.
            max_waiting: The number of events that may wait for the loop.

        Raises:
            ConnectError: The connection was lost, and no other attempt is made.
            EventsLost: The loop was too slow, and some events were dropped.
        """
        async with self.stream(*names, max_waiting=max_waiting) as stream:
            async for event in stream:
                yield event

    async def wait_for(self, *names: str, timeout: float | None = None) -> ReceivedEvent:
        """Wait for the next event of the server.

        Args:
            *names: The names of the events; none is any.
            timeout: How long to wait, in seconds; None is as long as it takes.

        Raises:
            TimeoutError: None came in time.
            ConnectError: The client has disconnected, or does not come back.
        """
        core = self.__socketio__
        async with self.stream(*names, max_waiting=1) as stream:
            if timeout is None:
                event = await stream.next()
            else:
                check_seconds("timeout", timeout, MAX_SECONDS)
                event = await core.manager.runtime.within(timeout, stream.next())
        if event is None:
            raise core.gone()
        return event

    # -- coming and going --------------------------------------------------------------------

    async def connect(self) -> None:
        """Connect the namespace, also after the server has disconnected it.

        Raises:
            ConnectError: There is no connection.
            ConnectionRefused: The server did not let the client in.

        Source: https://socket.io/docs/v4/client-api/#socketconnect
        """
        core = self.__socketio__
        core.activate()
        await core.manager.open()
        await core.wait_until_settled()

    async def disconnect(self) -> None:
        """Leave the namespace; without another one, the connection is closed.

        Source: https://socket.io/docs/v4/client-api/#socketdisconnect
        """
        core = self.__socketio__
        core.disconnect()
        if not core.manager.needed:
            await core.manager.close()

    async def wait(self) -> None:
        """Wait until the client has disconnected from the namespace for good.

        Raises:
            ConnectError: The connection was lost, and no other attempt is made.
            ConnectionRefused: The server did not let the client in again.
        """
        await self.__socketio__.wait_until_over()
