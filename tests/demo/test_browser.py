"""The chat page in real browsers, in front of the real command."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from anyio import to_thread

from tests.support.node import run_node, start_node

from .support import DemoProcess

CHAT = Path(__file__).with_name("chat.mjs")

pytestmark = pytest.mark.parametrize("anyio_backend", ["asyncio"])


@pytest.fixture
def demo(client_dir: Path) -> Iterator[DemoProcess]:
    with DemoProcess("--client-dir", str(client_dir)) as server:
        yield server


async def play(scenario: str, demo: DemoProcess, chromium: str) -> dict[str, Any]:
    env = {"HARNESS_CHROMIUM": chromium}
    result = await run_node(CHAT, demo.url, {"run": scenario}, env=env, timeout=45)
    assert result.pop("problems") == []
    return result


async def test_two_pages_talk(demo: DemoProcess, chromium: str, anyio_backend: str) -> None:
    await play("conversation", demo, chromium)


async def test_no_markup_of_others(demo: DemoProcess, chromium: str, anyio_backend: str) -> None:
    result = await play("safety", demo, chromium)
    assert result == {"ok": True, "elements": 0, "title": "Chat · socketio-asgi"}


async def test_a_refused_name_is_asked_again(
    demo: DemoProcess, chromium: str, anyio_backend: str
) -> None:
    await play("refused_names", demo, chromium)


async def test_a_client_that_does_not_load(
    demo: DemoProcess, chromium: str, anyio_backend: str
) -> None:
    await play("missing_client", demo, chromium)


async def test_the_reader_stays_where_they_are(
    demo: DemoProcess, chromium: str, anyio_backend: str
) -> None:
    result = await play("scrolling", demo, chromium)
    assert result == {"ok": True, "followed": 0, "stayed": 100, "returned": 0, "overflow": 0}


async def test_a_restart_of_the_server(
    demo: DemoProcess, chromium: str, anyio_backend: str
) -> None:
    env = {"HARNESS_CHROMIUM": chromium}
    async with start_node(CHAT, demo.url, {"run": "reconnection"}, env=env, timeout=45) as script:
        await script.wait_for("entered", timeout=30)
        await to_thread.run_sync(demo.kill)
        await script.send("stopped")
        await script.wait_for("offline", timeout=15)
        await to_thread.run_sync(demo.start)
        await script.send("started")
        result = await script.finish()
    assert result == {"ok": True, "messages": 2, "problems": []}


async def test_a_message_without_acknowledgement_is_sent_again(
    demo: DemoProcess, chromium: str, anyio_backend: str
) -> None:
    env = {"HARNESS_CHROMIUM": chromium}
    scenario = {"run": "lost_acknowledgement"}
    async with start_node(CHAT, demo.url, scenario, env=env, timeout=45) as script:
        await script.wait_for("entered", timeout=30)
        demo.signal(signal.SIGSTOP)
        await script.send("frozen")
        await script.wait_for("sent")
        await to_thread.run_sync(demo.kill)
        await script.wait_for("failed")
        await to_thread.run_sync(demo.start)
        result = await script.finish()
    assert result == {"ok": True, "messages": 1, "problems": []}
