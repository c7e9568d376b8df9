"""The opening handshake alone: a client's request and its check of the response, and the server's.

Ours on both sides, and ours with wsproto and websockets as independent peers, of which websockets
runs as a real server as well.
"""

from __future__ import annotations

from collections.abc import Sequence

import anyio
import pytest
from hypothesis import given
from hypothesis import strategies as st
from websockets.asyncio.server import ServerConnection
from websockets.asyncio.server import serve as serve_websockets
from websockets.server import ServerProtocol
from websockets.typing import Subprotocol
from wsproto import ConnectionType, WSConnection, events

from socketio_asgi.websocket.frames import Opcode, Side, encode_masked_frame
from socketio_asgi.websocket.headers import MAX_HEAD_SIZE, Header, split_head
from socketio_asgi.websocket.opening_request import (
    OWN_HEADERS,
    new_key,
    parse_request,
    upgrade_request,
)
from socketio_asgi.websocket.opening_response import (
    BadResponse,
    HandshakeFailed,
    HandshakeRefused,
    UpgradeResponse,
    accept_key,
    accept_response,
    parse_response,
    text_response,
)
from tests.support.ports import HOST
from tests.support.rawwebsocket import ACCEPT, KEY

from .conftest import ServeEcho
from .test_reader import Recorder, cut, one_by_one, places

OFFERED = ("chat", "superchat")

tokens = st.text("abcXYZ019!#$%&'*+-.^_`|~", min_size=1, max_size=10)
values = st.text(st.characters(codec="latin-1", exclude_categories=["Cc"]), max_size=20).map(
    lambda value: value.strip().encode("latin-1")
)
headers = st.lists(st.tuples(tokens.map(lambda name: b"x-" + name.lower().encode()), values))
targets = st.text("abc/?&=%.~-", max_size=20).map(lambda rest: "/" + rest)


def head_of(data: bytes) -> bytes:
    """The head of a message that nothing follows."""
    parts = split_head(data)
    assert parts is not None
    assert parts[1] == b""
    return parts[0]


def check(
    *headers: str,
    status: str = "HTTP/1.1 101 Switching Protocols",
    offered: Sequence[str] = OFFERED,
) -> UpgradeResponse:
    """Check a response with these headers to the request of RFC 6455, section 1.2."""
    head = "\r\n".join([status, *headers]).encode("latin-1")
    return parse_response(head, KEY.encode(), offered)


UPGRADE, CONNECTION = "Upgrade: websocket", "Connection: Upgrade"
ACCEPTS = f"Sec-WebSocket-Accept: {ACCEPT}"
GOOD = (UPGRADE, CONNECTION, ACCEPTS)


# -- requests --------------------------------------------------------------------------------


@given(targets, headers, st.lists(tokens, max_size=3, unique=True))
def test_a_request_is_read_as_it_was_made(
    target: str, more: list[Header], subprotocols: list[str]
) -> None:
    key = new_key()
    data = upgrade_request("example.com:81", target, key, subprotocols=subprotocols, headers=more)
    request = parse_request(head_of(data))
    assert request.key == key
    assert request.subprotocols == subprotocols
    assert request.raw_path == target.partition("?")[0].encode()
    assert request.query_string == target.partition("?")[2].encode()
    assert request.headers[0] == (b"host", b"example.com:81")
    assert [each for each in request.headers if each[0].startswith(b"x-")] == more


def test_keys_are_new() -> None:
    assert len({new_key() for _ in range(100)}) == 100


@pytest.mark.parametrize("host", ["", "two words", "a\r\nb", "ä"])
def test_hosts_that_are_not_valid(host: str) -> None:
    with pytest.raises(ValueError, match="not valid"):
        upgrade_request(host, "/", new_key())


@pytest.mark.parametrize("target", ["", "path", "/two words", "/a\r\nb", "/ä", "/#fragment", "*"])
def test_targets_that_are_not_valid(target: str) -> None:
    with pytest.raises(ValueError, match=r"not valid|no path"):
        upgrade_request("host", target, new_key())


@pytest.mark.parametrize("subprotocols", [["a", "a"], [""], ["two words"], ["a,b"], ["ä"]])
def test_subprotocols_that_are_not_valid(subprotocols: list[str]) -> None:
    with pytest.raises(ValueError, match="subprotocols"):
        upgrade_request("host", "/", new_key(), subprotocols=subprotocols)


@pytest.mark.parametrize("name", sorted(OWN_HEADERS))
def test_headers_that_belong_to_the_handshake(name: bytes) -> None:
    with pytest.raises(ValueError, match="belongs to the handshake"):
        upgrade_request("host", "/", new_key(), headers=[(name.title(), b"value")])


