"""The exceptions that applications raise or catch.

SocketIOError
├── ConnectionRefused       raise it in a middleware: the client may not join the namespace
├── ConnectError            a client got no connection with its server (also a ConnectionError)
│   ├── TransportError      the server cannot be reached, or does not answer as one
│   └── ConnectTimeout      it did not answer in time (also a TimeoutError)
├── RequestRefused          raise it in allow_request: the client may not connect at all
├── EventError              raise or return it in a handler: the client gets an error
│   └── EventValidationError   the arguments of an event do not fit its handler
├── AckError
│   ├── AckTimeout          the other side did not answer in time (also a TimeoutError)
│   ├── BroadcastAckError   not all clients answered; it has the replies (also a TimeoutError)
│   ├── ClientDisconnected  the client left before it answered (also a ConnectionError)
│   ├── ConnectionLost      in a client: the connection ended before the answer (the same)
│   └── InvalidAck          it answered with something else than was declared
├── NotRetryable            an adapter cannot start, and it makes no sense to try again
└── (ProtocolError and its subclasses are in socketio_asgi.protocol)
"""

from __future__ import annotations

from typing import Any, TypedDict

from .checks import check_error_status, check_text


class ErrorDetail(TypedDict):
    """One problem of a value, as clients are told of it."""

    loc: list[str | int]
    """The way to the value: the name of the parameter, then fields and indexes."""
    type: str
    """The problem in one word, such as ``missing``."""
    msg: str
    """The problem in a sentence."""


class SocketIOError(Exception):
    """Base of the exceptions of this package."""


class ConnectionRefused(SocketIOError):
    """Raised by a middleware to refuse a client, which gets a ``connect_error`` event.

    Args:
        message: The text of ``error.message`` on the client.
        data: The value of ``error.data`` on the client: anything that JSON has.

    Raises:
        TypeError: The message is not text.

    Source: https://socket.io/docs/v4/middlewares/#handling-middleware-error
    """

    def __init__(self, message: str = "Connection refused", data: Any = None) -> None:
        check_text("message", message)
        super().__init__(message, data)
        self.message = message
        self.data = data

    def __str__(self) -> str:
        return self.message


class ConnectError(SocketIOError, ConnectionError):
    """A client got no connection with its server."""


class TransportError(ConnectError):
    """A client cannot reach its server, or what answers there is none.

    Args:
        message: What happened.
        status: The HTTP status of the answer; None when there was none.
        body: The beginning of the answer's body, as text.

    Attributes:
        message: The same.
        status: The same.
        body: The same.
    """

    def __init__(self, message: str, status: int | None = None, body: str = "") -> None:
        super().__init__(message, status, body)
        self.message: str = message
        self.status: int | None = status
        self.body: str = body

    def __str__(self) -> str:
        return self.message


class ConnectTimeout(ConnectError, TimeoutError):
    """A server did not answer a client that wants to connect, in time.

    Args:
        seconds: The time that was waited.

    Attributes:
        seconds: The same.
    """

    def __init__(self, seconds: float) -> None:
        super().__init__(seconds)
        self.seconds: float = seconds

    def __str__(self) -> str:
        return f"the server did not answer within {self.seconds:g} seconds"


class RequestRefused(SocketIOError):
    """Raised by ``allow_request`` to refuse a client before a connection is made.

    Args:
        message: The message in the JSON body of the response.
        status: The HTTP status of the response, from 400 to 599.

    Raises:
        TypeError: The message is not text, or the status no number.
        ValueError: It is not the status of an error.

    Source: https://socket.io/docs/v4/server-options/#allowrequest
    """

    def __init__(self, message: str = "Forbidden", status: int = 403) -> None:
        check_text("message", message)
        check_error_status(status)
        super().__init__(message, status)
        self.message = message
        self.status = status

    def __str__(self) -> str:
        return self.message


