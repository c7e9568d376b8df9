"""Clients that send as much as a server takes; :mod:`benchmarks.floods` has the command."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from itertools import count

from tests.support.ports import HOST

from .attacker import POST_SIZE, Attacker, Situation, block_of, frame
from .clients import event
from .honest import Connection
from .raw import PATH, masked_frame

FLOODS = 10
PING_FRAME = 0x89
EVENT = event("echo", 1, ack=0)
REQUEST = f"GET {PATH}none HTTP/1.1\r\nHost: {HOST}\r\n\r\n".encode()  # is refused
LEVELS = 260  # of lists in lists
DOCUMENTS = 200  # that are nested so deeply, at once
VISITS = 100  # namespaces that are joined together, and then left together


async def pour_events(flood: Attacker) -> None:
    await flood.pour(block_of(masked_frame(EVENT)))


async def pour_pings(flood: Attacker) -> None:
    await flood.pour(block_of(masked_frame(b"", PING_FRAME)))


async def pour_requests(flood: Attacker) -> None:
    await flood.pour(block_of(REQUEST))


async def pour_posts(flood: Attacker) -> None:
    """Send events in bodies as large as allowed; another connection polls for the answers."""
    get = await flood.open_polling()
    body = b"\x1e".join([EVENT] * (POST_SIZE // (len(EVENT) + 1)))
    await flood.post(get, b"40")
    polling = asyncio.ensure_future(_poll(flood.port, get))
    try:
        while not polling.done():
            await flood.post(get, body)
    finally:
        polling.cancel()


async def _poll(port: int, request: bytes) -> None:
    connection = Connection()
    await connection.open(port)
    with suppress(OSError, EOFError):
        while True:
            await connection.exchange(request)


async def pour_nested(flood: Attacker) -> None:
    """Have lists in lists echoed, and come back when the server ends the connection."""
    document = frame(event("echo", 0, ack=0).replace(b"0]", b"[" * LEVELS + b"]" * LEVELS + b"]"))
    while True:
        with suppress(OSError, EOFError):
            await flood.pour(document * DOCUMENTS)
        flood.ended += 1
        flood.writer.close()
        await flood.join(flood.port)


async def pour_errors(flood: Attacker) -> None:
    """Send events whose handler raises."""
    await flood.pour(block_of(masked_frame(event("fail", 1))))


async def pour_into_threads(flood: Attacker) -> None:
    """Send events whose handler keeps a thread for a while."""
    await flood.pour(block_of(masked_frame(event("block", 1))))


async def reconnect(flood: Attacker) -> None:
    """Join the main namespace with much data, and go again."""
    packet = frame(b'40{"text":"%s"}' % (b"x" * (POST_SIZE - 100)))
    while True:
        await flood.open_websocket()
        flood.writer.write(packet)
        await flood.reader.readuntil(b'40{"sid"')
        flood.sent += len(packet)
        flood.writer.close()
        await flood.open(flood.port)


async def visit_namespaces(flood: Attacker) -> None:
    """Join and leave dynamic namespaces, each of them once."""
    local: int = flood.writer.get_extra_info("sockname")[1]
    for number in count(local * 10**8, VISITS):
        names = [b"/visit-%d," % each for each in range(number, number + VISITS)]
        await _send_all(flood, b"40", names)
        for _ in names:
            await flood.next_message()
        await _send_all(flood, b"41", names)


async def _send_all(flood: Attacker, kind: bytes, names: list[bytes]) -> None:
    packets = b"".join(frame(kind + name) for name in names)
    flood.writer.write(packets)
    await flood.writer.drain()
    flood.sent += len(packets)


SITUATIONS = {
    "events": Situation(pour_events, attackers=FLOODS),
    "pings": Situation(pour_pings, attackers=FLOODS),
    "posts": Situation(pour_posts, joined=False, attackers=FLOODS),
    "requests": Situation(pour_requests, joined=False, attackers=FLOODS),
    "nested": Situation(pour_nested, attackers=FLOODS, shows="log"),
    "visits": Situation(visit_namespaces, attackers=FLOODS),
    "reconnects": Situation(reconnect, joined=False, attackers=FLOODS),
    "errors": Situation(pour_errors, attackers=FLOODS, shows="log"),
    "threads": Situation(pour_into_threads, asks="glance", threads=True),
}
