"""Clients that have a server spend what they can, and the situations that they make."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from tests.support.ports import HOST

from .honest import BLOCK_SIZE, Connection
from .raw import PATH, TEXT_FRAME, handshake

POST_SIZE = 1_000_000  # bytes of a POST: what servers accept by default


class Attacker(Connection):
    """A client that has the server spend what it can.

    Attributes:
        port: The port of the server.
        sent: The bytes that it got rid of.
        ended: Its connections that the server has ended, as it may.
        note: What else is to be told of it.
    """

    def __init__(self, port: int) -> None:
        self.port = port
        self.sent = 0
        self.ended = 0
        self.note = ""

    async def run(self, situation: Situation) -> None:
        """Do what a situation asks for, until the server ends the connection."""
        try:
            await situation.run(self)
        except (OSError, EOFError):
            self.ended += 1

    async def pour(self, block: bytes) -> None:
        """Send the same over and over, and drop what comes back, until the server ends it."""
        reading = asyncio.ensure_future(self.drop_answers())
        try:
            while not reading.done():
                self.writer.write(block)
                await self.writer.drain()
                self.sent += len(block)
        finally:
            reading.cancel()
        raise EOFError

    async def send_slowly(self, *frames: bytes) -> None:
        """Send frames, as far as the server takes them, and stay until the end."""
        for data in frames:
            self.writer.write(data)
            await self.writer.drain()
            self.sent += len(data)
        await asyncio.Event().wait()

    async def read_and_send(self, *frames: bytes) -> None:
        """The same, while answers are dropped; the end of the connection is noticed."""
        sending = asyncio.ensure_future(self.send_slowly(*frames))
        try:
            await self.drop_answers()
        finally:
            sending.cancel()
        raise EOFError

    async def open_websocket(self, revision: int = 4) -> None:
        """Open a WebSocket, and join nothing."""
        path = PATH.replace("EIO=4", f"EIO={revision}")
        self.writer.write(handshake(HOST, f"{path}websocket"))
        await self.reader.readuntil(b"\r\n\r\n")

    async def open_polling(self, revision: int = 4) -> bytes:
        """Open a session on polling; the request that polls."""
        path = PATH.replace("EIO=4", f"EIO={revision}")
        get = f"GET {path}polling HTTP/1.1\r\nHost: {HOST}\r\n\r\n".encode()
        packet = await self.exchange(get)
        sid: str = json.loads(packet[packet.index(b"{") : packet.index(b"}") + 1])["sid"]
        return get.replace(b"=polling", b"=polling&sid=" + sid.encode())

    async def post(self, get: bytes, body: bytes) -> None:
        """Send packets by the session of a request that polls."""
        await self.exchange(post_request(get, body))
        self.sent += len(body)


@dataclass(frozen=True)
class Situation:
    """What attackers do.

    Attributes:
        run: Does it, with a client that is connected.
        joined: Whether it is in the main namespace before, on a WebSocket.
        attackers: How many there are by default.
        seconds: How long they have by default.
        asks: The event of the honest client.
        threads: Whether it is about threads for handlers, which Node has not.
        shows: The figure of the report that it is about, besides those of all situations.
    """

    run: Callable[[Attacker], Awaitable[None]]
    joined: bool = True
    attackers: int = 1
    seconds: float = 10.0
    asks: str = "echo"
    threads: bool = False
    shows: str = ""


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


def block_of(unit: bytes) -> bytes:
    """As many of a unit as are written at once."""
    return unit * max(1, BLOCK_SIZE // len(unit))


def post_request(get: bytes, body: bytes) -> bytes:
    """The request that sends a body, made of the one that polls."""
    head = get.replace(b"GET", b"POST", 1).removesuffix(b"\r\n")
    return b"%sContent-Length: %d\r\n\r\n%s" % (head, len(body), body)
