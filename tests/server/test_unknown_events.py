"""Events that no handler and no listener takes."""

from __future__ import annotations

import re

import pytest

from socketio_asgi import Server, Socket

from .conftest import Join
from .support import Connect, add_sync


def warnings_of(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [
        record.getMessage().partition(" (")[0]
        for record in caplog.records
        if record.levelname == "WARNING" and record.name == "socketio_asgi.server"
    ]


@pytest.fixture
def server() -> Server:
    io = Server()
    for namespace in (io.of("/"), io.of("/a"), io.of(re.compile(r"/room-\d+"))):
        add_sync(namespace)

        @namespace.on("chat message")
        async def chat(socket: Socket) -> None: ...

    return io


async def test_one_warning_for_each_name_and_namespace(
    server: Server, connect: Connect, transport: str, caplog: pytest.LogCaptureFixture
) -> None:
    peers = [await connect(server, transport), await connect(server)]
    for peer in peers:
        for name in ("/", "/a"):
            await peer.join(name)
            for event in ("chat mesage", "other", "chat message"):
                await peer.emit(event, namespace=name, ack=None)
            await peer.sync(name)
    assert warnings_of(caplog) == [
        f"nothing takes the event {event}"
        for name in ("'/'", "'/a'")
        for event in (
            f"'chat mesage' in {name}; did you mean 'chat message'?",
            f"'other' in {name}",
        )
    ]


async def test_namespaces_of_one_parent_count_as_one(
    server: Server, connect: Connect, caplog: pytest.LogCaptureFixture
) -> None:
    peer = await connect(server)
    for number in range(3):
        await peer.join(f"/room-{number}")
        await peer.emit("chat mesage", namespace=f"/room-{number}")
        await peer.sync(f"/room-{number}")
    assert warnings_of(caplog) == [
        "nothing takes the event 'chat mesage' in '/room-0'; did you mean 'chat message'?"
    ]


@pytest.mark.parametrize("listener", ["on", "once", "on_any"])
async def test_what_a_listener_takes(
    server: Server, join: Join, caplog: pytest.LogCaptureFixture, listener: str
) -> None:
    peer = await join(server)
    socket = server.sockets.sockets[peer.id]
    if listener == "on_any":
        socket.on_any(lambda *args: None)
    else:
        getattr(socket, listener)("own")(lambda: None)
    await peer.emit("own")
    await peer.sync()
    assert warnings_of(caplog) == []


async def test_names_of_listeners_are_suggested(
    server: Server, join: Join, caplog: pytest.LogCaptureFixture
) -> None:
    peer = await join(server)
    server.sockets.sockets[peer.id].on("typing")(lambda: None)
    await peer.emit("tiping")
    await peer.sync()
    assert warnings_of(caplog) == [
        "nothing takes the event 'tiping' in '/'; did you mean 'typing'?"
    ]


async def test_an_event_with_too_few_values_is_known(
    server: Server, join: Join, caplog: pytest.LogCaptureFixture
) -> None:
    @server.on("two")
    async def two(socket: Socket, first: str, second: str) -> None: ...

    peer = await join(server)
    await peer.emit("two", 1)
    await peer.sync()
    assert len(warnings_of(caplog)) == 1
    assert "refused: first: must be a text; second: is required" in caplog.text


async def test_the_option(connect: Connect, caplog: pytest.LogCaptureFixture) -> None:
    io = Server(warn_unknown_events=False)
    add_sync(io)
    peer = await connect(io)
    await peer.join()
    await peer.emit("unknown")
    await peer.sync()
    assert warnings_of(caplog) == []
