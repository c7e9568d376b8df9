"""What handlers are given by their annotations, and what is found out at their registration."""

from __future__ import annotations

import dataclasses
import functools
import gc
import weakref
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any, Generic, NewType, TypeVar

import msgspec
import pydantic
import pytest
from pydantic import BaseModel, field_validator

from socketio_asgi import (
    Ack,
    ConnectionRefused,
    EventContext,
    EventError,
    Handshake,
    Namespace,
    Server,
    Socket,
    event,
)
from tests.support.waiting import until

from .support import Connect, add_sync

T = TypeVar("T")
UserId = NewType("UserId", int)


@dataclass
class Item:
    id: int


class Model(BaseModel):
    id: int


def problem(answer: list[Any]) -> list[Any]:
    return [(*each["loc"], each["type"]) for each in answer[0]["error"]["details"]]


@pytest.mark.runtime
async def test_what_the_call_knows(connect: Connect) -> None:
    io = Server()

    class Chat(Namespace):
        greeting = "hello"

    chat = io.register(Chat("/chat"))

    @chat.on("all")
    async def all_(
        first: int,
        handshake: Handshake,
        namespace: Chat,
        second: int,
        socket: Socket,
        *rest: int,
        server: Server,
        context: EventContext | None = None,
    ) -> list[Any]:
        assert context is not None
        assert context.socket is socket
        assert context.handshake is handshake is socket.handshake
        assert context.server is server is io
        return [namespace.greeting, first, second, list(rest), context.event, list(context.args)]

    @chat.on("thread")
    def in_thread(namespace: Annotated[Namespace, "this one"], value: int = 5) -> list[Any]:
        return [namespace.name, value]

    @io.on("wrong namespace")
    async def wrong_namespace(namespace: Chat) -> None: ...

    peer = await connect(io)
    await peer.join()
    await peer.join("/chat")
    expected = ["hello", 1, 2, [3], "all", [1, 2, 3]]
    assert await peer.request("all", 1, 2, 3, namespace="/chat") == [expected]
    assert problem(await peer.request("all", "1", namespace="/chat")) == [
        ("first", "int_type"),
        ("second", "missing"),
    ]
    assert await peer.request("thread", namespace="/chat") == [["/chat", 5]]
    assert await peer.request("thread", None, namespace="/chat") == [["/chat", 5]]
    (answer,) = await peer.request("wrong namespace")
    assert answer["error"]["code"] == "internal"


@pytest.mark.runtime
async def test_what_is_not_an_event(connect: Connect) -> None:
    io = Server()
    log: list[Any] = []

    @io.use
    async def middleware(handshake: Handshake, io: Server) -> None:
        if handshake.auth != {"token": "t"}:
            raise ConnectionRefused(type(io).__name__)

    @io.on("connection")
    def connected(context: EventContext, socket: Socket) -> None:
        log.append((context.event, socket is context.socket))

    @io.on("disconnect")
    async def left(reason: str, handshake: Handshake) -> None:
        log.append((reason, handshake.auth))

    peer = await connect(io)
    assert await peer.refused() == {"message": "Server"}
    peer = await connect(io)
    await peer.join(auth={"token": "t"})
    await peer.leave()
    await until(lambda: len(log) == 2)
    assert log == [("connection", True), ("client namespace disconnect", {"token": "t"})]


async def test_a_listener_is_validated(connect: Connect, caplog: pytest.LogCaptureFixture) -> None:
    io = Server()
    add_sync(io)
    log: list[Any] = []

    @io.on("connection")
    async def connected(socket: Socket) -> None:
        @socket.on("item")
        async def listener(item: Item, context: EventContext) -> None:
            log.append((item, context.event))

    peer = await connect(io)
    await peer.join()
    await peer.emit("item", {"id": 1})
    await peer.emit("item", {"id": "1"}, ack=5)
    await peer.sync()
    assert log == [(Item(1), "item")]
    assert "the arguments are refused: item.id: must be a whole number" in caplog.text


