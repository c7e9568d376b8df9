"""A client for tests that are plain functions, beside Starlette's TestClient."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Generator, Mapping
from contextlib import contextmanager
from functools import partial
from typing import Any, Protocol, TypeVar, Unpack

from anyio.from_thread import BlockingPortal

from ..asgi.entry_point import AnyApplication
from ..checks import shown
from ..client.streams import ReceivedEvent
from ..events.declared import Event
from .client import TestClient
from .connecting import connect
from .options import TestClientOptions
from .receiving import TIMEOUT_SECONDS

ResultT = TypeVar("ResultT")


class HTTPTestClient(Protocol):
    """Starlette's ``TestClient``, which is FastAPI's as well, as far as it is needed."""

    @property
    def app(self) -> Any:
        """The application."""
        ...

    @property
    def portal(self) -> BlockingPortal | None:
        """The way to the event loop, in which the application runs; None outside of ``with``."""
        ...

    @property
    def cookies(self) -> Mapping[str, str]:
        """The cookies of its requests."""
        ...


@contextmanager
def connect_blocking(
    http: Any, namespace: str = "/", **options: Unpack[TestClientOptions]
) -> Generator[BlockingClient]:
    """A client for tests that are plain functions, beside Starlette's ``TestClient``.

    It is connected with the same application, lives in the same event loop, which runs in another
    thread, and begins with the same cookies.

    Args:
        http: The ``TestClient``, in its ``with``.
        namespace: The name of the namespace.
        **options: The options of the client; see :class:`TestClientOptions`.

    Raises:
        RuntimeError: The ``TestClient`` was not entered.
        TypeError: It is none.

    Example:
        ```python
        def test_announcement():
            with TestClient(app) as http, connect_blocking(http) as client:
                http.post("/announce", params={"text": "hello"})
                assert client.received("announced") == "hello"
        ```
    """
    if not hasattr(http, "portal") or not hasattr(http, "app"):
        raise TypeError(f"connect_blocking() takes a TestClient of Starlette, not {shown(http)}")
    test_client: HTTPTestClient = http
    portal = test_client.portal
    if portal is None:
        raise RuntimeError("enter the TestClient first: with TestClient(app) as http")
    options.setdefault("cookies", dict(test_client.cookies))
    app: AnyApplication = test_client.app
    connecting = connect(app, namespace, lifespan=False, **options)  # its lifespan runs already
    with portal.wrap_async_context_manager(connecting) as client:
        yield BlockingClient(client, portal)


class BlockingClient:
    """A client in a test, whose methods wait for what they do; see :func:`connect_blocking`.

    Args:
        client: The client.
        portal: The way to its event loop.

    Attributes:
        client: The same; for everything that this class has not, ``run()`` calls its methods.
    """

    def __init__(self, client: TestClient, portal: BlockingPortal) -> None:
        self.client: TestClient = client
        self._portal = portal

    def __repr__(self) -> str:
        return repr(self.client)

    def run(
        self, function: Callable[..., Awaitable[ResultT]], *args: Any, **kwargs: Any
    ) -> ResultT:
        """Call an asynchronous function in the event loop, and wait for it."""
        return self._portal.call(partial(function, *args, **kwargs))

    @property
    def id(self) -> str | None:
        """The id that the server gave this client; None while it is not connected."""
        return self.client.id

    @property
    def connected(self) -> bool:
        """True while the client is connected."""
        return self.client.connected

    @property
    def history(self) -> tuple[ReceivedEvent, ...]:
        """All events that came; see :attr:`TestClient.history`."""
        return self.client.history

    def emit(self, event: str, *args: Any) -> None:
        """Send an event."""
        self.run(self.client.emit, event, *args)

    def emit_with_ack(self, event: str, *args: Any, timeout: float | None = None) -> Any:
        """Send an event, and wait for the first value of its acknowledgement."""
        return self.run(self.client.emit_with_ack, event, *args, timeout=timeout)

    def received(self, event: str | Event[Any, Any], /, *, timeout: float = TIMEOUT_SECONDS) -> Any:
        """The values of the next event of that name; see :meth:`TestClient.received`."""
        return self.run(self.client.received, event, timeout=timeout)

    def next_event(self, *, timeout: float = TIMEOUT_SECONDS) -> ReceivedEvent:
        """The next event of any name; see :meth:`TestClient.next_event`."""
        return self.run(self.client.next_event, timeout=timeout)

    def assert_nothing_received(self, *events: str | Event[Any, Any]) -> None:
        """Check that no other event came; see :meth:`TestClient.assert_nothing_received`."""
        self.run(self.client.assert_nothing_received, *events)

    def disconnected(self, *, timeout: float = TIMEOUT_SECONDS) -> str:
        """Wait until the client is disconnected; see :meth:`TestClient.disconnected`."""
        return self.run(self.client.disconnected, timeout=timeout)

    def disconnect(self) -> None:
        """Leave the namespace."""
        self.run(self.client.disconnect)
