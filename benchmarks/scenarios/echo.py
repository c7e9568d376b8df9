"""Events with an acknowledgement: each client sends its next one when the last was answered."""

from __future__ import annotations

from functools import partial
from time import perf_counter

from benchmarks.load.clients import BINARY, Client, connect, event
from benchmarks.load.meter import Meter, Sample

from .scenario import Scenario

CLIENTS = 100
PLACEHOLDER = b'{"_placeholder":true,"num":0}'


class TextEcho(Client):
    def __init__(self, meter: Meter, size: int) -> None:
        super().__init__(meter)
        text = "x" * size
        self.request = event("echo", text, ack=1)
        self.answer = b'431["%s"]' % text.encode()
        self.sent = 0.0

    def start(self) -> None:
        self.sent = perf_counter()
        self.send(self.request)

    def on_message(self, payload: bytes) -> None:
        if payload != self.answer:
            self.unexpected(payload)
        self.done()

    def done(self) -> None:
        meter = self.meter
        meter.latencies.append(perf_counter() - self.sent)
        if not meter.stopping:
            self.start()


class BinaryEcho(TextEcho):
    def __init__(self, meter: Meter, size: int) -> None:
        super().__init__(meter, size)
        self.request = b'451-1["echo",%s]' % PLACEHOLDER
        self.answer = b"461-1[%s]" % PLACEHOLDER
        self.attachment = bytes(size)

    def start(self) -> None:
        super().start()
        self.transport.send(BINARY, self.attachment)

    def on_message(self, payload: bytes) -> None:
        if payload != self.answer:
            self.unexpected(payload)
        self.receive = self.on_attachment

    def on_attachment(self, payload: bytes) -> None:
        if payload != self.attachment:
            self.unexpected(payload)
        self.receive = self.on_message
        self.done()


async def run(kind: type[TextEcho], size: int, clients: int, port: int, meter: Meter) -> Sample:
    for client in await connect(port, [kind(meter, size) for _ in range(clients)]):
        client.start()
    return await meter.window()


def _scenario(
    name: str, kind: type[TextEcho], label: str, size: int, clients: int = CLIENTS
) -> Scenario:
    return Scenario(
        name=name,
        title=f"echo with acknowledgement, {label}, {clients} client{'s' if clients > 1 else ''}",
        unit="µs/echo",
        run=partial(run, kind, size, clients),
        quick=name == "echo",
    )


SCENARIOS = (
    _scenario("echo", TextEcho, "32 bytes", 32),
    _scenario("echo-1k", TextEcho, "1 KiB", 1024),
    _scenario("echo-64k", TextEcho, "64 KiB", 65536),
    _scenario("echo-binary", BinaryEcho, "32 bytes binary", 32),
    _scenario("echo-binary-1k", BinaryEcho, "1 KiB binary", 1024),
    _scenario("echo-binary-64k", BinaryEcho, "64 KiB binary", 65536),
    _scenario("echo-1", TextEcho, "32 bytes", 32, clients=1),
)
