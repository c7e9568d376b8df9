"""Official clients of several workers without sticky sessions, and a worker that is killed.

    python -m benchmarks.workers --clients 200 --workers 4

For each server and way of connecting: the time until all clients are connected, that of ten rounds
in which each client has an event acknowledged and five have all the others told, what was lost or
doubled, and how long the clients of a killed worker are away. The clients run in one process of
Node, beside the workers.
"""

from __future__ import annotations

import argparse
import io
from collections.abc import Iterator
from contextlib import redirect_stdout
from typing import Any

import anyio
from anyio import current_time, to_thread

from tests.brokers.workers.support import GunicornWorkers, Workers, kill, workers
from tests.support.node import install_node_modules, start_node

ROUNDS = 10
SHOUTS = 5
SECONDS = 120.0

WAYS: dict[str, dict[str, Any]] = {
    "polling": {"transports": ["polling"], "upgrade": False},
    "upgrading": {"transports": ["polling", "websocket"], "upgrade": True},
}

COLUMNS = (
    "server",
    "clients",
    "connected",
    "rounds",
    "failed",
    "lost",
    "doubled",
    "killed",
    "back",
)


def servers(count: int) -> Iterator[tuple[str, Workers]]:
    """The servers, each with so many workers."""
    yield "uvicorn, our classes", workers("uvicorn-fast", count=count)
    yield "gunicorn, our worker", GunicornWorkers("io", count)
    yield "uvicorn", workers("uvicorn", count=count)


async def measure(server: Workers, way: dict[str, Any], clients: int) -> list[str]:
    """One row of the table, without its beginning."""
    options = {"clients": clients, **way}
    async with start_node("workers/crowd.mjs", server.url, options, timeout=SECONDS) as script:
        begin = current_time()
        pids = (await script.wait_for("connected", SECONDS))["pids"]
        connected = current_time() - begin
        await script.send("talk", rounds=ROUNDS, shouts=SHOUTS)
        begin = current_time()
        talked = await script.wait_for("talked", SECONDS)
        rounds = current_time() - begin
        pid = max(pids, key=pids.get)
        await script.send("watch", pid=int(pid))
        await script.wait_for("watching", SECONDS)
        await kill(server, int(pid))
        back = await script.wait_for("back", SECONDS)
        await script.send("finish")
        await script.finish(SECONDS)
    disturbed = sum(back["eventsOfOthers"].values())
    failed = talked["failed"] + sum(talked["events"].values())
    return [
        f"{connected:.2f} s",
        f"{rounds:.2f} s",
        str(failed),
        str(talked["missing"]),
        str(talked["doubled"]),
        f"{pids[pid]}, others disturbed: {disturbed}",
        f"{back['back']} ms",
    ]


async def run(clients: int, count: int) -> None:
    """Print the table."""
    install_node_modules()
    print("| " + " | ".join(COLUMNS) + " |")
    print("| --- " * len(COLUMNS) + "|")
    for name, way in WAYS.items():
        for title, server in servers(count):
            try:
                await to_thread.run_sync(server.start)
                row = await measure(server, way, clients)
            finally:
                with redirect_stdout(io.StringIO()):  # what the server has written
                    await to_thread.run_sync(server.close)
            print("| " + " | ".join([title, f"{clients} {name}", *row]) + " |", flush=True)


def main() -> None:
    """Run the command."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--clients", type=int, default=200)
    parser.add_argument("--workers", type=int, default=4)
    arguments = parser.parse_args()
    anyio.run(run, arguments.clients, arguments.workers)


if __name__ == "__main__":
    main()
