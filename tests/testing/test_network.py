"""Requests and WebSockets that are calls of an application: raw Engine.IO over them."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import anyio
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from socketio_asgi import RequestRefused, Server, Socket
from socketio_asgi.exceptions import TransportError
from socketio_asgi.runtime import Runtime, open_runtime
from socketio_asgi.testing.asgi_network import ASGINetwork
from socketio_asgi.testing.server import TestServer

from .support import BASE, TIMEOUT, Owner, open_owned

pytestmark = pytest.mark.runtime

Receive = Callable[[], Awaitable[Any]]
Send = Callable[[Any], Awaitable[None]]


@asynccontextmanager
async def network_of(app: Any, **options: Any) -> AsyncIterator[tuple[ASGINetwork, Runtime]]:
    async with TestServer(app) as server, open_runtime() as runtime:
        yield server._make_network(**options), runtime


def make_server(**options: Any) -> Server:
    io = Server(**options)

    @io.on("echo")
    async def echo(socket: Socket, value: Any) -> Any:
        return value

    return io


async def test_polling() -> None:
    async with network_of(make_server()) as (network, _):
        opened = await network.request("GET", BASE + "polling", {})
        assert (opened.status, opened.content_type) == (200, "text/plain; charset=UTF-8")
        url = f"{BASE}polling&sid={json.loads(opened.body[1:])['sid']}"
        assert (await network.request("POST", url, {}, b"40")).body == b"ok"
        joined = await network.request("GET", url, {})
        assert joined.body.startswith(b"40{")
        await network.request("POST", url, {}, '421["echo","ä"]'.encode())
        assert (await network.request("GET", url, {})).body.decode() == '431["ä"]'
        assert (await network.request("POST", url, {}, b"1")).status == 200


async def test_a_websocket() -> None:
    reasons: list[str] = []
    io = make_server()

    @io.on("disconnect")
    async def gone(socket: Socket, reason: str) -> None:
        reasons.append(reason)

    async with network_of(io) as (network, runtime):
        owner, websocket = await open_owned(network, BASE + "websocket", runtime)
        assert str(await owner.next()).startswith("0{")
        websocket.send(["40", '451-1["echo",{"_placeholder":true,"num":0}]'])
        assert str(await owner.next()).startswith("40{")
        websocket.send([b"\x00\x01"])
        assert await owner.next() == '461-1[{"_placeholder":true,"num":0}]'
        assert await owner.next() == b"\x00\x01"
        websocket.close()
        assert await owner.ended() == (None, 1000)
        websocket.send(["2"])
    assert reasons == ["transport close"]


async def test_an_upgrade() -> None:
    async with network_of(make_server()) as (network, runtime):
        opened = await network.request("GET", BASE + "polling", {})
        sid = json.loads(opened.body[1:])["sid"]
        owner, websocket = await open_owned(network, f"{BASE}websocket&sid={sid}", runtime)
        answers: list[bytes] = []

        async def poll() -> None:
            answers.append((await network.request("GET", f"{BASE}polling&sid={sid}", {})).body)

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(poll)
            await anyio.wait_all_tasks_blocked()
            websocket.send(["2probe"])
            assert await owner.next() == "3probe"
        assert answers == [b"6"]
        websocket.send(["5", "40", '421["echo",1]'])
        assert str(await owner.next()).startswith("40{")
        assert await owner.next() == "431[1]"
        websocket.abort()


async def test_refused_requests() -> None:
    async def refuse(request: Any) -> None:
        raise RequestRefused("not today", 451)

    async with network_of(make_server(allow_request=refuse)) as (network, runtime):
        answer = await network.request("GET", BASE + "polling", {})
        assert (answer.status, json.loads(answer.body)["message"]) == (451, "not today")
        with pytest.raises(TransportError, match="451") as caught:
            await open_owned(network, BASE + "websocket", runtime)
        assert (caught.value.status, json.loads(caught.value.body)["message"]) == (451, "not today")
    async with network_of(Starlette()) as (network, runtime):
        with pytest.raises(TransportError) as caught:
            await open_owned(network, BASE + "websocket", runtime)
        assert caught.value.status == 403


async def test_the_scope() -> None:
    seen: list[Any] = []

    async def app(scope: Any, receive: Receive, send: Send) -> None:
        seen.append(scope)
        if scope["type"] == "http":
            await Response(b"")(scope, receive, send)
        elif scope["type"] == "websocket":
            assert (await receive())["type"] == "websocket.connect"
            await send({"type": "websocket.accept"})

    async with network_of(app, root_path="/api") as (network, runtime):
        await network.request("POST", "https://example.com:8443/a%20b/?c=%20", {"X-One": "1"}, b"x")
        owner, _ = await open_owned(network, "http://[::1]/socket.io/", runtime)
        assert await owner.ended() == (None, 1000)
    _, http, websocket = seen
    assert http["method"] == "POST"
    assert http["scheme"] == "https"
    assert http["server"] == ("example.com", 8443)
    assert (http["root_path"], http["path"]) == ("/api", "/api/a b/")
    assert (http["raw_path"], http["query_string"]) == (b"/api/a%20b/", b"c=%20")
    headers = dict(http["headers"])
    assert headers[b"host"] == b"example.com:8443"
    assert headers[b"content-length"] == b"1"
    assert headers[b"x-one"] == b"1"
    assert http["client"] == websocket["client"] == ("127.0.0.1", 50_000)
    assert (websocket["scheme"], websocket["server"]) == ("ws", ("::1", 80))
    assert dict(websocket["headers"])[b"upgrade"] == b"websocket"


async def test_cookies_are_kept() -> None:
    async def cookies(request: Request) -> Response:
        response = JSONResponse(request.cookies)
        if "session" in request.cookies:
            response.delete_cookie("session")
        else:
            response.set_cookie("session", "abc")
        response.set_cookie("narrow", "1", path="/other")
        return response

    async def read(path: str) -> Any:
        return json.loads((await network.request("GET", "http://test" + path, {})).body)

    app = Starlette(routes=[Route("/", cookies), Route("/other", cookies)])
    async with network_of(app, cookies={"first": "1"}) as (network, _):
        assert await read("/") == {"first": "1"}
        assert network.cookies == {"first": "1", "session": "abc", "narrow": "1"}
        assert await read("/other") == {"first": "1", "session": "abc", "narrow": "1"}
        assert await read("/") == {"first": "1"}


async def test_a_request_that_is_given_up() -> None:
    heard: list[str] = []
    ended = anyio.Event()

    async def app(scope: Any, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            heard.append((await receive())["type"])
            heard.append((await receive())["type"])
            await send({"type": "http.response.start", "status": 200})
            ended.set()

    async with network_of(app) as (network, _):
        with anyio.move_on_after(0.01):
            await network.request("GET", "http://test/", {})
        with anyio.fail_after(TIMEOUT):
            await ended.wait()
    assert heard == ["http.request", "http.disconnect"]


async def test_a_websocket_that_is_given_up() -> None:
    heard: list[Any] = []
    ended = anyio.Event()

    async def app(scope: Any, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket":
            heard.append((await receive())["type"])
            heard.append(await receive())
            ended.set()

    async with network_of(app) as (network, runtime):
        with anyio.move_on_after(0.01):
            await network.open_websocket("http://test/", {}, Owner(), runtime)
        with anyio.fail_after(TIMEOUT):
            await ended.wait()
    assert heard == [
        "websocket.connect",
        {"type": "websocket.disconnect", "code": 1006, "reason": ""},
    ]


async def test_an_application_that_sends_to_nobody() -> None:
    errors: list[OSError] = []

    async def app(scope: Any, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket":
            await receive()
            await send({"type": "websocket.accept"})
            assert (await receive())["code"] == 1006
            try:
                await send({"type": "websocket.send", "text": "hello"})
            except OSError as error:
                errors.append(error)

    async with network_of(app) as (network, runtime):
        _, websocket = await open_owned(network, "http://test/", runtime)
        websocket.abort()
    assert len(errors) == 1


async def test_back_pressure() -> None:
    sent = 0
    block = "x" * 50_000

    async def app(scope: Any, receive: Receive, send: Send) -> None:
        nonlocal sent
        if scope["type"] == "websocket":
            await receive()
            await send({"type": "websocket.accept"})
            await receive()
            for _ in range(5):
                await send({"type": "websocket.send", "text": block})
                sent += 1
            for _ in range(5):
                await receive()
            await send({"type": "websocket.close", "code": 4000})

    async with network_of(app) as (network, runtime):
        owner, websocket = await open_owned(network, "http://test/", runtime)
        websocket.pause_reading()
        websocket.send(["begin"])
        await anyio.wait_all_tasks_blocked()
        assert (sent, owner.messages) == (1, [])
        websocket.send([block] * 5)
        assert websocket.buffered == 5 * 50_000 - 65_536
        websocket.resume_reading()
        assert await owner.ended() == (None, 4000)
        assert len(owner.messages) == 5
        assert (websocket.buffered, owner.drained) == (0, 1)


async def test_a_line_that_is_cut() -> None:
    async with network_of(make_server()) as (network, runtime):
        owner, _ = await open_owned(network, BASE + "websocket", runtime)
        network.line.cut_off()
        error, code = await owner.ended()
        assert (type(error), code) == (ConnectionResetError, 1006)
        with pytest.raises(TransportError, match="cut"):
            await network.request("GET", BASE + "polling", {})
        with pytest.raises(TransportError, match="cut"):
            await open_owned(network, BASE + "websocket", runtime)
        network.line.restore()
        assert (await network.request("GET", BASE + "polling", {})).status == 200


async def test_a_poll_on_a_line_that_breaks() -> None:
    async with network_of(make_server()) as (network, _):
        opened = await network.request("GET", BASE + "polling", {})
        url = f"{BASE}polling&sid={json.loads(opened.body[1:])['sid']}"
        async with anyio.create_task_group() as tasks:

            async def poll() -> None:
                with pytest.raises(TransportError, match="cut"):
                    await network.request("GET", url, {})

            tasks.start_soon(poll)
            await anyio.wait_all_tasks_blocked()
            network.line.drop()


async def test_a_line_that_is_stalled() -> None:
    async with network_of(make_server()) as (network, runtime):
        owner, websocket = await open_owned(network, BASE + "websocket", runtime)
        await owner.next()
        websocket.send(["40"])
        await owner.next()
        network.line.stalled = True
        websocket.send(['421["echo",1]'])
        await anyio.wait_all_tasks_blocked()
        assert owner.messages == []
        network.line.restore()
        assert await owner.next() == "431[1]"
