"""Where the memory of an idle connection goes: ``python -m benchmarks.memory [PATH ...]``

For each path, two fresh servers: one tells by how much its process grows, the other one which
objects of Python that is. The rest is what Python does not see: buffers and handles of the event
loop, the memory allocator's spare room, and the values of objects that have no ``__slots__``.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import signal
import sys
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

from tests.support.ports import PortReservation

from . import proc
from .load.clients import CONNECT_TIMEOUT, Client, connect, event
from .load.meter import Meter
from .markdown import owners_table
from .results import describe_machine
from .runner import Settings, started
from .scenarios.idle import SETTLE, connect_pollers, connect_websockets, run_memory
from .servers import FAST, STOCK, Server, uvicorn

SERVER = "benchmarks.servers.heap_profile"
PATHS: dict[str, tuple[str, tuple[str, ...]]] = {
    "WebSocket, fast path": ("websocket", FAST),
    "WebSocket, stock uvicorn": ("websocket", STOCK),
    "polling": ("polling", FAST),
}
EARLIER = 20  # clients that are there before, so that what is made once is made already
REST, SUM = "not visible to Python", "all of it"


class Asker(Client):
    """Asks the server one thing after another."""

    async def ask(self, name: str) -> Any:
        """What the handler returns; None if that is nothing."""
        self._answer: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
        self.send(event(name, ack=1))
        answer = await asyncio.wait_for(self._answer, CONNECT_TIMEOUT)
        values = json.loads(answer.removeprefix(b"431"))
        return values[0] if values else None

    def on_message(self, payload: bytes) -> None:
        self._answer.set_result(payload)


async def heap_profile(transport: str, clients: int, port: int, meter: Meter) -> dict[str, int]:
    """Bytes of the objects of all connections, by row."""
    connect_all = connect_websockets if transport == "websocket" else connect_pollers
    [asker] = await connect(port, [Asker(meter)])
    earlier = await connect_all(port, meter, EARLIER)
    await asker.ask("mark")
    later = await connect_all(port, meter, clients)
    await meter.watch(SETTLE)
    sizes: dict[str, int] = await asker.ask("count")
    meter.stopping = True
    del earlier, later
    return sizes


async def growth(transport: str, clients: int, port: int, meter: Meter) -> int:
    """Bytes by which the process grows."""
    return round((await run_memory(transport, clients, port, meter)).value * clients * 1024)


def measure_path(
    transport: str, classes: tuple[str, ...], clients: int, python: str
) -> dict[str, float]:
    """Bytes of one connection, by row."""
    server = Server("heap_profile", "heap_profile", uvicorn(SERVER, classes))
    grown: int = _with_server(server, python, growth, transport, clients)
    sizes: dict[str, int] = _with_server(server, python, heap_profile, transport, clients)
    rows = {row: size / clients for row, size in sizes.items()}
    return {**rows, REST: grown / clients - sum(rows.values()), SUM: grown / clients}


def _with_server(
    server: Server,
    python: str,
    run: Callable[[str, int, int, Meter], Coroutine[Any, Any, Any]],
    transport: str,
    clients: int,
) -> Any:
    settings = Settings(python, runs=1, seconds=0, warmup=0)
    with PortReservation() as port, started(server, port.port, settings) as process:

        async def main() -> Any:
            return await run(transport, clients, port.port, Meter(process.pid, 0, 0))

        return asyncio.run(main())


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.memory")
    add = parser.add_argument
    add("paths", nargs="*", metavar="PATH", help=", ".join(f"'{path}'" for path in PATHS))
    add("--clients", type=int, default=4000, metavar="N", help="how many connections (4000)")
    add("--python", default=sys.executable, metavar="PATH", help="runs the server")
    add("--json", type=Path, metavar="FILE", help="write what was found to FILE")
    return parser.parse_args()


def main() -> None:
    options = parse_arguments()
    if unknown := set(options.paths) - set(PATHS):
        sys.exit(f"there is no {', '.join(unknown)}; there are {', '.join(PATHS)}")
    proc.raise_file_limit()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # and stop the server before
    packages = ("socketio-asgi", "uvicorn", "uvloop", "httptools", "websockets")
    described = Server("", "", uvicorn(SERVER, FAST), modules=("uvicorn",), packages=packages)
    versions = described.versions(options.python)
    data = {
        "python": versions["python"],
        "where": describe_machine(),
        "versions": versions,
        "clients": options.clients,
        "paths": {
            path: measure_path(*PATHS[path], options.clients, options.python)
            for path in options.paths or PATHS
        },
    }
    print(owners_table(data))
    if options.json:
        options.json.write_text(json.dumps(data, indent=1) + "\n", "utf-8")


if __name__ == "__main__":
    main()
