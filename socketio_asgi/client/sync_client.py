"""The client for code that is not asynchronous: the same client, in an event loop of a thread.

Source: https://anyio.readthedocs.io/en/stable/threads.html for the portal into the event loop
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from functools import partial
from types import TracebackType
from typing import Any, ParamSpec, Self, TypeVar, overload

from anyio.from_thread import BlockingPortal, start_blocking_portal

from ..events.declared import Event
from ..events.listeners import Listener, ListenerT
from .client import Client
from .emitting import Emitting
from .manager import Manager
from .options import Auth
from .socket import ClientSocket
from .streams import MAX_WAITING, ReceivedEvent

ParamsT = ParamSpec("ParamsT")
ReplyT = TypeVar("ReplyT")
ResultT = TypeVar("ResultT")


class Loop:
    """The event loop of a client, in a thread of its own."""

    def __init__(self) -> None:
        self._portal: BlockingPortal | None = None

    def begin(self, portal: BlockingPortal) -> None:
        """Begin in a thread."""
        self._portal = portal

    def end(self) -> None:
        """Note that the thread has ended."""
        self._portal = None

    @property
    def running(self) -> bool:
        """True while there is the thread."""
        return self._portal is not None

    def call(self, function: Callable[..., Awaitable[ResultT]], *args: Any) -> ResultT:
        """Call an asynchronous function in the event loop, and wait for its result.

        Raises:
            RuntimeError: There is no connection yet, or the caller is in the event loop itself.
        """
        if self._portal is None:
            raise RuntimeError("the client has not begun: use 'with client', or connect()")
        return self._portal.call(function, *args)


class SyncEmitting:
    """Something that sends events to the server, and waits where :class:`.Emitting` is awaited."""

    _emitting: Emitting
    _loop: Loop

    @overload
    def emit(
        self, event: Event[ParamsT, Any], /, *args: ParamsT.args, **kwargs: ParamsT.kwargs
    ) -> None: ...
    @overload
    def emit(self, event: str, /, *args: Any) -> None: ...

    def emit(self, event: Any, /, *args: Any, **kwargs: Any) -> None:
        """Send an event to the server; see :meth:`.ClientSocket.emit`.

        It waits while too much is queued; with the option ``retries``, until the event is
        acknowledged. Before the client has begun, the event waits for the connection.
        """
        if self._loop.running:
            self._loop.call(self._emit, event, args, kwargs)
        else:
            self._emitting.emit(event, *args, **kwargs)

    async def _emit(self, event: Any, args: Sequence[Any], options: Mapping[str, Any]) -> None:
        await self._emitting.emit(event, *args, **options)

    def send(self, *args: Any) -> None:
        """Send an event named ``message``; see :meth:`emit`."""
        self.emit("message", *args)

    @overload
    def emit_with_ack(
        self, event: Event[ParamsT, ReplyT], /, *args: ParamsT.args, **kwargs: ParamsT.kwargs
    ) -> ReplyT: ...
    @overload
    def emit_with_ack(self, event: str, /, *args: Any, timeout: float | None = None) -> Any: ...

    def emit_with_ack(self, event: Any, /, *args: Any, timeout: Any = None, **kwargs: Any) -> Any:
        """Send an event and wait for its acknowledgement.

        See :meth:`.ClientSocket.emit_with_ack`.
        """
        ask = partial(self._emitting.emit_with_ack, event, *args, timeout=timeout, **kwargs)
        return self._loop.call(ask)

    def emit_with_ack_values(
        self, event: str, *args: Any, timeout: float | None = None
    ) -> list[Any]:
        """Send an event and wait for all values of its acknowledgement."""
        return self._loop.call(
            partial(self._emitting.emit_with_ack_values, event, *args, timeout=timeout)
        )

    @property
    def volatile(self) -> SyncClientOperator:
        """Drop the event when it cannot be sent at once; see :attr:`.Emitting.volatile`."""
        return SyncClientOperator(self._emitting.volatile, self._loop)

    def timeout(self, timeout: float) -> SyncClientOperator:
        """Say how long an acknowledgement is waited for; see :meth:`.Emitting.timeout`."""
        return SyncClientOperator(self._emitting.timeout(timeout), self._loop)


class SyncClientOperator(SyncEmitting):
    """A way of sending events."""

    def __init__(self, emitting: Emitting, loop: Loop) -> None:
        self._emitting = emitting
        self._loop = loop


class SyncClientSocket(SyncEmitting):
    """One namespace of a :class:`SyncClient`; made by :meth:`SyncClient.of`.

    Its methods are those of :class:`~socketio_asgi.client.ClientSocket`; they wait where those are
    awaited. They may be called in any thread, also in plain handlers, but not in asynchronous ones.
    """

    def __init__(self, socket: ClientSocket, loop: Loop) -> None:
        self._socket = self._emitting = socket
        self._loop = loop

    def __repr__(self) -> str:
        return f"<{type(self).__name__} of {self._socket!r}>"

    # -- state -------------------------------------------------------------------------------

    @property
    def namespace(self) -> str:
        """The name of the namespace."""
        return self._socket.namespace

    @property
    def id(self) -> str | None:
        """The id that the server gave this socket; None while it is not connected."""
        return self._socket.id

    @property
    def connected(self) -> bool:
        """True while the client is connected to the namespace."""
        return self._socket.connected

    @property
    def active(self) -> bool:
        """True when it is connected, or will connect again by itself."""
        return self._socket.active

    @property
    def recovered(self) -> bool:
        """True when the server has recovered the state of the connection before."""
        return self._socket.recovered

    @property
    def manager(self) -> Manager:
        """The connection below; its listeners are called in the thread of the event loop."""
        return self._socket.manager

    # -- listening ---------------------------------------------------------------------------

    def on(self, event: str) -> Callable[[ListenerT], ListenerT]:
        """Register a handler; see :meth:`.ClientSocket.on`.

        Plain functions are called in threads, asynchronous ones in the event loop of the client.
        """
        return self._socket.on(event)

    def once(self, event: str) -> Callable[[ListenerT], ListenerT]:
        """Register a handler that is called one time; see :meth:`on`."""
        return self._socket.once(event)

    def off(self, event: str, listener: Listener | None = None) -> None:
        """Take a handler off, or all of an event; does nothing when there is none."""
        self._socket.off(event, listener)

    # -- events as they are waited for -------------------------------------------------------

    def events(self, *names: str, max_waiting: int = MAX_WAITING) -> Iterator[ReceivedEvent]:
        """The events of the server, as they come; see :meth:`.ClientSocket.events`.

        They are taken down from this call on.
        """
        stream = self._loop.call(self._begin_events, names, max_waiting)
        return self._iterate(stream)

    async def _begin_events(self, names: Sequence[str], max_waiting: int) -> Any:
        stream = self._socket.stream(*names, max_waiting=max_waiting)
        await stream.__aenter__()
        return stream

    def _iterate(self, stream: Any) -> Iterator[ReceivedEvent]:
        try:
            while (event := self._loop.call(stream.next)) is not None:
                yield event
        finally:
            if self._loop.running:
                self._loop.call(stream.__aexit__, None, None, None)

    def wait_for(self, *names: str, timeout: float | None = None) -> ReceivedEvent:
        """Wait for the next event of the server; see :meth:`.ClientSocket.wait_for`."""
        return self._loop.call(partial(self._socket.wait_for, *names, timeout=timeout))

    # -- coming and going --------------------------------------------------------------------

    def connect(self) -> None:
        """Connect the namespace, also after the server has disconnected it."""
        self._loop.call(self._socket.connect)

    def disconnect(self) -> None:
        """Leave the namespace; without another one, the connection is closed."""
        self._loop.call(self._socket.disconnect)

    def wait(self) -> None:
        """Wait until the client has disconnected from the namespace for good."""
        self._loop.call(self._socket.wait)


class SyncClient(SyncClientSocket):
    """A client of a Socket.IO server for scripts and threads.

    It is a :class:`~socketio_asgi.client.Client` in an event loop of its own, in a thread that ends
    with the context.

    Args:
        url: The address of the server; its path is the namespace.
        **options: Those of :class:`~socketio_asgi.client.Client`.

    Raises:
        TypeError: An option is of another kind, or unknown.
        ValueError: An option makes no sense.

    Example:
        ```python
        with SyncClient("https://example.com") as io:

            @io.on("news")
            def news(item):
                print(item)

            print(io.emit_with_ack("hello"))
            io.wait()
        ```
    """

    def __init__(self, url: str, **options: Any) -> None:
        self._client = Client(url, **options)
        super().__init__(self._client, Loop())
        self._stack: ExitStack | None = None
        self._others: dict[str, SyncClientSocket] = {self.namespace: self}

    def of(self, name: str, *, auth: Auth = None) -> SyncClientSocket:
        """Another namespace over the same connection; see :meth:`.Client.of`."""
        socket = self._client.of(name, auth=auth)
        return self._others.setdefault(socket.namespace, SyncClientSocket(socket, self._loop))

    def __enter__(self) -> Self:
        """Connect all namespaces; see :meth:`connect`."""
        self.connect()
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc_value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Leave all namespaces, and end the thread."""
        self.close()

    def connect(self) -> None:
        """Connect all namespaces that were made so far; see :meth:`.Client.connect`.

        Raises:
            ConnectionRefused: The server did not let the client into a namespace.
            ConnectError: There is no connection.
        """
        if self._stack is not None:
            return self._loop.call(self._client.connect)
        with ExitStack() as stack:
            portal = stack.enter_context(start_blocking_portal())
            self._loop.begin(portal)
            stack.callback(self._loop.end)
            stack.enter_context(portal.wrap_async_context_manager(self._client))
            self._stack = stack.pop_all()

    def close(self) -> None:
        """Leave all namespaces, close the connection, and end the thread."""
        stack, self._stack = self._stack, None
        if stack is not None:
            stack.close()
