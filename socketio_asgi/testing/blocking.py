"""A client for tests that are plain functions, beside Starlette's TestClient."""

from __future__ import annotations

from collections.abc import Generator, Mapping
from contextlib import contextmanager
from functools import partial
from typing import Any, Protocol, Unpack

from anyio.from_thread import BlockingPortal

from ..asgi.entry_point import AnyApplication
from ..checks import shown
from ..client import ReceivedEvent, SyncClientSocket
from ..client.sync_client import Loop
from ..events.declared import Event
from .client import TestClient
from .connecting import connect
from .options import TestClientOptions
from .receiving import TIMEOUT_SECONDS


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
    http: Any,
    namespace: str = "/",
    *,
    raise_server_exceptions: bool = True,
    **options: Unpack[TestClientOptions],
) -> Generator[BlockingClient]:
    """A client for tests that are plain functions, beside Starlette's ``TestClient``.

    It is connected with the same application, lives in the same event loop, which runs in another
    thread, and begins with the same cookies.

    Args:
        http: The ``TestClient``, in its ``with``.
        namespace: The name of the namespace.
        raise_server_exceptions: Whether errors in handlers reach the test; see :class:`TestServer`.
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
    connecting = connect(
        app,
        namespace,
        raise_server_exceptions=raise_server_exceptions,
        lifespan=False,  # it runs already
        **options,
    )
    with portal.wrap_async_context_manager(connecting) as client:
        yield BlockingClient(client, portal)


class BlockingClient(SyncClientSocket):
    """A client in a test, whose methods wait for what they do; see :func:`connect_blocking`.

    It has the methods of a :class:`~socketio_asgi.client.SyncClient`, and those by which a
    :class:`TestClient` is asked for what came.

    Args:
        client: The client.
        portal: The way to its event loop.

    Attributes:
        client: The same.
    """

    def __init__(self, client: TestClient, portal: BlockingPortal) -> None:
        loop = Loop()
        loop.begin(portal)
        super().__init__(client, loop)
        self.client: TestClient = client

    @property
    def history(self) -> tuple[ReceivedEvent, ...]:
        """All events that came; see :attr:`TestClient.history`."""
        return self.client.history

    def received(self, event: str | Event[Any, Any], /, *, timeout: float = TIMEOUT_SECONDS) -> Any:
        """The values of the next event of that name; see :meth:`TestClient.received`."""
        return self._loop.call(partial(self.client.received, event, timeout=timeout))

    def next_event(self, *, timeout: float = TIMEOUT_SECONDS) -> ReceivedEvent:
        """The next event of any name; see :meth:`TestClient.next_event`."""
        return self._loop.call(partial(self.client.next_event, timeout=timeout))

    def assert_nothing_received(self, *events: str | Event[Any, Any]) -> None:
        """Check that no other event came; see :meth:`TestClient.assert_nothing_received`."""
        self._loop.call(self.client.assert_nothing_received, *events)

    def disconnected(self, *, timeout: float = TIMEOUT_SECONDS) -> str:
        """Wait until the client is disconnected; see :meth:`TestClient.disconnected`."""
        return self._loop.call(partial(self.client.disconnected, timeout=timeout))
