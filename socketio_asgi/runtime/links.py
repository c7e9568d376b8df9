"""Byte streams with servers, on the event loop that there is.

On asyncio a stream is a protocol of the event loop, which needs no task: a client that keeps
thousands of connections has no more than their sockets. On trio, and for what has to talk before it
is a stream (through a proxy), it is a stream of anyio with a task for each direction.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import anyio

from .asyncio_link import open_asyncio_link
from .base import Runtime
from .link import Endpoint, Link, LinkOwner
from .stream_link import StreamLink, encrypt, open_stream, system_error

__all__ = [
    "Converse",
    "Endpoint",
    "Link",
    "LinkOwner",
    "Receive",
    "open_link",
    "open_link_through",
]

Receive = Callable[[], Awaitable[bytes]]
"""Waits for more bytes; nothing at the end."""

Converse = Callable[[Callable[[bytes], Awaitable[None]], Receive], Awaitable[None]]
"""Called with functions that send and receive, talks with a proxy until that is a way further."""


async def open_link(endpoint: Endpoint, owner: LinkOwner, runtime: Runtime) -> Link:
    """Connect with a server; nothing stays open when that fails or is cancelled.

    Args:
        endpoint: The server.
        owner: The connection; it is called back from now on.
        runtime: The event loop.

    Raises:
        OSError: The server cannot be reached.
        ssl.SSLError: It has no certificate that is trusted, or no TLS.
    """
    loop = runtime.asyncio_loop
    if loop is None:
        return StreamLink(await open_stream(endpoint), owner, runtime)
    return await open_asyncio_link(endpoint, owner, loop)


async def open_link_through(
    proxy: Endpoint, converse: Converse, endpoint: Endpoint, owner: LinkOwner, runtime: Runtime
) -> Link:
    """Connect with a server by way of another one.

    Args:
        proxy: The server on the way.
        converse: Tells it where to.
        endpoint: The server at the end, for its name and its encryption.
        owner: The connection; it is called back from now on.
        runtime: The event loop.

    Raises:
        OSError: The proxy cannot be reached, or the connection ended.
        ssl.SSLError: One of them has no certificate that is trusted, or no TLS.
    """
    stream = await open_stream(proxy)
    try:

        async def receive() -> bytes:
            try:
                return await stream.receive()
            except anyio.EndOfStream:
                return b""

        try:
            await converse(stream.send, receive)
        except anyio.BrokenResourceError as error:
            raise system_error(error) from error
        if endpoint.tls is not None:
            stream = await encrypt(stream, endpoint.tls, endpoint.name)
    except BaseException:
        await anyio.aclose_forcefully(stream)
        raise
    return StreamLink(stream, owner, runtime)
