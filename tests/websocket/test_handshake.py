"""The opening handshake: what the server answers, and what the application sees of it.

Source: RFC 6455, section 4.2, and the ASGI specification of WebSocket
"""

from __future__ import annotations

from typing import Any

import anyio
import pytest

from tests.support.echo import Message, Receive, Scope, Send
from tests.support.frames import text
from tests.support.rawwebsocket import ACCEPT, FLOOD, KEY, RawWebSocket, new_key
from tests.support.waiting import until

from .conftest import ServeAndLog, Serving
from .support import OURS, STOCK, EchoApp, connect, ours_only, tcp, websocket_only

# -- what the server answers -----------------------------------------------------------------


async def test_the_answer(serving: Serving, ws: str, http: str) -> None:
    served = await serving(EchoApp(), ws=ws, http=http)
    async with connect(served) as peer:
        assert peer.header("upgrade") == "websocket"
        assert (peer.header("connection") or "").lower() == "upgrade"
        assert peer.header("sec-websocket-accept") == ACCEPT
        assert peer.header("server") == "uvicorn"
        assert peer.header("date") is not None
        for absent in ("protocol", "extensions", "key", "version"):
            assert peer.header(f"sec-websocket-{absent}") is None
        assert peer.header("content-length") is None


async def test_another_key(serving: Serving, ws: str, http: str) -> None:
    key, accept = new_key()
    served = await serving(EchoApp(), ws=ws, http=http)
    async with connect(served, headers={"Sec-WebSocket-Key": key}) as peer:
        assert peer.header("sec-websocket-accept") == accept


async def test_default_headers_of_the_server(serving: Serving, ws: str, http: str) -> None:
    options: dict[str, Any] = {
        "server_header": False,
        "date_header": False,
        "headers": [("x-default", "yes")],
    }
    served = await serving(EchoApp(), ws=ws, http=http, **options)
    async with connect(served) as peer:
        assert peer.header("server") is None
        assert peer.header("date") is None
        assert peer.header("x-default") == "yes"


GOOD_REQUESTS: dict[str, dict[str, str | None]] = {
    "connection with keep-alive": {"Connection": "keep-alive, Upgrade"},
    "connection with keep-alive last": {"Connection": "Upgrade,keep-alive"},
    "lower case": {"Connection": "upgrade", "Upgrade": "websocket"},
    "upper case": {"Connection": "UPGRADE", "Upgrade": "WEBSOCKET"},
    "an origin": {"Origin": "https://example.com"},
    "deflate offered": {"Sec-WebSocket-Extensions": "permessage-deflate; client_max_window_bits"},
    "unknown extensions": {"Sec-WebSocket-Extensions": "x-unknown; a=1, x-other"},
    "an empty body": {"Content-Length": "0"},
}


@pytest.mark.parametrize("headers", GOOD_REQUESTS.values(), ids=GOOD_REQUESTS)
async def test_good_requests(
    serving: Serving, ws: str, http: str, headers: dict[str, str | None]
) -> None:
    served = await serving(EchoApp(), ws=ws, http=http)
    async with connect(served, headers=headers) as peer:
        assert peer.header("sec-websocket-extensions") is None
        await peer.send(text("hello"))
        assert await peer.read_text() == "hello"


async def test_two_connection_headers(serving: Serving, ws: str, http: str) -> None:
    served = await serving(EchoApp(), ws=ws, http=http)
    more = "Connection: keep-alive\r\nConnection: Upgrade\r\n"
    async with connect(served, headers={"Connection": None}, more=more) as peer:
        await peer.send(text("hello"))
        assert await peer.read_text() == "hello"


BAD_REQUESTS: dict[str, tuple[int, dict[str, str | None]]] = {
    "no key": (400, {"Sec-WebSocket-Key": None}),
    "an empty key": (400, {"Sec-WebSocket-Key": ""}),
    "a key that is not base64": (400, {"Sec-WebSocket-Key": "a key, not base64!!!!!=="}),
    "a short key": (400, {"Sec-WebSocket-Key": "c2hvcnQ="}),
    "a long key": (400, {"Sec-WebSocket-Key": "dGhpcyBrZXkgaXMgbXVjaCB0b28gbG9uZw=="}),
}


