"""Micro-benchmarks of the protocol core: ``python -m benchmarks.codec [FILTER]``.

Prints the nanoseconds of processor time of one operation: the best of many short loops, so that
some meet an undisturbed machine. The figures of two runs compare only on the same, quiet machine.
"""

from __future__ import annotations

import sys
import time
import timeit
from collections.abc import Callable

from socketio_asgi.protocol import (
    DefaultParser,
    EngineCodecV3,
    EngineCodecV4,
    OutgoingPacket,
    Packet,
    PacketType,
)

REPEATS = 60
LOOP_SECONDS = 0.01

Operation = Callable[[], object]


def operations() -> dict[str, Operation]:
    """Every benchmark by its name."""
    return {**_socket_operations(), **_engine_operations()}


def _socket_operations() -> dict[str, Operation]:
    parser = DefaultParser()
    decoder = parser.decoder()
    event = Packet(PacketType.EVENT, "/", ["echo", {"n": 1}])
    ack = Packet(PacketType.ACK, "/", ["x"], 12)
    binary = Packet(PacketType.EVENT, "/", ["echo", b"x"])

    def decode_binary() -> None:
        decoder.add('51-["echo",{"_placeholder":true,"num":0}]')
        decoder.add(b"x")

    return {
        "decode event": lambda: decoder.add('2["echo",{"n":1}]'),
        "decode event with id": lambda: decoder.add('212["echo","x"]'),
        "decode ack": lambda: decoder.add('312["x"]'),
        "decode event of a namespace": lambda: decoder.add('2/chat,["echo","x"]'),
        "decode event with attachment": decode_binary,
        "encode event": lambda: parser.encode(event),
        "encode ack": lambda: parser.encode(ack),
        "encode event with attachment": lambda: parser.encode(binary),
        "packet": lambda: Packet(PacketType.EVENT, "/", None),
    }


def _engine_operations() -> dict[str, Operation]:
    v4, v3 = EngineCodecV4(), EngineCodecV3()
    message = '42["echo",{"n":1}]'
    frames = [OutgoingPacket(message)] * 10
    body4 = v4.encode_payload(frames, supports_binary=True).body
    body3 = v3.encode_payload(frames, supports_binary=True).body
    return {
        "frame": lambda: OutgoingPacket.message(message[1:]),
        "frame with piece": lambda: OutgoingPacket.message(message[1:]).piece,
        "decode message (4)": lambda: v4.decode(message),
        "decode message (3)": lambda: v3.decode(message),
        "decode payload of 10 (4)": lambda: v4.decode_payload(body4, binary=False),
        "decode payload of 10 (3)": lambda: v3.decode_payload(body3, binary=False),
        "encode payload of 10 (4)": lambda: v4.encode_payload(frames, supports_binary=True),
        "encode payload of 10 (3)": lambda: v3.encode_payload(frames, supports_binary=True),
    }


def best_time(operation: Operation) -> float:
    """Processor seconds of one call, the best of several loops."""
    timer = timeit.Timer(operation, timer=time.process_time)
    calls, seconds = timer.autorange()
    calls = max(1, int(calls * LOOP_SECONDS / seconds))
    return min(timer.repeat(REPEATS, calls)) / calls


def main() -> None:
    wanted = sys.argv[1] if len(sys.argv) > 1 else ""
    print(f"Python {sys.version.split()[0]}, ns per operation, best of {REPEATS}")
    for name, operation in operations().items():
        if wanted in name:
            print(f"{name:32} {best_time(operation) * 1e9:8.0f}", flush=True)


if __name__ == "__main__":
    main()
