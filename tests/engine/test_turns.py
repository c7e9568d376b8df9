"""A client that sends much at once, beside others: it gets its turn, and no more.

The time of a turn is 0 on the fast path, so that each connection reads one stretch in each.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import anyio
import pytest

from socketio_asgi.engine.transports.base import PACKETS_PER_TURN
from socketio_asgi.uvicorn_protocols import server_context
from tests.support.clients import PollingClient, connect_engine
from tests.support.frames import text
from tests.support.waiting import until

from .support import EngineApp, StartEngine

pytestmark = [pytest.mark.runtime, pytest.mark.usefixtures("short_turns")]

COUNT = 40_000
"""Packets of a flood: more than there are turns until another client is heard."""

FLOOD_SECONDS = 30.0
"""The time to handle them on a machine that does other things as well, on trio above all."""


@pytest.fixture
def short_turns(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let one connection read in each turn."""
    monkeypatch.setattr(server_context, "TURN_SECONDS", 0.0)


@asynccontextmanager
async def honest_client(app: EngineApp, journal: list[str]) -> AsyncIterator[None]:
    """Let another client say hello as soon as something of the flood is handled.

    Args:
        app: The engine; what all of its clients say is noted.
        journal: The list for that, in the order in which it is handled.
    """
    async with connect_engine(app.url) as (honest, _), anyio.create_task_group() as tasks:

        def on_message(data: str | bytes) -> None:
            if not journal:
                tasks.start_soon(honest.send, "4hello")
            journal.append(str(data))

        for client in app.clients:
            client.on_message = on_message  # type: ignore[method-assign]
        yield


async def test_a_message_comes_before_the_backlog_of_another_websocket(
    start_engine: StartEngine,
) -> None:
    app = await start_engine(echo=False)
    journal: list[str] = []
    async with connect_engine(app.url) as (flood, _), honest_client(app, journal):
        await flood.raw.send(text("4x") * COUNT, text("4last"))
        await until(lambda: {"last", "hello"} <= {*journal}, FLOOD_SECONDS)
        assert journal.count("x") == COUNT
        assert [each for each in journal if each != "x"] == ["hello", "last"]


async def test_a_message_comes_before_the_packets_of_a_large_post(
    start_engine: StartEngine,
) -> None:
    app = await start_engine(echo=False)
    journal: list[str] = []
    async with PollingClient(app.url) as flood:
        await flood.open()
        async with honest_client(app, journal):
            await flood.post(*["4x"] * COUNT, "4last")
            await flood.post("4next")
            await until(lambda: "next" in journal, FLOOD_SECONDS)
            assert journal.count("x") == COUNT
            assert [each for each in journal if each != "x"] == ["hello", "last", "next"]


async def test_what_comes_behind_the_packets_of_a_large_post_waits(
    start_engine: StartEngine,
) -> None:
    """By another transport as well."""
    app = await start_engine(echo=False)
    async with PollingClient(app.url) as client:
        await client.open()
        session = app.client.session
        session.receive_packets([session.codec.decode(f"4{n}") for n in range(COUNT)])
        assert len(app.client.messages) == PACKETS_PER_TURN
        assert session.paused
        session.receive("4behind")
        await until(lambda: not session.paused)
        assert app.client.messages == [*map(str, range(COUNT)), "behind"]


@pytest.mark.parametrize("held", [False, True])
async def test_a_session_that_ends_while_packets_wait(
    start_engine: StartEngine, held: bool
) -> None:
    app = await start_engine(echo=False)
    async with PollingClient(app.url) as client:
        await client.open()
        session = app.client.session
        session.receive_packets([session.codec.decode("4x")] * COUNT)
        if held:
            session.pause_reading()
        session.end("enough")
        assert not session.paused
        with anyio.fail_after(1):
            await session.readable()
        await anyio.wait_all_tasks_blocked()
        assert len(app.client.messages) == PACKETS_PER_TURN


async def test_a_pause_while_packets_wait(start_engine: StartEngine) -> None:
    app = await start_engine(echo=False)
    async with PollingClient(app.url) as client:
        await client.open()
        session = app.client.session
        session.receive_packets([session.codec.decode(f"4{n}") for n in range(COUNT)])
        session.pause_reading()
        await anyio.wait_all_tasks_blocked()
        assert len(app.client.messages) == PACKETS_PER_TURN
        for _ in range(3):  # begins the work but once
            session.resume_reading()
            session.pause_reading()
        session.resume_reading()
        await until(lambda: not session.paused)
        assert app.client.messages == [*map(str, range(COUNT))]
