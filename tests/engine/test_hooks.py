"""Events and middlewares of the connection layer.

Source: https://socket.io/docs/v4/server-api/#engine
"""

from __future__ import annotations

import json
import logging
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from starlette.types import ASGIApp, Receive, Scope, Send

from socketio_asgi import Server, Socket
from socketio_asgi.engine import Cookie, EngineRequest, RefusedRequest, ResponseHeaders, Session
from socketio_asgi.exceptions import RequestRefused
from tests.support.clients import (
    PollingClient,
    WebSocketRejected,
    connect_engine,
    connect_websocket,
    decode_payload,
    engine_url,
)
from tests.support.serving import Served
from tests.support.waiting import until

from .support import StartEngine


async def test_connection(start_engine: StartEngine) -> None:
    app = await start_engine()
    sessions: list[Session] = []
    app.engine.on("connection")(sessions.append)
    async with connect_engine(app.url) as (_, handshake), PollingClient(app.url) as client:
        opened = await client.open()
        assert [session.id for session in sessions] == [handshake["sid"], opened["sid"]]
        assert [session.transport.name for session in sessions] == ["websocket", "polling"]


async def test_connection_error(start_engine: StartEngine) -> None:
    app = await start_engine()
    refused: list[RefusedRequest] = []
    app.engine.on("connection_error")(refused.append)
    async with PollingClient(app.url) as client:
        assert (await client.request("GET", query={"sid": "unknown"})).status_code == 400
    with pytest.raises(WebSocketRejected):
        async with connect_websocket(app.ws_url(eio="2")):
            pass
    first, second = refused
    assert (first.code, first.message) == (1, "Session ID unknown")
    assert first.request.sid == "unknown"
    assert (second.code, second.message) == (5, "Unsupported protocol version")
    assert second.request.is_websocket


async def test_headers(start_engine: StartEngine) -> None:
    app = await start_engine()

    @app.engine.on("initial_headers")
    def first(headers: ResponseHeaders, request: EngineRequest) -> None:
        headers["X-First"] = request.transport

    @app.engine.on("headers")
    def each(headers: ResponseHeaders, request: EngineRequest) -> None:
        headers["X-Each"] = request.method

    async with PollingClient(app.url) as client:
        response = await client.request("GET")
        assert (response.headers["X-First"], response.headers["X-Each"]) == ("polling", "GET")
        query = {"sid": sid_of(response.text)}
        response = await client.request("POST", query=query, content="4hi")
        assert "X-First" not in response.headers
        assert response.headers["X-Each"] == "POST"


def sid_of(payload: str) -> str:
    sid: str = json.loads(str(decode_payload(payload)[0])[1:])["sid"]
    return sid


async def test_several_values_of_one_header(start_engine: StartEngine) -> None:
    app = await start_engine(cookie=Cookie())

    @app.engine.on("initial_headers")
    def first(headers: ResponseHeaders, request: EngineRequest) -> None:
        headers["Set-Cookie"] = ["a=1; Path=/", "b=2"]

    @app.engine.on("headers")
    def each(headers: ResponseHeaders, request: EngineRequest) -> None:
        headers.append("set-cookie", "c=3")
        headers.update({"X-One": "1"})

    mine = ["a=1; Path=/", "b=2", "c=3"]
    async with PollingClient(app.url) as client:
        response = await client.request("GET")
        assert response.headers.get_list("set-cookie")[1:] == mine  # behind that of the session
        client.sid = sid_of(response.text)
        response = await client.request("POST", content="4hi")
        assert response.headers.get_list("set-cookie") == ["c=3"]
        async with connect_websocket(client.websocket_url()) as ws:
            assert [value for name, value in ws.raw.headers if name == "set-cookie"] == ["c=3"]
    async with connect_engine(app.url) as (ws, _):
        assert [value for name, value in ws.raw.headers if name == "set-cookie"][1:] == mine
        assert ws.headers["x-one"] == "1"


def test_setting_headers() -> None:
    headers = ResponseHeaders()
    headers["X-One"] = "1"
    headers["x-one"] = ["2", " 3\t"]
    assert headers.setdefault("X-ONE", "4") == "2"
    assert headers.setdefault("X-Two", "4") == "4"
    headers.update({"X-Three": "a\tb"})
    headers["X-Four"] = "gone"
    headers["X-Four"] = []
    headers.add_vary_header("Accept")
    assert headers.raw == [
        (b"x-one", b"2"),
        (b"x-one", b"3"),
        (b"x-two", b"4"),
        (b"x-three", b"a\tb"),
        (b"vary", b"Accept"),
    ]


