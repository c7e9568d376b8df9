"""HTTP/1.1 written by hand over TCP, for requests that a well-behaved client never sends."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from urllib.parse import urlsplit

import anyio
import h11
from anyio.abc import ByteStream

from .tcp import TIMEOUT, abort_stream, connect_tcp


@dataclass(frozen=True)
class RawResponse:
    """One response; header names are lower case."""

    status: int
    headers: list[tuple[str, str]]
    body: bytes

    def header(self, name: str) -> str | None:
        """Return the first value of a header."""
        return next((value for key, value in self.headers if key == name.lower()), None)


class RawConnection:
    """A connection, as :func:`connect_raw` makes it.

    Args:
        stream: The connection below.
        host: The header ``Host`` of requests.
        pending: What was read from the connection already.
    """

    def __init__(self, stream: ByteStream, host: str, pending: bytes = b"") -> None:
        self.stream = stream
        self._host = host
        self._pending = pending

    async def send(self, data: bytes) -> None:
        """Write bytes as they are."""
        await self.stream.send(data)

    async def send_head(
        self, method: str, target: str, headers: Mapping[str, str] | None = None
    ) -> None:
        """Send request line and headers (``Host`` is added), and no body."""
        lines = [f"{method} {target} HTTP/1.1", f"Host: {self._host}"]
        lines += [f"{name}: {value}" for name, value in (headers or {}).items()]
        await self.send("\r\n".join([*lines, "", ""]).encode("latin-1"))

    async def send_request(
        self, method: str, target: str, body: bytes = b"", headers: Mapping[str, str] | None = None
    ) -> None:
        """Send a whole request with a ``Content-Length``."""
        length = {"Content-Length": str(len(body))} if body or method == "POST" else {}
        await self.send_head(method, target, {**length, **(headers or {})})
        if body:
            await self.send(body)

    async def start_chunked(
        self, method: str, target: str, headers: Mapping[str, str] | None = None
    ) -> None:
        """Send the head of a request of unknown length; go on with :meth:`send_chunk`."""
        await self.send_head(method, target, {"Transfer-Encoding": "chunked", **(headers or {})})

    async def send_chunk(self, data: bytes) -> None:
        """Send one chunk; the empty one ends the body."""
        await self.send(b"%x\r\n%s\r\n" % (len(data), data))

    async def send_slowly(self, data: bytes, size: int = 1, interval: float = 0.01) -> None:
        """Send ``data`` in pieces of ``size`` bytes, ``interval`` seconds apart."""
        for start in range(0, len(data), size):
            await self.send(data[start : start + size])
            await anyio.sleep(interval)

    async def read_response(self, timeout: float = TIMEOUT, method: str = "GET") -> RawResponse:
        """Read one response (to a request of ``method``); later bytes are kept for the next.

        Raises:
            EOFError: the server closed the connection before the end of the response.
            TimeoutError: it was not complete after ``timeout`` seconds.
        """
        parser = h11.Connection(h11.CLIENT)
        parser.send(h11.Request(method=method, target="/", headers=[("Host", self._host)]))
        parser.send(h11.EndOfMessage())
        if self._pending:
            parser.receive_data(self._pending)
        with anyio.fail_after(timeout):
            response = await self._parse(parser)
        self._pending = parser.trailing_data[0]
        return response

    async def _parse(self, parser: h11.Connection) -> RawResponse:
        head: h11.Response | None = None
        body = b""
        while True:
            event = parser.next_event()
            if event is h11.NEED_DATA:
                parser.receive_data(await self._receive())
            elif isinstance(event, h11.Response):
                head = event
            elif isinstance(event, h11.Data):
                body += bytes(event.data)
            elif isinstance(event, h11.EndOfMessage):
                assert head is not None
                return RawResponse(head.status_code, _decode(head), body)
            elif isinstance(event, h11.ConnectionClosed):
                raise EOFError("closed before a response")

    async def _receive(self) -> bytes:
        try:
            return await self.stream.receive()
        except anyio.EndOfStream:
            return b""
        except anyio.BrokenResourceError:
            raise EOFError("the connection was reset") from None

    async def read_until_closed(self, timeout: float = TIMEOUT) -> bytes:
        """Return everything up to the end of the connection."""
        data = self._pending
        with anyio.fail_after(timeout):
            while True:
                try:
                    data += await self.stream.receive()
                except (anyio.EndOfStream, anyio.BrokenResourceError):
                    return data

    async def half_close(self) -> None:
        """Tell the server that no more bytes follow (FIN), and go on reading."""
        await self.stream.send_eof()

    async def abort(self) -> None:
        """Reset the connection, as when the client's machine dies."""
        await abort_stream(self.stream)


def _decode(head: h11.Response) -> list[tuple[str, str]]:
    return [(name.decode("latin-1"), value.decode("latin-1")) for name, value in head.headers]


@asynccontextmanager
async def connect_raw(url: str) -> AsyncIterator[RawConnection]:
    """Open a TCP connection to the host and port of ``url``; leaving the block closes it.

    >>> async with connect_raw(served.url) as raw:
    ...     await raw.start_chunked("POST", "/echo")
    ...     await raw.send_chunk(b"4hello")
    ...     await raw.send_chunk(b"")
    ...     assert (await raw.read_response()).status == 200
    """
    stream = await connect_tcp(url)
    try:
        yield RawConnection(stream, urlsplit(url).netloc)
    finally:
        await anyio.aclose_forcefully(stream)
