"""What a client sees is the same on each ASGI server."""

from __future__ import annotations

import json
from secrets import token_hex
from typing import Any

import pytest

from tests.asgi_servers.clients import ask, connect_socket, poll_socket
from tests.support.clients import (
    PollingClient,
    WebSocketClient,
    WebSocketClosed,
    WebSocketRejected,
    connect_engine,
    connect_raw,
    connect_websocket,
    engine_url,
)
from tests.support.processes import ServerProcess
from tests.support.waiting import until

BIG = 900_000  # bytes; below max_http_buffer_size with what stands around it
TOO_BIG = 1_000_001


async def why_gone(url: str, name: str) -> str:
    """Wait until the server noticed that a client left, and return the reason."""
    async with connect_socket(url) as observer:

        async def reason() -> str | None:
            answer: list[str | None] = await ask(observer, "gone", name)
            return answer[0] if answer else None

        found: str = await until(reason, timeout=10)
        return found


async def test_websocket(server: ServerProcess) -> None:
    async with connect_engine(server.url) as (ws, handshake):
        assert handshake["upgrades"] == []
        await ws.send("40")
        assert str(await ws.receive()).startswith('40{"sid":"')
        assert await ask(ws, "echo", "hellö", 1, None, {}) == ["hellö", 1, None, {}]


async def test_who_carries_a_websocket(server: ServerProcess) -> None:
    expected = [server.name == "uvicorn-fast"]
    async with connect_socket(server.url) as ws:
        assert await ask(ws, "taken over") == expected
    async with (
        poll_socket(server.url) as client,
        connect_websocket(client.websocket_url()) as ws,
    ):
        await ws.send("2probe")
        assert await ws.receive() == "3probe"
        await ws.send("5")
        assert await ask(ws, "taken over") == expected


async def test_acknowledgements_both_ways(server: ServerProcess) -> None:
    async with connect_socket(server.url) as ws:
        await ws.send('425["ask","why?"]')
        question = str(await ws.receive())
        assert question.endswith('["question","why?"]')
        await ws.send(f'43{question[2 : question.index("[")]}["because"]')
        assert await ws.receive() == '435["because"]'


async def test_binary_over_websocket(server: ServerProcess) -> None:
    async with connect_socket(server.url) as ws:
        await send_binary(ws, b"\x00\xff")
        assert await ws.receive() == '461-1[{"_placeholder":true,"num":0}]'
        assert await ws.receive() == b"\x00\xff"


async def send_binary(ws: WebSocketClient, data: bytes) -> None:
    await ws.send('451-1["echo",{"_placeholder":true,"num":0}]')
    await ws.send(data)


async def test_big_messages_over_websocket(server: ServerProcess) -> None:
    async with connect_socket(server.url) as ws:
        text = "ä" * (BIG // 2)
        assert await ask(ws, "echo", text) == [text]
        await send_binary(ws, b"x" * BIG)
        await ws.receive()
        assert await ws.receive() == b"x" * BIG


async def test_polling(server: ServerProcess) -> None:
    async with poll_socket(server.url) as client:
        await client.post('421["echo","hellö"]', '422["echo",2]')
        answers = await client.poll()
        answers += await client.poll() if len(answers) == 1 else []
        assert answers == ['431["hellö"]', "432[2]"]


async def test_binary_over_polling(server: ServerProcess) -> None:
    async with poll_socket(server.url) as client:
        await client.post('451-1["echo",{"_placeholder":true,"num":0}]', b"\x00\xff")
        assert await client.poll() == ['461-1[{"_placeholder":true,"num":0}]', b"\x00\xff"]


async def test_big_messages_over_polling(server: ServerProcess) -> None:
    async with poll_socket(server.url) as client:
        packet = json.dumps(["echo", "x" * BIG])
        await client.post("421" + packet)
        assert await client.poll() == ["431" + json.dumps(["x" * BIG])]


async def test_a_poll_that_is_aborted_ends_the_session(server: ServerProcess) -> None:
    name = token_hex()
    async with poll_socket(server.url, name) as client, connect_raw(server.url) as raw:
        await raw.send_request("GET", client.target())
        await client.post('421["echo"]')  # answers the poll, so the server has it
        assert (await raw.read_response()).status == 200
        await raw.send_request("GET", client.target())
        await client.post('422["echo"]')
        assert (await raw.read_response()).status == 200
        await raw.send_request("GET", client.target())
        async with connect_socket(server.url) as observer:
            # A reset may overtake the request that was sent before it.
            await until(lambda: answers(observer, "polls", name))
        await raw.abort()
        assert await why_gone(server.url, name) in {"transport error", "transport close"}
        assert (await client.request("GET")).json()["message"] == "Session ID unknown"


async def answers(ws: WebSocketClient, event: str, *args: Any) -> Any:
    """The first value of the answer to an event."""
    return (await ask(ws, event, *args))[0]


async def test_upgrade(server: ServerProcess) -> None:
    async with (
        poll_socket(server.url) as client,
        connect_websocket(client.websocket_url()) as ws,
        connect_raw(server.url) as raw,
    ):
        await raw.send_request("GET", client.target())
        await ws.send("2probe")
        assert await ws.receive() == "3probe"
        assert (await raw.read_response()).body == b"6"
        await ws.send("5")
        assert await ask(ws, "echo", "over WebSocket") == ["over WebSocket"]
        refused = await client.request("GET")
        assert (refused.status_code, refused.json()["code"]) == (400, 3)


async def test_a_client_that_closes_its_websocket(server: ServerProcess) -> None:
    name = token_hex()
    async with connect_socket(server.url, name) as ws:
        assert (await ws.close(1000)).code in {1000, 1006}
    assert await why_gone(server.url, name) == "transport close"


async def test_a_client_whose_machine_dies(server: ServerProcess) -> None:
    name = token_hex()
    async with connect_socket(server.url, name) as ws:
        await ws.abort()
        assert await why_gone(server.url, name) in {"transport close", "transport error"}


async def test_a_client_that_leaves_the_namespace(server: ServerProcess) -> None:
    name = token_hex()
    async with poll_socket(server.url, name) as client:
        await client.post("41")
        assert await why_gone(server.url, name) == "client namespace disconnect"


async def test_the_server_closes_a_websocket(server: ServerProcess) -> None:
    name = token_hex()
    async with connect_socket(server.url, name) as ws:
        await ws.send('42["bye"]')
        assert await ws.receive() == "41"
        assert (await ws.receive_close()).code == 1000
    assert await why_gone(server.url, name) == "server namespace disconnect"


async def test_the_server_closes_a_poll(server: ServerProcess) -> None:
    async with poll_socket(server.url) as client:
        await client.post('42["bye"]')
        packets = await client.poll()
        assert (packets if packets[-1] == "1" else packets + await client.poll()) == ["41", "1"]


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
    async with connect_socket(server.url) as ws:
        await ws.send("4" + "x" * TOO_BIG)
        closed = await ws.receive_close()
        assert closed.code in {1009, 1006}
    async with poll_socket(server.url) as client:
        refused = await client.request("POST", content=b"4" + b"x" * TOO_BIG)
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
    async with connect_socket(server.url) as ws:
        for reason in ("", "restart"):
            async with connect_socket(server.url, name) as other:
                await other.close(1012, reason)
        assert await why_gone(server.url, name) == "transport close"
        assert await ask(ws, "echo", "still here") == ["still here"]
