"""A client that stops reading costs a bounded amount of memory, and then its connection.

Measured: the process grows by about 21 MB, which are the buffer of the slow client (16 MiB by
default), the messages on their way to the others, and what the allocator keeps.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import anyio
import pytest

from tests.conftest import StartServer
from tests.support.clients import PollingClient, WebSocketClient, connect_engine
from tests.support.processes import BOTH_PATHS, ServerProcess
from tests.support.waiting import until

pytestmark = pytest.mark.parametrize("anyio_backend", ["asyncio"])

MESSAGES, SIZE = 400, 500_000  # 200 MB
MAX_GROWTH = 60_000_000  # bytes
READERS = 2


@asynccontextmanager
async def websocket(server: ServerProcess, name: str) -> AsyncIterator[WebSocketClient]:
    async with connect_engine(server.url, query={"name": name}) as (ws, _):
        await ws.send("40")
        await ws.receive()
        yield ws


async def read_all(ws: WebSocketClient, numbers: list[int]) -> None:
    """Read the broadcast without the cost of a whole WebSocket parser."""
    while len(numbers) < MESSAGES:
        message = await ws.receive(timeout=30)
        assert isinstance(message, str)
        assert len(message) > SIZE
        head, _, body = message[:64].partition(',"')
        numbers.append(int(head.rpartition(",")[2]))
        assert body.startswith(f"{numbers[-1]:09}")


async def broadcast(asker: WebSocketClient) -> dict[str, Any]:
    """Let the server broadcast; the asker is a reader as well, and returns the answer."""
    await asker.send(f'420["broadcast",{MESSAGES},{SIZE}]')
    while not (message := await asker.receive(timeout=30)).startswith("430"):  # type: ignore[arg-type]
        pass
    result: dict[str, Any] = json.loads(message[3:])[0]
    return result


@pytest.mark.parametrize(
    ("kind", "name"), [("websocket", name) for name in BOTH_PATHS] + [("polling", "uvicorn")]
)
async def test_a_client_that_stops_reading(
    kind: str, name: str, start_server: StartServer, anyio_backend: str
) -> None:
    server = start_server(name, "tests.server.backpressure.apps:io")
    async with AsyncExitStack() as stack:
        slow: WebSocketClient | None = None
        poller: PollingClient | None = None
        heard: list[list[int]] = [[] for _ in range(READERS)]
        tasks = await stack.enter_async_context(anyio.create_task_group())
        if kind == "websocket":
            slow = await stack.enter_async_context(websocket(server, "slow"))
        else:
            poller = await stack.enter_async_context(
                PollingClient(server.url, query={"name": "slow"})
            )
            await poller.open()
            await poller.post("40")
            await poller.poll()
        for index, numbers in enumerate(heard):
            ws = await stack.enter_async_context(websocket(server, f"reader {index}"))
            tasks.start_soon(read_all, ws, numbers)
        asker = await stack.enter_async_context(websocket(server, "reader and asker"))
        result = await broadcast(asker)
        await until(lambda: all(len(numbers) == MESSAGES for numbers in heard), timeout=20)

        assert heard == [list(range(MESSAGES))] * READERS
        assert result["peak"] - result["before"] < MAX_GROWTH
        reason, description = result["gone"]["slow"]
        assert reason == "transport error"
        assert "send_buffer_limit" in description
        if slow is not None:
            await slow.receive_close()
        if poller is not None:
            assert (await poller.request("GET")).json() == {
                "code": 1,
                "message": "Session ID unknown",
            }
