"""An event of five fields with its acknowledgement: validated, or with dependencies, or neither."""

from __future__ import annotations

from functools import partial

from benchmarks.load.clients import connect, event
from benchmarks.load.meter import Meter, Sample

from .echo import CLIENTS, TextEcho
from .scenario import Scenario

ITEM = {"id": 7, "name": "tea", "price": 9.5, "tags": ["green", "loose"], "active": True}
KINDS = ("untyped", "dataclass", "msgspec", "pydantic", "dependency", "session", "plain_session")


class ItemEvent(TextEcho):
    def __init__(self, meter: Meter, kind: str) -> None:
        super().__init__(meter, 0)
        self.request = event(kind, ITEM, ack=1)
        self.answer = b"431[1]"


async def run(kind: str, port: int, meter: Meter) -> Sample:
    for client in await connect(port, [ItemEvent(meter, kind) for _ in range(CLIENTS)]):
        client.start()
    return await meter.window()


SCENARIOS = tuple(
    Scenario(
        name=f"typed-{kind}",
        title=f"an event of five fields with acknowledgement, {kind}, {CLIENTS} clients",
        unit="µs/event",
        run=partial(run, kind),
        needs=frozenset({"typed"}),
    )
    for kind in KINDS
)
