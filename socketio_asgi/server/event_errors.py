"""The end of an event in an error: who is told, and what the log says.

exception handlers   of the router, the namespace, the server: what they return is the answer
EventError           a client that asked for an acknowledgement gets it as such
HTTPException        the same, by the name of its status
anything else        "internal", without anything of the exception, which is logged
"""

from __future__ import annotations

import inspect
import logging
from collections.abc import Callable
from functools import partial
from typing import Any, Protocol

from starlette.exceptions import HTTPException

from ..events.acks import Ack
from ..events.errors import (
    INTERNAL,
    ErrorAck,
    as_event_error,
    error_body,
    with_plain_details,
)
from ..events.failures import describe, log_failure
from ..events.plans import Handler, HandlerCall
from ..exceptions import EventError, EventValidationError
from ..runtime.callables import is_async, locate
from ..runtime.log_limit import may_log_fault
from .namespace_core import NamespaceCore

logger: logging.Logger = logging.getLogger("socketio_asgi.server")

MAX_UNDECLARED = 1000
"""Errors that are not declared, of which the log tells once each."""


class ErrorOptions:
    """The settings of a server for errors of events.

    Args:
        form: Makes the acknowledgement of an error; None acknowledges no errors.
        event: The event that tells clients which asked for no acknowledgement; None tells nothing.
    """

    __slots__ = ("event", "form", "undeclared")

    def __init__(self, form: ErrorAck | None, event: str | None) -> None:
        self.form: ErrorAck | None = form
        self.event: str | None = event
        self.undeclared: set[tuple[str, str]] = set()


class Sink(Protocol):
    """A socket, as far as the end of its events is concerned."""

    @property
    def namespace(self) -> NamespaceCore:
        """Its namespace."""
        ...

    def failed(self, handler: Handler, error: Exception) -> None:
        """Log what a handler has raised."""
        ...

    def may_log(self, kind: object) -> bool:
        """True when the client may cause another line of the log, of that kind."""
        ...

    def acknowledge(self, number: int, result: Any) -> None:
        """Acknowledge an event with what its handler returned."""
        ...

    def acknowledge_error(self, number: int, value: Any) -> None:
        """Acknowledge an event with one value."""
        ...

    def emit(self, event: str, args: Any) -> Any:
        """Send an event to the client."""
        ...


async def settle(sink: Sink, call: HandlerCall, number: int | None, error: Exception) -> None:
    """Deal with the error in which the event of a client has ended.

    Args:
        sink: The socket.
        call: The call that has ended.
        number: The number under which an answer is expected; None when none is.
        error: What was raised.
    """
    ack: Any = call.ack
    if isinstance(ack, Ack):
        number = ack.take()  # None if the handler has answered already
    scope = call.handler.registration.scope
    handler = None if scope is None else scope.find_exception_handler(error)
    if handler is None:
        told = as_event_error(error)
        _log(sink, call.handler, error, told, heard=number is not None)
        return _tell(sink, call, number, told or INTERNAL)
    try:
        result = await _handled(handler, call, error)
        if isinstance(result, EventError):
            return _tell(sink, call, number, result)
        if number is not None:
            sink.acknowledge(number, result)
    except EventError as another:
        _tell(sink, call, number, another)
    except Exception as another:  # noqa: BLE001  # it goes into the log, with the first one
        sink.failed(call.handler, another)
        _tell(sink, call, number, INTERNAL)


async def _handled(handler: Callable[..., Any], call: HandlerCall, error: Exception) -> Any:
    """Call an exception handler; a plain function runs in a thread."""
    if is_async(handler):
        return await handler(call.context, error)
    result = await call.workers.run(partial(handler, call.context, error), call.subject)
    return await result if inspect.isawaitable(result) else result


def _tell(sink: Sink, call: HandlerCall, number: int | None, error: EventError) -> None:
    """Tell the client of an error, and the observer."""
    server = sink.namespace.server
    options: ErrorOptions = server.errors
    name = call.context.event
    server.observers.failed(sink.namespace.name, name, error)
    try:
        plain = with_plain_details(error)
        if number is not None and options.form is not None:
            sink.acknowledge_error(number, options.form(plain))
        elif number is None and options.event is not None and not call.wants_ack:
            sink.emit(options.event, [{"event": name, **error_body(plain)}])
    except Exception as problem:  # noqa: BLE001  # a mistake of the application: it is logged
        sink.failed(call.handler, problem)
        if number is not None and error is not INTERNAL:
            _tell_internal(sink, number, options)


def _tell_internal(sink: Sink, number: int, options: ErrorOptions) -> None:
    try:
        if options.form is not None:
            sink.acknowledge_error(number, options.form(INTERNAL))
    except Exception:  # as above: the log has it
        logger.debug("the form of errors cannot be sent", exc_info=True)


def _log(
    sink: Sink, handler: Handler, error: Exception, told: EventError | None, *, heard: bool
) -> None:
    namespace = sink.namespace
    if told is None or (isinstance(error, HTTPException) and error.status_code >= 500):
        return sink.failed(handler, error)
    options: ErrorOptions = namespace.server.errors
    silent = not heard and options.event is None
    if isinstance(error, EventValidationError) and silent:  # nobody else hears of it
        if sink.may_log((handler, "invalid")):
            log_failure(handler, namespace.name, error)
        return
    if logger.isEnabledFor(logging.DEBUG):
        logger.debug("%s ended in the error %s", describe(handler, namespace.name), told)
    if error is told and not isinstance(error, EventValidationError):
        _check_declared(options, handler, namespace.name, told)


def _check_declared(
    options: ErrorOptions, handler: Handler, namespace: str, error: EventError
) -> None:
    """Warn, once, of an error that is not among those that a handler declares."""
    registration = handler.registration
    around = () if registration.scope is None else registration.scope.all_errors()
    declared = (*registration.errors, *around)
    key = (locate(registration.function), error.code)
    if not declared or isinstance(error, declared) or key in options.undeclared:
        return
    if len(options.undeclared) < MAX_UNDECLARED and may_log_fault(key[0], error):
        options.undeclared.add(key)
        subject = describe(handler, namespace)
        logger.warning("%s does not declare the error %r: errors=[...]", subject, error.code)
