"""FastAPI: mount a server, and read values from the request of a connection as FastAPI does.

```python
from socketio_asgi.integrations.fastapi import mount

mount(app, "/socket.io", io)
```

Handlers take ``Depends``, ``Security``, ``Header`` and the like without this module, however the
server is put into an application.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import Any, cast

from fastapi import APIRouter, WebSocket
from fastapi.exceptions import WebSocketRequestValidationError
from starlette.requests import HTTPConnection
from starlette.types import Message, Scope

from socketio_asgi.integrations.starlette import SocketIOMount, get_server, mount

from ..exceptions import EventValidationError
from ..runtime.callables import locate
from ..validation.annotations import TypedParameter
from ..validation.errors import Problem, details_of

__all__ = ["SocketIOMount", "get_server", "mount"]

_CONNECTION = "socketio_asgi_connection"
_VALUES = "socketio_asgi.values"


class ConnectionReader:
    """Reads parameters from the request of a connection, by the rules of FastAPI.

    Strategy. Only FastAPI knows its rules, which change with its versions. So the parameters become
    those of a WebSocket route that no application has, and that is called with the request of the
    connection. This needs nothing of FastAPI that is not public.

    Args:
        parameters: The parameters.
        function: The function that they belong to.

    Raises:
        TypeError: One of them would be the body of a request, or FastAPI does not know its type.
    """

    def __init__(self, parameters: Sequence[TypedParameter], function: Callable[..., Any]) -> None:
        own = [_keyword_only(item) for item in parameters]
        _check_no_body(own, function)

        async def endpoint(**values: Any) -> None:
            websocket: WebSocket = values.pop(_CONNECTION)
            websocket.scope[_VALUES] = values

        connection = inspect.Parameter(_CONNECTION, _KEYWORD_ONLY, annotation=WebSocket)
        cast("Any", endpoint).__signature__ = inspect.Signature([*own, connection])
        router = APIRouter()
        router.add_api_websocket_route("/", endpoint)
        self._app = cast("Any", router.routes[0]).app

    async def read(self, request: HTTPConnection) -> Mapping[str, Any]:
        """The values by the names of the parameters.

        Raises:
            EventValidationError: One is missing, or cannot be converted.
        """
        scope: Scope = {**request.scope, "type": "websocket"}
        # Errors are this method's, and not to be handled by the application around it.
        scope.pop("starlette.exception_handlers", None)
        try:
            await self._app(scope, _receive, _send)
        except WebSocketRequestValidationError as error:
            raise EventValidationError(details_of(map(_problem, error.errors()))) from None
        return cast("Mapping[str, Any]", scope[_VALUES])


def _problem(error: dict[str, Any]) -> Problem:
    return Problem(tuple(error["loc"]), error["type"], error["msg"])


_KEYWORD_ONLY = inspect.Parameter.KEYWORD_ONLY


def _keyword_only(typed: TypedParameter) -> inspect.Parameter:
    return inspect.Parameter(
        typed.name, _KEYWORD_ONLY, default=typed.default, annotation=typed.annotation
    )


def _check_no_body(parameters: list[inspect.Parameter], function: Callable[..., Any]) -> None:
    def endpoint() -> None:
        """Have a signature."""

    cast("Any", endpoint).__signature__ = inspect.Signature(parameters)
    router = APIRouter()
    try:
        router.add_api_route("/", endpoint, methods=["POST"], response_model=None)
    except Exception as error:  # its kinds differ between versions
        raise TypeError(
            f"FastAPI cannot read the parameters of {locate(function)}: {error}"
        ) from error
    if cast("Any", router.routes[0]).body_field is not None:
        names = ", ".join(repr(parameter.name) for parameter in parameters)
        raise TypeError(
            f"of the parameters {names} of {locate(function)}, FastAPI takes at least one from the"
            " body of a request, which events do not have: take it as an argument of the handler,"
            " or mark it with Query, Header or Cookie"
        )


async def _receive() -> Message:
    return {"type": "websocket.connect"}


async def _send(_message: Message) -> None:
    """Nothing is sent."""
