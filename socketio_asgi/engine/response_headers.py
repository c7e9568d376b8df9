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
import re
from collections.abc import Callable, Mapping, Sequence

from starlette.datastructures import MutableHeaders

from ..runtime.callables import locate
from ..runtime.log_limit import may_log_fault
from ..websocket.headers import Header, is_token
from .http.request import EngineRequest
from .http.response import Response, compressed
from .options import EngineOptions

logger: logging.Logger = logging.getLogger("socketio_asgi.engine")

_VALUE = re.compile(r"[\t\x20-\x7e\x80-\xff]*")
"""The value of a header (RFC 9110, section 5.5)."""


class ResponseHeaders(MutableHeaders):
    """Headers that an application adds to a response; names are case-insensitive.

    A name may have several values, each in a header of its own. Whatever could not be sent is
    refused at once, when it is set.

    Example:
        ```python
        @io.engine.on("initial_headers")
        def first_response(headers: ResponseHeaders, request: EngineRequest) -> None:
            headers["X-Served-By"] = "one"
            headers["Set-Cookie"] = ["a=1", "b=2"]
            headers.append("Set-Cookie", "c=3")
        ```
    """

    def __init__(self) -> None:
        super().__init__(raw=[])

    def __setitem__(self, key: str, value: str | Sequence[str]) -> None:
        """Set the value of a header, or its values, in place of those that it has.

        Raises:
            TypeError: The value is neither text nor a list of texts.
            ValueError: The name or a value cannot be sent in a header.
        """
        values = [value] if isinstance(value, str) else value
        if not isinstance(values, (list, tuple)):
            raise TypeError(f"the header {key!r} takes text or a list of texts, not {value!r}")
        headers = [_encode(key, item) for item in values]
        del self[key]
        self.raw.extend(headers)

    def append(self, key: str, value: str) -> None:
        """Add a header beside others of that name.

        Raises:
            TypeError: The value is no text.
            ValueError: The name or the value cannot be sent in a header.
        """
        self.raw.append(_encode(key, value))

    def setdefault(self, key: str, value: str) -> str:
        """Set the value of a header that has none yet; see :meth:`append`.

        Returns:
            The value that it has now.
        """
        if key not in self:
            self.append(key, value)
        return self[key]


def _encode(name: object, value: object) -> Header:
    if not isinstance(name, str) or not isinstance(value, str):
        raise TypeError(f"the header {name!r} takes text or a list of texts, not {value!r}")
    if not is_token(name):
        raise ValueError(f"{name!r} is not the name of a header")
    if not _VALUE.fullmatch(value):
        raise ValueError(f"the header {name!r} cannot have the value {value!r}")
    # Space around a value is not part of it, and some ASGI servers refuse to send it.
    return name.lower().encode(), value.strip(" \t").encode("latin-1")


HeaderHook = Callable[[ResponseHeaders, EngineRequest], object]
"""Called with headers, to which it may add some, and the request."""

HEADER_EVENTS = ("initial_headers", "headers")
"""The events for headers of the application: the first for the first response to a client, the
second for all."""


class ResponseCompleter:
    """Compresses responses, and adds the headers of CORS and of the application.

    Args:
        options: The engine's options.

    Attributes:
        hooked: Whether the application adds headers.
    """

    def __init__(self, options: EngineOptions) -> None:
        self._policy = options.origin_policy
        self._threshold = options.compression_threshold
        self._hooks: Mapping[str, list[HeaderHook]] = {name: [] for name in HEADER_EVENTS}
        self.hooked: bool = False

    def add_hook(self, name: str, hook: HeaderHook) -> None:
        """Add a function of the application to one of the :data:`HEADER_EVENTS`."""
        self._hooks[name].append(hook)
        self.hooked = True

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
        if self.hooked:
            response = response.with_headers(self.of_application(request))
        return response

    def of_application(self, request: EngineRequest) -> list[Header]:
        """The headers that the application adds to the answer to a request."""
        if not self.hooked:
            return []
        headers = ResponseHeaders()
        for name in HEADER_EVENTS[1:] if request.sid else HEADER_EVENTS:
            for hook in tuple(self._hooks[name]):
                try:
                    hook(headers, request)
                except Exception as error:
                    if may_log_fault(locate(hook), error):
                        logger.exception("the listener %r of %r raised", hook, name)
        return headers.raw
