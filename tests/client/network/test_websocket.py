"""WebSockets of the client against servers."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import pytest

from socketio_asgi.exceptions import TransportError
from tests.support.echo import EchoApp
from tests.support.ports import PortReservation
from tests.support.serving import Served
from tests.support.waiting import until

from .support import Heard, OpenWebSocket

pytestmark = pytest.mark.runtime

Serving = Callable[..., Awaitable[Served]]

MESSAGES: list[str | bytes] = [
    "",
    "hello",
    b"",
    b"\x00\xff",
    "äöü€😀\x00\x1e",
    "x" * 200,
    b"y" * 70_000,
]


async def test_messages_of_every_size(serving: Serving, open_websocket: OpenWebSocket) -> None:
    served = await serving(EchoApp())
    heard = Heard()
    websocket = await open_websocket(served.url, heard)
    websocket.send(MESSAGES)
    await until(lambda: len(heard.messages) == len(MESSAGES))
    assert heard.messages == MESSAGES
    await until(lambda: heard.drained)
    assert websocket.buffered == 0
    assert not heard.ends


async def test_it_is_closed_properly(serving: Serving, open_websocket: OpenWebSocket) -> None:
    served = await serving(EchoApp())
    heard = Heard()
    websocket = await open_websocket(served.url, heard)
    websocket.close()
    websocket.send(["too late"])
    assert await heard.end() == ("", 1000)
    websocket.send(["too late"])


async def test_the_server_closes_it(serving: Serving, open_websocket: OpenWebSocket) -> None:
    served = await serving(EchoApp())
    heard = Heard()
    await open_websocket(f"{served.url}/close", heard)
    assert await heard.end() == ("", 4001)


async def test_the_server_refuses_it(serving: Serving, open_websocket: OpenWebSocket) -> None:
    served = await serving(EchoApp())
    with pytest.raises(TransportError) as caught:
        await open_websocket(f"{served.url}/deny")
    assert caught.value.status
    assert str(caught.value).startswith(
        f"127.0.0.1:{served.port} refused the WebSocket with status {caught.value.status}"
    )


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
async def test_nothing_listens(open_websocket: OpenWebSocket, host: str) -> None:
    with PortReservation() as reservation:
        with pytest.raises(TransportError) as caught:
            await open_websocket(f"http://{host}:{reservation.port}")
        text = f"cannot reach {host}:{reservation.port}: nothing listens there"
        assert str(caught.value) == text
