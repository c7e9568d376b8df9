"""Check a wheel that was just built: what it reads and writes is what it is to be."""

from __future__ import annotations

from socketio_asgi_speedups import ack_frame, read_event_frame

MASK = b"\x01\x02\x03\x04"
text = b'4212["a",1]'
frame = bytes((0x81, 0x80 | len(text))) + MASK
frame += bytes(byte ^ MASK[index % 4] for index, byte in enumerate(text))
assert read_event_frame(frame, 131) == (12, ["a", 1])
assert read_event_frame(frame, len(frame) - 1) is None
assert ack_frame(12, ["a"]) == b'\x81\x094312["a"]'
