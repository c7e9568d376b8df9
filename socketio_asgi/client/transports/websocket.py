"""The WebSocket transport of a client.

Source: https://socket.io/docs/v4/engine-io-protocol/#websocket
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from ...protocol.engine_packet import OutgoingPacket
from ...protocol.engine_v4 import EngineCodecV4
from ...protocol.errors import DecodeError
from ..network.base import WebSocket
from .base import Endpoint, Transport, TransportOwner

_CODEC = EngineCodecV4()


class WebSocketTransport(Transport):
    """Packets as messages of a WebSocket."""

    name: ClassVar[str] = "websocket"

    __slots__ = ("_ended", "_socket")

    def __init__(self, endpoint: Endpoint, owner: TransportOwner, sid: str | None = None) -> None:
        super().__init__(endpoint, owner, sid)
        self._socket: WebSocket | None = None
        self._ended = endpoint.runtime.event()

    async def open(self) -> None:
        """Open the WebSocket."""
        endpoint = self._endpoint
        url = endpoint.address(self.name, self.sid)
        socket = await endpoint.network.open_websocket(
            url, endpoint.headers, self, endpoint.runtime
        )
        if self._ended.is_set():  # while it was opened
            socket.abort()
        else:
            self._socket = socket

    @property
    def buffered(self) -> int:
        """The bytes that wait to be handed to the operating system."""
        return 0 if self._socket is None else self._socket.buffered

    @property
    def writable(self) -> bool:
        """True when nothing waits."""
        return self._socket is not None and not self._socket.buffered

    def send(self, packets: Sequence[OutgoingPacket]) -> None:
        """Send packets, each as one message."""
        socket = self._socket
        if socket is not None:
            socket.send([packet.text or packet.binary or b"" for packet in packets])

    async def pause(self) -> None:
        """Nothing is ever upgraded from this transport."""

    def pause_reading(self) -> None:
        """Read no more for now; TCP lets the server wait."""
        if self._socket is not None:
            self._socket.pause_reading()

    def resume_reading(self) -> None:
        """Go on reading."""
        if self._socket is not None:
            self._socket.resume_reading()

    async def close(self) -> None:
        """Close the WebSocket, and wait until it has ended."""
        if self._socket is not None and not self._ended.is_set():
            self._socket.close()
            await self._ended.wait()

    def abort(self) -> None:
        """End the WebSocket at once."""
        self._ended.set()
        if self._socket is not None:
            self._socket.abort()
            self._socket = None

    # -- as the network sees it --------------------------------------------------------------

    def on_message(self, message: str | bytes) -> None:
        """Called with each message."""
        if self._ended.is_set():
            return
        if type(message) is not str:
            return self._owner.on_message(message)
        if message[:1] == "4":  # nearly always
            return self._owner.on_message(message[1:])
        try:
            packet = _CODEC.decode(message)
        except DecodeError as error:
            self.abort()
            return self._owner.on_lost(self, error)
        if message[0] == "b":  # a binary message as base64
            self._owner.on_message(packet.data)
        else:
            self._owner.on_packet(self, packet)

    def on_drain(self) -> None:
        """Called when nothing waits any more."""
        self._owner.on_drain()

    def on_end(self, error: Exception | None, code: int) -> None:
        """Called when the WebSocket has ended."""
        if not self._ended.is_set():
            self._ended.set()
            self._socket = None
            self._owner.on_lost(self, error)
