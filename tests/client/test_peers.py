"""Our client and three servers: the official one, ours and python-socketio's.

What the official client's own tests look at is looked at here, as far as it is the client's.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import anyio
import pytest

from socketio_asgi import ConnectionRefused
from socketio_asgi.client import Client
from socketio_asgi.exceptions import AckTimeout
from tests.client.peers import PEERS, peer
from tests.support.waiting import until

QUICK: dict[str, Any] = {"reconnection_delay": 0.01, "randomization_factor": 0.0}
TEXTS = [
    "",
    "てすと",
    "Я Б Г Д Ж Й",
    "Ä ä Ü ü ß",
    "utf8 — string",
    "€",
    "\U0001f600",
    "a\x00b\u2028",
]


@pytest.fixture(scope="module", params=PEERS)
def name(request: pytest.FixtureRequest) -> str:
    """The name of the server."""
    found: str = request.param
    return found


@pytest.fixture(scope="module")
def url(name: str) -> Iterator[str]:
    with peer(name) as address:
        yield address


@pytest.fixture(params=["polling", "websocket", "upgrade"])
def options(request: pytest.FixtureRequest) -> dict[str, Any]:
    """The options of a client for one way of connecting."""
    names = ["polling", "websocket"] if request.param == "upgrade" else [request.param]
    return {"transports": names, **QUICK}


# -- values ----------------------------------------------------------------------------------


async def test_values(url: str, options: dict[str, Any]) -> None:
    values: list[Any] = [
        *(True, False, None, 0, -1.5, 2**53, [], {}, [1, [2]], {"a": {"b": None}}),
        *(b"", b"\x00\x01\xff", [b"a", {"b": b"c"}], {"mixed": b"x", "text": "y"}),
        "data:image/png;base64,iVBORw0KGgo=",
    ]
    async with Client(url, **options) as io:
        for value in values:
            assert await io.emit_with_ack("echo", value) == value
        assert await io.emit_with_ack_values("echo", *values[:10]) == values[:10]
        assert await io.emit_with_ack_values("echo", b"1", 2, {"3": b"4"}) == [b"1", 2, {"3": b"4"}]
        moment = datetime(2026, 1, 2, tzinfo=UTC)
        assert await io.emit_with_ack("echo", moment) == "2026-01-02T00:00:00+00:00"


async def test_texts(url: str, options: dict[str, Any]) -> None:
    async with Client(url, **options) as io:
        assert await io.emit_with_ack_values("echo", *TEXTS) == TEXTS
        assert await io.emit_with_ack("echo", "é" * 100_000) == "é" * 100_000


async def test_events_of_the_server(url: str, options: dict[str, Any]) -> None:
    async with Client(url, **options) as io, io.stream("again") as events:
        io.emit("again", 1, "two", b"three")
        io.emit("again")
        # A server that can recover states puts the position of an event behind its values.
        assert (await anext(events)).args[:3] == (1, "two", b"three")
        assert len((await anext(events)).args) <= 1


async def test_order(url: str, options: dict[str, Any]) -> None:
    async with Client(url, **options) as io, io.stream("again") as events:
        for number in range(200):
            io.emit("again", number, b"x" if number % 3 else None)
        assert [(await anext(events)).args[0] for _ in range(200)] == list(range(200))
        io.emit("burst", 200)
        assert [(await anext(events)).args[0] for _ in range(200)] == list(range(200))


async def test_questions(url: str, options: dict[str, Any]) -> None:
    async with Client(url, **options) as io:

        @io.on("question")
        async def question(*values: Any) -> Any:
            return values[0]

        assert await io.emit_with_ack("ask me", False) is False
        assert await io.emit_with_ack("ask me", b"bytes") == b"bytes"


# -- who it is -------------------------------------------------------------------------------


async def test_query_auth_and_headers(url: str, options: dict[str, Any]) -> None:
    client = Client(
        f"{url}?from=url",
        query={"key": "& ="},
        auth={"token": "abc"},
        headers={"X-Test": "yes"},
        **options,
    )
    async with client as io:
        told = await io.emit_with_ack("who am I")
        assert told["id"] == io.id
        assert told["auth"] == {"token": "abc"}
        assert told["header"] == "yes"
        assert told["query"]["from"] == "url"
        assert told["query"]["key"] in ("& =", "%26+%3D")  # python-socketio was not decoded
        assert told["query"]["EIO"] == "4"


async def test_the_upgrade(url: str) -> None:
    async with Client(url, **QUICK) as io:
        upgraded = anyio.Event()
        io.manager.on("upgrade")(lambda _name: upgraded.set())
        if (await io.emit_with_ack("who am I"))["transport"] != "websocket":
            await upgraded.wait()
        assert (await io.emit_with_ack("who am I"))["transport"] == "websocket"


async def test_no_upgrade(url: str) -> None:
    async with Client(url, upgrade=False, **QUICK) as io:
        await anyio.sleep(0.05)
        assert (await io.emit_with_ack("who am I"))["transport"] == "polling"


# -- namespaces ------------------------------------------------------------------------------


async def test_namespaces(url: str, options: dict[str, Any]) -> None:
    async with Client(url, **options) as io:
        admin = io.of("/admin", auth={"token": "secret"})
        await admin.connect()
        assert await admin.emit_with_ack("hello") == "admin"
        assert admin.id != io.id
        await io.disconnect()
        assert await admin.emit_with_ack("hello") == "admin"
        await io.connect()
        assert await io.emit_with_ack("echo", 1) == 1


async def test_the_namespace_of_the_address(url: str) -> None:
    async with Client(f"{url}/admin", auth={"token": "secret"}, **QUICK) as io:
        assert io.namespace == "/admin"
        assert await io.emit_with_ack("hello") == "admin"


async def test_a_refusal(url: str, options: dict[str, Any]) -> None:
    refused: list[Any] = []
    async with Client(url, **options) as io:
        admin = io.of("/admin", auth={"token": "wrong"})
        admin.on("connect_error")(refused.append)
        with pytest.raises(ConnectionRefused, match="who are you") as caught:
            await admin.connect()
        assert caught.value.data == {"code": 42}
        await until(lambda: len(refused) == 1)
        assert (admin.active, io.active) == (False, True)
        admin.auth = {"token": "secret"}
        await admin.connect()
        assert await admin.emit_with_ack("hello") == "admin"


async def test_an_unknown_namespace(url: str) -> None:
    async with Client(url, **QUICK) as io:
        with pytest.raises(ConnectionRefused):
            await io.of("/nowhere").connect()
        assert await io.emit_with_ack("echo", 1) == 1


async def test_leaving_before_the_answer(url: str) -> None:
    seen: list[Any] = []
    async with Client(url, **QUICK) as io:
        slow = io.of("/slow")
        slow.on("connect")(lambda: seen.append("connect"))
        slow.on("connect_error")(seen.append)
        with anyio.move_on_after(0.05):
            await slow.connect()
        await slow.disconnect()
        await anyio.sleep(0.3)
        assert seen == []
        assert not slow.connected
        assert await io.emit_with_ack("echo", 1) == 1  # the connection is there
        await slow.connect()
        assert slow.connected


# -- leaving and coming back -----------------------------------------------------------------


async def test_the_id_and_the_reasons(url: str, name: str, options: dict[str, Any]) -> None:
    reasons: list[str] = []
    async with Client(url, **options) as io:
        first = io.id

        @io.on("disconnect")
        async def disconnected(reason: str) -> None:
            assert io.id is None
            reasons.append(reason)

        await io.disconnect()
        await io.connect()
        second = io.id
        io.emit("leave")
        await io.wait()
        assert not io.active
        await anyio.sleep(0.05)
        assert not io.connected  # not by itself
        await io.connect()
        assert len({first, second, io.id}) == 3
        left = await io.emit_with_ack("who left")
    assert reasons == ["io client disconnect", "io server disconnect", "io client disconnect"]
    assert "client namespace disconnect" in left or name == "python-socketio"


async def test_it_comes_back(url: str, options: dict[str, Any]) -> None:
    reasons: list[str] = []
    attempts: list[int] = []
    async with Client(url, **options) as io:
        io.on("disconnect")(reasons.append)
        io.manager.on("reconnect")(attempts.append)
        for count in range(1, 4):
            io.emit("cut")
            await until(lambda count=count: len(attempts) == count and io.connected)  # type: ignore[misc]
            assert await io.emit_with_ack("echo", count) == count
    assert set(reasons[:3]) <= {"transport close", "transport error"}
    assert attempts == [1, 1, 1]


async def test_no_coming_back_unless_wanted(url: str) -> None:
    async with Client(url, reconnection=False, transports=["websocket"]) as io:
        io.emit("cut")
        with pytest.raises(ConnectionError):
            await io.wait()
        assert not io.active


async def test_the_state_is_recovered(url: str, name: str, options: dict[str, Any]) -> None:
    if name == "python-socketio":
        pytest.skip("python-socketio recovers no state")
    got: list[Any] = []
    async with Client(url, **options) as io:
        io.on("again")(lambda *values: got.append(values[0]))
        first = io.id
        assert await recovered(io) is False
        io.emit("again", 0)
        await until(lambda: got == [0])
        io.emit("cut and send", 1, b"2")
        await until(lambda: got == [0, 1])
        await until(lambda: io.connected)
        assert await recovered(io) is True
        assert io.id == first
        await io.disconnect()
        await io.connect()
        assert await recovered(io) is False
        assert io.id != first


async def recovered(io: Client) -> Any:
    """Whether its state was, as both sides have it."""
    told = (await io.emit_with_ack("who am I"))["recovered"]
    assert told is io.recovered
    return told


# -- acknowledgements, volatile events, retries ----------------------------------------------


async def test_time_outs(url: str) -> None:
    client = Client(url, **QUICK)
    async with client as io:
        with pytest.raises(AckTimeout):
            await io.emit_with_ack("never", timeout=0.05)
        assert await io.emit_with_ack("echo", 1, timeout=5) == 1
        await io.disconnect()
        with pytest.raises(AckTimeout):  # it waits for the connection, and goes no more
            await io.emit_with_ack("again", 1, timeout=0.05)
        async with io.stream("again") as events:
            await io.connect()
            io.emit("again", 2)
            assert (await anext(events)).args[0] == 2


async def test_retries(url: str) -> None:
    async with Client(url, retries=2, ack_timeout=0.1, **QUICK) as io:
        sent: list[Any] = []
        io.on_any_outgoing(lambda *event: sent.append(event))
        with pytest.raises(AckTimeout):
            await io.emit("never")
        assert sent == [("never",)] * 3
        async with io.stream("again") as events:
            acked = [io.emit_with_ack("echo", number) for number in range(3)]
            for number, each in enumerate(acked):
                assert await each == number
            del events


async def test_retries_go_on_after_a_disconnection(url: str) -> None:
    async with Client(url, retries=10, ack_timeout=0.3, **QUICK) as io:
        async with anyio.create_task_group() as tasks:
            for number in range(5):
                tasks.start_soon(io.emit_with_ack, "echo", number)
            await anyio.wait_all_tasks_blocked()
            io.volatile.emit("cut")
        assert await io.emit_with_ack("echo", 5) == 5


async def test_catch_all_listeners(url: str) -> None:
    seen: list[Any] = []
    async with Client(url, **QUICK) as io:
        io.on_any(lambda *event: seen.append(("in", *event)))
        io.prepend_any(lambda *event: seen.append(("first", *event)))
        io.on_any_outgoing(lambda *event: seen.append(("out", *event)))
        async with io.stream("again") as events:
            io.emit("again", 1)
            await anext(events)
        assert [each[:3] for each in seen] == [
            *(("out", "again", 1), ("first", "again", 1), ("in", "again", 1))
        ]
        io.off_any()
        io.off_any_outgoing()
        assert await io.emit_with_ack("echo", 1) == 1
        assert len(seen) == 3
