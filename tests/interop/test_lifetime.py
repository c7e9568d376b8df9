"""Clients and servers that end, freeze and come back."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest
from anyio import to_thread

from tests.support.node import NodeScript, run_node, start_node
from tests.support.processes import ServerProcess

from .support import TRANSPORTS, start_app

pytestmark = pytest.mark.parametrize("anyio_backend", ["asyncio"])

NAMES = [f"{transport}{version}" for transport in TRANSPORTS for version in ("", " 2.x")]

PING_INTERVAL = 0.6  # seconds
PING_TIMEOUT = 0.9


async def test_a_server_that_is_killed_and_one_that_is_stopped(
    server_name: str, node_modules: Path, anyio_backend: str
) -> None:
    async with (
        start_app(server_name, node_modules) as server,
        start_node("lifetime/reconnect.mjs", server.url) as script,
    ):
        # Nothing tells a client that polls of a killed server, but the next request that fails.
        killed = dict.fromkeys(NAMES, "transport close") | {
            name: "transport error" for name in NAMES if name.startswith("polling")
        }
        await end_and_restart("kill", server, script, killed)
        # A server that is stopped tells all of them.
        await end_and_restart("stop", server, script, dict.fromkeys(NAMES, "transport close"))
        await script.finish()


async def end_and_restart(
    how: str, server: ServerProcess, script: NodeScript, reasons: dict[str, str]
) -> None:
    await script.wait_for("connected", timeout=20)
    await to_thread.run_sync(server.kill if how == "kill" else server.stop)
    assert (await script.wait_for("disconnected", timeout=20))["reasons"] == reasons
    assert (server.returncode == -signal.SIGKILL) is (how == "kill")
    await to_thread.run_sync(server.start)
    await script.send("restarted")
    heard = (await script.wait_for("reconnected", timeout=30))["heard"]
    kept = [f"kept {how} 1", f"kept {how} 2", f"kept {how} 3", f"asked {how}"]
    assert heard == dict.fromkeys(NAMES, kept)
    await script.send("next")


async def test_the_heartbeat(server_name: str, node_modules: Path, anyio_backend: str) -> None:
    env = {
        "INTEROP_PING_INTERVAL": str(PING_INTERVAL),
        "INTEROP_PING_TIMEOUT": str(PING_TIMEOUT),
    }
    silence = {"silence": round((PING_INTERVAL + PING_TIMEOUT + 0.8) * 1000)}
    async with (
        start_app(server_name, node_modules, **env) as server,
        start_node("lifetime/heartbeat.mjs", server.url, silence) as script,
    ):
        await script.wait_for("connected", timeout=30)
        server.signal(signal.SIGSTOP)
        try:
            await script.wait_for("lost", timeout=20)
        finally:
            server.signal(signal.SIGCONT)
        await script.send("resumed")
        result = await script.finish()
    assert set(result["reasons"]) == {"ping timeout"}


async def test_ends_while_the_client_moves_to_websocket(
    shared_server: ServerProcess, anyio_backend: str
) -> None:
    result = await run_node("lifetime/ends_during_upgrade.mjs", shared_server.url, {"rounds": 12})
    assert result["runs"] == 26
    assert result["races"] == 72
