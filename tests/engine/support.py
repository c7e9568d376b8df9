"""An engine on its own, served to raw clients; the test sees both sides."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, Protocol

import anyio

from socketio_asgi.engine import Engine, EngineOptions, Session
from socketio_asgi.protocol import OutgoingPacket
from socketio_asgi.runtime import Runtime
from tests.support.clients import WebSocketClient, engine_url
from tests.support.waiting import until

Scope = Any
Receive = Callable[[], Awaitable[Any]]
Send = Callable[[Any], Awaitable[None]]


class ServerSide:
    """The server's side of one session: what came, and how it ended."""

    def __init__(self, session: Session, *, echo: bool) -> None:
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

    def on_close(self, reason: str, description: str | None) -> None:
        assert self.closed is None, "closed twice"
        self.closed = (reason, description)

    def send(self, *messages: str | bytes, compress: bool = True) -> None:
        self.session.send([OutgoingPacket.message(data, compress=compress) for data in messages])


class EngineApp:
    """The ASGI application; every path belongs to the engine.

    Args:
        echo: whether messages are sent back.
        options: those of :class:`EngineOptions`.
    """

    def __init__(self, *, echo: bool = True, **options: Any) -> None:
        self.clients: list[ServerSide] = []
        self.url = ""
        self._echo = echo
        self.engine = Engine(EngineOptions(**options), self._on_session)

    def _on_session(self, session: Session) -> ServerSide:
        self.clients.append(ServerSide(session, echo=self._echo))
        return self.clients[-1]

    @property
    def client(self) -> ServerSide:
        """The latest one."""
        return self.clients[-1]

    @property
    def runtime(self) -> Runtime:
        assert self.engine.runtime is not None
        return self.engine.runtime

    def ws_url(self, sid: str = "", eio: str = "4", **query: str) -> str:
        more = {"sid": sid, **query} if sid else query
        return engine_url(self.url, EIO=eio, transport="websocket", **more)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        handlers = {
            "http": self.engine.handle_http,
            "websocket": self.engine.handle_websocket,
            "lifespan": self._lifespan,
        }
        await handlers[scope["type"]](scope, receive, send)

    async def _lifespan(self, scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        async with self.engine.lifespan():
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