@pytest.mark.parametrize("header", [(b"x", b"a\r\nb: c"), (b"x y", b""), (b"", b""), (b"x", b"\0")])
def test_headers_that_would_break_out(header: Header) -> None:
    with pytest.raises(ValueError, match="no valid header"):
        upgrade_request("host", "/", new_key(), headers=[header])


# -- responses -------------------------------------------------------------------------------


def test_the_answer_to_the_key_of_the_specification() -> None:
    assert accept_key(KEY.encode()) == ACCEPT.encode()


@given(headers, st.sampled_from([None, *OFFERED]))
def test_a_response_is_accepted_as_it_was_made(more: list[Header], chosen: str | None) -> None:
    key = new_key()
    own = [] if chosen is None else [(b"sec-websocket-protocol", chosen.encode())]
    response = parse_response(head_of(accept_response(key, [*own, *more])), key, OFFERED)
    assert response.subprotocol == chosen
    assert response.headers[3:] == [*own, *more]


@pytest.mark.parametrize(
    "lines",
    [
        GOOD,
        ("UPGRADE:WebSocket", "connection:  keep-alive, UPGRADE  ", ACCEPTS),
        (*GOOD, "Connection: keep-alive"),
        (*GOOD, "Server: any", "X-Empty:"),
    ],
)
def test_responses_that_are_good(lines: tuple[str, ...]) -> None:
    assert check(*lines).subprotocol is None


@pytest.mark.parametrize(
    ("lines", "problem"),
    [
        ((), "Upgrade"),
        ((CONNECTION, ACCEPTS), "Upgrade"),
        (("Upgrade: h2c", CONNECTION, ACCEPTS), "Upgrade"),
        (("Upgrade: websocket, h2c", CONNECTION, ACCEPTS), "Upgrade"),
        ((*GOOD, "Upgrade: h2c"), "Upgrade"),
        ((UPGRADE, ACCEPTS), "Connection"),
        ((UPGRADE, "Connection: close", ACCEPTS), "Connection"),
        ((UPGRADE, "Connection: no-Upgrade", ACCEPTS), "Connection"),
        ((UPGRADE, CONNECTION), "Accept"),
        ((UPGRADE, CONNECTION, f"Sec-WebSocket-Accept: {KEY}"), "Accept"),
        ((UPGRADE, CONNECTION, ACCEPTS.upper()), "Accept"),
        ((*GOOD, ACCEPTS), "Accept"),
        ((*GOOD, "Sec-WebSocket-Extensions: permessage-deflate"), "extension"),
        ((*GOOD, "Sec-WebSocket-Protocol: other"), "'other', which was not offered"),
        ((*GOOD, "Sec-WebSocket-Protocol: Chat"), "not offered"),
        ((*GOOD, "Sec-WebSocket-Protocol:"), "not offered"),
        ((*GOOD, "Sec-WebSocket-Protocol: chat, superchat"), "not offered"),
        ((*GOOD, *["Sec-WebSocket-Protocol: chat"] * 2), "not offered"),
        ((*GOOD, "no colon"), "no header"),
        ((*GOOD, ": no name"), "no header"),
        ((*GOOD, "X-Folded: a", " b: c"), "no header"),
        ((*GOOD, "Space : a"), "no header"),
        ((*GOOD, "X-Bare: a\rb"), "no header"),
        ((*GOOD, "X-Zero: a\0b"), "no header"),
    ],
)
def test_responses_that_are_bad(lines: tuple[str, ...], problem: str) -> None:
    with pytest.raises(BadResponse, match=problem):
        check(*lines)


def test_a_subprotocol_without_an_offer() -> None:
    with pytest.raises(BadResponse, match="not offered"):
        check(*GOOD, "Sec-WebSocket-Protocol: chat", offered=())


@pytest.mark.parametrize(
    "line",
    [
        *("", "HTTP/1.1", "HTTP/1.1 ", "HTTP/1.1 1011 Many", "HTTP/1.1 10 Few", "HTTP/2 101 Two"),
        *("http/1.1 101 Small", "GET / HTTP/1.1", " HTTP/1.1 101 Space", "HTTP/1.1  101 Spaces"),
        *("HTTP/1.1 001 Zero", "\x81\x05Hello"),
    ],
)
def test_status_lines_that_are_bad(line: str) -> None:
    with pytest.raises(BadResponse, match="no status line"):
        check(*GOOD, status=line)


@pytest.mark.parametrize("line", ["HTTP/1.1 101", "HTTP/1.1 101 ", "HTTP/1.1 101 \xe4 b"])
def test_status_lines_that_are_good(line: str) -> None:
    assert check(*GOOD, status=line).headers


