"""Applications of other frameworks on our class, and beside a Socket.IO server."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import anyio
from fastapi import Depends, FastAPI, HTTPException, WebSocket, WebSocketDisconnect
from fastapi import WebSocketException as FastAPIWebSocketException
from starlette.applications import Starlette
from starlette.endpoints import WebSocketEndpoint
from starlette.responses import PlainTextResponse
from starlette.routing import Mount, Route, WebSocketRoute
from starlette.websockets import WebSocket as StarletteWebSocket

from socketio_asgi import Server, Socket
from tests.support.clients import connect_engine
from tests.support.echo import Receive, Scope, Send
from tests.support.frames import BINARY, close, frame, text
from tests.support.rawwebsocket import RawWebSocket

from .conftest import Serving
from .support import connect, tcp, websocket_only


class Upper(WebSocketEndpoint):
    """Sends texts back in upper case."""

    encoding = "text"

    async def on_receive(self, websocket: StarletteWebSocket, data: str) -> None:
        await websocket.send_text(data.upper())


async def numbers(websocket: StarletteWebSocket) -> None:
    """Sends what the path asks for, and closes."""
    await websocket.accept(subprotocol="numbers")
    for number in range(websocket.path_params["count"]):
        await websocket.send_json({"number": number})
    await websocket.close(4000, "done")


async def denied(websocket: StarletteWebSocket) -> None:
    """Refuses with a response."""
    await websocket.send_denial_response(PlainTextResponse("not today", 402))


def socketio() -> Server:
    """A Socket.IO server with an event."""
    io = Server()

    @io.on("echo")
    async def echo(socket: Socket, value: Any) -> Any:
        return value

    return io


def starlette_app() -> Starlette:
    async def home(request: Any) -> PlainTextResponse:
        return PlainTextResponse("home")

    return Starlette(
        routes=[
            Route("/", home),
            WebSocketRoute("/upper", Upper),
            WebSocketRoute("/numbers/{count:int}", numbers),
            WebSocketRoute("/denied", denied),
            Mount("/socket.io", socketio()),
        ]
    )


def fastapi_app() -> FastAPI:
    app = FastAPI()
    app.mount("/socket.io", socketio())

    def user(websocket: WebSocket) -> str:
        if "name" not in websocket.query_params:
            raise FastAPIWebSocketException(1008, "no name")
        return websocket.query_params["name"]

    @app.websocket("/greet")
    async def greet(websocket: WebSocket, name: str = Depends(user)) -> None:
        await websocket.accept()
        with suppress(WebSocketDisconnect):
            while True:
                data = await websocket.receive_bytes()
                await websocket.send_bytes(name.encode() + data)

    @app.websocket("/refused")
    async def refused(websocket: WebSocket) -> None:
        raise HTTPException(418)

    return app


async def talk_socketio(url: str) -> None:
    """Join and send an event over a WebSocket."""
    async with connect_engine(url) as (ws, _):
        await ws.send("40")
        assert str(await ws.receive()).startswith('40{"sid":')
        for number in range(5):
            await ws.send(f'42{number}["echo","v{number}"]')
            assert await ws.receive() == f'43{number}["v{number}"]'


async def status_of(peer: RawWebSocket, target: str) -> int:
    await peer.request(target)
    await peer.read_response()
    return peer.status


async def test_starlette(serving: Serving, ws: str, http: str) -> None:
    served = await serving(starlette_app(), ws=ws, http=http)
    async with connect(served, "/upper") as upper:
        await upper.send(text("hello"))
        assert await upper.read_text() == "HELLO"
        await talk_socketio(served.url)
        await upper.send(text("again"))
        assert await upper.read_text() == "AGAIN"
        await upper.send(frame(BINARY, b"not a text"))
        assert (await upper.read_end(answer=True))[0] == 1003
    async with connect(served, "/numbers/3", headers={"Sec-WebSocket-Protocol": "numbers"}) as peer:
        assert peer.header("sec-websocket-protocol") == "numbers"
        for number in range(3):
            assert await peer.read_text() == f'{{"number":{number}}}'
        assert await peer.read_end(answer=True) == (4000, "done")
    async with tcp(served) as peer:
        await peer.request("/denied")
        assert await peer.read_response() == b"not today"
        assert peer.status == 402
    async with tcp(served) as peer:
        assert await status_of(peer, "/nowhere") in {403, 404}


async def test_fastapi(serving: Serving, ws: str, http: str) -> None:
    served = await serving(fastapi_app(), ws=ws, http=http)
    async with connect(served, "/greet?name=Ada") as peer:
        await peer.send(frame(BINARY, b"!"))
        assert await peer.read() == (BINARY, b"Ada!")
        await talk_socketio(served.url)
        await peer.send(close())
        assert await peer.read_end() == (1000, "")
    async with tcp(served) as peer:
        assert await status_of(peer, "/greet") == 403
    async with tcp(served) as peer:
        assert await status_of(peer, "/refused") == 418


async def test_all_at_once(serving: Serving, ws: str, http: str) -> None:
    served = await serving(starlette_app(), ws=ws, http=http)

    async def talk_upper() -> None:
        async with connect(served, "/upper") as peer:
            for _ in range(10):
                await peer.send(text("hello"))
                assert await peer.read_text() == "HELLO"

    async with anyio.create_task_group() as tasks:
        for _ in range(20):
            tasks.start_soon(talk_upper)
            tasks.start_soon(talk_socketio, served.url)


async def test_two_tasks_that_receive(serving: Serving, ws: str, http: str) -> None:
    """Each message goes to one of them, and the end is not waited for in vain."""
    received: list[str] = []

    async def script(scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        await send({"type": "websocket.accept"})

        async def receive_one() -> None:
            received.append((await receive())["text"])
            await send({"type": "websocket.send", "text": "thanks"})

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(receive_one)
            tasks.start_soon(receive_one)
        await send({"type": "websocket.send", "text": "enough"})

    served = await serving(websocket_only(script), ws=ws, http=http)
    async with connect(served) as peer:
        await peer.send(text("one"))
        assert await peer.read_text() == "thanks"
        await peer.send(text("two"))
        assert await peer.read_text() == "thanks"
        assert await peer.read_text() == "enough"
    assert received == ["one", "two"]


async def test_a_receive_that_is_cancelled_loses_nothing(
    serving: Serving, ws: str, http: str
) -> None:
    async def script(scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        await send({"type": "websocket.accept"})
        with anyio.move_on_after(0.02):
            await receive()
        await send({"type": "websocket.send", "text": "now"})
        while (message := await receive())["type"] == "websocket.receive":
            await send({**message, "type": "websocket.send"})

    served = await serving(websocket_only(script), ws=ws, http=http)
    async with connect(served) as peer:
        assert await peer.read_text() == "now"
        await peer.send(text("one"), text("two"))
        assert [await peer.read_text() for _ in "12"] == ["one", "two"]
