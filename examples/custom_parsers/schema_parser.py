"""A parser that packs the events of a schema as tightly as their types allow.

An event of the schema is one binary message; schema_parser.js does the same in JavaScript:

    event    1 byte: its position in the schema
    id       4 bytes: the number of the acknowledgement and 1, or 0 for none
    length   of the name of the namespace, and the name itself
    values   by their types, one after another

The schema has the types of the values of each event: "uint16", "text", "bytes", or a list of one
type. Lengths take 7 bits for each byte, the last of which is below 128. Every other packet is JSON,
so acknowledgements have no binary values.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Callable, Mapping
from typing import Any

from socketio_asgi.protocol import DecodeError, Decoder, EncodeError, Packet, PacketType
from socketio_asgi.protocol.packet import check_payload

Schema = Mapping[str, list[Any]]


class SchemaParser:
    """The parser of a server.

    >>> io = Server(parser=SchemaParser({"position": ["uint16", "uint16"]}))
    """

    def __init__(self, schema: Schema) -> None:
        self._schema = schema
        self._numbers = {name: number for number, name in enumerate(schema)}

    def encode(self, packet: Packet) -> list[str | bytes]:
        try:
            if packet.type is PacketType.EVENT and packet.data[0] in self._schema:
                return [self._pack(packet)]
            fields = [packet.type, packet.namespace, packet.data, packet.id]
            return [json.dumps(fields, ensure_ascii=False, separators=(",", ":"))]
        except (TypeError, ValueError, struct.error) as error:
            raise EncodeError(f"a packet does not fit the schema: {error}") from error

    def _pack(self, packet: Packet) -> bytes:
        name, *values = packet.data
        number = 0 if packet.id is None else packet.id + 1
        out = bytearray(struct.pack("<BI", self._numbers[name], number))
        write("text", packet.namespace, out)
        for type_, value in zip(self._schema[name], values, strict=True):
            write(type_, value, out)
        return bytes(out)

    def decoder(self) -> Decoder:
        return SchemaDecoder(self._schema)


class SchemaDecoder:
    """Makes packets of the messages of one client, who may send anything."""

    def __init__(self, schema: Schema) -> None:
        self._events = list(schema.items())

    def add(self, data: str | bytes) -> Packet | None:
        try:
            packet = self._unpack(data) if isinstance(data, bytes) else self._load(data)
        except (IndexError, TypeError, ValueError, struct.error) as error:
            raise DecodeError("Socket.IO", "a packet does not fit the schema") from error
        check_payload(packet.type, packet.data)
        return packet

    def _load(self, text: str) -> Packet:
        type_, namespace, data, number = json.loads(text)
        return Packet(PacketType(type_), namespace, data, number)

    def _unpack(self, data: bytes) -> Packet:
        event, number = struct.unpack_from("<BI", data)
        name, types = self._events[event]
        reader = Reader(data, struct.calcsize("<BI"))
        namespace = reader.read("text")
        values = [reader.read(type_) for type_ in types]
        reader.end()
        return Packet(PacketType.EVENT, namespace, [name, *values], number - 1 if number else None)

    def reset(self) -> None:
        """No packet has parts that wait."""


# -- values ------------------------------------------------------------------------------------


def write(type_: Any, value: Any, out: bytearray) -> None:
    """Append a value; raises ValueError, TypeError or struct.error for one of another type."""
    if isinstance(type_, list):
        write_length(len(value), out)
        for item in value:
            write(type_[0], item, out)
    elif type_ == "uint16":
        out += struct.pack("<H", value)
    else:
        data = str.encode(value) if type_ == "text" else memoryview(value).tobytes()
        write_length(len(data), out)
        out += data


def write_length(length: int, out: bytearray) -> None:
    while length > 127:
        out.append(length & 127 | 128)
        length >>= 7
    out.append(length)


class Reader:
    """Reads the values of a message; raises IndexError where it is too short."""

    def __init__(self, data: bytes, position: int) -> None:
        self._data = data
        self._position = position
        self._kinds: dict[str, Callable[[], Any]] = {
            "uint16": lambda: int.from_bytes(self._take(2), "little"),
            "text": lambda: self._take(self._length()).decode(),
            "bytes": lambda: self._take(self._length()),
        }

    def read(self, type_: Any) -> Any:
        if isinstance(type_, list):
            # Each item takes a byte at least, so a long list needs a long message.
            return [self.read(type_[0]) for _ in range(self._length())]
        return self._kinds[type_]()

    def end(self) -> None:
        if self._position != len(self._data):
            raise ValueError("there is more than the schema has")

    def _length(self) -> int:
        length = shift = 0
        while True:
            (byte,) = self._take(1)
            length |= (byte & 127) << shift
            if byte < 128:
                return length
            shift += 7

    def _take(self, size: int) -> bytes:
        taken = self._data[self._position : self._position + size]
        if len(taken) < size:
            raise IndexError("the message is too short")
        self._position += size
        return taken
