"""The methods by which a client sends events: of a namespace, and of the choices that it offers."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, NamedTuple, ParamSpec, TypeVar, cast, overload

from ..checks import check_seconds
from ..events.acks import ACK_SECONDS, first_value
from ..events.declared import AnyEvent, Event, declared_ack, name_and_values
from ..protocol import RESERVED_EVENTS
from ..protocol.names import check_event_name
from .options import MAX_SECONDS
from .outbox import Outbox

ParamsT = ParamSpec("ParamsT")
ReplyT = TypeVar("ReplyT")


class Sending(NamedTuple):
    """The way in which events are sent.

    Attributes:
        outbox: What sends them.
        timeout: The time that an acknowledgement is waited for, in seconds.
        volatile: Whether they are dropped when they cannot be sent at once.
    """

    outbox: Outbox
    timeout: float
    volatile: bool = False


class Emitting(ABC):
    """Something that sends events to the server."""

    __slots__ = ()

    @property
    @abstractmethod
    def _sending(self) -> Sending:
        """The way in which they are sent."""

    @overload
    def emit(
        self, event: Event[ParamsT, Any], /, *args: ParamsT.args, **kwargs: ParamsT.kwargs
    ) -> Awaitable[None]: ...
    @overload
    def emit(self, event: str, /, *args: Any) -> Awaitable[None]: ...

    def emit(self, event: Any, /, *args: Any, **kwargs: Any) -> Awaitable[None]:
        """Send an event to the server, at once and from any thread.

        While there is no connection, the event waits for it. With the option ``retries``, it is
        sent until the server acknowledges it, and after the events before it.

        Args:
            event: The name of the event, or an :class:`~socketio_asgi.Event` that was declared.
            *args: Any values that JSON knows, bytes at any depth, and rich types.
            **kwargs: Values of a declared event, by the names of its parameters.

        Returns:
            An awaitable that waits while too much is queued; with ``retries``, until the event is
            acknowledged.

        Raises:
            OfflineBufferFull: Too many events wait for the connection.
            TypeError: The name is not text, or the values do not fit a declared event.
            ValueError: The name is reserved, or (:class:`~socketio_asgi.protocol.EncodeError`) a
                value cannot be represented.

        Source: https://socket.io/docs/v4/client-api/#socketemiteventname-args
        """
        name, values = _checked(event, args, kwargs)
        outbox, _, volatile = self._sending
        return outbox.emit(name, values, volatile=volatile)

    def send(self, *args: Any) -> Awaitable[None]:
        """Send an event named ``message``; see :meth:`emit`."""
        return self.emit("message", *args)

    @overload
    async def emit_with_ack(
        self, event: Event[ParamsT, ReplyT], /, *args: ParamsT.args, **kwargs: ParamsT.kwargs
    ) -> ReplyT: ...
    @overload
    async def emit_with_ack(
        self, event: str, /, *args: Any, timeout: float | None = None
    ) -> Any: ...

    async def emit_with_ack(
        self, event: Any, /, *args: Any, timeout: Any = None, **kwargs: Any
    ) -> Any:
        """Send an event to the server and wait for its acknowledgement.

        Args:
            event: As in :meth:`emit`.
            *args: As in :meth:`emit`.
            timeout: How long to wait, in seconds; None is the option ``ack_timeout``. Beside a
                declared event, all names are those of its parameters: say :meth:`timeout` before.
            **kwargs: As in :meth:`emit`.

        Returns:
            The first value of the acknowledgement, None when it has none; that of a declared event
            as it says.

        Raises:
            AckTimeout: The server did not answer in time.
            ConnectionLost: The connection ended before.
            InvalidAck: The answer does not fit a declared event.

        Source: https://socket.io/docs/v4/client-api/#socketemitwithackeventname-args
        """
        if not isinstance(event, Event):
            name, values = _checked(event, args, kwargs)
            return await self._ask(name, values, timeout, first_value)
        given = ACK_SECONDS if timeout is None else timeout
        declared = cast("AnyEvent", event)
        read, options, _ = declared_ack(declared, kwargs, given)
        name, values = _checked(declared, args, options)
        return read(await self._ask(name, values, None, list))

    async def emit_with_ack_values(
        self, event: str, *args: Any, timeout: float | None = None
    ) -> list[Any]:
        """Send an event and wait for all values of its acknowledgement; see :meth:`emit_with_ack`.

        A server in JavaScript answers with several by ``callback(1, "two", [3])``.
        """
        name, values = _checked(event, args, {})
        result: list[Any] = await self._ask(name, values, timeout, list)
        return result

    async def _ask(
        self, name: str, values: Sequence[Any], timeout: float | None, pick: Callable[..., Any]
    ) -> Any:
        outbox, seconds, volatile = self._sending
        if timeout is not None:
            seconds = check_seconds("timeout", timeout, MAX_SECONDS)
        return await outbox.ask(name, values, seconds, pick, volatile=volatile)

    @property
    def volatile(self) -> ClientOperator:
        """Drop the event when it cannot be sent at once: ``await io.volatile.emit("position", x)``.

        Source: https://socket.io/docs/v4/client-api/#socketvolatile
        """
        return ClientOperator(self._sending._replace(volatile=True))

    def timeout(self, timeout: float) -> ClientOperator:
        """Say how long an acknowledgement is waited for, in seconds.

        Source: https://socket.io/docs/v4/client-api/#sockettimeoutvalue
        """
        check_seconds("timeout", timeout, MAX_SECONDS)
        return ClientOperator(self._sending._replace(timeout=timeout))


class ClientOperator(Emitting):
    """A way of sending events, made by :attr:`Emitting.volatile` and :meth:`Emitting.timeout`."""

    __slots__ = ("_way",)

    def __init__(self, way: Sending) -> None:
        self._way = way

    @property
    def _sending(self) -> Sending:
        return self._way


def _checked(
    event: Any, args: Sequence[Any], options: Mapping[str, Any]
) -> tuple[str, Sequence[Any]]:
    """The name and the values of an event that is to be sent."""
    name, values = name_and_values(event, args, options)
    if type(name) is not str or name in RESERVED_EVENTS:
        check_event_name(name)
    return name, values
