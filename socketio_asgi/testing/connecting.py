"""Connecting a client with an application, which is served for that."""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager, AsyncExitStack
from types import TracebackType
from typing import Any, Unpack, cast

from ..asgi.entry_point import AnyApplication
from .client import TestClient
from .clock import Clock
from .options import TestClientOptions
from .server import TestServer, server_of


def connect(
    app: AnyApplication | TestServer,
    namespace: str = "/",
    *,
    raise_server_exceptions: bool = True,
    clock: Clock | None = None,
    lifespan: bool = True,
    **options: Unpack[TestClientOptions],
) -> AbstractAsyncContextManager[TestClient]:
    """A client of an ASGI application in this process, which is connected in its context.

    The first one that is connected with an application serves it for that time, its lifespan
    included; others that are connected meanwhile are connected with the same. What comes first has
    to end last, as in ``async with connect(app) as ann, connect(app) as bob``.

    Args:
        app: The application: a :class:`~socketio_asgi.Server`, one of any framework around it, or a
            :class:`TestServer`.
        namespace: The name of the namespace.
        raise_server_exceptions: Whether errors of the application reach the test; see
            :class:`TestServer`.
        clock: A clock that the test moves.
        lifespan: Whether the lifespan is run; False when something else does that.
        **options: The options of the client; see :class:`TestClientOptions`.

    Returns:
        A context, in which there is a connected :class:`TestClient`.

    Example:
        ```python
        async def test_echo():
            async with connect(app, auth={"token": "abc"}) as client:
                assert await client.emit_with_ack("echo", "hello") == "hello"
        ```
    """
    server = {
        "raise_server_exceptions": raise_server_exceptions,
        "clock": clock,
        "lifespan": lifespan,
    }
    return Connecting(app, server, namespace, options)


class Connecting(AbstractAsyncContextManager[TestClient]):
    """A client that is about to be connected; see :func:`connect`."""

    def __init__(
        self,
        app: AnyApplication | TestServer,
        server: dict[str, Any],
        namespace: str,
        options: TestClientOptions,
    ) -> None:
        self._app = app
        self._server = server
        self._namespace = namespace
        self._options = options
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> TestClient:
        async with AsyncExitStack() as stack:
            server = _find_server(self._app, self._server)
            if server is None:
                server = TestServer(cast("AnyApplication", self._app), **self._server)
                await stack.enter_async_context(server)
            client = server.connect(self._namespace, **self._options)
            await stack.enter_async_context(client)
            self._stack = stack.pop_all()
        return client

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc_value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self._stack.__aexit__(exc_type, exc_value, traceback)


def _find_server(app: AnyApplication | TestServer, options: dict[str, Any]) -> TestServer | None:
    """The server of an application that is served already.

    Raises:
        RuntimeError: It is served with other options.
    """
    server = app if isinstance(app, TestServer) else server_of(app)
    if server is None:
        return None
    clock, raises = options["clock"], options["raise_server_exceptions"]
    if (clock is not None and clock is not server.clock) or not (raises or not server.raises):
        raise RuntimeError(
            "the application is served already, without this clock or with exceptions raised: give"
            " the first client, or the TestServer, these options"
        )
    return server
