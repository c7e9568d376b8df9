"""The server as a whole: closing, and two of them in one process."""

from __future__ import annotations

from typing import Any

import anyio
import anyio.to_thread
import httpx
import pytest

from socketio_asgi import ClientDisconnected, Server, Socket
from tests.support.clients import WebSocketRejected, connect_engine
from tests.support.peer import open_peer
from tests.support.waiting import until

from .conftest import Join, Serving
from .support import Connect

pytestmark = pytest.mark.runtime


class TestClose:
    async def test_clients_are_told(self, io: Server, join: Join, transport: str) -> None:
        peer = await join(io, transport)
        await io.close()
        await peer.ended()
        assert io.engine.clients_count == 0
        assert not io.sockets.sockets

    async def test_again_does_nothing(self, io: Server, join: Join) -> None:
        reasons: list[str] = []

        @io.on("disconnect")
        async def disconnected(socket: Socket, reason: str) -> None:
            reasons.append(reason)

        await join(io)
        await io.close()
        await io.close()
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(io.close)
            tasks.start_soon(io.close)
        assert reasons == ["server shutting down"]

    async def test_before_anybody_came(self) -> None:
        await Server().close()

    async def test_new_clients_are_refused(self, io: Server, serving: Serving) -> None:
        served = await serving(io)
        async with open_peer(served.url, "polling") as peer:
            await peer.join()
            await io.close()
            async with httpx.AsyncClient(trust_env=False) as http:
                response = await http.get(f"{served.url}/socket.io/?EIO=4&transport=polling")
            assert response.status_code == 503
            assert "message" in response.json()
            with pytest.raises(WebSocketRejected) as rejected:
                async with connect_engine(served.url):
                    pass
            assert rejected.value.status == 503

    async def test_handlers_get_a_grace(self, io: Server, join: Join) -> None:
        started, finished = anyio.Event(), anyio.Event()

        @io.on("work")
        async def work(socket: Socket) -> None:
            started.set()
            await anyio.sleep(0.1)
            finished.set()

        peer = await join(io)
        await peer.emit("work")
        await started.wait()
        await io.close()
        assert finished.is_set()

    async def test_handlers_that_never_end_do_not_keep_it(self, io: Server, join: Join) -> None:
        started = anyio.Event()

        @io.on("work")
        async def work(socket: Socket) -> None:
            started.set()
            await anyio.sleep_forever()

        peer = await join(io)
        await peer.emit("work")
        await started.wait()
        with anyio.fail_after(10):
            await io.close()

    async def test_during_a_middleware(self, io: Server, connect: Connect) -> None:
        started, gate = anyio.Event(), anyio.Event()
        calls: list[str] = []

        @io.use
        async def slow(socket: Socket) -> None:
            started.set()
            await gate.wait()

        @io.on("connection")
        async def connected(socket: Socket) -> None:
            calls.append("connection")

        peer = await connect(io)
        await peer.send("0")
        await started.wait()
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(io.close)
            await until(lambda: io.engine.clients_count == 0)
            gate.set()
        assert calls == []

    async def test_who_waits_for_an_acknowledgement_is_told(self, io: Server, join: Join) -> None:
        peer = await join(io)
        (socket,) = io.sockets.sockets.values()
        async with anyio.create_task_group() as tasks:

            async def ask() -> None:
                with pytest.raises(ClientDisconnected):
                    await socket.emit_with_ack("question", timeout=3600)

            tasks.start_soon(ask)
            await peer.question("question")
            await io.close()

    async def test_a_handler_may_close_the_server(self, io: Server, join: Join) -> None:
        done = anyio.Event()

        @io.on("quit")
        async def quit_(socket: Socket) -> None:
            await io.close()
            done.set()

        peer = await join(io)
        await peer.emit("quit")
        await peer.ended()
        with anyio.fail_after(10):
            await done.wait()

    async def test_a_disconnect_handler_may_still_emit(self, io: Server, join: Join) -> None:
        done = anyio.Event()

        @io.on("disconnect")
        async def disconnected(socket: Socket) -> None:
            await io.emit("left", socket.id)
            await socket.emit("bye")
            done.set()

        await join(io)
        await io.close()
        assert done.is_set()


async def test_two_servers_in_one_process(serving: Serving) -> None:
    first, second = Server(path="/one", ping_interval=5), Server(path="/two", ping_interval=7)
    first.on("who")(lambda socket: "first")
    second.on("who")(lambda socket: "second")

    async def app(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            async with first.lifespan(), second.lifespan():
                for step in ("startup", "shutdown"):
                    await receive()
                    await send({"type": f"lifespan.{step}.complete"})
        else:
            await (first if scope["path"].startswith("/one") else second)(scope, receive, send)

    served = await serving(app)
    for io, answer, interval in ((first, "first", 5000), (second, "second", 7000)):
        path = "/one/" if io is first else "/two/"
        async with connect_engine(served.url, path=path) as (websocket, handshake):
            assert handshake["pingInterval"] == interval
            await websocket.send("40")
            await websocket.receive()
            await websocket.send('421["who"]')
            assert await websocket.receive() == f'431["{answer}"]'
            assert io.engine.clients_count == 1
            assert (first.engine.clients_count, second.engine.clients_count) in ((1, 0), (0, 1))
            await first.emit("only the first hears this")
            await websocket.send('422["who"]')
            expected = [f'432["{answer}"]']
            if io is first:
                expected.insert(0, '42["only the first hears this"]')
            assert [await websocket.receive() for _ in expected] == expected
        await until(lambda: first.engine.clients_count + second.engine.clients_count == 0)


def test_unknown_options_are_errors() -> None:
    with pytest.raises(TypeError, match="ping_intervall"):
        Server(ping_intervall=1)  # type: ignore[call-arg]
    with pytest.raises(TypeError):
        Server("/path")  # type: ignore[call-arg]


def test_what_it_looks_like() -> None:
    io = Server()
    io.of("/admin")
    assert repr(io) == "<Server 0 clients, 2 namespaces>"