class EventError(SocketIOError):
    """Raised or returned by the handler of an event: the error that its client is told.

    A client that asked for an acknowledgement gets ``{"error": {"code": ..., "message": ...,
    "details": ...}}`` as its only value. To declare an error, make a subclass with a ``code``, and
    with an annotation of ``details`` if it has any; it is raised without a code then.

    Args:
        code: The name of the error, for programs.
        message: What happened, for people.
        details: More about it: anything that can be sent.

    Raises:
        TypeError: There is no code, or code or message are not text.
        ValueError: The class has another code.

    Attributes:
        code: The same.
        message: The same.
        details: The same.
        status: The HTTP status of an error that was made of an HTTPException; else None.

    Example:
        ```python
        class RoomFull(EventError):
            code = "room_full"
            details: Room

        raise RoomFull(details=Room("lobby", members=50))
        ```
    """

    code: str = ""
    message: str = ""
    details: Any = None
    status: int | None = None

    def __init__(self, code: str | None = None, message: str | None = None, details: Any = None):
        own = type(self).code
        if code is None:
            code = own
        if not code:
            raise TypeError(f"{type(self).__name__} needs a code, such as 'not_found'")
        check_text("code", code)
        if own and code != own:
            raise ValueError(
                f"{type(self).__name__} has the code {own!r}; write"
                f" {type(self).__name__}(message=...)"
            )
        message = type(self).message if message is None else message
        check_text("message", message)
        super().__init__(code, message, details)
        self.code = code
        self.message = message
        self.details = details

    def __str__(self) -> str:
        return f"{self.code}: {self.message}" if self.message else self.code


class EventValidationError(EventError):
    """The arguments of an event do not fit the annotations of its handler, or some are missing.

    Args:
        details: What is wrong, each with ``loc``, ``type`` and ``msg``.

    Attributes:
        details: The same.
    """

    code: str = "validation"
    message: str = "invalid arguments"
    details: list[ErrorDetail]

    def __init__(self, details: list[ErrorDetail]) -> None:
        super().__init__(details=details)

    def __str__(self) -> str:
        lines = (f"{'.'.join(map(str, each['loc']))}: {each['msg']}" for each in self.details)
        return "; ".join(lines)


class AckError(SocketIOError):
    """An acknowledgement that was waited for will not come."""


class AckTimeout(AckError, TimeoutError):
    """The other side did not acknowledge an event in time.

    Args:
        event: The name of the event.
        timeout: The time that was waited, in seconds.
    """

    def __init__(self, event: str, timeout: float) -> None:
        super().__init__(event, timeout)
        self.event = event
        self.timeout = timeout

    def __str__(self) -> str:
        return f"{self.event!r} was not acknowledged within {self.timeout} seconds"


class ClientDisconnected(AckError, ConnectionError):
    """The client left before it acknowledged an event.

    Args:
        event: The name of the event.
    """

    def __init__(self, event: str) -> None:
        super().__init__(event)
        self.event = event

    def __str__(self) -> str:
        return f"the client disconnected before it acknowledged {self.event!r}"


class ConnectionLost(AckError, ConnectionError):
    """A client lost the connection before the server acknowledged an event.

    Args:
        event: The name of the event.
    """

    def __init__(self, event: str) -> None:
        super().__init__(event)
        self.event = event

    def __str__(self) -> str:
        return f"the connection ended before the server acknowledged {self.event!r}"


class BroadcastAckError(AckError, TimeoutError):
    """Not all clients acknowledged a broadcast.

    Args:
        event: The name of the event.
        replies: The acknowledgements that came, as the call would have returned them: the first
            value of each, or all values of each.
        missing: The number of clients that did not acknowledge: they left, or time was up.
        left: The number of those that left.
        silent_servers: The number of servers of the cluster that did not even say how many clients
            they reached.
        silent_server_ids: The ids of those servers, as far as they are known.
    """

    def __init__(
        self,
        event: str,
        replies: list[Any],
        missing: int,
        left: int = 0,
        silent_servers: int = 0,
        *,
        silent_server_ids: tuple[str, ...] = (),
    ) -> None:
        super().__init__(event, replies, missing, left, silent_servers)
        self.event = event
        self.replies = replies
        self.missing = missing
        self.left = left
        self.silent_servers = silent_servers
        self.silent_server_ids = silent_server_ids

    def __str__(self) -> str:
        servers = f" and {self.silent_servers} servers" if self.silent_servers else ""
        return (
            f"{len(self.replies)} acknowledgements of {self.event!r} came,"
            f" {self.missing} clients{servers} did not answer"
        )


class InvalidAck(AckError):
    """The other side answered with something else than the event declares.

    Args:
        event: The name of the event.
        details: What is wrong, each with ``loc``, ``type`` and ``msg``.
    """

    def __init__(self, event: str, details: list[ErrorDetail]) -> None:
        super().__init__(event, details)
        self.event = event
        self.details = details

    def __str__(self) -> str:
        problems = "; ".join(each["msg"] for each in self.details)
        return f"{self.event!r} was acknowledged with an invalid answer: {problems}"


class NotRetryable(SocketIOError):
    """An adapter cannot start, and it makes no sense to try again; the message says why.

    Such as a wrong URL, a wrong password, or a package that is not installed.
    """
