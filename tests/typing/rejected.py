"""What must not type-check; read by the checkers, never run.

Each wrong line is marked with the code of mypy's error; for pyright the mark is any error. Both
checkers complain about a mark without an error.
"""

# pyright: strict, reportUnnecessaryTypeIgnoreComment=true

from __future__ import annotations

import re
from typing import Any, Literal

from socketio_asgi import (
    Ack,
    Cookie,
    Cors,
    Event,
    EventContext,
    Namespace,
    Server,
    Socket,
    SocketIOMiddleware,
    event,
    event_stub,
)

io = Server()

# -- options -------------------------------------------------------------------------------------

Server("/socket.io")  # type: ignore[call-arg]
Server(pingInterval=25)  # type: ignore[call-arg]
Server(ping_interval="25")  # type: ignore[arg-type]
Server(transports=["webtransport"])  # type: ignore[list-item]
Server(cors=5)  # type: ignore[arg-type]
Server(allow_request=True)  # type: ignore[arg-type]
Server(allow_request=lambda: True)  # type: ignore[arg-type, misc]
Server(parser="msgpack")  # type: ignore[arg-type]
Server(connection_state_recovery=5)  # type: ignore[arg-type]
Cookie(same_site="strikt")  # type: ignore[arg-type]
Cors("*")  # type: ignore[call-arg]
SocketIOMiddleware(io)  # type: ignore[call-arg]

# -- decorators ----------------------------------------------------------------------------------

io.on(chat := 5)  # type: ignore[arg-type]
io.on("chat")(chat)  # type: ignore[type-var]
io.on("chat", True)  # type: ignore[call-arg]
io.use("name")  # type: ignore[type-var]
event(name=1)  # type: ignore[arg-type]


@io.on("text")
async def on_text(socket: Socket, text: str) -> str:
    return text


async def decorated_functions_keep_their_types(socket: Socket) -> None:
    await on_text(socket, 5)  # type: ignore[arg-type]
    await on_text("text")  # type: ignore[call-arg, arg-type]
    _: int = await on_text(socket, "")  # type: ignore[assignment]


@io.on_new_namespace  # type: ignore[type-var]
def takes_a_number(number: int) -> None: ...


# -- namespaces ----------------------------------------------------------------------------------


def only_one(name: str) -> bool:
    return bool(name)


io.of(5)  # type: ignore[call-overload]
io.of(only_one)  # type: ignore[arg-type]
io.of("/static").child("/static")  # type: ignore[attr-defined]
io.of(re.compile(b"/bytes"))  # type: ignore[arg-type]
io.register("/chat")  # type: ignore[type-var]
Namespace("/chat", True)  # type: ignore[call-arg]

# -- sockets and operators -------------------------------------------------------------------------


class User:
    name: str


async def sockets(plain: Socket, typed: Socket[User]) -> None:
    typed.data.nickname = "Ann"  # type: ignore[attr-defined]
    typed.data = {}  # type: ignore[assignment]
    plain.data = User()  # type: ignore[assignment]
    plain.rooms.add("a")  # type: ignore[attr-defined]
    plain.join(["a", "b"])  # type: ignore[arg-type]
    plain.to(5)  # type: ignore[arg-type]
    plain.emit()  # type: ignore[call-overload]
    plain.emit(5)  # type: ignore[call-overload]
    plain.emit("event", timeout=5)  # type: ignore[call-overload]
    await plain.emit_with_ack("event", timeout="5")  # type: ignore[call-overload]
    plain.broadcast.drain()  # type: ignore[attr-defined]


news = Event("news", int)
level = Event("level", Literal["low", "high"], ack=bool)
Event("many", int, int, int, int, int)  # type: ignore[call-overload]
io.emits("news")  # type: ignore[arg-type]


async def of_value_errors(context: EventContext, error: ValueError) -> None: ...


io.exception_handler(LookupError)(of_value_errors)  # type: ignore[arg-type]
io.exception_handler("LookupError")  # type: ignore[arg-type]
io.event_middleware(of_value_errors)  # type: ignore[type-var]
io.on("text", errors=[ValueError])  # type: ignore[list-item]
Server(error_ack=5)  # type: ignore[arg-type]
Server(validation="lax")  # type: ignore[arg-type]


async def acknowledges(ack: Ack[int, str]) -> None:
    await ack(1)  # type: ignore[call-arg]
    await ack("one", "two")  # type: ignore[arg-type]


@event_stub("ask")
def ask(question: str, choices: list[str] | None = None) -> int:
    raise NotImplementedError


async def declared(socket: Socket) -> None:
    io.emit(news, "a")  # type: ignore[call-overload]
    io.to("a").emit(news)  # type: ignore[call-overload]
    socket.emit(news, 1, 2)  # type: ignore[call-overload]
    socket.emit(level, "middle")  # type: ignore[call-overload]
    socket.emit(ask, "who?", choices=[1])  # type: ignore[list-item]
    socket.emit(ask, q="who?")  # type: ignore[call-overload]
    news.emit(io, "a")  # type: ignore[arg-type]
    news.emit(5, 1)  # type: ignore[arg-type]
    _: str = await socket.emit_with_ack(level, "low")  # type: ignore[call-overload]
    await socket.emit_with_ack(ask, "who?", timeout=5)  # type: ignore[call-arg]
    io.emit("event", room="a")  # type: ignore[call-overload]


async def operators() -> None:
    io.to("a").join("b")  # type: ignore[attr-defined]
    io.volatile()  # type: ignore[operator]
    io.timeout("5")  # type: ignore[arg-type]
    io.compress()  # type: ignore[call-arg]
    await io.to("a").emit_with_ack("event", timeout=5)  # type: ignore[call-overload]
    _: dict[str, Any] = await io.emit_with_ack("event")  # type: ignore[assignment]
    io.from_thread.run(io.emit("event"))  # type: ignore[arg-type]
