"""What the official suites expect to talk to: echo servers with a quick heartbeat."""

from __future__ import annotations

from typing import Any

from socketio_asgi import Server, Socket
from tests.engine.support import EngineApp

PING_INTERVAL = 0.3  # seconds; written into the suites, as the other one
PING_TIMEOUT = 0.2

engine4 = EngineApp(ping_interval=PING_INTERVAL, ping_timeout=PING_TIMEOUT)
engine3 = EngineApp(ping_interval=PING_INTERVAL, ping_timeout=PING_TIMEOUT, allow_eio3=True)
socketio5 = Server(
    ping_interval=PING_INTERVAL,
    ping_timeout=PING_TIMEOUT,
    connect_timeout=1.5,  # the suite waits two seconds for it
)


async def send_auth(socket: Socket) -> None:
    await socket.emit("auth", socket.handshake.auth)


async def send_back(socket: Socket, *args: Any) -> None:
    await socket.emit("message-back", *args)


async def acknowledge(socket: Socket, *args: Any) -> tuple[Any, ...]:
    return args


for name in ("/", "/custom"):
    namespace = socketio5.of(name)
    namespace.on("connection")(send_auth)
    namespace.on("message")(send_back)
    namespace.on("message-with-ack")(acknowledge)