async def refused(
    serving: Serving, ws: str, http: str, **request: Any
) -> tuple[RawWebSocket, bytes]:
    """Send a request that the server must refuse without asking the application."""

    async def never(scope: Scope, receive: Receive, send: Send) -> None:
        raise AssertionError("the application was called")

    served = await serving(websocket_only(never), ws=ws, http=http)
    async with tcp(served) as peer:
        await peer.request(**request)
        return peer, await peer.read_response()


@pytest.mark.parametrize(("status", "headers"), BAD_REQUESTS.values(), ids=BAD_REQUESTS)
async def test_bad_requests(
    serving: Serving, ws: str, http: str, status: int, headers: dict[str, str | None]
) -> None:
    peer, body = await refused(serving, ws, http, headers=headers)
    assert peer.status == status
    assert peer.header("content-length") == str(len(body))
    assert peer.header("connection") == "close"


@ours_only  # the other one says 400
@pytest.mark.parametrize("version", [None, "", "8", "14", "13, 8"])
async def test_another_version(serving: Serving, ws: str, http: str, version: str | None) -> None:
    peer, _ = await refused(serving, ws, http, headers={"Sec-WebSocket-Version": version})
    assert peer.status == 426
    assert peer.header("sec-websocket-version") == "13"


async def test_two_keys(serving: Serving, ws: str, http: str) -> None:
    peer, _ = await refused(serving, ws, http, more=f"Sec-WebSocket-Key: {KEY}\r\n")
    assert peer.status == 400


async def test_two_versions(serving: Serving, ws: str, http: str) -> None:
    peer, _ = await refused(serving, ws, http, more="Sec-WebSocket-Version: 8\r\n")
    assert peer.status in {400, 426}


@ours_only  # the other one fails without an answer
@pytest.mark.parametrize("method", ["POST", "PUT", "HEAD"])
async def test_other_methods(serving: Serving, ws: str, http: str, method: str) -> None:
    peer, _ = await refused(serving, ws, http, method=method)
    assert peer.status == 405
    assert peer.header("allow") == "GET"


@pytest.mark.parametrize("headers", [{"Connection": "keep-alive"}, {"Connection": None}])
async def test_without_the_token_it_is_http(
    serving: Serving, ws: str, http: str, headers: dict[str, str | None]
) -> None:
    served = await serving(EchoApp(), ws=ws, http=http)
    async with tcp(served) as peer:
        await peer.request(headers=headers)
        assert await peer.read_head() == 200


async def test_another_protocol_to_upgrade_to(serving: Serving, ws: str, http: str) -> None:
    served = await serving(EchoApp(), ws=ws, http=http)
    async with tcp(served) as peer:
        await peer.request(headers={"Upgrade": "h2c"})
        assert await peer.read_head() != 101


