"""The official JavaScript codecs and ours, over the same values and the same nasty inputs."""

from __future__ import annotations

import math
import random
import re
import struct
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from socketio_asgi.protocol import (
    DecodeError,
    DefaultParser,
    EngineCodec,
    EngineCodecV3,
    EngineCodecV4,
    EnginePacket,
    EnginePacketType,
    OutgoingPacket,
    Packet,
    PacketType,
)
from socketio_asgi.protocol.msgpack_parser import MsgpackParser
from tests.protocol import corpus
from tests.support.node import start_node

pytestmark = pytest.mark.parametrize("anyio_backend", ["asyncio"])

SCRIPT = Path(__file__).with_name("javascript.mjs")
COUNT = 300
PARSER = DefaultParser(max_attachments=10)
ENGINES: dict[int, EngineCodec] = {3: EngineCodecV3(), 4: EngineCodecV4()}
_TEXTS = ["", "a", "\u20ac", "\U0001f600", "\x00", "\x7f", '"\\/', "\u2028", "\u00e9", "[{1:2}]"]
_NUMBERS = [0, 1, -1, 2**53 - 1, -(2**53), 0.5, -1e-7, 1e21, 1.7976931348623157e308, 5e-324]


async def ask_node(cases: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """What the official codecs answer to each case: ``{"value": ...}`` or ``{"error": ...}``."""
    async with start_node(SCRIPT) as script:
        await script.send("cases", cases=cases)
        result = await script.finish()
    results: list[dict[str, Any]] = result["results"]
    assert len(results) == len(cases)
    return results


class Values:
    """Random values that mean the same in both languages; always the same ones."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)
        self.binary_left = 0

    def text(self, *, lone: bool = False) -> str:
        pieces = [*_TEXTS, "\ud800", "\udfff"] if lone else _TEXTS
        text = "".join(self._random.choices(pieces, k=self._random.randrange(4)))
        return text.encode("utf-16", "surrogatepass").decode("utf-16", "surrogatepass")

    def binary(self) -> bytes:
        return self._random.randbytes(self._random.randrange(6))

    def value(self, depth: int = 4) -> Any:
        kind = self._random.randrange(8 if depth else 5)
        if kind in (4, 5) and self.binary_left:
            self.binary_left -= 1
            return self.binary()
        if kind > 5:
            items = [self.value(depth - 1) for _ in range(self._random.randrange(4))]
            return items if kind == 6 else {self.text(lone=True) + "k": item for item in items}
        scalars = [None, self._random.choice([True, False]), self._random.choice(_NUMBERS)]
        return self._random.choice([*scalars, self.text(lone=True)])

    def packet(self) -> Packet:
        self.binary_left = self._random.choice([0, 3])
        values = [self.value() for _ in range(self._random.randrange(4))]
        namespace = self._random.choice(["/", "/chat", "/\u20ac"])
        number = self._random.choice([0, 7, 2**53 - 1])
        if self._random.randrange(2):
            number_or_none = self._random.choice([None, number])
            return Packet(PacketType.EVENT, namespace, ["event", *values], number_or_none)
        return Packet(PacketType.ACK, namespace, values, number)

    def engine_packets(self) -> list[EnginePacket]:
        packets: list[EnginePacket] = []
        for _ in range(self._random.randrange(1, 6)):
            if self._random.randrange(2):
                packets.append(EnginePacket(EnginePacketType.MESSAGE, self.binary()))
            else:
                type_ = self._random.choice(list(EnginePacketType))
                packets.append(EnginePacket(type_, self.text()))
        return packets


def has_binary(value: Any) -> bool:
    if isinstance(value, dict):
        return any(map(has_binary, value.values()))
    return isinstance(value, bytes) or (isinstance(value, list) and any(map(has_binary, value)))


def as_json(packet: Packet) -> dict[str, Any]:
    return {
        "type": packet.type,
        "nsp": packet.namespace,
        "id": packet.id,
        "data": packet.data,
    }


def decode(messages: list[str | bytes]) -> Packet:
    decoder = PARSER.decoder()
    for message in messages[:-1]:
        assert decoder.add(message) is None
    packet = decoder.add(messages[-1])
    assert packet is not None
    return packet


@pytest.mark.parametrize("revision", [5, 4])
async def test_socket_packets_both_ways(revision: int, node_modules: Path) -> None:
    values = Values(revision)
    packets = [values.packet() for _ in range(COUNT)]
    cases: list[dict[str, Any]] = []
    for packet in packets:
        shared = {"revision": revision, "binary": has_binary(packet.data)}
        cases.append({**shared, "operation": "encodeSocket", "packet": as_json(packet)})
        cases.append({**shared, "operation": "decodeSocket", "messages": PARSER.encode(packet)})
    results = await ask_node(cases)
    assert sum(has_binary(packet.data) for packet in packets) > COUNT // 10
    for packet, theirs, ours in zip(packets, results[::2], results[1::2], strict=True):
        assert decode(theirs["value"]) == packet
        assert ours == {"value": as_json(packet)}


def _outgoing(packet: EnginePacket) -> OutgoingPacket:
    if isinstance(packet.data, str):
        return OutgoingPacket.packet(packet.type, packet.data)
    return OutgoingPacket.message(packet.data)


@pytest.mark.parametrize(("revision", "supports_binary"), [(4, True), (3, True), (3, False)])
async def test_engine_payloads_both_ways(
    revision: int, supports_binary: bool, node_modules: Path
) -> None:
    codec, values = ENGINES[revision], Values(revision)
    batch = [values.engine_packets() for _ in range(COUNT)]
    payloads = [
        codec.encode_payload(
            [_outgoing(packet) for packet in packets], supports_binary=supports_binary
        )
        for packets in batch
    ]
    cases: list[dict[str, Any]] = []
    for packets, payload in zip(batch, payloads, strict=True):
        as_sent = [{"type": type_.name.lower(), "data": data} for type_, data in packets]
        cases.append(
            {
                "operation": "encodeEngine",
                "revision": revision,
                "packets": as_sent,
                "supportsBinary": supports_binary,
            }
        )
        cases.append(
            {
                "operation": "decodeEngine",
                "revision": revision,
                "body": payload.body,
                "binary": payload.binary,
            }
        )
    results = await ask_node(cases)
    for packets, payload, theirs, ours in zip(
        batch, payloads, results[::2], results[1::2], strict=True
    ):
        assert theirs["value"] == payload.body
        assert codec.decode_payload(payload.body, binary=payload.binary) == packets
        as_sent = [{"type": type_.name.lower(), "data": data} for type_, data in packets]
        assert ours == {"value": as_sent}


# The first message of what we refuse and the official parser takes.
STRICTER_THAN_OFFICIAL = re.compile(
    r"""
      \ ?$                      # nothing and a space are the number 0 there: a CONNECT
    | (?: [234] | 31 | 2/.* )$  # no payload
    | 2[ \ufeff]                # white space is a digit of the id
    | [23]\d{21}                # any number of digits
    | 3\[                       # an acknowledgement without an id
    | 5\d-                      # attachments with no place, or several; any number below theirs
    | .*(?: \[{253} | (?:\{"a":){253} )  # any depth
    """,
    re.VERBOSE | re.DOTALL,
)


async def test_nasty_messages(node_modules: Path) -> None:
    """Nothing that the official parser refuses is taken, and only known things are refused."""
    accepted = [messages for messages, _ in corpus.ACCEPTED_BY_SOCKET_PARSER]
    refused = corpus.REFUSED_BY_SOCKET_PARSER
    results = await ask_node(
        [
            {"operation": "acceptsSocket", "revision": 5, "messages": messages}
            for messages in [*accepted, *refused]
        ]
    )
    for messages, result in zip(accepted, results, strict=False):
        assert "value" in result, messages
    for messages, result in zip(refused, results[len(accepted) :], strict=True):
        with pytest.raises(DecodeError):
            decode(messages)
        if "value" in result:
            first = messages[0]
            assert isinstance(first, str)
            assert STRICTER_THAN_OFFICIAL.match(first), messages


KINDS = ["ArrayBuffer", "Buffer", "DataView"]
KINDS += [f"{element}Array" for element in ("Uint8", "Int16", "Float32", "Float64")]
SIZES = [0, 1, 2, 4, 8, 16, 255, 256, 65_536]


async def test_what_messagepack_alone_can_carry(node_modules: Path) -> None:
    """The official encoder sends a whole buffer, also for a view into it."""
    alone: list[dict[str, Any]] = [
        {"kind": kind, "size": size} for kind in KINDS for size in SIZES if _fits(kind, size)
    ]
    alone += [
        {"kind": "Uint8Array", "size": size, "offset": size // 2, "length": 1}
        for size in SIZES
        if size
    ]
    times = [0, -1, 1, 8.64e15, -8.64e15, -62167219200000, 253402300799999, 253402300800000]
    alone += [{"kind": "undefined"}, *({"kind": "Date", "time": time} for time in times)]
    together = [alone[::-1], [{"kind": "undefined"}, *alone], alone[1::3] * 2]
    batches = [*([value] for value in alone), *together]
    results = await ask_node(
        [{"operation": "encodeMessagePack", "values": values} for values in batches]
    )
    for values, result in zip(batches, results, strict=True):
        packet = MsgpackParser().decoder().add(result["value"]["message"])
        assert packet is not None
        _, *ours = packet.data
        for spec, value, meaning in zip(values, ours, result["value"]["meanings"], strict=True):
            assert _as_javascript(value) == meaning, spec


def _fits(kind: str, size: int) -> bool:
    """Whether the size is a whole number of elements."""
    bits = re.search(r"(\d+)Array", kind)
    return bits is None or size % (int(bits[1]) // 8) == 0


def _as_javascript(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return value


async def test_events_with_a_number_for_a_name(node_modules: Path) -> None:
    numbers = [*_NUMBERS, 1e20, 1e-6, 123456789.125, 2**60, 1 / 3, -0.0, 100, 1e22]
    doubles = struct.iter_unpack(">d", random.Random(1).randbytes(8 * COUNT))
    numbers += [number for (number,) in doubles if math.isfinite(number)]
    numbers += [random.Random(2).uniform(-1, 1) * 10**exponent for exponent in range(-9, 23)]
    results = await ask_node([{"operation": "nameEvent", "number": number} for number in numbers])
    for number, result in zip(numbers, results, strict=True):
        sent = result["value"]
        assert decode(sent["plain"]).data == [sent["text"]], number
        assert decode(sent["older"]).data == [sent["text"]], number
        assert decode(sent["binary"]).data == [sent["text"], b"x"], number
        packet = MsgpackParser().decoder().add(*sent["messagePack"])
        assert packet is not None
        # Its library cuts whole numbers down to 64 bits.
        assert packet.data == [sent["text"]] or abs(number) >= 2**63, number


async def test_ids_beyond_the_integers_of_javascript(node_modules: Path) -> None:
    """The official parser rounds them, and answers with another number; ours keeps them."""
    digits = ["9" * count for count in range(15, 21)] + ["12345678901234567891", str(2**64 - 1)]
    results = await ask_node(
        [
            {"operation": "decodeSocket", "revision": 5, "messages": [f'2{number}["a"]']}
            for number in digits
        ]
    )
    for number, result in zip(digits, results, strict=True):
        packet = decode([f'2{number}["a"]'])
        assert packet.id == int(number)
        assert float(result["value"]["id"]) == float(number)
        assert PARSER.encode(Packet(PacketType.ACK, "/", [], packet.id)) == [f"3{number}[]"]