@pytest.mark.parametrize("value", [5, None, True, b"bytes", [b"bytes"], ["a", 5], {"a": "b"}])
def test_a_header_is_text(value: Any) -> None:
    headers = ResponseHeaders()
    headers["X-One"] = "1"
    with pytest.raises(TypeError, match="'X-One' takes text or a list of texts"):
        headers["X-One"] = value
    with pytest.raises(TypeError, match="'X-One' takes text"):
        headers.append("X-One", value)
    assert headers.raw == [(b"x-one", b"1")]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("X-One", "one\r\nX-Other: two"),
        ("X-One", "one\x00"),
        ("X-One", "one\x0btwo"),
        ("X-One", "日本"),
        ("X One", "1"),
        ("X-One:", "1"),
        ("", "1"),
        ("Ä", "1"),
    ],
)
def test_a_header_that_cannot_be_sent(name: str, value: str) -> None:
    headers = ResponseHeaders()
    for use in (headers.__setitem__, headers.append, headers.setdefault):
        with pytest.raises(ValueError, match="header"):
            use(name, value)
    with pytest.raises(ValueError, match="header"):
        headers[name] = ["ok", value]
    assert headers.raw == []


async def test_headers_that_cannot_be_sent(
    start_engine: StartEngine, caplog: pytest.LogCaptureFixture
) -> None:
    app = await start_engine()

    @app.engine.on("headers")
    def split(headers: ResponseHeaders, request: EngineRequest) -> None:
        headers["X-Good"] = "1"
        headers["X-Bad"] = "one\r\nX-Other: two"

    async with PollingClient(app.url) as client:
        with caplog.at_level(logging.ERROR):
            response = await client.request("GET")
    assert response.status_code == 200
    assert "X-Other" not in response.headers
    assert response.headers["X-Good"] == "1"  # what was set before
    assert """headers["X-Bad"] =""" in caplog.text  # the line is named


@pytest.mark.runtime
async def test_a_listener_that_raises_harms_nobody(
    start_engine: StartEngine, caplog: pytest.LogCaptureFixture
) -> None:
    app = await start_engine()
    sessions: list[Session] = []

    @app.engine.on("connection")
    def broken(session: Session) -> None:
        raise ValueError(session.protocol)

    app.engine.on("connection")(sessions.append)
    with caplog.at_level(logging.ERROR):
        async with connect_engine(app.url) as (ws, _):
            await ws.send("4hi")
            assert await ws.receive() == "4hi"
    assert len(sessions) == 1
    assert "broken" in caplog.text


async def test_unknown_events(start_engine: StartEngine) -> None:
    app = await start_engine()
    with pytest.raises(ValueError, match="connection_error"):
        app.engine.on("conection")
    async with connect_engine(app.url):
        with pytest.raises(ValueError, match="packet_create"):
            app.client.session.on("message")


async def test_events_of_one_session(start_engine: StartEngine) -> None:
    app = await start_engine()
    log: list[tuple[Any, ...]] = []

    @app.engine.on("connection")
    def listen(session: Session) -> None:
        session.on("packet")(lambda packet: log.append(("packet", packet.data)))
        session.on("packet_create")(lambda frame: log.append(("packet_create", frame.text)))
        session.on("drain")(lambda: log.append(("drain",)))
        session.on("close")(lambda reason, _: log.append(("close", reason)))

    async with connect_engine(app.url) as (ws, _):
        await ws.send("4before")
        assert await ws.receive() == "4before"
        # Nothing is left of the handshake, nor of this.
        await until(lambda: log[-2:] == [("packet_create", "4before"), ("drain",)])
        log.clear()
        await ws.send("4hi")
        assert await ws.receive() == "4hi"
        await until(lambda: ("drain",) in log)
    await until(lambda: ("close", "transport close") in log)
    assert log == [
        ("packet", "hi"),
        ("packet_create", "4hi"),
        ("drain",),
        ("close", "transport close"),
    ]


async def test_upgrade(start_engine: StartEngine) -> None:
    app = await start_engine()
    names: list[str] = []
    async with PollingClient(app.url) as client:
        sid = (await client.open())["sid"]
        app.client.session.on("upgrade")(lambda transport: names.append(transport.name))
        async with connect_websocket(app.ws_url(sid)) as ws:
            await ws.send("2probe")
            assert await ws.receive() == "3probe"
            await ws.send("5")
            await until(lambda: names == ["websocket"])


class Mark:
    """Notes in the scope through which instances a request came."""

    def __init__(self, app: ASGIApp, name: str) -> None:
        self.app = app
        self.name = name

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        marks = [*scope.get("marks", ()), self.name]
        await self.app({**scope, "marks": marks}, receive, send)


Serving = Callable[..., Awaitable[Served]]


async def test_middlewares(serving: Serving) -> None:
    io = Server()
    io.engine.use(Mark, "outer")
    io.engine.use(Mark, name="inner")

    @io.on("marks")
    async def marks(socket: Socket) -> list[str]:
        found: list[str] = socket.request.scope["marks"]
        return found

    served = await serving(io)
    async with connect_engine(served.url) as (ws, _):
        await ws.send("40")
        await ws.receive()
        await ws.send('420["marks"]')
        assert await ws.receive() == '430[["outer","inner"]]'
    with pytest.raises(RuntimeError, match="before the first request"):
        io.engine.use(Mark, "late")


