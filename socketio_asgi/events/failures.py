"""The lines of the log about functions of the application that went wrong.

A line names the event, the namespace, and the function with its file and line. The traceback begins
with the application: the frames of this package and of the event loop, which lead there, are left
out.
"""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any

from ..exceptions import EventValidationError
from ..protocol import EncodeError
from ..runtime.callables import locate
from ..runtime.log_limit import may_log_fault
from .answers import InvalidAnswer
from .plans import Handler, HandlerKind

logger: logging.Logger = logging.getLogger("socketio_asgi.server")

_SUBJECTS: Mapping[HandlerKind, str] = {
    HandlerKind.EVENT: "the handler of {name!r} in {namespace!r}",
    HandlerKind.CATCH_ALL: "the handler of all other events in {namespace!r}",
    HandlerKind.LIFECYCLE: "the handler of {name!r} in {namespace!r}",
    HandlerKind.MIDDLEWARE: "a middleware of {namespace!r}",
    HandlerKind.SERVER_EVENT: "the handler of the server event {name!r} in {namespace!r}",
    HandlerKind.LISTENER: "a listener to {name!r} in {namespace!r}",
    HandlerKind.EVENT_MIDDLEWARE: "a middleware of a socket in {namespace!r}",
    HandlerKind.CLIENT_EVENT: "the handler of {name!r} in {namespace!r}",
    HandlerKind.CLIENT_LIFECYCLE: "the handler of {name!r} in {namespace!r}",
}


class UnsendableAnswer(Exception):
    """The value that a handler returned cannot be sent.

    Args:
        reason: What was raised when it was to be sent.
    """

    def __init__(self, reason: Exception) -> None:
        super().__init__(reason)
        self.reason = reason


class InvalidVerdict(TypeError):
    """The value that a middleware returned is no decision.

    Args:
        value: What it returned.
    """

    def __init__(self, value: object) -> None:
        super().__init__(value)
        self.value = value

    def __str__(self) -> str:
        returned = repr(self.value)[:100]
        return (
            f"returned {returned}: a middleware returns None to let through, and False to refuse;"
            " or it raises"
        )


def check_verdict(value: object) -> bool:
    """True when a middleware lets through, by what it returned.

    Raises:
        InvalidVerdict: It is neither None nor False.
    """
    if value is None:
        return True
    if value is False:
        return False
    raise InvalidVerdict(value)


def log_failure(handler: Handler, namespace: str, error: Exception, consequence: str = "") -> None:
    """Write into the log that a function of the application went wrong, unless it did so often.

    Args:
        handler: The plan of its call.
        namespace: The name of the namespace.
        error: What it raised.
        consequence: What happens now.
    """
    if not may_log_fault(locate(handler.registration.function), error):
        return
    subject = describe(handler, namespace)
    if isinstance(error, InvalidVerdict):
        logger.error("%s %s%s", subject, error, consequence)
    elif isinstance(error, EventValidationError):
        logger.warning("%s was not called, the arguments are refused: %s", subject, error)
    elif isinstance(error, InvalidAnswer):
        logger.error("the return value of %s is wrong: %s%s", subject, error, consequence)
    elif isinstance(error, UnsendableAnswer):
        # The frames that lead to the encoder are ours; those of its causes may not be.
        reason = error.reason
        traceback = None if isinstance(reason, EncodeError) else reason.__traceback__
        exc_info = (type(reason), reason, traceback)
        logger.error(
            "the return value of %s cannot be sent%s", subject, consequence, exc_info=exc_info
        )
    else:
        traceback = application_traceback(error.__traceback__)
        exc_info = (type(error), error, traceback)
        logger.error("%s raised%s", subject, consequence, exc_info=exc_info)


def log_listener_failure(listener: Callable[..., Any], error: Exception) -> None:
    """Write into the log that a listener that only observes raised."""
    name = locate(listener)
    if may_log_fault(name, error):
        exc_info = (type(error), error, application_traceback(error.__traceback__))
        logger.error("the listener %s raised", name, exc_info=exc_info)


def describe(handler: Handler, namespace: str) -> str:
    """A function of the application, in words: what it is for, its name, file and line."""
    registration = handler.registration
    subject = _SUBJECTS[registration.kind].format(name=registration.name, namespace=namespace)
    return f"{subject} ({locate(registration.function)})"


def application_traceback(traceback: TracebackType | None) -> TracebackType | None:
    """The part of a traceback from the first frame of the application on; all, if there is none."""
    folders = tuple(_folders_of_machinery())
    first = traceback
    while first is not None and first.tb_frame.f_code.co_filename.startswith(folders):
        first = first.tb_next
    return first or traceback


def _folders_of_machinery() -> Iterator[str]:
    """The folders of the code between the event loop and a function of the application."""
    package, *_ = __name__.split(".")
    for name in (package, "anyio", "asyncio", "trio", "outcome"):
        module = sys.modules.get(name)
        if module is not None and module.__file__ is not None:
            yield f"{Path(module.__file__).parent}{os.sep}"
