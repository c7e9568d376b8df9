"""One flood or hoard against one server: ``python -m benchmarks.load.beside JOB``.

JOB is JSON: the ``situation``, the ``port`` and ``pid`` of the server, the number of ``attackers``
and the ``seconds`` that they have. Some clients have the server spend what they can, while an
honest one has an event answered now and then. Prints what it saw and what the server needed.
"""

from __future__ import annotations

import asyncio
import dataclasses
import json
import sys
from typing import Any

import uvloop

from . import flooding, hoarding
from .attacker import Attacker
from .honest import Honest, Report, report_on

OPEN_SECONDS = 30.0  # for all clients to connect
SITUATIONS = {**flooding.SITUATIONS, **hoarding.SITUATIONS}


async def measure(situation: str, port: int, pid: int, attackers: int, seconds: float) -> Report:
    kind = SITUATIONS[situation]
    honest, clients = Honest(), [Attacker(port) for _ in range(attackers)]
    async with asyncio.timeout(OPEN_SECONDS):
        await honest.join(port)
        for client in clients:
            await (client.join(port) if kind.joined else client.open(port))
    tasks = [asyncio.ensure_future(client.run(kind)) for client in clients]
    report = await report_on(honest, kind.asks, pid, seconds)
    for task in tasks:
        if task.done():
            task.result()  # raises what went wrong here
        task.cancel()
    return dataclasses.replace(
        report,
        sent=sum(client.sent for client in clients),
        ended=sum(client.ended for client in clients),
        note=", ".join(dict.fromkeys(client.note for client in clients if client.note)),
    )


def main() -> None:
    job: dict[str, Any] = json.loads(sys.argv[1])
    try:
        report = uvloop.run(measure(**job))
    except (OSError, TimeoutError) as error:
        sys.exit(f"{type(error).__name__}: {error}")
    print(json.dumps(dataclasses.asdict(report)))


if __name__ == "__main__":
    main()
