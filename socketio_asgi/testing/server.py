"""An ASGI application that is served in the process of a test."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Coroutine, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, nullcontext
from contextvars import copy_context
from itertools import count
from types import TracebackType
from typing import Any, Self, Unpack

from ..asgi.entry_point import AnyApplication
from ..checks import check_flag, shown
from ..client.network.base import Network
from ..protocol.names import normalize_name
from ..runtime import open_runtime
from .application import Application
from .asgi_network import ASGINetwork
from .client import TestClient
from .clock import Clock
from .lifespan import Lifespan
from .options import TestClientOptions

BASE_URL = "http://testserver"
"""The address that clients connect to, unless a test says otherwise."""

HOST = "127.0.0.1"
"""The host that clients seem to be on."""

FIRST_PORT = 50_000
"""The port that the first client seems to have; the others have the ones after it."""

NETWORK_OPTIONS = ("cookies", "client_address", "root_path")
"""The options of clients that concern the way to the application."""


class TestServer:
    """An application that is served in this process, for the time of a context.

    Its lifespan is run, if it has one, as by an ASGI server. What the application raises reaches
    the test, errors in handlers of Socket.IO included: the next call of a client raises it, or the
    end of the context.

    Args:
        app: The application: a :class:`~socketio_asgi.Server`, or one of any framework around it.
        raise_server_exceptions: Whether errors of the application reach the test.
        clock: A clock that the test moves: all deadlines of the server and of its clients have it.
        lifespan: Whether the lifespan is run; False when something else does that.

    Raises:
        TypeError: The application cannot be called, or an option is of the wrong kind.

    Attributes:
        app: The same.
        clock: The same.
        raises: Whether errors of the application reach the test.

    Example:
        ```python
        async with TestServer(app) as server:
            async with server.connect() as ann, server.connect() as bob:
                ...
        ```
    """

    __test__ = False  # pytest takes classes of that name for tests

    def __init__(
        self,
        app: AnyApplication,
        *,
        raise_server_exceptions: bool = True,
        clock: Clock | None = None,
        lifespan: bool = True,
    ) -> None:
        if not callable(app):
            raise TypeError(f"app has to be an ASGI application, not {shown(app)}")
        _check_clock(clock)
        self.app: AnyApplication = app
        self.clock: Clock | None = clock
        self.raises: bool = check_flag("raise_server_exceptions", raise_server_exceptions)
        self._has_lifespan = check_flag("lifespan", lifespan)
        self._stack = AsyncExitStack()
        self._application: Application | None = None
        self._ports = count(FIRST_PORT)

    def __repr__(self) -> str:
        return f"<TestServer {self.app!r}>"

    async def __aenter__(self) -> Self:
        if self._application is not None:
            raise RuntimeError("this TestServer runs already, or did: make another one")
        self._application = await self._stack.enter_async_context(self._serve())
        if server_of(self.app) is None:
            _served[id(self.app)] = self
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc_value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if _served.get(id(self.app)) is self:
            del _served[id(self.app)]
        await self._stack.__aexit__(exc_type, exc_value, traceback)
        if exc_value is None:
            self.__raise_faults__()

    @asynccontextmanager
    async def _serve(self) -> AsyncGenerator[Application]:
        clock = self.clock
        with nullcontext() if clock is None else clock.__time__.in_use() as runtimes:
            context = copy_context()
        async with open_runtime() as runtime:
            application = Application(self.app, runtime, context, runtimes)
            lifespan = Lifespan(runtime)
            try:
                if self._has_lifespan:
                    await lifespan.start(application)
                try:
                    yield application
                finally:
                    if self._has_lifespan:
                        await self._moving_on(lifespan.stop())
            finally:
                await application.end_calls()

    async def _moving_on(self, ending: Coroutine[Any, Any, None]) -> None:
        """Wait for the end of the server, whose grace is one of the deadlines of a clock."""
        runtime = self.__application__.runtime
        with nullcontext() if self.clock is None else self.clock.__moving__(runtime):
            await ending

    @property
    def __application__(self) -> Application:
        # The running application.
        if self._application is None:
            raise RuntimeError("a TestServer serves within its context: async with TestServer(app)")
        return self._application

    def __raise_faults__(self) -> None:
        # The errors that the test has not been told of.
        if self.raises:
            self.__application__.faults.raise_first()

    def connect(self, namespace: str = "/", **options: Unpack[TestClientOptions]) -> TestClient:
        """A new client, which is connected in its context.

        Args:
            namespace: The name of the namespace.
            **options: The options of the client; see
                :class:`~socketio_asgi.testing.TestClientOptions`.

        Raises:
            TypeError: There is no such option, or one is of another kind.
            ValueError: An option makes no sense.
        """
        given: dict[str, Any] = dict(options)
        own = {name: given.pop(name) for name in NETWORK_OPTIONS if name in given}
        url = given.pop("base_url", BASE_URL).rstrip("/") + normalize_name(namespace)
        return TestClient(
            url,
            self._make_network(**own),
            self.__application__,
            raises=self.raises,
            clock=self.clock,
            **given,
        )

    def network(
        self,
        *,
        cookies: Mapping[str, str] | None = None,
        client_address: tuple[str, int] | None = None,
        root_path: str = "",
    ) -> Network:
        """A network on which all addresses lead to this application.

        For clients that the tested code makes: ``Client("https://example.com",
        network=server.network())``.

        Args:
            cookies: Cookies of each request, beside those that the server sets.
            client_address: The address that the client seems to have; by default another one each
                time.
            root_path: The prefix that a proxy in front of the application would strip from the
                path.
        """
        return self._make_network(cookies, client_address, root_path)

    def _make_network(
        self,
        cookies: Mapping[str, str] | None = None,
        client_address: tuple[str, int] | None = None,
        root_path: str = "",
    ) -> ASGINetwork:
        return ASGINetwork(
            self.__application__,
            cookies=cookies or {},
            client_address=client_address or (HOST, next(self._ports)),
            root_path=root_path,
        )


_served: dict[int, TestServer] = {}


def server_of(app: AnyApplication) -> TestServer | None:
    """The server that serves an application in this event loop, the first one if there are two."""
    server = _served.get(id(app))
    return server if server is not None and server.__application__.runtime.is_current() else None


def _check_clock(value: object) -> None:
    if value is not None and not isinstance(value, Clock):
        raise TypeError(f"clock has to be a Clock of socketio_asgi.testing, not {shown(value)}")
