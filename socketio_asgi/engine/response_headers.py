"""The headers of responses, beside those that every response has.

An answer to an HTTP request gets them in this order, which is also their order on the wire:

    1. of the session       the cookie, with the response that opens it
    2. of the body          its encoding; first, because what follows must not change the body
    3. of CORS              also for a refusal: the page may only read it with them
    4. of the application   last: they stand beside the others, and where a client takes one of a
                            name only, that is the last one

The acceptance of a WebSocket has neither a body nor CORS: 1 and 4.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping

from ..websocket.headers import Header
from .http.request import EngineRequest
from .http.response import Response, compressed, encode_header
from .options import EngineOptions

logger: logging.Logger = logging.getLogger("socketio_asgi.engine")

HeaderHook = Callable[[dict[str, str], EngineRequest], object]
"""Called with a dict of headers, to which it may add some, and the request."""


HEADER_EVENTS = ("initial_headers", "headers")
"""The events for headers of the application: the first for the first response to a client, the
second for all."""


class ResponseHeaders:
    """Adds the headers of CORS and of the application.

    Args:
        options: The engine's options.
    """

    def __init__(self, options: EngineOptions) -> None:
        self._policy = options.origin_policy
        self._threshold = options.compression_threshold
        self._hooks: Mapping[str, list[HeaderHook]] = {name: [] for name in HEADER_EVENTS}
        self._hooked = False

    def add_hook(self, name: str, hook: HeaderHook) -> None:
        """Add a function of the application to one of the :data:`HEADER_EVENTS`."""
        self._hooks[name].append(hook)
        self._hooked = True

    def preflight(self, request: EngineRequest) -> Response | None:
        """The answer to an OPTIONS request; None where CORS is not answered here."""
        if not self._policy.answers_preflight():
            return None
        headers = self._policy.preflight_headers(request, request.origin)
        return Response(204).with_headers(headers)

    def complete(self, request: EngineRequest, response: Response) -> Response:
        """The response as it goes out."""
        if self._threshold is not None and len(response.body) >= self._threshold:
            response = compressed(response, request)
        if request.origin is not None:
            response = response.with_headers(self._policy.response_headers(request, request.origin))
        if self._hooked:
            response = response.with_headers(self.of_application(request))
        return response

    def of_application(self, request: EngineRequest) -> list[Header]:
        """The headers that the application adds to the answer to a request."""
        headers: dict[str, str] = {}
        if not self._hooked:
            return []
        for name in HEADER_EVENTS[1:] if request.sid else HEADER_EVENTS:
            for hook in tuple(self._hooks[name]):
                try:
                    hook(headers, request)
                except Exception:
                    logger.exception("the listener %r of %r raised", hook, name)
        try:
            return [encode_header(name, value) for name, value in headers.items()]
        except ValueError:
            logger.exception("headers of the application left out")
            return []
