"""A client that breaks the protocol is told that its session ends, and nobody else notices."""

from __future__ import annotations

from typing import cast

import pytest

from socketio_asgi import Server
from socketio_asgi.engine import SessionCore
from tests.support.clients import polling
from tests.support.peer import PollingWire
from tests.support.waiting import until

from .conftest import Join
from .support import Connect


def sessions(io: Server) -> dict[str, SessionCore]:
    return cast("dict[str, SessionCore]", io.engine.__socketio__.bound().sessions)


@pytest.mark.parametrize(
    ("connected", "packet"),
    [
        pytest.param(True, "abc", id="no packet"),
        pytest.param(True, "5woot", id="no number of attachments"),
        pytest.param(True, "5", id="an empty binary event"),
        pytest.param(True, '4["handle me"]', id="CONNECT_ERROR with a list"),
        pytest.param(True, '4{"message":"x"}', id="CONNECT_ERROR"),
        pytest.param(False, '2["event"]', id="an event before CONNECT"),
    ],
)
async def test_a_polling_client_gets_a_close_packet(
    io: Server, join: Join, connect: Connect, connected: bool, packet: str
) -> None:
    witness = await join(io)
    peer = await connect(io, "polling")
    if connected:
        await peer.join()
    assert isinstance(peer.wire, PollingWire)
    client = peer.wire.client
    session = sessions(io)[str(client.sid)]
    async with polling(client) as answer:  # as an official client does
        await until(lambda: session.transport.writable)
        await peer.send(packet)
    assert answer == ["1"]  # a CLOSE alone
    assert (await client.request("GET")).json()["code"] == 1
    assert io.engine.clients_count == 1
    await witness.sync()


async def test_a_connect_error_of_a_client(io: Server, connect: Connect, transport: str) -> None:
    """Only servers send one; it is no packet for a handler."""
    reasons: list[str] = []
    io.on("disconnect")(lambda _, reason: reasons.append(reason))
    peer = await connect(io, transport)
    await peer.join()
    await peer.send('4["handle me"]')
    await peer.ended()
    await until(lambda: reasons == ["parse error"])
