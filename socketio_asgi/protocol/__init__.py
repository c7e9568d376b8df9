"""The sans-IO core: bytes and text in, packets out, and back. No clock, no network, no tasks."""

from .engine_codec import EngineCodec, Payload
from .engine_packet import EnginePacket, EnginePacketType, OutgoingPacket
from .engine_v3 import EngineCodecV3
from .engine_v4 import EngineCodecV4
from .errors import DecodeError, EncodeError, ProtocolError
from .packet import RESERVED_EVENTS, Decoder, Packet, PacketType, Parser, PlainConverter
from .parser import DefaultParser

__all__ = [
    "RESERVED_EVENTS",
    "DecodeError",
    "Decoder",
    "DefaultParser",
    "EncodeError",
    "EngineCodec",
    "EngineCodecV3",
    "EngineCodecV4",
    "EnginePacket",
    "EnginePacketType",
    "OutgoingPacket",
    "Packet",
    "PacketType",
    "Parser",
    "Payload",
    "PlainConverter",
    "ProtocolError",
]
