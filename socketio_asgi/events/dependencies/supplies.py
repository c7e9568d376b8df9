"""Values that dependencies and handlers are given because of their annotation alone.

Starlette's ``Request`` and ``HTTPConnection`` are the request that opened the connection of the
client: one new object for each event, with a ``state`` of its own, because events of one client
overlap. It is an HTTP request without a body, whatever the transport, as the functions of web
frameworks that look for credentials expect it.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any, NamedTuple, Protocol, cast

from starlette.background import BackgroundTasks
from starlette.requests import HTTPConnection, Request
from starlette.responses import Response
from starlette.types import Message
from starlette.websockets import WebSocket

from ...engine.handshake import Handshake
from ...validation.annotations import EMPTY, TypedParameter, Unresolved
from ..context import Provided, classes_of, getter_for, provided_by
from ..plans import HandlerCall

Get = Callable[[HandlerCall], Any]
"""Gets a value for one call of a handler."""

KEPT = "socketio_asgi.parameters"
"""The key of the ASGI scope below which values are kept that were read from the request: the scope
lives as long as the connection."""

REFUSED: dict[type, str] = {
    WebSocket: "events have no WebSocket; annotate it with HTTPConnection, or Request",
    Response: "events have no response; return a value, or raise an error",
}
"""Classes that FastAPI provides for requests, but that make no sense for events."""


_OF_CLIENTS = (Provided.SOCKET, Provided.HANDSHAKE)


class Introduced(Protocol):
    """A socket, as far as its handshake is concerned."""

    @property
    def handshake(self) -> Handshake:
        """The handshake."""
        ...


class Supply(NamedTuple):
    """A value that there is for each event.

    Attributes:
        key: The same for all that are one object.
        get: Gets it.
        of_client: Whether there is none without a client.
    """

    key: object
    get: Get
    of_client: bool = True


def request_supply(bearer_from_auth: str | None) -> Supply:
    """The request of the client, made anew for an event.

    Args:
        bearer_from_auth: The key in the ``auth`` of the client whose text is a token, which the
            request has as its header ``Authorization``; None for none.
    """

    def get(call: HandlerCall) -> Request:
        handshake = cast("Introduced", call.subject).handshake
        scope = handshake.connection.scope
        scope.setdefault(KEPT, {})
        headers = scope["headers"]
        if bearer_from_auth is not None:
            headers = _with_bearer(headers, handshake.auth.get(bearer_from_auth))
        state: dict[str, Any] = {**(scope.get("state") or {})}
        own = {"type": "http", "method": "GET", "headers": headers, "state": state}
        return Request({**scope, **own}, _receive_nothing)

    return Supply("request", get)


def tasks_supply() -> Supply:
    """The tasks that are to run when the event has been acknowledged."""
    fastapi = sys.modules.get("fastapi")
    tasks_class = cast(
        "type[BackgroundTasks]", getattr(fastapi, "BackgroundTasks", BackgroundTasks)
    )

    def get(call: HandlerCall) -> BackgroundTasks:
        tasks = tasks_class()
        call.after = tasks
        return tasks

    return Supply("background tasks", get, of_client=False)


def scopes_supply(annotated: type, scopes: tuple[str, ...]) -> Supply:
    """The OAuth scopes that are required of a dependency."""

    def get(_call: HandlerCall) -> Any:
        return annotated(scopes=list(scopes))

    return Supply((annotated, scopes), get, of_client=False)


def context_supply(parameter: TypedParameter) -> Supply | None:
    """The socket, the handshake and the like; None for a parameter of another type.

    Raises:
        TypeError: It is something that dependencies are not given.
    """
    annotation = parameter.annotation
    if isinstance(annotation, Unresolved) or (annotation is EMPTY and parameter.name == "socket"):
        provided: Provided | None = Provided.SOCKET
        annotation = None
    else:
        provided = provided_by(annotation)
    if provided is None:
        return None
    if provided is Provided.ACK:
        raise TypeError("only the handler acknowledges an event, by its own parameter")
    classes = tuple(classes_of(annotation))
    return Supply((provided, classes), getter_for(provided, annotation), provided in _OF_CLIENTS)


def is_request(annotated: type) -> bool:
    """True for the request of the client."""
    return annotated in (Request, HTTPConnection)


def is_tasks(annotated: type) -> bool:
    """True for background tasks."""
    return issubclass(annotated, BackgroundTasks)


def is_scopes(annotated: type) -> bool:
    """True for FastAPI's ``SecurityScopes``."""
    module = sys.modules.get("fastapi.security")
    return module is not None and issubclass(annotated, module.SecurityScopes)


def is_refused(annotated: type) -> bool:
    """True for a class that only requests have."""
    return issubclass(annotated, tuple(REFUSED))


def refusal(annotated: type) -> TypeError:
    """The error about a class that only requests have."""
    advice = next(REFUSED[refused] for refused in REFUSED if issubclass(annotated, refused))
    return TypeError(f"{annotated.__name__} cannot be supplied: {advice}")


def _with_bearer(headers: list[tuple[bytes, bytes]], token: object) -> list[tuple[bytes, bytes]]:
    """Headers with a token in place of any that came with the request."""
    if not isinstance(token, str) or not token.isascii() or not token.isprintable():
        return headers
    others = [header for header in headers if header[0] != b"authorization"]
    return [*others, (b"authorization", b"Bearer " + token.encode())]


async def _receive_nothing() -> Message:
    return {"type": "http.request", "body": b"", "more_body": False}
