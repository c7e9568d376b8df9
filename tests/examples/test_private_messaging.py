"""Private messages: in memory, and with Redis on two servers; and their page in Chromium."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from anyio import to_thread

from socketio_asgi.client import Client
from tests.brokers.redis.servers import RedisProcess
from tests.support.node import run_browser, run_node
from tests.support.waiting import until

from .support import ExampleProcess

pytestmark = pytest.mark.parametrize("anyio_backend", ["asyncio"])


def judge(result: dict[str, Any]) -> None:
    assert result["refused"] == ["invalid username"] * 5
    news = {"username": "Bob", "connected": True, "messages": []}
    assert result["appeared"] == {"same": True, **news}
    assert result["seen"] == {"Ann": [True, []], "Bob": [True, []]}
    assert result["sent"] == {"content": "hello", "right": True}
    assert result["heard"] == [True, True]
    assert result["invalid"] == ["validation", "validation", "unknown_user", "unknown_user"]
    assert (result["gone"], result["same"]) == (True, True)
    assert result["back"]["Ann"] == [True, ["hello", "are you there?"]]
    assert result["back"]["Eve"] == [True, []]
    assert (result["still"], result["left"]) == (True, True)
    assert result["overheard"] == []


async def come_back(url: str, session_id: str) -> tuple[Any, dict[str, Any]]:
    """What a server says to somebody who was here before: the session, and the users by name."""
    told: dict[str, Any] = {}
    client = Client(url, auth={"sessionID": session_id})
    client.on_any(told.__setitem__)
    async with client:
        await until(lambda: "users" in told)
    return told["session"], {user["username"]: user for user in told["users"]}


async def test_on_one_server(node_modules: Path, anyio_backend: str) -> None:
    async with ExampleProcess("private_messaging") as server:
        judge(await run_node("examples/private_messaging.mjs", server.url))
    assert "Traceback" not in server.output


@pytest.mark.timeout(120)  # three starts
async def test_on_two_servers(node_modules: Path, tmp_path: Path, anyio_backend: str) -> None:
    with RedisProcess(tmp_path) as redis:
        env = {"REDIS_URL": redis.url}
        first = ExampleProcess("private_messaging", env=env)
        second = ExampleProcess("private_messaging", env=env)
        async with first, second:
            options = {"second": second.url}
            result = await run_node("examples/private_messaging.mjs", first.url, options)
            judge(result)
            await to_thread.run_sync(first.restart)
            session, users = await come_back(first.url, result["bob"]["sessionID"])
    assert session == result["bob"]
    assert [message["content"] for message in users["Ann"]["messages"]] == [
        "hello",
        "are you there?",
    ]
    assert "Traceback" not in first.output + second.output


async def test_the_page(chromium: str, anyio_backend: str) -> None:
    async with ExampleProcess("private_messaging") as server:
        script = "examples/private_messaging.js"
        result = await run_browser(script, server.url, page=server.url + "/")
    assert result["refused"] == "invalid username"
    assert result["users"] == ["<b>Bob</b>"]
    assert result["contents"] == ["hello", "<i>hi</i>"]
    assert result["own"] == [True, False]
