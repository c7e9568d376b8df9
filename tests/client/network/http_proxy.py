"""A small HTTP proxy: tunnels, and requests that it passes on."""

from __future__ import annotations

from contextlib import suppress
from urllib.parse import urlsplit

import anyio
from anyio.abc import ByteStream

from .support import read_head

BROKEN = (anyio.EndOfStream, anyio.BrokenResourceError, anyio.ClosedResourceError, OSError)


class HTTPProxy:
    """Handles the connections of a proxy.

    Args:
        login: What clients have to say in ``Proxy-Authorization``; None for nothing.
        answer: The answer to every request, in place of what a proxy does.

    Attributes:
        requests: The first lines of the requests.
        heads: The whole of them.
    """

    def __init__(self, login: str | None = None, answer: bytes = b"") -> None:
        self._login = login
        self._answer = answer
        self.requests: list[str] = []
        self.heads: list[bytes] = []

    async def handle(self, client: ByteStream) -> None:
        """Serve one connection."""
        head = await read_head(client)
        line = head.partition(b"\r\n")[0].decode()
        self.requests.append(line)
        self.heads.append(head)
        if self._answer:
            return await client.send(self._answer)
        wanted = f"proxy-authorization: {self._login}\r\n".lower().encode()
        if self._login is not None and wanted not in head.lower():
            return await client.send(
                b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n"
            )
        method, target, _ = line.split(" ")
        if method == "CONNECT":
            host, _, port = target.rpartition(":")
            first = b""
        else:
            parts = urlsplit(target)
            host, port = parts.hostname or "", str(parts.port or 80)
            path = target.partition(parts.netloc)[2] or "/"
            first = head.replace(target.encode(), path.encode(), 1)
        server = await anyio.connect_tcp(host, int(port))
        async with server:
            if first:
                await server.send(first)
            else:
                await client.send(b"HTTP/1.1 200 Connection established\r\n\r\n")
            async with anyio.create_task_group() as tasks:
                for source, sink in ((client, server), (server, client)):
                    tasks.start_soon(_copy, source, sink, tasks.cancel_scope)


async def _copy(source: ByteStream, sink: ByteStream, scope: anyio.CancelScope) -> None:
    with suppress(*BROKEN):
        while True:
            await sink.send(await source.receive())
    scope.cancel()
