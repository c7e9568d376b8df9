"""Responses that are sent in one piece.

uvicorn writes the head and the body of a response separately, and each write is a system call and
a segment of its own. Here they are buffered until the turn of the event loop ends, as the frames of
WebSockets are, and go out together.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from uvicorn.config import Config
from uvicorn.server import ServerState

from .server_context import MAX_BUFFERED, ServerContext


class WriteBuffering(asyncio.Protocol):
    """Buffering for an HTTP class of uvicorn, before which it stands among the bases."""

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        arguments: Any = (config, server_state, app_state, _loop)
        super().__init__(*arguments)
        self._context = ServerContext.of(config, server_state)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """A client connected."""
        network: Any = transport
        self._network: asyncio.Transport = network
        context = self._context
        context.send_without_delay(network)
        self._buffering = BufferingTransport(network, context)
        super().connection_made(self._buffering)

    def eof_received(self) -> bool | None:
        """The client sends no more: the event loop closes the network after what was written."""
        self._buffering.flush()
        return super().eof_received()


class BufferingTransport(asyncio.Transport):
    """A transport that sends what is written in one turn of the event loop with one write.

    Args:
        network: The transport of the event loop.
        context: The context of the server.

    Attributes:
        reading_paused: Whether no more is to be read, as far as its owner knows.
        on_resume: Called in place of the network when reading is resumed, if there is such a
            function: there may be something that was read already.
        released: Whether another protocol has taken the connection over: it has this transport, or
            the network itself.
    """

    __slots__ = ("_buffer", "_context", "_network", "on_resume", "reading_paused", "released")

    def __init__(self, network: asyncio.Transport, context: ServerContext) -> None:
        self._network = network
        self._context = context
        self._buffer = bytearray()
        self.reading_paused: bool = False
        self.on_resume: Callable[[], None] | None = None
        self.released: bool = False

    def write(self, data: bytes | bytearray | memoryview[Any]) -> None:
        """Send bytes, with what else is written in this turn."""
        if len(self._buffer) + len(data) > MAX_BUFFERED:
            self.flush()
            if len(data) > MAX_BUFFERED:  # too much to copy
                return self._network.write(data)
        if data and not self._buffer:
            self._context.flush_at_end_of_turn(self)
        self._buffer += data

    def flush(self) -> None:
        """Send what was written in this turn, unless the client is gone."""
        if buffer := self._buffer:
            self._buffer = bytearray()
            if not self._network.is_closing():
                self._network.write(buffer)

    def release(self) -> asyncio.Transport:
        """Give the network away, after what was written.

        What its next owner writes does not pass this buffer, and would come before it.
        """
        self.flush()
        self.released, self.on_resume = True, None
        return self._network

    def close(self) -> None:
        """Close the connection after what was written."""
        self.flush()
        self._network.close()

    def abort(self) -> None:
        """Cut the connection; what was written is lost."""
        self._buffer = bytearray()
        self._network.abort()

    def can_write_eof(self) -> bool:
        """True when the sending side can be closed by itself."""
        return self._network.can_write_eof()

    def write_eof(self) -> None:
        """Close the sending side after what was written."""
        self.flush()
        self._network.write_eof()

    def get_write_buffer_size(self) -> int:
        """Bytes that wait for the client."""
        return len(self._buffer) + self._network.get_write_buffer_size()

    # -- as the transport of the event loop ----------------------------------------------------

    def get_write_buffer_limits(self) -> tuple[int, int]:
        """Bytes with which writing is resumed, and with which it is paused."""
        return self._network.get_write_buffer_limits()

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        """Set the bytes with which writing is paused and resumed."""
        self._network.set_write_buffer_limits(high, low)

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        """Look up something about the connection.

        uvicorn asks the socket for its addresses, which in uvloop makes another one for each.
        """
        if name == "socket":
            return _Addresses(self._network)
        return self._network.get_extra_info(name, default)

    def is_closing(self) -> bool:
        """True when the connection is closed, or about to be."""
        return self._network.is_closing()

    def get_protocol(self) -> asyncio.BaseProtocol:
        """The protocol that is called with what happens."""
        return self._network.get_protocol()

    def set_protocol(self, protocol: asyncio.BaseProtocol) -> None:
        """Replace the protocol that is called with what happens."""
        self.released, self.on_resume = True, None
        self._network.set_protocol(protocol)

    def is_reading(self) -> bool:
        """True while the client is read."""
        return self._network.is_reading()

    def pause_reading(self) -> None:
        """Read the client no more."""
        self.reading_paused = True
        self._network.pause_reading()

    def resume_reading(self) -> None:
        """Read the client again."""
        self.reading_paused = False
        if self.on_resume is None:
            self._network.resume_reading()
        else:
            self.on_resume()


class _Addresses:
    """The addresses of a socket, as the event loop knows them."""

    def __init__(self, network: asyncio.Transport) -> None:
        self._network = network

    def getsockname(self) -> Any:
        """The local address."""
        return self._network.get_extra_info("sockname")

    def getpeername(self) -> Any:
        """The address of the client."""
        return self._network.get_extra_info("peername")
