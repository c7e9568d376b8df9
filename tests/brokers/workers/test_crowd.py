"""Many official clients of four workers, without sticky sessions; and one worker that ends."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.node import start_node
from tests.support.processes import ServerProcess

from .support import GunicornWorkers, Workers, kill, workers

CLIENTS = 40
ROUNDS = 5
SHOUTS = 5

pytestmark = pytest.mark.usefixtures("node_modules")

POLLING: dict[str, Any] = {"transports": ["polling"], "upgrade": False}
UPGRADING: dict[str, Any] = {"transports": ["polling", "websocket"], "upgrade": True}


@pytest.mark.parametrize("kind", ["polling", "upgrading"])
@pytest.mark.parametrize("name", ["uvicorn-fast", "uvicorn"])
async def test_no_client_notices_that_there_are_several(name: str, kind: str) -> None:
    options = POLLING if kind == "polling" else UPGRADING
    with workers(name) as server:
        await check_crowd(server, options, handed_over=name == "uvicorn-fast")
        assert server.output == ""


async def test_the_event_loop_of_asyncio() -> None:
    with workers("uvicorn-fast", "io", "--loop", "asyncio") as server:
        await check_crowd(server, POLLING, handed_over=True)
        await check_crowd(server, UPGRADING, handed_over=True)
        assert server.output == ""


@pytest.mark.parametrize("name", ["granian", "hypercorn-trio"])
async def test_other_servers(name: str) -> None:
    with Workers(name, "io", 4, options=["--workers", "4"]) as server:
        await check_crowd(server, UPGRADING, handed_over=False)


async def test_ids_of_the_application() -> None:
    with workers("uvicorn-fast", "io_with_own_ids") as server:
        await check_crowd(server, POLLING, handed_over=True)
        assert server.output == ""


async def test_gunicorn() -> None:
    with GunicornWorkers("io", 4) as server:
        await check_crowd(server, POLLING, handed_over=True)
        await check_crowd(server, UPGRADING, handed_over=True)


async def check_crowd(server: ServerProcess, options: dict[str, Any], *, handed_over: bool) -> None:
    async with start_node(
        "workers/crowd.mjs", server.url, {"clients": CLIENTS, **options}
    ) as script:
        connected = await script.wait_for("connected", 20)
        assert connected["events"] == {}
        assert len(connected["pids"]) > 1, "all clients came to one worker"
        await script.send("talk", rounds=ROUNDS, shouts=SHOUTS)
        assert_undisturbed(await script.wait_for("talked", 20), options)
        await script.send("count")
        counters = (await script.wait_for("counted"))["counters"]
        assert ("handed over" in counters) == handed_over, counters
        assert ("passed on" in counters) == (not handed_over), counters
        await script.send("finish")
        await script.finish()


def assert_undisturbed(talked: dict[str, Any], options: dict[str, Any]) -> None:
    """Everything was answered, and everybody got each event once, in the order of its sender."""
    assert talked["said"] == ROUNDS * SHOUTS
    assert talked["events"] == {}
    assert [talked[name] for name in ("failed", "missing", "doubled", "disordered")] == [0] * 4
    assert talked["transports"] == {options["transports"][-1]: CLIENTS}


@pytest.mark.parametrize("kind", ["polling", "upgrading"])
async def test_a_worker_that_is_killed(kind: str) -> None:
    """Its clients are back at once, with the others; nobody else notices anything."""
    options = POLLING if kind == "polling" else UPGRADING
    with workers("uvicorn-fast") as server:
        back = await kill_one(server, options)
    assert back["eventsOfOthers"] == {}
    assert back["failedOfOthers"] == 0


async def test_a_worker_of_granian_that_is_killed() -> None:
    """It is replaced with the option for that; those whose requests it passed on notice it, too."""
    options = ["--workers", "4", "--respawn-failed-workers"]
    with Workers("granian", "io", 4, options=options) as server:
        await kill_one(server, UPGRADING)


async def kill_one(server: ServerProcess, options: dict[str, Any]) -> dict[str, Any]:
    """Kill the worker with most clients; returns what these have noticed when they are back."""
    async with start_node(
        "workers/crowd.mjs", server.url, {"clients": CLIENTS, **options}
    ) as script:
        pids = (await script.wait_for("connected", 20))["pids"]
        pid = max(pids, key=pids.get)
        await script.send("watch", pid=int(pid))
        assert (await script.wait_for("watching"))["affected"] == pids[pid]
        await kill(server, int(pid))
        back = await script.wait_for("back", 20)
        reason = "transport error" if options is POLLING else "transport close"
        assert back["events"] == {f"disconnect: {reason}": pids[pid]}
        assert pid not in back["pids"]
        await script.send("talk", rounds=ROUNDS, shouts=SHOUTS)
        talked = await script.wait_for("talked", 20)
        assert [talked[name] for name in ("failed", "missing", "doubled")] == [0] * 3
        await script.send("finish")
        await script.finish()
    return back
