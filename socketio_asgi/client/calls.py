"""The calls of the handlers of a client."""

from __future__ import annotations

from collections.abc import Awaitable, Sequence
from typing import Any, cast

from ..events.acks import Ack
from ..events.call_site import CallSite
from ..events.errors import INTERNAL, as_event_error, error_form, with_plain_details
from ..events.failures import UnsendableAnswer, log_failure
from ..events.listeners import Listeners
from ..events.observer import CallObserver
from ..events.planning import plan_handler
from ..events.plans import AckCallback, Handler, HandlerCall, HandlerKind
from ..events.workers import Workers
from ..protocol import EncodeError
from ..runtime.awaitables import DONE
from ..runtime.serial import SerialQueue
from .manager_core import ManagerCore
from .outbox import Outbox


class ClientCalls(CallSite):
    """Calls the handlers of one namespace.

    Args:
        manager: The connection below, which counts the calls.
        name: The name of the namespace.
        listeners: The handlers of events.
        outbox: What sends the answers.

    Attributes:
        lifecycle_listeners: The handlers of what happens to the namespace.
    """

    __slots__ = ("_listeners", "_manager", "_name", "_ordered", "_outbox", "lifecycle_listeners")

    def __init__(
        self, manager: ManagerCore, name: str, listeners: Listeners, outbox: Outbox
    ) -> None:
        super().__init__(load=manager)
        self._manager = manager
        self._name = name
        self._listeners = listeners
        self._outbox = outbox
        self._ordered: SerialQueue | None = None
        self.lifecycle_listeners: Listeners = Listeners(plan_handler, HandlerKind.CLIENT_LIFECYCLE)

    @property
    def namespace_name(self) -> str:
        """The name of the namespace."""
        return self._name

    @property
    def workers(self) -> Workers:
        """The threads for plain functions."""
        return self._manager.workers

    @property
    def observer(self) -> CallObserver | None:
        """Nobody."""
        return None

    def event(self, name: str, args: Sequence[Any], number: int | None) -> None:
        """Call the handlers of an event; the first one answers it."""
        for handler in self._listeners.take(name):
            self._start(handler, args, number)
            number = None

    def lifecycle(self, event: str, *args: Any) -> None:
        """Call the handlers of what has happened."""
        for handler in self.lifecycle_listeners.take(event):
            self._start(handler, args, None)

    def _start(self, handler: Handler, args: Sequence[Any], number: int | None) -> None:
        manager = self._manager
        self.begin()
        manager.pause_if_busy()
        call = self.invoke if len(args) >= handler.required else self.refuse
        if not manager.options.ordered:
            return manager.task_starter.start(call, handler, args, number)
        if self._ordered is None:
            self._ordered = SerialQueue(manager.task_starter)
        self._ordered.add(call, handler, args, number)

    def acknowledge(self, number: int, result: Any) -> None:
        """Answer an event with what its handler returned.

        Raises:
            UnsendableAnswer: It cannot be encoded.
        """
        values: list[Any] = [result]
        if result is None:
            values = []
        elif type(result) is tuple:  # a NamedTuple is one value
            values = list(cast("Any", result))
        try:
            self._outbox.acknowledge(number, values)
        except EncodeError as error:
            raise UnsendableAnswer(error) from error

    def ack_callback(self, number: int | None, handler: Handler) -> AckCallback:
        """The function that answers the event of that number, for a handler that calls it."""
        return Ack(self._send_ack, number, handler.write_ack)

    def _send_ack(self, number: int | None, values: Sequence[Any]) -> Awaitable[None]:
        if number is not None:
            self._outbox.acknowledge(number, values)
        return DONE

    async def settle(self, call: HandlerCall, number: int | None, error: Exception) -> None:
        """Tell the server of an error, as it tells its clients, and the log."""
        ack: Any = call.ack
        if isinstance(ack, Ack):
            number = ack.take()  # None if the handler has answered already
        told = as_event_error(error)
        if told is None or number is None:
            self.failed(call.handler, error)
        if number is None:
            return
        try:
            self._outbox.acknowledge(number, [error_form(with_plain_details(told or INTERNAL))])
        except Exception as problem:  # noqa: BLE001  # a mistake of the application
            self.failed(call.handler, problem)
            self._outbox.acknowledge(number, [error_form(INTERNAL)])

    def failed(self, handler: Handler, error: Exception) -> None:
        """Log what a handler has raised."""
        log_failure(handler, self._name, error)
