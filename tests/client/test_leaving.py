"""Clients that leave: what they sent before arrives, on all transports."""

from __future__ import annotations

from typing import Any

import pytest

from socketio_asgi import Server, Socket
from socketio_asgi.client import Client
from tests.support.waiting import until

pytestmark = pytest.mark.runtime


async def test_events_before_the_end(
    io: Server, url: str, transports: dict[str, Any], thorough: bool
) -> None:
    heard: list[Any] = []
    left: list[str] = []

    @io.on("last words")
    async def last_words(socket: Socket, *args: Any) -> None:
        heard.append(args)

    @io.on("disconnect")
    async def disconnected(socket: Socket, reason: str) -> None:
        left.append(reason)

    for number in range(20 if thorough else 3):
        async with Client(url, **transports) as client:
            client.emit("last words", number)
            client.emit("last words", b"x" * 100_000)
        await until(lambda: len(left) > number)  # noqa: B023
        assert heard == [(number,), (b"x" * 100_000,)]
        heard.clear()
    assert set(left) == {"client namespace disconnect"}
