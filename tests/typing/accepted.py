"""What must type-check, and the types that come out of it; read by the checkers, never run."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from dataclasses import dataclass
from typing import Any, Literal, assert_type

from starlette.middleware.sessions import SessionMiddleware
from starlette.requests import HTTPConnection
from starlette.types import ASGIApp

from socketio_asgi import (
    Ack,
    BroadcastAckError,
    BroadcastOperator,
    CallNext,
    ConnectionRefused,
    ConnectionStateRecovery,
    Cookie,
    Cors,
    EngineRequest,
    Event,
    EventContext,
    EventError,
    EventRouter,
    FetchedSockets,
    Handshake,
    Namespace,
    ParentNamespace,
    RefusedRequest,
    RemoteSocket,
    Server,
    Session,
    Socket,
    SocketIOMiddleware,
    SocketOperator,
    contract_page,
    event,
    event_stub,
)
from socketio_asgi.emitters import RedisEmitter
from socketio_asgi.protocol import DefaultParser
from socketio_asgi.protocol.msgpack_parser import MsgpackParser

io = Server()


@dataclass
class User:
    name: str


# -- options -------------------------------------------------------------------------------------


async def ask_about(request: EngineRequest) -> bool:
    return request.address != ""


def sid_for(request: EngineRequest) -> str:
    return request.sid


Server(
    path="/chat",
    ping_interval=1,
    ping_timeout=0.5,
    transports=["websocket"],
    allow_request=ask_about,
    generate_id=sid_for,
    cookie=Cookie(name="io", same_site="strict", max_age=3600),
    cors=["https://example.com", re.compile(r"https://.*\.example\.com")],
    http_compression=2048,
    parser=DefaultParser(default=str),
    connection_state_recovery=ConnectionStateRecovery(max_disconnection_duration=60),
)
Server(cors=lambda origin: origin.endswith(".example.com"), parser=MsgpackParser())
Server(cors=Cors(origins="*", credentials=True), cookie="io", connection_state_recovery=True)
Server(cors={"origins": "*"}, cookie=True, connection_state_recovery={"skip_middlewares": False})


# -- events and errors -----------------------------------------------------------------------------


class RoomFull(EventError):
    code = "room_full"
    details: User


@io.on("join", errors=[RoomFull])
async def join_room(socket: Socket[User], room: str, handshake: Handshake) -> str | RoomFull:
    assert_type(socket.data, User)
    return RoomFull("room_full", details=socket.data)


@io.on("upload")
async def upload(data: bytes, ack: Ack[int, str], later: Ack) -> None:
    await ack(len(data), "bytes")
    await later(1, "two", [3])


@io.exception_handler(LookupError)
async def lost(context: EventContext, error: LookupError) -> EventError:
    assert_type(context.socket, Socket[Any])
    assert_type(context.namespace, Namespace)
    assert_type(context.server, Server)
    return EventError("lost", str(error))


@io.of("/chat").exception_handler(RoomFull)
def full(context: EventContext, error: RoomFull) -> int:
    assert_type(error.details, User)
    return 0


@io.exception_handler(OSError)
def broad(context: EventContext, error: Exception) -> None: ...


@io.event_middleware
async def around(context: EventContext, call_next: CallNext) -> Any:
    return await call_next(context)


@io.catch_all
async def everything(socket: Socket, event: str, *args: object) -> None: ...


def form(error: EventError) -> dict[str, str]:
    return {"code": error.code}


Server(error_ack=form, error_event="error", validation="pydantic")
Server(error_ack=None)


# -- decorators keep the type of the function ------------------------------------------------------


@io.use
async def authenticate(socket: Socket) -> None:
    raise ConnectionRefused("not authorized", data={"code": 42})


@io.on("chat message", ordered=True)
async def chat(socket: Socket, text: str, *, urgent: bool = False) -> str:
    return text


@io.on("plain")
def plain(socket: Socket) -> tuple[int, str]:
    return 1, "one"


@io.on_server_event("ping")
async def pinged(number: int) -> int:
    return number + 1


@io.on_new_namespace
def made(namespace: Namespace) -> None: ...


@io.engine.on("connection_error")
def refused(reason: RefusedRequest) -> None:
    assert_type(reason.code, int)


async def calls_of_decorated_functions(socket: Socket) -> None:
    joined: Coroutine[Any, Any, None] = authenticate(socket)
    await joined
    assert_type(await chat(socket, "hi", urgent=True), str)
    assert_type(plain(socket), tuple[int, str])
    assert_type(await pinged(1), int)


class Chat(Namespace):
    @event("message", ordered=True)
    async def on_message(self, socket: Socket[User], text: str) -> int:
        return len(text)

    async def again(self, socket: Socket[User]) -> None:
        assert_type(await self.on_message(socket, "text"), int)


assert_type(io.register(Chat("/chat")), Chat)

router = EventRouter("/rooms", ordered=True)


@router.on("enter")
async def enter(socket: Socket[User], room: str) -> int:
    return len(socket.rooms)


@router.use
async def only_some(socket: Socket) -> None: ...


async def calls_of_handlers_of_routers(socket: Socket[User]) -> None:
    assert_type(await enter(socket, "a"), int)


assert_type(router.register(Chat("/other")), Chat)
router.include_router(EventRouter(), namespace="/rooms")
io.include_router(router, namespace=io.of("/rooms"))


# -- namespaces ----------------------------------------------------------------------------------


async def allowed(name: str, auth: Mapping[str, Any]) -> bool:
    return name in auth


assert_type(io.of("/admin"), Namespace)
assert_type(io.of(re.compile(r"/room-\d+")), ParentNamespace)
assert_type(io.of(allowed), ParentNamespace)
assert_type(io.of(lambda name, auth: name in auth), ParentNamespace)
assert_type(io.of("/admin").sockets, Mapping[str, Socket[Any]])


# -- the socket and its data -----------------------------------------------------------------------


def data_of(plain: Socket, typed: Socket[User]) -> None:
    assert_type(plain, Socket[dict[str, Any]])
    assert_type(plain.data, dict[str, Any])
    assert_type(typed.data, User)
    assert_type(typed.data.name, str)
    typed.data = User("Ann")


def what_a_socket_knows(socket: Socket) -> None:
    assert_type(socket.id, str)
    assert_type(socket.rooms, frozenset[str])
    assert_type(socket.recovered, bool)
    assert_type(socket.conn, Session)
    assert_type(socket.request, HTTPConnection)
    assert_type(socket.handshake.auth, dict[str, Any])
    assert_type(socket.handshake.query, Mapping[str, str])
    assert_type(socket.handshake.issued, float)


async def listeners_of(socket: Socket) -> None:
    @socket.on("typing")
    async def typing(name: str) -> None: ...

    @socket.on_any
    def observe(name: str, *args: Any) -> None: ...

    await typing("Ann")
    socket.off("typing", typing)
    socket.off_any(observe)
    assert_type(socket.event_names(), list[str])
    assert_type(socket.listeners_any(), list[Callable[..., Any]])


# -- declared events ------------------------------------------------------------------------------


@dataclass
class NewsItem:
    title: str


news = Event("news", NewsItem, description="Something new.")
level = Event("level", Literal["low", "high"], ack=bool)
pair = Event("pair", int | None, str, ack=tuple[int, str])
quad = Event("quad", int, list[str], dict[str, bytes], User | None)
finished = Event("finished", ack=None)
ready = Event("ready")


@event_stub("ask")
def ask(question: str, choices: list[str] | None = None) -> NewsItem:
    raise NotImplementedError


@event_stub("log")
def log(level: int, *lines: str) -> None: ...


assert_type(news, Event[[NewsItem], None])
assert_type(level, Event[[Literal["low", "high"]], bool])
assert_type(ready, Event[[], None])
io.emits(news, level, pair, quad, finished, ready, ask, log)
io.of("/admin").emits(news)
EventRouter(emits=[news, ask])


async def declared(socket: Socket, emitter: RedisEmitter) -> None:
    item = NewsItem("new")
    assert_type(io.emit(news, item), Awaitable[None])
    assert_type(io.to("a").except_("b").emit(pair, None, "a"), Awaitable[None])
    assert_type(io.of("/admin").emit(quad, 1, [], {}, None), Awaitable[None])
    assert_type(socket.emit(ask, "who?", choices=["a"]), Awaitable[None])
    assert_type(socket.volatile.emit(log, 1, "a", "b"), Awaitable[None])
    assert_type(emitter.emit(news, item), None)
    assert_type(news.emit(io.to("a"), item), Awaitable[None])
    assert_type(ask.emit(socket, question="who?"), Awaitable[None])
    assert_type(news.emit(emitter, item), None)
    assert_type(await socket.emit_with_ack(ask, "who?"), NewsItem)
    assert_type(await socket.timeout(5).emit_with_ack(level, "low"), bool)
    assert_type(await io.emit_with_ack(pair, None, "a"), list[tuple[int, str]])
    for remote in await io.fetch_sockets():
        assert_type(remote, RemoteSocket[Any])
        assert_type(await remote.emit_with_ack(level, "high"), bool)
        assert_type(remote.emit(finished), Awaitable[None])


def data_of_remote(remote: RemoteSocket[User], plain: RemoteSocket) -> None:
    assert_type(remote.data, User)
    assert_type(plain.data, dict[str, Any])


assert_type(io.contract(title="Chat", version="1.0").typescript(), str)
assert_type(io.contract().asyncapi(), dict[str, Any])
wrapped: ASGIApp = contract_page(io, title="Chat")


# -- emitting --------------------------------------------------------------------------------------


async def emitting(socket: Socket) -> None:
    assert_type(io.emit("event", 1, "two", {"three": b"3"}), Awaitable[None])
    assert_type(io.of("/admin").send(), Awaitable[None])
    assert_type(socket.emit("event"), Awaitable[None])
    assert_type(socket.join("a", "b"), Awaitable[None])
    assert_type(socket.disconnect(close=True), Awaitable[None])
    assert_type(io.server_side_emit("event"), Awaitable[None])
    await socket.emit("event")


async def asking(socket: Socket) -> None:
    reply: str = await socket.emit_with_ack("event", timeout=5)
    assert_type(await io.to("room").timeout(5).emit_with_ack("event"), list[Any])
    assert_type(await io.to("room").emit_with_ack_values("event"), list[list[Any]])
    assert_type(await socket.emit_with_ack_values("event", timeout=5), list[Any])
    assert_type(await socket.volatile.emit_with_ack_values("event"), list[Any])
    assert_type(await io.server_side_emit_with_ack("event", timeout=1.5), list[Any])
    try:
        await io.emit_with_ack("event", reply)
    except BroadcastAckError as error:
        assert_type(error.missing, int)


def operators(socket: Socket) -> None:
    assert_type(io.to("a"), BroadcastOperator)
    assert_type(io.of("/").except_("a", "b"), BroadcastOperator)
    assert_type(io.local.volatile.compress(False).timeout(1).in_("a"), BroadcastOperator)
    assert_type(socket.broadcast, BroadcastOperator)
    assert_type(socket.to("a"), BroadcastOperator)
    assert_type(socket.volatile, SocketOperator)
    assert_type(socket.volatile.compress(True).timeout(1), SocketOperator)
    assert_type(socket.volatile.broadcast.to("a"), BroadcastOperator)


async def utilities() -> None:
    found = await io.in_("room").fetch_sockets()
    assert_type(found, FetchedSockets[RemoteSocket[Any]])
    assert_type(found[0].rooms, frozenset[str])
    assert_type(io.in_("room").sockets_join("a", "b"), Awaitable[None])
    assert_type(io.disconnect_sockets(True), Awaitable[None])


def from_a_thread() -> None:
    assert_type(io.from_thread.run(io.fetch_sockets), FetchedSockets[RemoteSocket[Any]])


# -- applications ----------------------------------------------------------------------------------


def applications(app: ASGIApp) -> tuple[ASGIApp, ASGIApp]:
    io.engine.use(SessionMiddleware, secret_key="secret")
    return io, SocketIOMiddleware(app, io)