@ours_only
@pytest.mark.parametrize("target", ["/\xff", "/?\xff", "/\xff?a=\xe4"])
async def test_a_target_that_is_not_ascii(
    serve_and_log: ServeAndLog,
    ws: str,
    http: str,
    target: str,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """It is served or refused, and never an error of the server."""
    served, _ = await serve_and_log(EchoApp(), ws=ws, http=http)
    async with tcp(served) as peer:
        await peer.request(target)
        status = await peer.read_head()
        assert status in {101, 400}
        if status == 101:
            await peer.send(text("hello"))
            assert await peer.read_text() == "hello"
    assert "Traceback" not in caplog.text


async def test_a_request_byte_by_byte(serving: Serving, ws: str, http: str) -> None:
    served = await serving(EchoApp(), ws=ws, http=http)
    lines = ["GET / HTTP/1.1", "Host: x", "Upgrade: websocket", "Connection: Upgrade"]
    lines += ["Sec-WebSocket-Version: 13", f"Sec-WebSocket-Key: {KEY}", "", ""]
    data = "\r\n".join(lines).encode()
    async with tcp(served) as peer:
        await peer.send_each(*(data[index : index + 1] for index in range(len(data))))
        assert await peer.read_head() == 101
        await peer.send(text("hello"))
        assert await peer.read_text() == "hello"


async def test_an_upgrade_after_another_request(serving: Serving, ws: str, http: str) -> None:
    served = await serving(EchoApp(), ws=ws, http=http)
    async with tcp(served) as peer:
        await peer.send(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\nhi")
        assert await peer.read_head() == 200
        body = b"over http" if peer.header("content-length") else b"9\r\nover http\r\n0\r\n\r\n"
        assert await peer.read_exactly(len(body)) == body
        await peer.request()
        assert await peer.read_head() == 101
        await peer.send(text("hello"))
        assert await peer.read_text() == "hello"


# -- what the application decides ------------------------------------------------------------


class Accepting:
    """Accepts as it is told, and notes what goes wrong."""

    def __init__(self, **accept: Any) -> None:
        self.event: Message = {"type": "websocket.accept", **accept}
        self.scope: Scope | None = None
        self.error: Exception | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "websocket":
            return
        self.scope = scope
        await receive()
        try:
            await send(self.event)
        except Exception as error:
            self.error = error
            raise
        await receive()


@pytest.mark.parametrize("more", ["Sec-WebSocket-Protocol: a, b ,c\r\n"])
async def test_subprotocols(serving: Serving, ws: str, http: str, more: str) -> None:
    app = Accepting(subprotocol="b")
    served = await serving(app, ws=ws, http=http)
    async with connect(served, more=more) as peer:
        assert peer.header("sec-websocket-protocol") == "b"
        assert app.scope is not None
        assert app.scope["subprotocols"] == ["a", "b", "c"]


async def test_subprotocols_in_two_headers(serving: Serving, ws: str, http: str) -> None:
    app = Accepting()
    served = await serving(app, ws=ws, http=http)
    more = "Sec-WebSocket-Protocol: a, b\r\nSec-WebSocket-Protocol: c\r\n"
    async with connect(served, more=more) as peer:
        assert peer.header("sec-websocket-protocol") is None
        assert app.scope is not None
        assert app.scope["subprotocols"] == ["a", "b", "c"]


@pytest.mark.parametrize("subprotocol", [None, ""])
async def test_no_subprotocol(
    serving: Serving, ws: str, http: str, subprotocol: str | None
) -> None:
    served = await serving(Accepting(subprotocol=subprotocol), ws=ws, http=http)
    async with connect(served, headers={"Sec-WebSocket-Protocol": "a"}) as peer:
        assert peer.header("sec-websocket-protocol") is None


@pytest.mark.parametrize("kind", [list, tuple, iter])
async def test_headers_on_accept(serving: Serving, ws: str, http: str, kind: Any) -> None:
    headers = [(b"X-First", b"1"), (b"set-cookie", b"a=1"), (b"set-cookie", b"b=\xe4")]
    served = await serving(Accepting(headers=kind(headers)), ws=ws, http=http)
    async with connect(served) as peer:
        assert peer.header("x-first") == "1"
        cookies = [value for name, value in peer.headers if name == "set-cookie"]
        assert cookies == ["a=1", "b=\xe4"]


INJECTIONS = {
    "CR LF in a value": (b"x-a", b"1\r\nx-injected: 1"),
    "LF in a value": (b"x-a", b"1\nx-injected: 1"),
    "CR in a value": (b"x-a", b"1\rx-injected: 1"),
    "NUL in a value": (b"x-a", b"1\0"),
    "CR LF in a name": (b"x-injected: 1\r\nx-a", b"1"),
    "LF in a name": (b"x-injected: 1\nx-a", b"1"),
    "a colon in a name": (b"x-injected: ", b"1"),
    "a space in a name": (b"x injected", b"1"),
    "an empty name": (b"", b"1"),
}


@ours_only
@pytest.mark.parametrize("header", INJECTIONS.values(), ids=INJECTIONS)
async def test_header_injection_on_accept(
    serving: Serving, ws: str, http: str, header: tuple[bytes, bytes]
) -> None:
    app = Accepting(headers=[header])
    served = await serving(app, ws=ws, http=http)
    async with tcp(served) as peer:
        await peer.request()
        body = await peer.read_response()
        assert peer.status == 500
        assert peer.header("x-injected") is None
        assert b"injected" not in body
    assert isinstance(app.error, ValueError)


@ours_only
@pytest.mark.parametrize("subprotocol", ["a\r\nx-injected: 1", "€"])
async def test_a_subprotocol_that_is_no_header(
    serving: Serving, ws: str, http: str, subprotocol: str
) -> None:
    app = Accepting(subprotocol=subprotocol)
    served = await serving(app, ws=ws, http=http)
    async with tcp(served) as peer:
        await peer.request()
        await peer.read_response()
        assert peer.status == 500
        assert peer.header("x-injected") is None
    assert isinstance(app.error, ValueError)


async def test_sends_that_do_not_fit(serving: Serving, ws: str, http: str) -> None:
    errors: list[Exception] = []

    async def script(scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        for event in (
            {"type": "websocket.send", "text": "too early"},
            {"type": "websocket.http.response.body", "body": b"without a start"},
            {"type": "http.response.start", "status": 200},
        ):
            try:
                await send(event)
            except RuntimeError as error:
                errors.append(error)
        await send({"type": "websocket.accept"})
        for event in (
            {"type": "websocket.accept"},
            {"type": "websocket.http.response.start", "status": 200},
        ):
            try:
                await send(event)
            except RuntimeError as error:
                errors.append(error)
        await send({"type": "websocket.send", "text": "fits"})
        await receive()

    served = await serving(websocket_only(script), ws=ws, http=http)
    async with connect(served) as peer:
        assert await peer.read_text() == "fits"
    assert len(errors) == 5


# -- before it is accepted -------------------------------------------------------------------


class Waiting:
    """Accepts when it is told, and echoes."""

    def __init__(self) -> None:
        self.called = anyio.Event()
        self.go_on = anyio.Event()
        self.events: list[Message] = []
        self.error: Exception | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "websocket":
            return
        self.events.append(await receive())
        self.called.set()
        await self.go_on.wait()
        try:
            await send({"type": "websocket.accept"})
            while True:
                self.events.append(event := await receive())
                if event["type"] == "websocket.disconnect":
                    break
                await send({**event, "type": "websocket.send"})
        except Exception as error:  # noqa: BLE001 - whatever it is, the test looks at it
            self.error = error
            self.events.append(await receive())


async def test_frames_before_accept_are_kept(serving: Serving, ws: str, http: str) -> None:
    app = Waiting()
    served = await serving(app, ws=ws, http=http)
    async with tcp(served) as peer:
        await peer.request()
        await app.called.wait()
        await peer.send_each(text("one"), text("two")[:3], text("two")[3:] + text("three"))
        app.go_on.set()
        assert await peer.read_head() == 101
        for value in ("one", "two", "three"):
            assert await peer.read_text() == value


async def test_a_client_that_leaves_before_accept(serving: Serving, ws: str, http: str) -> None:
    app = Waiting()
    served = await serving(app, ws=ws, http=http)
    async with tcp(served) as peer:
        await peer.request()
        await app.called.wait()
        await peer.abort()
    app.go_on.set()
    async with connect(served):  # the server goes on
        pass
    await until(lambda: len(app.events) > 1)
    assert app.events[1]["type"] == "websocket.disconnect"
    # For stock uvicorn it depends on whether it accepts before it notices.
    assert app.events[1]["code"] in ([1006] if ws == OURS else [1005, 1006])
    assert app.error is None or isinstance(app.error, OSError)


async def test_a_flood_before_accept_is_not_kept(serving: Serving, ws: str, http: str) -> None:
    app = Waiting()
    served = await serving(app, ws=ws, http=http)
    chunk = text("x" * 60_000)
    async with tcp(served) as peer:
        await peer.request()
        await app.called.wait()
        assert await peer.flood(chunk) < FLOOD
        app.go_on.set()


# -- the scope -------------------------------------------------------------------------------


class ScopeKeeper:
    """Keeps the scope of the last WebSocket."""

    def __init__(self) -> None:
        self.scope: dict[str, Any] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await receive()
            scope["state"]["started"] = ["yes"]
            await send({"type": "lifespan.startup.complete"})
            await receive()
            await send({"type": "lifespan.shutdown.complete"})
        else:
            self.scope = dict(scope)
            await receive()
            await send({"type": "websocket.accept"})
            await receive()


REQUESTS: dict[str, dict[str, Any]] = {
    "plain": {},
    "percent-encoded": {"target": "/a%20b/%C3%A4%2Fc?x=%20&y=%ff"},
    "not UTF-8": {"target": "/%ff"},
    "an empty query": {"target": "/path?"},
    "a question mark in the query": {"target": "/path?a=?&b"},
    "a double slash": {"target": "//a//b"},
    "many headers": {
        "more": "X-A: 1\r\nx-a: 2\r\nX-Empty:\r\nX-Latin: \xe4\xf6\r\nX-Spaces:  a  b \r\n"
    },
    "subprotocols": {"more": "Sec-WebSocket-Protocol: a,b\r\nSec-WebSocket-Protocol: c\r\n"},
    "a proxy": {"more": "X-Forwarded-For: 10.1.2.3\r\nX-Forwarded-Proto: https\r\n"},
}


@pytest.mark.parametrize("request_", REQUESTS.values(), ids=REQUESTS)
@pytest.mark.parametrize("root_path", ["", "/api"])
async def test_the_scope_is_the_one_of_uvicorn(
    serving: Serving, http: str, request_: dict[str, Any], root_path: str
) -> None:
    scopes: list[dict[str, Any]] = []
    for ws in (STOCK, OURS):
        app = ScopeKeeper()
        served = await serving(app, ws=ws, http=http, root_path=root_path)
        async with connect(served, **request_):
            scope = app.scope
        assert scope["server"] == ("127.0.0.1", served.port)
        if "10.1.2.3" not in str(request_):
            assert scope["client"][0] == "127.0.0.1"
            scope["client"] = None  # another port
        scope["server"] = None
        scope["extensions"].pop("socketio_asgi.websocket", None)
        scopes.append(scope)
    stock, ours = scopes
    assert ours == stock
    assert {key: type(value) for key, value in ours.items()} == {
        key: type(value) for key, value in stock.items()
    }
    assert ours["state"] == {"started": ["yes"]}


async def test_the_state_is_a_copy_for_each_connection(
    serving: Serving, ws: str, http: str
) -> None:
    app = ScopeKeeper()
    served = await serving(app, ws=ws, http=http)
    async with connect(served):
        first = app.scope["state"]
        first["own"] = 1
    async with connect(served):
        second = app.scope["state"]
    assert "own" not in second
    assert second["started"] is first["started"]


# -- the log ---------------------------------------------------------------------------------


async def test_lines_in_the_log(serve_and_log: ServeAndLog, ws: str, http: str) -> None:
    """In the logger of uvicorn's lines about WebSockets, and in its words."""

    async def script(scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        if scope["path"] == "/close":
            return await send({"type": "websocket.close"})
        if scope["path"] == "/deny":
            await send({"type": "websocket.http.response.start", "status": 401, "headers": []})
            return await send({"type": "websocket.http.response.body", "body": b"no"})
        await send({"type": "websocket.accept"})
        await receive()

    served, lines = await serve_and_log(websocket_only(script), ws=ws, http=http)
    for target in ("/a%20b?c=%20", "/close", "/deny?x"):
        async with tcp(served) as peer:
            await peer.request(target)
            await peer.read_head()
    assert lines("WebSocket") == [
        '127.0.0.1:PORT - "WebSocket /a%20b?c=%20" [accepted]',
        '127.0.0.1:PORT - "WebSocket /close" 403',
        '127.0.0.1:PORT - "WebSocket /deny?x" 401',
    ]


@ours_only
async def test_no_lines_without_an_access_log(
    serve_and_log: ServeAndLog, ws: str, http: str
) -> None:
    served, lines = await serve_and_log(EchoApp(), ws=ws, http=http, access_log=False)
    async with connect(served) as peer:
        await peer.send(text("hello"))
        assert await peer.read_text() == "hello"
    assert lines("WebSocket") == []


async def test_nothing_is_logged_for_what_clients_do(
    serve_and_log: ServeAndLog, ws: str, http: str
) -> None:
    served, lines = await serve_and_log(EchoApp(), ws=ws, http=http, access_log=False)
    async with connect(served) as peer:
        await peer.abort()
    async with connect(served) as peer:
        await peer.send(b"\xff\xff")
        await peer.read_end()
    async with tcp(served) as peer:
        await peer.request(headers={"Sec-WebSocket-Version": "8"})
        await peer.read_response()
    assert [line for line in lines("") if "Exception" in line or "Traceback" in line] == []
