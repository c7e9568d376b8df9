"""What a client sees is the same on each ASGI server."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from secrets import token_hex
from typing import Any

import pytest

from tests.support.clients import (
    PollingClient,
    WebSocketClosed,
    WebSocketRejected,
    connect_engine,
    connect_raw,
    connect_websocket,
    engine_url,
)
from tests.support.peer import (
    TRANSPORTS,
    Peer,
    WebSocketWire,
    join_peer,
    polling_of,
    websocket_of,
)
from tests.support.processes import ServerProcess
from tests.support.waiting import until

BIG = 900_000  # bytes; below max_http_buffer_size with what stands around it
TOO_BIG = 1_000_001


def named(name: str) -> dict[str, str]:
    """The query of a client that the server remembers."""
    return {"name": name}


async def why_gone(url: str, name: str) -> str:
    """Wait until the server noticed that a client left, and return the reason."""
    async with join_peer(url) as observer:

        async def reason() -> str | None:
            answer: list[str | None] = await observer.request("gone", name)
            return answer[0] if answer else None

        found: str = await until(reason, timeout=10)
        return found


@asynccontextmanager
async def upgraded(peer: Peer) -> AsyncIterator[Peer]:
    """Take a session from polling to WebSocket, as long as no poll waits."""
    async with connect_websocket(polling_of(peer).websocket_url()) as ws:
        await ws.send("2probe")
        assert await ws.receive() == "3probe"
        await ws.send("5")
        yield Peer(WebSocketWire(ws), peer.sid)


async def test_websocket(server: ServerProcess) -> None:
    async with connect_engine(server.url) as (ws, handshake):
        assert handshake["upgrades"] == []
        await ws.send("40")
        assert str(await ws.receive()).startswith('40{"sid":"')
        await ws.send('427["echo","hellö",1,null,{}]')
        assert await ws.receive() == '437["hellö",1,null,{}]'


async def test_who_carries_a_websocket(server: ServerProcess) -> None:
    expected = [server.name == "uvicorn-fast"]
    async with join_peer(server.url) as peer:
        assert await peer.request("taken over") == expected
    async with join_peer(server.url, "polling") as peer, upgraded(peer) as later:
        assert await later.request("taken over") == expected


async def test_acknowledgements_both_ways(server: ServerProcess) -> None:
    async with join_peer(server.url) as peer:
        await peer.emit("ask", "why?", ack=5)
        assert await peer.answer("because") == ["question", "why?"]
        assert await peer.acknowledgement(ack=5) == ["because"]


@pytest.mark.parametrize("transport", TRANSPORTS)
async def test_binary(server: ServerProcess, transport: str) -> None:
    async with join_peer(server.url, transport) as peer:
        await peer.send('51-1["echo",{"_placeholder":true,"num":0}]', b"\x00\xff")
        assert await peer.receive() == '61-1[{"_placeholder":true,"num":0}]'
        assert await peer.receive() == b"\x00\xff"


async def test_big_messages_over_websocket(server: ServerProcess) -> None:
    async with join_peer(server.url) as peer:
        text = "ä" * (BIG // 2)
        assert await peer.request("echo", text) == [text]
        await peer.send('51-1["echo",{"_placeholder":true,"num":0}]', b"x" * BIG)
        await peer.receive()
        assert await peer.receive() == b"x" * BIG


async def test_polling(server: ServerProcess) -> None:
    async with join_peer(server.url, "polling") as peer:
        await peer.send('21["echo","hellö"]', '22["echo",2]')
        assert [await peer.receive(), await peer.receive()] == ['31["hellö"]', "32[2]"]


async def test_big_messages_over_polling(server: ServerProcess) -> None:
    async with join_peer(server.url, "polling") as peer:
        assert await peer.request("echo", "x" * BIG) == ["x" * BIG]


async def test_a_poll_that_is_aborted_ends_the_session(server: ServerProcess) -> None:
    name = token_hex()
    async with (
        join_peer(server.url, "polling", query=named(name)) as peer,
        connect_raw(server.url) as raw,
    ):
        client = polling_of(peer)
        for number in (1, 2):
            await raw.send_request("GET", client.target())
            await peer.emit("echo", ack=number)  # answers the poll, so the server has it
            assert (await raw.read_response()).status == 200
        await raw.send_request("GET", client.target())
        async with join_peer(server.url) as observer:
            # A reset may overtake the request that was sent before it.
            await until(lambda: first_answer(observer, "polls", name))
        await raw.abort()
        assert await why_gone(server.url, name) in {"transport error", "transport close"}
        assert (await client.request("GET")).json()["message"] == "Session ID unknown"


async def first_answer(peer: Peer, event: str, *args: Any) -> Any:
    """The first value of the answer to an event."""
    return (await peer.request(event, *args))[0]


async def test_upgrade(server: ServerProcess) -> None:
    async with (
        join_peer(server.url, "polling") as peer,
        connect_websocket(polling_of(peer).websocket_url()) as ws,
        connect_raw(server.url) as raw,
    ):
        client = polling_of(peer)
        await raw.send_request("GET", client.target())
        await ws.send("2probe")
        assert await ws.receive() == "3probe"
        assert (await raw.read_response()).body == b"6"
        await ws.send("5")
        upgraded = Peer(WebSocketWire(ws), peer.sid)
        assert await upgraded.request("echo", "over WebSocket") == ["over WebSocket"]
        refused = await client.request("GET")
        assert (refused.status_code, refused.json()["code"]) == (400, 3)


async def test_a_client_that_closes_its_websocket(server: ServerProcess) -> None:
    name = token_hex()
    async with join_peer(server.url, query=named(name)) as peer:
        assert (await websocket_of(peer).close(1000)).code in {1000, 1006}
    assert await why_gone(server.url, name) == "transport close"


async def test_a_client_whose_machine_dies(server: ServerProcess) -> None:
    name = token_hex()
    async with join_peer(server.url, query=named(name)) as peer:
        await peer.drop()
        assert await why_gone(server.url, name) in {"transport close", "transport error"}


async def test_a_client_that_leaves_the_namespace(server: ServerProcess) -> None:
    name = token_hex()
    async with join_peer(server.url, "polling", query=named(name)) as peer:
        await peer.leave()
        assert await why_gone(server.url, name) == "client namespace disconnect"


async def test_the_server_closes_a_websocket(server: ServerProcess) -> None:
    name = token_hex()
    async with join_peer(server.url, query=named(name)) as peer:
        await peer.emit("bye")
        assert await peer.text() == "1"
        assert (await websocket_of(peer).receive_close()).code == 1000
    assert await why_gone(server.url, name) == "server namespace disconnect"


async def test_the_server_closes_a_poll(server: ServerProcess) -> None:
    async with join_peer(server.url, "polling") as peer:
        await peer.emit("bye")
        packets = await polling_of(peer).poll()
        packets += [] if packets[-1] == "1" else await polling_of(peer).poll()
        assert packets == ["41", "1"]


async def test_refused_requests(server: ServerProcess) -> None:
    async with PollingClient(server.url, eio="2") as client:
        refused = await client.request("GET")
        assert (refused.status_code, refused.json()["code"]) == (400, 5)
        refused = await client.request("PUT", content=b"x" * 10_000)
        assert (refused.status_code, refused.json()["code"]) == (400, 2)


async def test_refused_websockets(server: ServerProcess) -> None:
    with pytest.raises(WebSocketRejected) as refusal:
        async with connect_websocket(engine_url(server.ws_url, EIO="2", transport="websocket")):
            pass
    if server.name == "daphne":  # it cannot send a response of ours
        assert refusal.value.status == 403
    else:
        assert (refusal.value.status, json.loads(refusal.value.body)["code"]) == (400, 5)


async def test_a_message_that_is_too_big(server: ServerProcess) -> None:
    async with join_peer(server.url) as peer:
        await peer.send("x" * TOO_BIG)
        closed = await websocket_of(peer).receive_close()
        assert closed.code in {1009, 1006}
    async with join_peer(server.url, "polling") as peer:
        refused = await polling_of(peer).request("POST", content=b"4" + b"x" * TOO_BIG)
        assert refused.status_code == 413


async def test_a_refused_body_does_not_block_the_connection(server: ServerProcess) -> None:
    async with connect_raw(server.url) as raw:
        for _ in range(2):
            await raw.send_request("POST", "/socket.io/?EIO=4&transport=polling", b"x" * 1000)
            assert (await raw.read_response()).status == 400
        await raw.send_request("GET", "/socket.io/?EIO=4&transport=polling")
        assert (await raw.read_response()).status == 200


async def test_a_websocket_for_an_unknown_session(server: ServerProcess) -> None:
    url = engine_url(server.ws_url, EIO="4", transport="websocket", sid="unknown")
    with pytest.raises((WebSocketRejected, WebSocketClosed)):
        async with connect_websocket(url):
            pass


async def test_no_client_can_make_the_server_believe_that_it_ends(server: ServerProcess) -> None:
    name = token_hex()
    async with join_peer(server.url) as peer:
        for reason in ("", "restart"):
            async with join_peer(server.url, query=named(name)) as other:
                await websocket_of(other).close(1012, reason)
        assert await why_gone(server.url, name) == "transport close"
        assert await peer.request("echo", "still here") == ["still here"]
