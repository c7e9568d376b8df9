"""What the raw clients share: a TCP connection, and its end by force."""

from __future__ import annotations

import socket
import struct
from urllib.parse import urlsplit

import anyio
from anyio.abc import ByteStream, SocketAttribute, SocketStream

TIMEOUT = 10.0  # seconds for any single step


async def connect_tcp(url: str) -> SocketStream:
    """Open a connection to the host and port of a URL."""
    parts = urlsplit(url)
    assert parts.hostname is not None
    with anyio.fail_after(TIMEOUT):
        return await anyio.connect_tcp(parts.hostname, parts.port or 80)


async def abort_stream(stream: ByteStream) -> None:
    """Close a TCP connection with a reset (RST) instead of an orderly end (FIN)."""
    raw = stream.extra(SocketAttribute.raw_socket)
    if raw.fileno() < 0:  # it has ended already
        return
    raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    await anyio.aclose_forcefully(stream)
