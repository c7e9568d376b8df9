"""An engine on its own, served to raw clients; the test sees both sides."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, Protocol

import anyio

from socketio_asgi.engine import Engine, EngineObserver, EngineOptions, SessionCore
from socketio_asgi.engine.core import EngineCore
from socketio_asgi.engine.directory import SessionDirectory
from socketio_asgi.protocol import OutgoingPacket
from socketio_asgi.runtime import Runtime, RuntimeFactory, current_runtime
from tests.support.clients import WebSocketClient, engine_url
from tests.support.waiting import until

Scope = Any
Receive = Callable[[], Awaitable[Any]]
Send = Callable[[Any], Awaitable[None]]


class ServerSide:
    """The server's side of one session: what came, and how it ended."""

    def __init__(self, session: SessionCore, *, echo: bool) -> None:
        self.session = session
        self.messages: list[str | bytes] = []
        self.closed: tuple[str, str | None] | None = None
        self._echo = echo

    @property
    def reason(self) -> str | None:
        return self.closed[0] if self.closed else None

    def on_open(self) -> None:
        pass

    def on_message(self, data: str | bytes) -> None:
        self.messages.append(data)
        if self._echo:
            self.send(data)

    def on_event(self, number: int | None, items: list[Any]) -> bool:
        return False

    def on_close(self, reason: str, description: str | None) -> None:
        assert self.closed is None, "closed twice"
        self.closed = (reason, description)

    def send(self, *messages: str | bytes, compress: bool = True) -> None:
        self.session.send([OutgoingPacket.message(data, compress=compress) for data in messages])


class EngineApp:
    """The ASGI application; every path belongs to the engine.

    Args:
        echo: whether messages are sent back.
        observer, directory, runtime_factory: those of :class:`Engine`.
        options: those of :class:`EngineOptions`.
    """

    def __init__(
        self,
        *,
        echo: bool = True,
        observer: EngineObserver | None = None,
        directory: SessionDirectory | None = None,
        runtime_factory: RuntimeFactory = current_runtime,
        **options: Any,
    ) -> None:
        self.clients: list[ServerSide] = []
        self.url = ""
        self._echo = echo
        self.engine = Engine(
            EngineOptions(**options),
            self._on_session,
            observer,
            directory=directory,
            runtime_factory=runtime_factory,
        )

    def _on_session(self, session: SessionCore) -> ServerSide:
        self.clients.append(ServerSide(session, echo=self._echo))
        return self.clients[-1]

    @property
    def client(self) -> ServerSide:
        """The latest one."""
        return self.clients[-1]

    @property
    def core(self) -> EngineCore:
        """The inside of the engine."""
        return self.engine.__socketio__

    @property
    def runtime(self) -> Runtime:
        assert self.core.runtime is not None
        return self.core.runtime

    def ws_url(self, sid: str = "", eio: str = "4", **query: str) -> str:
        more = {"sid": sid, **query} if sid else query
        return engine_url(self.url, EIO=eio, transport="websocket", **more)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        handlers = {
            "http": self.core.requests.handle_http,
            "websocket": self.core.requests.handle_websocket,
            "lifespan": self._lifespan,
        }
        await handlers[scope["type"]](scope, receive, send)

    async def _lifespan(self, scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        async with self.core.lifespan():
            await send({"type": "lifespan.startup.complete"})
            await receive()
        await send({"type": "lifespan.shutdown.complete"})


async def assert_nothing_is_read_meanwhile(app: EngineApp, ws: WebSocketClient) -> None:
    """Reading is paused, the messages 0 to 2 were sent; what the server sends still goes out."""
    app.client.send("meanwhile")
    assert await ws.receive() == "4meanwhile"
    await anyio.wait_all_tasks_blocked()
    # The reader may have asked for the first one already.
    assert app.client.messages in ([], ["0"])
    app.client.session.resume_reading()
    await until(lambda: app.client.messages == ["0", "1", "2"])


class StartEngine(Protocol):
    """``await start_engine(echo=True, **options)``."""

    async def __call__(
        self, *, wrap: Callable[[Any], Any] | None = None, echo: bool = True, **options: Any
    ) -> EngineApp: ...