class Closed:
    """Lets nobody in."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008})
        else:
            await send({"type": "http.response.start", "status": 418, "headers": []})
            await send({"type": "http.response.body", "body": b""})


async def test_a_middleware_that_refuses(serving: Serving) -> None:
    io = Server()
    io.engine.use(Closed)
    served = await serving(io)
    async with PollingClient(served.url) as client:
        assert (await client.request("GET")).status_code == 418
    with pytest.raises(WebSocketRejected):
        async with connect_websocket(engine_url(served.url, EIO="4", transport="websocket")):
            pass
    assert io.engine.clients_count == 0


async def test_every_refusal_is_reported(start_engine: StartEngine) -> None:
    def allow(request: EngineRequest) -> bool:
        if "ticket" in request.query:
            raise RequestRefused("used ticket", status=401)
        return "banned" not in request.query

    def generate_id(request: EngineRequest) -> str:
        return request.query["name"]  # a KeyError without one

    app = await start_engine(allow_request=allow, generate_id=generate_id, cors="http://a.test")
    refused: list[RefusedRequest] = []
    app.engine.on("connection_error")(refused.append)
    requests: list[tuple[int, str, Any]] = [
        (0, "Transport unknown", {"query": {"transport": "pigeon"}}),
        (1, "Session ID unknown", {"query": {"sid": "__proto__"}}),
        (2, "Bad handshake method", {"method": "PUT"}),
        (3, "Bad request", {"query": {"transport": "websocket", "name": "a"}}),
        (3, "Bad request", {}),
        (4, "Forbidden", {"query": {"banned": "1"}}),
        (4, "used ticket", {"query": {"ticket": "1"}}),
        (4, "Origin not allowed", {"headers": {"Origin": "http://b.test"}}),
        (5, "Unsupported protocol version", {"query": {"EIO": "2"}}),
    ]
    async with PollingClient(app.url) as client:
        for code, message, options in requests:
            response = await client.request(**{"method": "GET", **options})
            assert response.json() == {"code": code, "message": message}
    assert [(error.code, error.message) for error in refused] == [
        (code, message) for code, message, _ in requests
    ]
    assert refused[2].request.method == "PUT"
    assert refused[4].detail == "generate_id raised"
    assert app.clients == []


async def test_headers_beside_the_cookie(start_engine: StartEngine) -> None:
    app = await start_engine(cookie=Cookie())

    @app.engine.on("initial_headers")
    def first(headers: ResponseHeaders, request: EngineRequest) -> None:
        headers["X-First"] = request.method
        headers["Set-Cookie"] = "mine=456"

    async with connect_engine(app.url) as (ws, _):
        assert ws.headers["x-first"] == "GET"
        assert ws.headers["set-cookie"] == "mine=456"
    async with PollingClient(app.url) as client:
        cookies = (await client.request("GET")).headers.get_list("set-cookie")
        assert [cookie.partition("=")[0] for cookie in cookies] == ["io", "mine"]


async def test_headers_of_a_session_that_upgrades(start_engine: StartEngine) -> None:
    app = await start_engine()
    log: list[str] = []
    app.engine.on("initial_headers")(lambda _, request: log.append("initial"))
    app.engine.on("headers")(lambda _, request: log.append(request.transport))
    async with PollingClient(app.url) as client:
        await client.open()
        await client.post("4hi")
        assert await client.poll() == ["4hi"]
        async with connect_websocket(client.websocket_url()) as ws:
            await ws.send("2probe")
            await ws.receive()
            await ws.send("5")
            await until(lambda: app.client.session.transport.name == "websocket")
            # The request stays the one that opened the session.
            assert app.client.session.request.transport == "polling"
    assert log == ["initial", "polling", "polling", "polling", "websocket"]


@pytest.mark.runtime
async def test_the_heartbeat_is_seen(start_engine: StartEngine) -> None:
    app = await start_engine(ping_interval=0.05)
    log: list[str] = []
    async with connect_engine(app.url) as (ws, _):
        session = app.client.session
        session.on("packet_create")(lambda frame: log.append(f"> {frame.text}"))
        session.on("packet")(lambda packet: log.append(f"< {packet.type.name}"))
        await ws.receive()
        await ws.send("3")
        await until(lambda: len(log) >= 2)
    assert log[:2] == ["> 2", "< PONG"]


class Marked:
    """Adds a header to every response, as helmet does."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def send_marked(message: Any) -> None:
            if message["type"] in ("http.response.start", "websocket.accept"):
                headers = [*message.get("headers", ()), (b"x-frame-options", b"DENY")]
                message = {**message, "headers": headers}
            await send(message)

        await self.app(scope, receive, send_marked)


async def test_a_middleware_that_adds_headers(serving: Serving) -> None:
    io = Server(max_http_buffer_size=100)
    io.engine.use(Marked)
    served = await serving(io)
    async with connect_engine(served.url) as (ws, _):
        assert ws.headers["x-frame-options"] == "DENY"
    async with PollingClient(served.url) as client:
        response = await client.request("GET")
        assert response.headers["x-frame-options"] == "DENY"
        # What is too large is refused behind a middleware as well.
        client.sid = sid_of(response.text)
        response = await client.request("POST", content="4" + "x" * 100)
        assert response.status_code == 413
        assert response.headers["x-frame-options"] == "DENY"
