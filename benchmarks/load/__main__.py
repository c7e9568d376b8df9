"""One run of one scenario against one server: ``python -m benchmarks.load JOB``.

JOB is JSON: the ``scenario``, the ``port`` and ``pid`` of the server, and the ``seconds`` of the
window and the ``warmup``. Prints the sample as JSON; ends with status 1 and a message when the
server did not do what the scenario asks of it.
"""

from __future__ import annotations

import asyncio
import dataclasses
import json
import sys
from typing import Any

import uvloop

from benchmarks.scenarios import SCENARIOS

from .meter import BrokenServer, Meter, Sample


async def measure(scenario: str, port: int, pid: int, seconds: float, warmup: float) -> Sample:
    meter = Meter(pid, warmup, seconds)
    asyncio.get_running_loop().set_exception_handler(
        lambda _, context: meter.fail(repr(context.get("exception") or context["message"]))
    )
    return await SCENARIOS[scenario].run(port, meter)


def main() -> None:
    job: dict[str, Any] = json.loads(sys.argv[1])
    try:
        sample = uvloop.run(measure(**job))
    except (BrokenServer, OSError, TimeoutError) as error:
        sys.exit(f"{type(error).__name__}: {error}")
    print(json.dumps(dataclasses.asdict(sample)))


if __name__ == "__main__":
    main()
