"""The client of tests: it keeps what came, and its line can be cut."""

from __future__ import annotations

from collections.abc import Coroutine, Generator
from contextlib import contextmanager, nullcontext
from types import TracebackType
from typing import Any, Self, cast

from ..client import Client
from ..client.manager_core import ManagerCore
from ..client.options import Auth
from ..exceptions import ConnectError, ConnectionRefused
from ..runtime.log_limit import fault_listener
from .application import Application
from .asgi_network import ASGINetwork
from .clock import Clock
from .receiving import Receiving
from .settling import settle

DEFAULTS: dict[str, Any] = {
    "transports": ("websocket",),
    "reconnection": False,
    "randomization_factor": 0.0,
}
"""The options whose defaults are others than those of the client."""


class TestNamespace(Receiving):
    """Another namespace of a client in a test; made by :meth:`TestClient.of`."""

    __test__ = False  # pytest takes classes of that name for tests

    def __init__(
        self, manager: ManagerCore, name: str, auth: Auth, application: Application, *, raises: bool
    ) -> None:
        super().__init__(manager, name, auth)
        self._begin_to_receive(application, raises=raises)


class TestClient(Receiving, Client):
    """A client of an application that is served in this process.

    It is a :class:`~socketio_asgi.client.Client` with all that it does; made by
    :func:`~socketio_asgi.testing.connect` or :meth:`~socketio_asgi.testing.TestServer.connect`.
    Three defaults are others: it begins with WebSocket, it does not connect again by itself, so
    that what a test sees is what has happened, and reconnection has no random delays.
    """

    __test__ = False  # pytest takes classes of that name for tests

    def __init__(
        self,
        url: str,
        network: ASGINetwork,
        application: Application,
        *,
        raises: bool,
        clock: Clock | None,
        **options: Any,
    ) -> None:
        self._network = network
        self._clock = clock
        self._application = application
        self._raises = raises
        super().__init__(url, network=network, **{**DEFAULTS, **options})
        self._begin_to_receive(application, raises=raises)

    def of(self, name: str, *, auth: Auth = None) -> TestNamespace:
        """Another namespace over the same connection, with all methods of a client in a test.

        See :meth:`socketio_asgi.client.Client.of`.
        """
        return cast("TestNamespace", super().of(name, auth=auth))

    def _make_namespace(self, name: str, auth: Auth) -> TestNamespace:
        return TestNamespace(self._manager, name, auth, self._application, raises=self._raises)

    @property
    def transport(self) -> str | None:
        """The transport, ``"polling"`` or ``"websocket"``; None without a connection."""
        session = self._manager.session
        return None if session is None or session.transport is None else session.transport.name

    @property
    def cookies(self) -> dict[str, str]:
        """The cookies of the client: those that it was given, and those that were set."""
        return self._network.cookies

    # -- coming and going --------------------------------------------------------------------

    async def __aenter__(self) -> Self:
        # Everything that follows from it has happened when this returns.
        with self._surroundings():
            await super().__aenter__()
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc_value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        # What was sent arrives first.
        if exc_value is None:
            await settle()
        if self._network.line.stalled:
            self._network.line.drop()  # nobody will answer
        await self._moving_on(super().__aexit__(exc_type, exc_value, traceback))
        if exc_value is None:
            self.__raise_faults__()

    async def connect(self) -> None:
        """Connect again; see :meth:`socketio_asgi.client.Client.connect`."""
        with self._surroundings():
            await super().connect()

    async def _connect_all(self) -> None:
        try:
            await super()._connect_all()
            self._application.check_clock()
            if self._manager.session is not None:
                await self._moving_on(self._manager.session.upgraded())
            await settle()
        except (ConnectError, ConnectionRefused) as error:
            self.__raise_faults__()  # they are the cause
            if isinstance(error, ConnectionRefused) and error.data is not None:
                error.add_note(f"data: {error.data!r}")
            raise

    async def _moving_on(self, ending: Coroutine[Any, Any, None]) -> None:
        """Wait for something, for which the time of a clock may have to pass."""
        clock = self._clock
        with nullcontext() if clock is None else clock.__moving__(self._application.runtime):
            await ending

    @contextmanager
    def _surroundings(self) -> Generator[None]:
        """Let what begins within have the clock of the test, and tell it of errors in handlers."""
        with nullcontext() if self._clock is None else self._clock.in_use():
            token = fault_listener.set(self._application.faults.add)
            try:
                yield
            finally:
                fault_listener.reset(token)

    # -- faults of the network ---------------------------------------------------------------

    def drop_connection(self) -> None:
        """Break the connection, as a network does; both sides notice that at once."""
        self._network.line.drop()

    def go_offline(self) -> None:
        """Break the connection, and let no other be made until :meth:`go_online`."""
        self._network.line.cut_off()

    def go_silent(self) -> None:
        """Let nothing through in either direction until :meth:`go_online`; neither side notices.

        Such as a notebook that is closed: the server finds out when no pong comes.
        """
        self._network.line.stalled = True

    def go_online(self) -> None:
        """Let everything through again; what was held back arrives."""
        self._network.line.restore()
