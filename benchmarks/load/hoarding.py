"""Clients that have a server keep what they can; :mod:`benchmarks.hoards` has the command.

Each has the server keep as much as it can, and then stays. It drops what it is sent, unless that is
what the server is to keep.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from itertools import count

from tests.support.ports import HOST

from .attacker import POST_SIZE, Attacker, Situation, frame
from .clients import event
from .honest import Connection
from .raw import PATH

BINARY_FRAME = 0x82
MESSAGES = 40
TOLD = 20_000  # events of one client that are kept for its return
TOLD_SIZE = 1000  # characters of each
LARGE_HEADERS = 95
LONG = 60.0  # seconds: more than a client may be without a sign of life, or in no namespace


async def hoard_events(client: Attacker) -> None:
    """Large events for a slow handler, which take twenty times as much when they are decoded."""
    large = b'42["work",[' + b"[]," * ((POST_SIZE - 100) // 3) + b"[]]]"
    await client.read_and_send(*[frame(large)] * MESSAGES)


async def hoard_attachments(client: Attacker) -> None:
    """The attachments of an event whose namespace was never joined, all but the last."""
    await client.open_websocket()
    placeholders = b",".join(b'{"_placeholder":true,"num":%d}' % number for number in range(10))
    packet = frame(b'4510-["work",' + placeholders + b"]")
    await client.read_and_send(packet, *[frame(bytes(POST_SIZE), BINARY_FRAME)] * 9)


async def hoard_pongs(client: Attacker) -> None:
    """The answers to pings of revision 3 of Engine.IO, which are never read."""
    await client.open_websocket(revision=3)
    await client.send_slowly(*[frame(b"2" + b"x" * (POST_SIZE - 100))] * 10 * MESSAGES)


async def hoard_time(client: Attacker) -> None:
    """A session of revision 3 that sends pings, and never polls."""
    get = await client.open_polling(revision=3)
    while True:
        await client.post(get, b"1:2")
        await asyncio.sleep(1)


async def hoard_auth(client: Attacker) -> None:
    """What is given for each of many namespaces."""
    auth = b'{"auth":[' + b"[]," * (POST_SIZE // 3 - 100) + b"[]]}"
    names = (b"40/room-%d," % number for number in range(MESSAGES))
    await client.read_and_send(*[frame(name + auth) for name in names])


async def hoard_headers(client: Attacker) -> None:
    """The headers of a session that has ended."""
    headers = (b"X-%d: %s\r\n" % (number, b"x" * POST_SIZE) for number in range(LARGE_HEADERS))
    get = f"GET {PATH}polling HTTP/1.1\r\nHost: {HOST}\r\n\r\n".encode()
    packet = await client.exchange(get.replace(b"\r\n\r\n", b"\r\n" + b"".join(headers) + b"\r\n"))
    sid: str = json.loads(packet[1:])["sid"]
    await client.post(get.replace(b"=polling", b"=polling&sid=" + sid.encode()), b"1")
    client.writer.close()
    await asyncio.Event().wait()


async def hoard_joins(client: Attacker) -> None:
    """Namespaces that a slow middleware decides about, as many as fit into two POST requests."""
    await _post_twice(client, lambda number: b'40/room-%d,{"late":1}' % number)


async def hoard_namespaces(client: Attacker) -> None:
    """Namespaces as many as there may be, and refusals for the others."""
    await _post_twice(client, lambda number: b"40/room-%d," % number)


async def hoard_leaves(client: Attacker) -> None:
    """Handlers of `disconnect` that are slow, of one namespace that is joined again and again."""
    await _post_twice(client, lambda number: b"41/left," if number % 2 else b"40/left,")


async def _post_twice(client: Attacker, packet: Callable[[int], bytes]) -> None:
    get = await client.open_polling()
    numbers = count()
    for _ in range(2):
        packets: list[bytes] = []
        size = 0
        while size < 0.9 * POST_SIZE:
            packets.append(packet(next(numbers)))
            size += len(packets[-1]) + 1
        await client.post(get, b"\x1e".join(packets))
    await asyncio.Event().wait()


async def hoard_unjoined(client: Attacker) -> None:
    """A connection that has left its only namespace."""
    client.send(b"41")
    while True:
        if await client.next_message() == b"2":
            client.send(b"3")


async def hoard_missed_events(client: Attacker) -> None:
    """Events that are kept for this client's return, while another one is away and comes back."""
    away = Connection()
    before = await away.join(client.port)
    away.send(event("tell", 1))
    offset: str = json.loads((await away.next_message())[2:])[-1]
    away.writer.close()
    sending = asyncio.ensure_future(_have_told(client))
    while not (await client.next_message()).startswith(b"430"):
        pass
    await sending
    credentials = {"pid": before["pid"], "offset": offset}
    after = await away.join(client.port, json.dumps(credentials).encode())
    client.note = "recovered" if after["sid"] == before["sid"] else "not recovered"
    await client.drop_answers()


async def _have_told(client: Attacker) -> None:
    text = "x" * TOLD_SIZE
    one, last = frame(event("tell", text)), frame(event("tell", text, ack=0))
    for data in (*[one] * (TOLD - 1), last):
        client.writer.write(data)
        await client.writer.drain()
        client.sent += len(data)


SITUATIONS = {
    "events-in-work": Situation(hoard_events, shows="tasks"),
    "attachments": Situation(hoard_attachments, joined=False, attackers=100),
    "pongs": Situation(hoard_pongs, joined=False),
    "auth": Situation(hoard_auth),
    "headers": Situation(hoard_headers, joined=False),
    "joins": Situation(hoard_joins, joined=False, shows="tasks"),
    "namespaces": Situation(hoard_namespaces, joined=False, shows="tasks"),
    "leaves": Situation(hoard_leaves, joined=False, shows="tasks"),
    "missed-events": Situation(hoard_missed_events, shows="note"),
    "unpolled": Situation(hoard_time, joined=False, attackers=100, seconds=LONG, shows="ended"),
    "unjoined": Situation(hoard_unjoined, attackers=100, seconds=LONG, shows="ended"),
}