@pytest.mark.parametrize("status", [200, 301, 401, 403, 404, 503])
def test_a_server_that_refuses(status: int) -> None:
    data = text_response(status, "no", [(b"X-Reason", b"none")])
    parts = split_head(data)
    assert parts is not None
    with pytest.raises(HandshakeRefused, match=str(status)) as caught:
        parse_response(parts[0], KEY.encode())
    assert caught.value.status == status
    assert (b"x-reason", b"none") in caught.value.headers
    assert parts[1] == b"no"


@given(st.binary(max_size=200))
def test_any_bytes_give_a_response_or_a_failure(data: bytes) -> None:
    for head in (data, b"HTTP/1.1 101 X\r\n" + data, accept_response(KEY.encode(), []) + data):
        try:
            parse_response(head, KEY.encode(), OFFERED)
        except HandshakeFailed as error:
            assert str(error)


# -- heads -----------------------------------------------------------------------------------


@given(headers, st.binary(max_size=50), places)
def test_a_head_is_found_however_it_is_cut(
    more: list[Header], rest: bytes, places: list[int]
) -> None:
    response = accept_response(KEY.encode(), more)
    for pieces in (cut(response + rest, places), one_by_one(response + rest)):
        data = b""
        for piece in pieces:
            data += piece
            parts = split_head(data)
            assert (parts is None) == (len(data) < len(response))
        assert split_head(data) == (response[:-4], rest)


def test_a_head_that_is_too_large() -> None:
    assert split_head(b"x" * MAX_HEAD_SIZE) is None
    assert split_head(b"x" * MAX_HEAD_SIZE + b"\r\n\r\n" + b"y" * MAX_HEAD_SIZE) is not None
    for end in (b"", b"\r\n\r\n"):
        with pytest.raises(ValueError, match="larger than 65536 bytes"):
            split_head(b"x" * (MAX_HEAD_SIZE + 1) + end)


# -- independent peers -----------------------------------------------------------------------


def test_wsproto_takes_our_request_and_we_its_response() -> None:
    key, server = new_key(), WSConnection(ConnectionType.SERVER)
    server.receive_data(
        upgrade_request(HOST, "/path?q", key, subprotocols=OFFERED, headers=[(b"x-a", b"b")])
    )
    (request,) = server.events()
    assert isinstance(request, events.Request)
    assert (request.target, request.host) == ("/path?q", HOST)
    assert request.subprotocols == list(OFFERED)
    assert (b"x-a", b"b") in request.extra_headers
    data = server.send(events.AcceptConnection(subprotocol="superchat"))
    assert parse_response(head_of(data), key, OFFERED).subprotocol == "superchat"


def test_websockets_takes_our_request_and_we_its_response() -> None:
    key = new_key()
    server = ServerProtocol(subprotocols=[Subprotocol("superchat")])
    server.receive_data(upgrade_request(HOST, "/path?q", key, subprotocols=OFFERED))
    (request,) = server.events_received()
    response = server.accept(request)  # type: ignore[arg-type]
    server.send_response(response)
    data = b"".join(server.data_to_send())
    assert parse_response(head_of(data), key, OFFERED).subprotocol == "superchat"


async def talk(port: int, key: bytes, request: bytes) -> tuple[UpgradeResponse, list[object]]:
    """Open a WebSocket, and send a text of each size; returns the echoes."""
    recorder = Recorder(None, Side.CLIENT)
    async with await anyio.connect_tcp(HOST, port) as stream:
        await stream.send(request)
        data = b""
        while (parts := split_head(data)) is None:
            data += await stream.receive()
        response = parse_response(parts[0], key, OFFERED)
        recorder.reader.feed(parts[1])
        for size in SIZES:
            await stream.send(encode_masked_frame(Opcode.TEXT, b"x" * size))
        with anyio.fail_after(10):
            while len(recorder.events) < len(SIZES):
                recorder.reader.feed(await stream.receive())
                recorder.read_to_the_end()
    return response, [event[1] for event in recorder.events]


SIZES = (0, 3, 125, 126, 70_000)
ECHOES = ["x" * size for size in SIZES]


async def test_a_real_server_of_websockets() -> None:
    async def echo(connection: ServerConnection) -> None:
        async for message in connection:
            await connection.send(message)

    key = new_key()
    async with serve_websockets(
        echo, HOST, 0, subprotocols=[Subprotocol("superchat")], compression="deflate"
    ) as server:
        port: int = next(iter(server.sockets)).getsockname()[1]
        request = upgrade_request(f"{HOST}:{port}", "/", key, subprotocols=OFFERED)
        response, echoes = await talk(port, key, request)
    assert response.subprotocol == "superchat"
    assert echoes == ECHOES


async def test_a_server_of_ours(echo: ServeEcho) -> None:
    key = new_key()
    _, served = await echo()
    request = upgrade_request(f"{HOST}:{served.port}", "/", key)
    _, echoes = await talk(served.port, key, request)
    assert echoes == ECHOES
