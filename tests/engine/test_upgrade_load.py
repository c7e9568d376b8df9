"""Numbered messages in both directions while the transport changes: each once, and in order."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import anyio
import pytest

from tests.support.clients import PollingClient, WebSocketClient, connect_websocket
from tests.support.waiting import until

from .support import EngineApp, ServerSide, StartEngine

pytestmark = pytest.mark.runtime

SESSIONS, MANY_SESSIONS = 40, 100
AT_ONCE = 10
MESSAGES = 20
SECONDS = 0.04  # the longest pause before and within an upgrade


@dataclass
class Upgrader:
    """A client that upgrades as the official ones do, and notes what came by which transport."""

    client: PollingClient
    websocket_url: str
    random: random.Random
    by_polling: list[str] = field(default_factory=list)
    by_websocket: list[str] = field(default_factory=list)
    sent: int = 0
    paused: bool = False
    requests: int = 0

    @property
    def received(self) -> list[str]:
        return self.by_polling + self.by_websocket

    async def pause(self, seconds: float = SECONDS) -> None:
        await anyio.sleep(self.random.uniform(0, seconds))

    @contextmanager
    def request(self) -> Iterator[None]:
        """Count the requests that are under way."""
        self.requests += 1
        yield
        self.requests -= 1

    async def poll(self) -> None:
        """Poll until the upgrade pauses this transport."""
        while not self.paused:
            with self.request():
                note(self.by_polling, await self.client.poll())

    async def post(self, total: int = MESSAGES - 1) -> None:
        """Send numbers in bursts until the upgrade pauses this transport."""
        while self.sent < total and not self.paused:
            count = min(self.random.randint(1, 4), total - self.sent)
            packets = [f"4{number}" for number in range(self.sent, self.sent + count)]
            self.sent += count
            with self.request():
                await self.client.post(*packets)
            await self.pause(SECONDS / 2)

    async def upgrade(self) -> None:
        """Probe a WebSocket, finish both requests, switch, and go on there."""
        async with anyio.create_task_group() as requests:
            requests.start_soon(self.poll)
            requests.start_soon(self.post)
            await self.pause()
            async with connect_websocket(self.websocket_url) as ws:
                await ws.send("2probe")
                assert await ws.receive() == "3probe"
                await self.pause(SECONDS / 4)
                self.paused = True
                await until(lambda: self.requests == 0)
                await self.pause(SECONDS / 4)
                await self.carry_on(ws)

    async def carry_on(self, ws: WebSocketClient) -> None:
        await ws.send("5")
        for number in range(self.sent, MESSAGES):
            await ws.send(f"4{number}")
        while len(self.received) < MESSAGES:
            note(self.by_websocket, [await ws.receive()])

    async def attempt(self) -> None:
        """Give an upgrade up half-way, in one of several ways; the session stays on polling."""
        await self.pause()
        async with connect_websocket(self.websocket_url) as ws:
            if self.random.random() < 0.8:
                await ws.send("2probe")
            await self.pause()
            how = self.random.choice(["close", "abort", "wrong packet", "silent"])
            if how == "close":
                await ws.close()
            elif how == "abort":
                await ws.abort()
            elif how == "wrong packet":
                await ws.send("4must not arrive")
                await ws.receive_close()

    async def stay(self) -> None:
        """Send and receive everything by polling, while an upgrade fails."""
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(self.attempt)
            tasks.start_soon(self.post, MESSAGES)
            while len(self.received) < MESSAGES:
                note(self.by_polling, await self.client.poll())


def note(messages: list[str], packets: list[str | bytes]) -> None:
    """Keep the data of message packets; what else there may be are NOOPs."""
    for packet in packets:
        if packet != "6":
            assert isinstance(packet, str)
            assert packet.startswith("4"), packet
            messages.append(packet[1:])


async def emit(client: ServerSide, chance: random.Random, last_transport: str) -> None:
    """Send numbers from the server, in bursts of random size and distance.

    The last one waits for ``last_transport``, so that even a slow machine switches in between.
    """
    sent = 0
    while sent < MESSAGES - 1:
        count = min(chance.randint(1, 4), MESSAGES - 1 - sent)
        client.send(*(str(number) for number in range(sent, sent + count)))
        sent += count
        await anyio.sleep(chance.uniform(0, SECONDS / 2))
    await until(lambda: client.session.transport.name == last_transport)
    client.send(str(sent))


async def run(app: EngineApp, seed: int, *, fail: bool) -> Upgrader:
    """One session with traffic both ways; asserts that everything came once and in order."""
    chance = random.Random(seed)
    async with PollingClient(app.url) as client:
        await client.open()
        server_side = next(c for c in app.clients if c.session.id == client.sid)
        upgrader = Upgrader(client, client.websocket_url(), chance)
        async with anyio.create_task_group() as tasks:
            transport = "polling" if fail else "websocket"
            tasks.start_soon(emit, server_side, random.Random(-seed), transport)
            await (upgrader.stay() if fail else upgrader.upgrade())
        expected = [str(number) for number in range(MESSAGES)]
        assert upgrader.received == expected, f"to the client, seed {seed}"
        await until(lambda: len(server_side.messages) >= MESSAGES)
        assert server_side.messages == expected, f"to the server, seed {seed}"
    return upgrader


async def run_many(app: EngineApp, sessions: int, *, fail: bool) -> list[Upgrader]:
    upgraders: list[Upgrader] = []

    async def run_some(first: int) -> None:
        for seed in range(first, sessions, AT_ONCE):
            upgrader = await run(app, seed, fail=fail)
            upgraders.append(upgrader)

    async with anyio.create_task_group() as tasks:
        for first in range(AT_ONCE):
            tasks.start_soon(run_some, first)
    return upgraders


@pytest.fixture
def sessions(thorough: bool) -> int:
    """How many sessions upgrade, or try to."""
    return MANY_SESSIONS if thorough else SESSIONS


async def test_nothing_is_lost_doubled_or_reordered(
    start_engine: StartEngine, sessions: int
) -> None:
    app = await start_engine(echo=False)
    upgraders = await run_many(app, sessions, fail=False)
    assert len(upgraders) == sessions
    # The switch fell into the middle of the traffic, in either direction.
    assert all(0 < upgrader.sent < MESSAGES for upgrader in upgraders)
    assert all(upgrader.by_websocket for upgrader in upgraders)
    assert any(upgrader.by_polling for upgrader in upgraders)


async def test_nothing_is_lost_when_the_upgrade_fails(
    start_engine: StartEngine, sessions: int
) -> None:
    app = await start_engine(echo=False)
    upgraders = await run_many(app, sessions, fail=True)
    assert len(upgraders) == sessions
    assert all(client.session.transport.name == "polling" for client in app.clients)
