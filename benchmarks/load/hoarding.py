"""One hoard on one server: ``python -m benchmarks.load.hoarding JOB``; see :mod:`.flooding`.

Each client has the server keep as much as it can, and then stays. It drops what it is sent, unless
that is what the server is to keep.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable

from tests.support.ports import HOST

from . import flooding
from .flooding import POST_SIZE, Flood, post
from .raw import PATH, TEXT_FRAME, handshake

BINARY_FRAME = 0x82
MESSAGES = 40


def frame(payload: bytes, kind: int = TEXT_FRAME) -> bytes:
    """A frame of a client, of any length; masked with zeros, which changes nothing."""
    size = len(payload)
    if size < 126:
        head = bytes((kind, 0x80 | size))
    elif size < 1 << 16:
        head = bytes((kind, 0xFE)) + size.to_bytes(2)
    else:
        head = bytes((kind, 0xFF)) + size.to_bytes(8)
    return head + bytes(4) + payload


async def send(flood: Flood, *frames: bytes) -> None:
    """Send frames, as far as the server takes them, and stay until the end."""
    for data in frames:
        flood.writer.write(data)
        await flood.writer.drain()
        flood.sent += len(data)
    await asyncio.Event().wait()


async def read_and_send(flood: Flood, *frames: bytes) -> None:
    """The same, while what the server sends is dropped; the end of the connection is noticed."""
    sending = asyncio.ensure_future(send(flood, *frames))
    try:
        await flood.drop_answers()
    finally:
        sending.cancel()
    flood.ended = True


async def open_websocket(flood: Flood, query: str) -> None:
    """Open a WebSocket, and join nothing."""
    flood.writer.write(handshake(HOST, query))
    await flood.reader.readuntil(b"\r\n\r\n")


async def hoard_events(flood: Flood) -> None:
    """Large events for a slow handler, which take twenty times as much when they are decoded."""
    event = b'42["work",[' + b"[]," * ((POST_SIZE - 100) // 3) + b"[]]]"
    await read_and_send(flood, *[frame(event)] * MESSAGES)


async def hoard_attachments(flood: Flood) -> None:
    """The attachments of an event whose namespace was never joined, all but the last."""
    await open_websocket(flood, f"{PATH}websocket")
    placeholders = b",".join(b'{"_placeholder":true,"num":%d}' % number for number in range(10))
    attachment = frame(bytes(POST_SIZE), BINARY_FRAME)
    await read_and_send(flood, frame(b'4510-["work",' + placeholders + b"]"), *[attachment] * 9)


async def hoard_pongs(flood: Flood) -> None:
    """The answers to pings of revision 3 of Engine.IO, which are never read."""
    await open_websocket(flood, f"{PATH.replace('EIO=4', 'EIO=3')}websocket")
    await send(flood, *[frame(b"2" + b"x" * (POST_SIZE - 100))] * 10 * MESSAGES)


async def hoard_auth(flood: Flood) -> None:
    """What is given for each of many namespaces."""
    auth = b'{"auth":[' + b"[]," * (POST_SIZE // 3 - 100) + b"[]]}"
    names = (b"40/room-%d," % number for number in range(MESSAGES))
    await read_and_send(flood, *[frame(name + auth) for name in names])


async def hoard_joins(flood: Flood) -> None:
    """Namespaces that a slow middleware decides about, as many as fit into two POST requests."""
    await _join_rooms(flood, b'{"late":1}', bodies=2)


async def hoard_namespaces(flood: Flood) -> None:
    """Namespaces as many as there may be, and refusals for the others."""
    await _join_rooms(flood, b"", bodies=2)


async def _join_rooms(flood: Flood, auth: bytes, bodies: int) -> None:
    get = f"GET {PATH}polling HTTP/1.1\r\nHost: {HOST}\r\n\r\n".encode()
    sid: str = json.loads((await flood.exchange(get))[1:])["sid"]
    get = get.replace(b"=polling", b"=polling&sid=" + sid.encode())
    number = 0
    for _ in range(bodies):
        packets: list[bytes] = []
        size = 0
        while size < 0.9 * POST_SIZE:
            packets.append(b"40/room-%d,%s" % (number, auth))
            size += len(packets[-1]) + 1
            number += 1
        await flood.exchange(post(get, b"\x1e".join(packets)))
        flood.sent += size
    await asyncio.Event().wait()


HOARDS: dict[str, tuple[bool, Callable[[Flood], Awaitable[None]]]] = {
    "events-in-work": (True, hoard_events),
    "attachments": (False, hoard_attachments),
    "pongs": (False, hoard_pongs),
    "auth": (True, hoard_auth),
    "joins": (False, hoard_joins),
    "namespaces": (False, hoard_namespaces),
}
"""By name: whether the client has joined the main namespace, and what it does."""


if __name__ == "__main__":
    flooding.SITUATIONS.update(HOARDS)
    flooding.main()