async def test_an_event_of_another_server_is_validated(
    connect: Connect, caplog: pytest.LogCaptureFixture
) -> None:
    io = Server()
    log: list[Any] = []

    @io.on_server_event("item")
    async def item(item: Item, server: Server, ack: Ack[int]) -> None:
        log.append((item, server is io))
        await ack(item.id)

    async def reply(*values: Any) -> None:
        log.append(values)

    await connect(io)
    core = io.sockets.__socketio__
    await core.on_server_event_received("item", [{"id": 1}], reply)
    await core.on_server_event_received("item", [{"id": "1"}], reply)
    assert log == [(Item(1), True), (1,)]
    assert "the arguments are refused: item.id" in caplog.text
    with pytest.raises(TypeError, match="an event of another server has no client, but 'h' is"):

        @io.on_server_event("handshake")
        async def handshake(h: Handshake) -> None: ...


async def test_a_namespace_whose_bases_say_the_type(connect: Connect) -> None:
    class Store(Namespace, Generic[T]):
        class Order(BaseModel):
            count: int

        @event("put")
        async def put(self, socket: Socket, item: T, others: list[T]) -> T:
            return others[-1] if others else item

        @event("order")
        async def order(self, order: Order) -> int:
            return order.count

    class Items(Store[Item]): ...

    with pytest.raises(TypeError, match="the type variable ~T would take anything"):
        Store("/store")
    io = Server()
    io.register(Items("/items"))
    peer = await connect(io)
    await peer.join("/items")
    assert await peer.request("put", {"id": 1}, [], namespace="/items") == [{"id": 1}]
    answer = await peer.request("put", 5, [{"id": "x"}], namespace="/items")
    assert problem(answer) == [("item", "object_type"), ("others", 0, "id", "int_type")]
    assert await peer.request("order", {"count": "5"}, namespace="/items") == [5]


class Caller:
    async def __call__(self, socket: Socket, item: Item) -> int:
        return item.id

    async def method(self, socket: Socket, item: Item) -> int:
        return item.id


async def with_more(extra: str, socket: Socket, item: Item) -> int:
    return item.id


