"""Declared events: their values on the way out, and acknowledgements on the way back."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal, TypeVar

import anyio
import msgspec
import pytest
from pydantic import BaseModel, Field

from socketio_asgi import (
    BroadcastAckError,
    Event,
    EventRouter,
    InvalidAck,
    Namespace,
    Server,
    Socket,
    event_stub,
)
from tests.support.peer import Peer
from tests.support.waiting import until

from .conftest import Join


@dataclass
class Item:
    id: int
    tags: list[str] = field(default_factory=list)


@dataclass
class StoredItem(Item):
    secret: str = "secret"


class User(BaseModel):
    name: str = Field(alias="fullName")


class StoredUser(User):
    password: str = "secret"


class Circle(msgspec.Struct, rename="camel"):
    outer_radius: float


news = Event("news", Item)
joined = Event("joined", User, Literal["admin", "guest"])
drawn = Event("drawn", Circle)
ready = Event("ready")
items = Event("items", list[Item], dict[str, bytes])
confirm = Event("confirm", str, ack=bool)
choose = Event("choose", ack=tuple[int, str])
done = Event("done", ack=None)
find = Event("find", ack=Item)


@event_stub("ask")
def ask(question: str, choices: list[str] | None = None, seconds: int = 5) -> User:
    """Ask for somebody."""
    raise NotImplementedError


@event_stub("log")
def log(level: int, *lines: str) -> None:
    """Lines of a log."""


any_event: Any = Event
any_stub: Any = event_stub


@event_stub("invited")
def invited(room: str, by: str | None = None, seconds: int = 5) -> None: ...


USER = StoredUser.model_validate({"fullName": "Ann"})


@pytest.fixture
def io() -> Server:
    return Server()


Send = Callable[..., Any]


def senders(io: Server, peer: Peer) -> list[Send]:
    """Everything with a method `emit` that reaches the peer."""
    socket: Socket = io.sockets.sockets[peer.id]
    return [
        io.emit,
        io.sockets.emit,
        io.to(peer.id).emit,
        io.except_("nobody").emit,
        socket.emit,
        socket.compress(False).emit,
        lambda event, *args, **kwargs: event.emit(io.to(peer.id), *args, **kwargs),
        lambda event, *args, **kwargs: event.emit(socket, *args, **kwargs),
    ]


class TestValues:
    async def test_are_written_through_their_types(self, io: Server, join: Join) -> None:
        peer = await join()
        remote = (await io.fetch_sockets())[0]
        every: list[Send] = [*senders(io, peer), remote.emit]
        for emit in every:
            await emit(news, StoredItem(1, ["a"]))
            assert await peer.expect("news") == [{"id": 1, "tags": ["a"]}]
            await emit(joined, USER, "admin")
            assert await peer.expect("joined") == [{"fullName": "Ann"}, "admin"]
            await emit(drawn, Circle(1.5))
            assert await peer.expect("drawn") == [{"outerRadius": 1.5}]
            await emit(ready)
            assert await peer.expect("ready") == []

    async def test_in_dynamic_namespaces(self, join: Join, io: Server) -> None:
        parent = io.of(re.compile(r"/room-\d"))
        one, two = await join("/room-1"), await join("/room-2")
        await parent.emit(news, StoredItem(1))
        await news.emit(parent.to(one.id), StoredItem(2))
        await io.of("/room-2").emit(news, StoredItem(3))
        for peer, number in ((one, 2), (two, 3)):
            assert await peer.expect("news") == [{"id": 1, "tags": []}]
            assert await peer.expect("news") == [{"id": number, "tags": []}]

    async def test_in_containers(self, io: Server, join: Join) -> None:
        peer = await join()
        await io.emit(items, [StoredItem(1), Item(2)], {})
        assert await peer.expect("items") == [[{"id": 1, "tags": []}, {"id": 2, "tags": []}], {}]

    async def test_are_volatile(self, io: Server, join: Join) -> None:
        peer = await join()
        transport = io.sockets.sockets[peer.id].__socketio__.connection.session.transport
        await until(lambda: transport.writable)  # some servers are busy with CONNECT for long
        await io.except_("nobody").volatile.emit(joined, USER, "admin")
        assert await peer.expect("joined") == [{"fullName": "Ann"}, "admin"]
        with pytest.raises(TypeError, match="joined"):
            io.volatile.emit(joined, 5)  # type: ignore[call-overload]

    async def test_by_name_and_with_defaults(self, io: Server, join: Join) -> None:
        peer = await join()
        for emit in senders(io, peer):
            await emit(invited, "lobby")
            assert await peer.expect("invited") == ["lobby"]
            await emit(invited, room="lobby", by="Ann")
            assert await peer.expect("invited") == ["lobby", "Ann"]
            await emit(invited, "lobby", seconds=9)
            assert await peer.expect("invited") == ["lobby", None, 9]
            await emit(log, 1)
            assert await peer.expect("log") == [1]
            await emit(log, 1, "a", "b")
            assert await peer.expect("log") == [1, "a", "b"]

    async def test_defaults_in_front_of_an_acknowledgement(self, io: Server, join: Join) -> None:
        peer = await join()
        for emit in senders(io, peer):
            await emit(ask, "who?", ["a"])
            assert await peer.expect("ask") == ["who?", ["a"], 5]
        for ask_one in [*askers_of_one(io, peer), *askers_of_all(io, peer)]:
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(ask_one, ask, "who?")
                _, args = await peer.question("ask")
                assert args == ["who?", None, 5]
                tasks.cancel_scope.cancel()

    async def test_are_written_once_for_all(self, io: Server, join: Join) -> None:
        written: list[Any] = []

        class Counted(BaseModel):
            number: int

            def model_post_init(self, _context: Any) -> None:
                written.append(self)

        class Source:
            number = 5

        peers = [await join() for _ in range(3)]
        await io.emit(Event("counted", Counted), Source())  # type: ignore[call-overload]
        for peer in peers:
            assert await peer.expect("counted") == [{"number": 5}]
        assert len(written) == 1

    @pytest.mark.parametrize(
        ("event", "args", "kwargs", "problem"),
        [
            (news, ({"id": 1},), {}, "'news' cannot be sent: value: must be an instance of Item"),
            (joined, (USER, "owner"), {}, "value2: must be one of 'admin', 'guest'"),
            (joined, ({}, "guest"), {}, "value1.fullName: "),
            (items, ([1], {}), {}, "value1.0: must be an instance of Item"),
            (news, (), {}, "'news': missing a required argument: 'value'"),
            (news, (Item(1), 2), {}, "'news': too many positional arguments"),
            (ready, (), {"value": 1}, "'ready': got an unexpected keyword argument 'value'"),
            (ask, (), {}, "'ask': missing a required argument: 'question'"),
            (ask, ("a",), {"question": "b"}, "'ask': multiple values for argument 'question'"),
            (log, (1, "a", 2), {}, "'log' cannot be sent: lines: must be a text"),
            ("plain", (1,), {"ttl": "a"}, "'ttl' is given by name; only an Event knows names"),
            (5, (), {}, "an event name must be a str, not 5"),
        ],
    )
    async def test_that_do_not_fit(
        self, io: Server, join: Join, event: Any, args: Any, kwargs: Any, problem: str
    ) -> None:
        peer = await join()
        for emit in senders(io, peer)[: -2 if not isinstance(event, Event) else None]:
            with pytest.raises(TypeError) as caught:
                emit(event, *args, **kwargs)
            assert problem in str(caught.value)
        io.emit("after")
        assert await peer.event() == ["after"]

    async def test_to_a_client_that_has_left(self, io: Server, join: Join) -> None:
        peer = await join()
        socket: Socket = io.sockets.sockets[peer.id]
        await socket.disconnect()
        await socket.emit(news, Item(1))
        with pytest.raises(TypeError, match="must be an instance of Item"):
            socket.emit(news, 5)  # type: ignore[call-overload]


class TestAcknowledgements:
    @pytest.mark.parametrize(
        ("event", "args", "answer", "result"),
        [
            (confirm, ("sure?",), [True, "surplus"], True),
            (choose, (), [1, "a"], (1, "a")),
            (done, (), [], None),
            (done, (), ["surplus"], None),
            (find, (), [{"id": 1}], Item(1)),
            (ask, ("who?",), [{"fullName": "Ann"}], User.model_validate({"fullName": "Ann"})),
        ],
    )
    async def test_are_read_through_their_types(
        self, io: Server, join: Join, event: Any, args: Any, answer: list[Any], result: Any
    ) -> None:
        peer = await join()
        remote = (await io.fetch_sockets())[0]
        every: list[Send] = [*askers_of_one(io, peer), remote.emit_with_ack]
        for ask_one in every:
            assert await asked(peer, ask_one, event, args, answer) == result
        for ask_all in askers_of_all(io, peer):
            assert await asked(peer, ask_all, event, args, answer) == [result]

    @pytest.mark.parametrize(
        ("event", "args", "answer", "details"),
        [
            (confirm, ("sure?",), ["yes"], ("bool_type", [0])),
            (confirm, ("sure?",), [], ("missing", [0])),
            (choose, (), [1], ("missing", [1])),
            (find, (), [{"id": "1"}], ("int_type", [0, "id"])),
            (ask, ("who?",), [{"name": "Ann"}], ("missing", [0, "fullName"])),
        ],
    )
    async def test_that_do_not_fit(
        self, io: Server, join: Join, event: Any, args: Any, answer: list[Any], details: Any
    ) -> None:
        peer = await join()
        remote = (await io.fetch_sockets())[0]
        every: list[Send] = [*askers_of_one(io, peer), remote.emit_with_ack]
        for ask_one in every:
            with pytest.raises(InvalidAck) as caught:
                await asked(peer, ask_one, event, args, answer)
            assert caught.value.event == event.name
            found = caught.value.details[0]
            assert (found["type"], found["loc"]) == details
        for ask_all in askers_of_all(io, peer):
            with pytest.raises(BroadcastAckError) as error:
                await asked(peer, ask_all, event, args, answer)
            assert (error.value.replies, error.value.missing) == ([], 1)
            assert isinstance(error.value.__cause__, InvalidAck)

    async def test_of_which_some_fit(self, io: Server, join: Join) -> None:
        peers = [await join() for _ in range(3)]
        for number, peer in enumerate(peers):
            io.sockets.sockets[peer.id].data["number"] = number
        results: list[Any] = []

        async def ask_all() -> None:
            with pytest.raises(BroadcastAckError) as caught:
                await io.timeout(0.3).emit_with_ack(confirm, "sure?")
            results.append(caught.value)

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(ask_all)
            await peers[0].answer(True)
            await peers[1].answer("yes")
        (error,) = results
        assert (error.replies, error.missing, error.left) == ([True], 2, 0)

    async def test_of_an_event_that_has_none(self, io: Server, join: Join) -> None:
        peer = await join()
        for ask_any in askers_of_one(io, peer) + askers_of_all(io, peer):
            with pytest.raises(TypeError, match="declared without an acknowledgement: say its"):
                await ask_any(news, Item(1))

    async def test_time_is_no_parameter_of_a_declared_event(self, io: Server, join: Join) -> None:
        peer = await join()
        socket: Socket = io.sockets.sockets[peer.id]
        with pytest.raises(TypeError, match="unexpected keyword argument 'timeout'"):
            await socket.emit_with_ack(ask, "who?", timeout=5)  # type: ignore[call-arg]
        with pytest.raises(TypeError, match="'ttl' is given by name"):
            await socket.emit_with_ack("plain", ttl="a")  # type: ignore[call-overload]

    async def test_an_event_with_a_time(self, io: Server, join: Join) -> None:
        @event_stub("later")
        def later(timeout: int) -> int:
            raise NotImplementedError

        peer = await join()
        for ask_one in askers_of_one(io, peer):
            assert await asked(peer, ask_one, later, (), [5], timeout=9) == 5


def askers_of_one(io: Server, peer: Peer) -> list[Send]:
    socket: Socket = io.sockets.sockets[peer.id]
    return [socket.emit_with_ack, socket.timeout(5).emit_with_ack]


def askers_of_all(io: Server, peer: Peer) -> list[Send]:
    return [io.emit_with_ack, io.sockets.emit_with_ack, io.to(peer.id).emit_with_ack]


async def asked(
    peer: Peer, send: Send, event: Any, args: Any, answer: list[Any], **kwargs: Any
) -> Any:
    """What a call returns when the peer answers."""
    result: list[Any] = []

    async def call() -> None:
        result.append(await send(event, *args, **kwargs))

    try:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(call)
            await peer.answer(*answer)
    except BaseExceptionGroup as group:
        raise group.exceptions[0] from group.exceptions[0].__cause__
    return result[0]


class TestDeclaring:
    T = TypeVar("T")

    @pytest.mark.parametrize(
        ("declare", "error", "problem"),
        [
            (lambda: any_event("news", "Item"), TypeError, "'news' the type itself, not 'Item'"),
            (lambda: any_event("connect"), ValueError, "'connect' is reserved"),
            (lambda: any_event(5), TypeError, "an event name must be a str, not 5"),
            (lambda: any_event("x", object()), TypeError, "the event 'x' cannot have this type"),
            (lambda: any_event("x", ack=object()), TypeError, "'x', acknowledgement, cannot have"),
            (lambda: any_event("x", description=5), TypeError, "description must be text, not 5"),
            (lambda: any_stub(print), TypeError, 'missing: write @event_stub\\("print"\\)'),
        ],
    )
    def test_mistakes(self, declare: Callable[[], Any], error: Any, problem: str) -> None:
        with pytest.raises(error, match=problem.replace('"', "'")):
            declare()

    def test_mistakes_in_stubs(self) -> None:
        with pytest.raises(TypeError, match="with def, not with async def"):

            @event_stub("ask")
            async def asynchronous() -> int:
                return 1

        with pytest.raises(TypeError, match="sent by position, and the parameter 'a' of 'ask' has"):

            @event_stub("ask")
            def by_name(*, a: int) -> None: ...

        with pytest.raises(TypeError, match="'Missing' of the event 'ask', parameter a, cannot be"):

            @event_stub("ask")
            def unknown(a: Missing) -> None: ...  # type: ignore[name-defined] # noqa: F821

    def test_what_they_say_of_themselves(self) -> None:
        assert repr(news) == "<Event news>"
        assert (ask.name, ask.description) == ("ask", "Ask for somebody.")
        assert Event("a", description="b").description == "b"


class TestListing:
    def test_the_same_event_again_and_elsewhere(self, io: Server) -> None:
        io.emits(news, ready)
        io.emits(news)
        io.of("/chat").emits(news)
        io.include_router(EventRouter(emits=[news, ask]))
        namespace = Namespace("/class")
        namespace.emits(ask)
        io.register(namespace)
        names = [
            [event.name for event in each.sends] for each in io.contract().description.namespaces
        ]
        assert names == [["ask", "news", "ready"], ["news"], ["ask"]]

    def test_two_events_of_one_name(self, io: Server) -> None:
        io.emits(news)
        with pytest.raises(ValueError, match="another event 'news' is listed already"):
            io.emits(Event("news"))
        with pytest.raises(ValueError, match="another event 'news' is listed already"):
            io.include_router(EventRouter(emits=[Event("news")]))
        with pytest.raises(TypeError, match=r"takes events that were declared.*, not 'news'"):
            io.emits("news")  # type: ignore[arg-type]


class TestValidation:
    @pytest.fixture
    def io(self) -> Server:
        return Server(validate_emits=True)

    async def test_good_values(self, io: Server, join: Join) -> None:
        peer = await join()
        io.emits(news, joined, drawn, items)
        await io.emit(news, StoredItem(1, ["a"]))
        assert await peer.expect("news") == [{"id": 1, "tags": ["a"]}]
        await io.emit(joined, USER, "admin")
        assert await peer.expect("joined") == [{"fullName": "Ann"}, "admin"]
        await io.emit(items, [Item(1)], {})
        assert await peer.expect("items") == [[{"id": 1, "tags": []}], {}]

    async def test_bad_values(self, io: Server, join: Join) -> None:
        peer = await join()
        wrong = Item("1", [5])  # type: ignore[arg-type, list-item]
        wrong_circle = Circle("a")  # type: ignore[arg-type]
        for emit in senders(io, peer):
            with pytest.raises(
                TypeError, match=r"'news' cannot be sent: value.id: must be a whole"
            ):
                emit(news, wrong)
            with pytest.raises(TypeError, match=r"'drawn' cannot be sent: value.outerRadius: "):
                emit(drawn, wrong_circle)
        await Server().emit(drawn, wrong_circle)  # without the option

    async def test_events_that_are_not_listed(
        self, io: Server, join: Join, caplog: pytest.LogCaptureFixture
    ) -> None:
        io.emits(news)
        with caplog.at_level(logging.WARNING, "socketio_asgi.server"):
            await io.emit(news, Item(1))
            await io.emit(ready)
            await io.emit(ready)
            await io.of("/chat").emit(news, Item(1))
            parent = io.of(re.compile("/room-."))
            parent.emits(news)
            await parent.emit(news, Item(1))
            await io.of("/room-1").emit(news, Item(1))
        assert [record.getMessage().partition(",")[0] for record in caplog.records] == [
            "the event 'ready' was sent to '/'",
            "the event 'news' was sent to '/chat'",
        ]
