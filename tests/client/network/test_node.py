"""WebSockets to a server of the package ``ws``, which is what the official servers have."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.node import start_node

from .support import Heard, MakeNetwork, OpenWebSocket

pytestmark = [pytest.mark.runtime]


async def test_messages_and_ends(
    node_modules: Path, open_websocket: OpenWebSocket, make_network: MakeNetwork
) -> None:
    async with start_node("engine/ws_server.mjs") as script:
        url = f"http://127.0.0.1:{(await script.wait_for('listening'))['port']}"
        heard = Heard()
        websocket = await open_websocket(url, heard)
        messages: list[str | bytes] = [
            "",
            "äöü€😀",
            b"",
            b"\x00\xff",
            "x" * 70_000,
            b"y" * 1_000_000,
        ]
        websocket.send([*messages, "fragments", "ping"])
        await heard.count(len(messages) + 2)
        assert heard.messages == [*messages, "one two three", "pong hello"]
        websocket.send(["close"])
        assert await heard.end() == ("", 4321)
        await script.wait_for("ended")

        mine, cut = Heard(), Heard()
        (await open_websocket(url, mine)).close()
        assert await mine.end() == ("", 1000)
        await script.wait_for("ended")  # the other side may hear of the next end before this one
        (await open_websocket(url, cut)).send(["terminate"])
        error, code = await cut.end()
        assert code == 1006
        assert "is lost" in error

        response = await make_network().request("GET", url, {})
        assert (response.status, response.body) == (426, b"WebSocket only")
        await script.send("end")
        assert (await script.finish())["ended"] == [4321, 1000, 1006]