def wrapping(function: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(function)
    async def wrapper(*args: Any) -> Any:
        return await function(*args)

    return wrapper


@pytest.mark.parametrize(
    "handler",
    [
        Caller(),
        Caller().method,
        functools.partial(with_more, "extra"),
        wrapping(Caller().method),
    ],
    ids=["object", "method", "partial", "wrapped"],
)
async def test_what_is_called_in_another_way(connect: Connect, handler: Any) -> None:
    io = Server()
    io.on("item")(handler)
    peer = await connect(io)
    await peer.join()
    assert await peer.request("item", {"id": 1}) == [1]
    assert problem(await peer.request("item", {})) == [("item", "id", "missing")]


async def test_types_of_the_function_around(connect: Connect) -> None:
    @dataclass
    class Local:
        id: int
        others: list[Local]

    class LocalModel(BaseModel):
        id: int

    io = Server()

    @io.on("local")
    async def local(item: Local, model: LocalModel) -> list[Local]:
        return item.others

    peer = await connect(io)
    await peer.join()
    item = {"id": 1, "others": [{"id": 2, "others": []}]}
    assert await peer.request("local", item, {"id": 3}) == [[{"id": 2, "others": []}]]


async def test_nesting_without_end(connect: Connect) -> None:
    """A type that refers to itself is read as deep as a packet may be."""

    @dataclass
    class Nested:
        next: Nested | None = None

    io = Server()

    @io.on("nested")
    async def nested(value: Nested) -> int:
        depth = 0
        while value.next is not None:
            value, depth = value.next, depth + 1
        return depth

    peer = await connect(io)
    await peer.join()
    value: dict[str, Any] = {}
    for _ in range(200):
        value = {"next": value}
    answer = await peer.request("nested", value)
    assert answer == [200] or problem(answer) == [("value", "recursion")]


async def test_an_acknowledgement_of_another_type(
    connect: Connect, caplog: pytest.LogCaptureFixture
) -> None:
    io = Server()

    @io.on("wrong")
    async def wrong(socket: Socket) -> list[Item]:
        return [Item(1), "item"]  # type: ignore[list-item]

    @io.on("wrong ack")
    async def wrong_ack(ack: Ack[int]) -> None:
        await ack("text")  # type: ignore[arg-type]

    @io.on("wrong model")
    async def wrong_model() -> Model:
        return {"id": "x"}  # type: ignore[return-value]

    peer = await connect(io)
    await peer.join()
    for name in ("wrong", "wrong ack", "wrong model"):
        (answer,) = await peer.request(name)
        assert answer["error"]["code"] == "internal"
    assert "is wrong: it does not fit the annotation: 1: must be an instance of Item" in caplog.text
    assert "it does not fit the annotation: must be a whole number" in caplog.text
    assert "it does not fit the annotation: id: Input should be a valid integer" in caplog.text


class Raising(BaseModel):
    id: int

    @field_validator("id")
    @classmethod
    def check(cls, value: int) -> int:
        raise LookupError("a mistake of a validator")


async def test_a_validator_that_makes_a_mistake(
    connect: Connect, caplog: pytest.LogCaptureFixture
) -> None:
    io = Server()

    @io.on("one")
    async def one(item: Raising) -> None: ...

    @io.on("two")
    async def two(item: Raising, other: int) -> None: ...

    peer = await connect(io)
    await peer.join()
    for name in ("one", "two"):
        (answer,) = await peer.request(name, {"id": 1})
        assert answer["error"]["code"] == "internal"
    assert caplog.text.count("LookupError: a mistake of a validator") == 2


def test_a_handler_without_annotations_has_the_plan_of_before() -> None:
    io = Server()

    @io.on("untyped")
    async def untyped(socket, first, *rest):  # type: ignore[no-untyped-def]
        ...

    @io.on("typed")
    async def typed(socket: Socket, user: UserId) -> None: ...

    handlers: Any = io.sockets.__socketio__.handlers
    assert handlers.event("untyped").simple
    assert handlers.event("untyped").convert is None
    assert handlers.event("untyped").reply is None
    assert handlers.event("typed").direct


def test_a_plan_keeps_nothing_of_the_function_around() -> None:
    class Large: ...

    io = Server()

    def register() -> weakref.ref[Large]:
        large = Large()

        @io.on("event")
        async def handler(value: list[int]) -> None: ...

        return weakref.ref(large)

    reference = register()
    gc.collect()
    assert reference() is None


@pytest.mark.parametrize("library", ["pydantic", "msgspec"])
async def test_another_library_for_all(connect: Connect, library: Any) -> None:
    io = Server(validation=library)

    @io.on("number")
    async def number(value: int) -> int:
        return value

    peer = await connect(io)
    await peer.join()
    assert await peer.request("number", 5) == [5]
    answer = await peer.request("number", "5")
    assert answer == [5] if library == "pydantic" else problem(answer) == [("value", "invalid")]


def test_descriptions_of_fields_are_no_defaults() -> None:
    described: list[Any] = [
        pydantic.Field(gt=1),
        msgspec.field(default=1),
        dataclasses.field(default=1),
    ]
    for default in described:

        def handler(socket: Socket, n: int = default) -> None: ...

        with pytest.raises(
            TypeError, match="the default of 'n' describes a field, and is no value"
        ):
            Server().on("event")(handler)


def test_errors_are_a_list() -> None:
    class Full(EventError):
        code = "full"

    single: Any = Full
    with pytest.raises(TypeError, match=r"errors is a list: write errors=\[Full\]"):
        Server().on("event", errors=single)(lambda: None)
