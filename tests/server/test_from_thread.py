"""Calls from threads that are not the event loop's."""

from __future__ import annotations

import threading
from collections.abc import Awaitable, Callable
from typing import Any

import httpx
import pytest
from anyio import to_thread
from fastapi import FastAPI

from socketio_asgi import AckTimeout, Server, Socket, SocketIOMiddleware
from tests.support.peer import join_peer, open_peer
from tests.support.serving import Served
from tests.support.waiting import until

pytestmark = pytest.mark.runtime

Serving = Callable[..., Awaitable[Served]]


async def only_socket(io: Server) -> Socket:
    await until(lambda: io.sockets.sockets)
    (socket,) = io.sockets.sockets.values()
    return socket


async def test_in_a_handler_thread(serving: Serving) -> None:
    io = Server()

    @io.on("count")
    def count(socket: Socket) -> list[Any]:
        found = io.from_thread.run(io.fetch_sockets)
        answer = io.from_thread.run(socket.emit_with_ack, "question", 5)
        return [len(found), answer]

    served = await serving(io)
    async with join_peer(served.url) as peer:
        await peer.emit("count", ack=7)
        assert await peer.answer(6) == ["question", 5]
        assert await peer.acknowledgement(ack=7) == [[1, 6]]


async def test_in_a_plain_thread(serving: Serving) -> None:
    io = Server()
    served = await serving(io)
    async with join_peer(served.url):
        socket = await only_socket(io)
        results: list[Any] = []

        def work() -> None:
            io.from_thread.run(socket.join, "room")
            results.append(io.from_thread.run(io.to("room").fetch_sockets))
            try:
                io.from_thread.run(socket.timeout(0.05).emit_with_ack, "question")
            except AckTimeout as error:
                results.append(error)

        thread = threading.Thread(target=work)
        thread.start()
        await to_thread.run_sync(thread.join)
        (found,), error = results
        assert found.id == socket.id
        assert error.event == "question"
        assert "room" in socket.rooms


async def test_in_a_route_of_fastapi(serving: Serving) -> None:
    io = Server()
    app = FastAPI()

    @app.get("/sockets")
    def sockets() -> list[str]:
        io.emit("somebody asks")
        return [one.id for one in io.from_thread.run(io.fetch_sockets)]

    served = await serving(SocketIOMiddleware(app, io))
    async with join_peer(served.url) as peer, httpx.AsyncClient(trust_env=False) as client:
        response = await client.get(served.url + "/sockets")
        assert response.json() == [peer.id]
        assert await peer.expect("somebody asks") == []


async def test_in_the_event_loop(serving: Serving) -> None:
    io = Server()
    served = await serving(io)
    async with open_peer(served.url):
        with pytest.raises(RuntimeError, match="use 'await' instead"):
            io.from_thread.run(io.fetch_sockets)


def test_before_the_first_client() -> None:
    io = Server()
    with pytest.raises(RuntimeError, match="no event loop yet"):
        io.from_thread.run(io.fetch_sockets)
