"""What a revision of the Engine.IO protocol has to define beyond the common packet types."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple, Protocol

from .engine_packet import EnginePacket, OutgoingPacket


class Payload(NamedTuple):
    """Several packets, encoded for one HTTP body.

    Attributes:
        body: The encoded bytes.
        binary: Whether the body is to be sent as ``application/octet-stream`` instead of text.
    """

    body: bytes
    binary: bool


class EngineCodec(Protocol):
    """One revision of the Engine.IO protocol; stateless."""

    @property
    def revision(self) -> int:
        """The number in the ``EIO`` query parameter."""
        ...

    def decode(self, data: str | bytes) -> EnginePacket:
        """Decode one WebSocket message.

        Raises:
            DecodeError: It is not a packet.
        """
        ...

    def decode_payload(self, body: bytes, *, binary: bool) -> list[EnginePacket]:
        """Decode the body of a POST request.

        Args:
            body: The whole body.
            binary: Whether its content type was ``application/octet-stream``.

        Raises:
            DecodeError: It is not a sequence of packets.
        """
        ...

    def encode_binary(self, data: bytes) -> bytes:
        """The WebSocket form of a binary message."""
        ...

    def encode_payload(
        self, packets: Sequence[OutgoingPacket], *, supports_binary: bool
    ) -> Payload:
        """Encode packets for the body of a GET response.

        Args:
            packets: The packets, at least one.
            supports_binary: False when the client asked for base64 (``b64=1``, revision 3).
        """
        ...

    def fitting(self, packets: Iterable[OutgoingPacket], limit: int) -> int:
        """How many of the first packets fit into a payload of ``limit`` bytes; at least one."""
        ...
