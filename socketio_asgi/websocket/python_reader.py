"""The frame reader in Python.

Strategy. A message nearly always comes as one short frame in one segment of the network, and
:meth:`PythonFrameReader.feed` reads that at once. Everything else takes the general way:

    _read         what came, frame by frame
    _read_short   a frame that is a short message of its own
    _read_frame   checks the header of a frame; most frames are whole and a message of their own
    _take         one more piece of a message that comes in several
    _control      a control frame, which may stand between the frames of a message

Each callback may pause or discard the reader, so the general way looks at its state again after
every frame. A segment may hold thousands of frames, which would keep all other connections waiting.
So the general way reads at most :data:`TURN_SIZE` bytes at a time, and asks to be called again.

Source: RFC 6455, sections 5 and 8.1
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .fragments import NOT_UTF8, PartialMessage
from .frame_rules import (
    CONTROL_BIT,
    LENGTH_BITS,
    OPCODE_BITS,
    check_header,
    check_size,
    decode_text,
    read_close,
)
from .frames import FINAL, MASKED, MEDIUM, CloseCode, FrameError, Opcode, Side
from .masking import MASK_SIZE, apply_mask
from .python_events import BINARY_EVENT, EVENT, read_binary_event, read_event
from .sink import FrameSink

OnEvent = Callable[[int | None, list[Any]], bool]
"""Called with the number and the items of a short event; False when it is to come as a message."""

# Plain numbers, because members of an enum are slow on the way of every frame.
_TEXT, _BINARY = int(Opcode.TEXT), int(Opcode.BINARY)
_PING, _PONG = int(Opcode.PING), int(Opcode.PONG)
_WHOLE_TEXT, _WHOLE_BINARY = FINAL | _TEXT, FINAL | _BINARY
_WHOLE_FRAMES = frozenset(FINAL | opcode for opcode in Opcode if opcode != Opcode.CONTINUATION)
_HEADER = 2
"""Bytes of the header of a short frame: of one with up to 125 bytes."""
_MASKED_HEADER = _HEADER + MASK_SIZE
_LONGEST_SHORT = MEDIUM - 1

MAX_SHORT_ATTACHMENT = 2048
"""Bytes of an attachment that is read with its event in one step; larger ones are counted."""

_NO_LIMIT = 1 << 63
"""More than a frame can announce (section 5.2)."""

MAX_BACKLOG = 64 * 1024
"""Bytes that are kept during a pause, before the network is to be paused as well."""

TURN_SIZE = 2048
"""Bytes whose frames are read in one go; others come before the rest. They take a millisecond when
the frames are as small as they can be."""


class PythonFrameReader:
    """Turns the bytes of one peer into messages; it begins paused.

    Args:
        sink: The callbacks for everything but messages.
        on_message: Called with each message.
        side: This side of the connection: a server reads frames with a mask, a client such without.
        max_size: The largest message that is accepted, in bytes; None is any.

    Attributes:
        on_message: Called with each message; may be replaced at any time.
        on_event: Called before that with a message that is a short event, as
            :func:`.python_events.read_event` decodes it; None for never.
        read_on_due: Whether :meth:`read_on` is to be called.
    """

    __slots__ = (
        "_allowance",
        "_header_offset",
        "_max_size",
        "_partial",
        "_position",
        "_reading",
        "_rest",
        "_short_limit",
        "_sink",
        "on_event",
        "on_message",
        "read_on_due",
    )

    def __init__(
        self,
        sink: FrameSink,
        on_message: Callable[[str | bytes], None],
        *,
        side: Side,
        max_size: int | None,
    ) -> None:
        self.on_message: Callable[[str | bytes], None] = on_message
        self.on_event: OnEvent | None = None
        self._sink = sink
        self._max_size = _NO_LIMIT if max_size is None else max_size
        # From the size of a short frame to the second byte of its header; negative for frames
        # without a mask.
        self._header_offset = MASKED - _MASKED_HEADER if side is Side.SERVER else -_HEADER
        self._reading = False
        # Bytes of a frame that is not complete, or that are still to be read, from the position on;
        # None after the end.
        self._rest: bytes | None = b""
        self._position = 0
        # The bytes that may still be read at present.
        self._allowance = TURN_SIZE
        self.read_on_due: bool = False
        self._partial: PartialMessage | None = None
        # The size of the largest segment that may be a short message; 0 unless the next byte begins
        # a message, and is to be read.
        self._short_limit = 0

    def feed(self, data: bytes) -> None:
        """Take bytes from the network, when they come."""
        size = len(data)
        offset = self._header_offset
        # As _read() would, with two calls instead of six. (A shorter frame without a mask is none
        # for this short cut, for that costs a comparison less.)
        if (
            _MASKED_HEADER <= size <= self._short_limit
            and data[0] == _WHOLE_TEXT
            and data[1] == size + offset
        ):
            payload = apply_mask(data[6:], data[2:6]) if offset > 0 else data[2:]
            on_event = self.on_event
            if on_event is not None and payload.startswith(EVENT):
                event = read_event(payload)
                if event is not None:
                    number, items = event
                    if on_event(number, items):
                        return None
            try:
                text = payload.decode()
            except UnicodeDecodeError:
                return self._fail(CloseCode.INVALID_PAYLOAD, NOT_UTF8)
            return self.on_message(text)
        if size > _MASKED_HEADER and data[0] == _WHOLE_TEXT and self._take_binary_event(data):
            return None
        if self._rest is not None:
            self._rest = self._rest[self._position :] + data
            self._position = 0
            self._allowance = TURN_SIZE
            self._read()

    def _take_binary_event(self, data: bytes) -> bool:
        """Take a segment that is a short event with one attachment, and nothing else.

        Returns:
            False when it is something else, or has more to it.
        """
        on_event, size = self.on_event, len(data)
        if on_event is None or self._header_offset < 0 or size < 2 * _MASKED_HEADER:
            return False
        end = data[1] - MASKED + _MASKED_HEADER  # of the text
        start = end + _MASKED_HEADER  # of the attachment
        if not _MASKED_HEADER <= end <= self._short_limit or start > size:
            return False
        length = data[end + 1] - MASKED
        if data[end] != _WHOLE_BINARY or length > MEDIUM:
            return False
        if length == MEDIUM:
            length = int.from_bytes(data[end + 2 : end + 4], "big")
            start += 2
        if start + length != size or length > min(self._max_size, MAX_SHORT_ATTACHMENT):
            return False
        text = apply_mask(data[_MASKED_HEADER:end], data[_HEADER:_MASKED_HEADER])
        if not text.startswith(BINARY_EVENT):
            return False
        event = read_binary_event(text, apply_mask(data[start:], data[start - MASK_SIZE : start]))
        return event is not None and on_event(*event)

    def resume(self) -> bool:
        """Read, first what came during the pause; without effect when it reads already.

        Returns:
            Whether more is to come from the network: False when a callback paused it again, or
            :meth:`read_on` is to be called before.
        """
        if not self._reading and self._rest is not None:
            self._reading = True
            if self._rest or self._partial is not None:
                self._read()
            else:  # nothing came, nearly always
                self._expect_message()
        return self._reading and not self.read_on_due

    def read_on(self) -> bool:
        """Read more of what came, when others have had their turn.

        Returns:
            Whether more is to come from the network, as :meth:`resume` does.
        """
        self.read_on_due = False
        self._allowance = TURN_SIZE
        if self._reading:
            self._read()
        return self._reading and not self.read_on_due

    def pause(self) -> None:
        """Read no more, even of what came already."""
        self._reading = False
        self._short_limit = 0

    def discard(self) -> None:
        """Read no more for good, and drop what is left; without effect when it was done before."""
        self.pause()
        if self._rest is not None:
            self._rest = self._partial = None
            self.read_on_due = False
            # It is never called again. Reader and sink refer to each other, and are to be freed
            # without the garbage collector.
            del self._sink

    def limit_size(self, max_size: int) -> None:
        """Accept no messages larger than this, in bytes; a smaller limit stays."""
        self._max_size = min(self._max_size, max_size)
        if self._short_limit:
            self._expect_message()

    # -- the general way ---------------------------------------------------------------------

    def _read(self) -> None:
        data = self._rest
        if data is None or self.read_on_due:
            return
        start = position = self._position
        end = min(len(data), start + self._allowance)
        self._rest, self._position = b"", 0
        try:
            while self._reading and position < end:
                partial = self._partial
                if partial is not None and partial.missing:
                    piece = data[position : position + partial.missing]
                    position += len(piece)
                    self._take(partial, piece)
                    continue
                next_position = position if partial else self._read_short(data, position)
                if next_position == position:
                    next_position = self._read_frame(data, position)
                if next_position == position:
                    break  # the rest of it is still to come
                position = next_position
        except FrameError as error:
            self._fail(error.code, str(error))
        else:
            self._allowance -= position - start
            self._keep(data, position)

    def _keep(self, data: bytes, position: int) -> None:
        if self._rest is None:  # discarded by a callback
            return
        left = len(data) - position
        # What was read is dropped when it is the larger part: each time would be too much to copy.
        if left <= position:
            data, position = data[position:], 0
        self._rest, self._position = data, position
        if not self._reading:
            if left > MAX_BACKLOG:
                self._sink.backlog_exceeded()
        elif left and self._allowance <= 0:
            self._short_limit = 0
            self.read_on_due = True
            self._sink.turn_exceeded()
        elif left or self._partial is not None:
            self._short_limit = 0
        elif not self._short_limit:
            self._expect_message()

    def _expect_message(self) -> None:
        header = _MASKED_HEADER if self._header_offset > 0 else _HEADER
        self._short_limit = header + min(_LONGEST_SHORT, self._max_size)

    def _read_short(self, data: bytes, start: int) -> int:
        """Read a short frame that is whole, outside of a message: as :meth:`_read_frame`.

        Returns:
            The position behind it; the same one when it is something else.
        """
        first = data[start]
        if first not in _WHOLE_FRAMES or len(data) - start < _HEADER:
            return start
        masked = self._header_offset > 0
        payload = start + (_MASKED_HEADER if masked else _HEADER)
        length = data[start + 1] - (MASKED if masked else 0)
        end = payload + length
        if not 0 <= length <= _LONGEST_SHORT or end > len(data):
            return start
        if length > self._max_size and not first & CONTROL_BIT:
            return start
        content = data[payload:end]
        if masked:
            content = apply_mask(content, data[payload - MASK_SIZE : payload])
        if first == _WHOLE_TEXT:
            self.on_message(decode_text(content))
        else:
            self._take_whole(first & OPCODE_BITS, content)
        return end

    def _read_frame(self, data: bytes, start: int) -> int:
        """Read the header of a frame, and all of a control frame.

        Returns:
            The position behind it; the same one when it is not complete.
        """
        if len(data) - start < _HEADER:
            return start
        first, second = data[start], data[start + 1]
        check_header(
            first,
            second,
            masked=self._header_offset > 0,
            continues=self._partial is not None,
        )
        length = second & LENGTH_BITS
        payload = start + _HEADER
        if length >= MEDIUM:
            width = 2 if length == MEDIUM else 8
            payload += width
            if len(data) < payload:
                return start
            length = int.from_bytes(data[payload - width : payload], "big")
        before = 0 if self._partial is None else self._partial.size
        check_size(first, length, before, self._max_size)
        mask = b""
        if second & MASKED:
            payload += MASK_SIZE
            if len(data) < payload:
                return start
            mask = data[payload - MASK_SIZE : payload]
        end = payload + length
        if len(data) >= end and self._is_whole(first):
            # A view: a large message is not copied before the mask is taken off.
            content = apply_mask(memoryview(data)[payload:end], mask) if mask else data[payload:end]
            self._take_whole(first & OPCODE_BITS, content)
            return end
        if first & CONTROL_BIT:
            return start  # until all of it is there
        self._open(first, length, mask)
        return payload

    def _is_whole(self, first: int) -> bool:
        """True for a frame that is a message, or a control frame, of its own."""
        return bool(first & CONTROL_BIT) or (bool(first & FINAL) and self._partial is None)

    def _take_whole(self, opcode: int, payload: bytes) -> None:
        if opcode == _TEXT:
            self.on_message(decode_text(payload))
        elif opcode == _BINARY:
            self.on_message(payload)
        else:
            self._control(opcode, payload)

    def _open(self, first: int, length: int, mask: bytes) -> None:
        partial = self._partial
        if partial is None:
            partial = self._partial = PartialMessage(first & OPCODE_BITS)
        partial.add_frame(length, mask, final=bool(first & FINAL))
        if not length:
            self._take(partial, b"")

    def _take(self, partial: PartialMessage, piece: bytes) -> None:
        partial.add(piece)
        if partial.missing or not partial.final:
            return
        self._partial = None
        self.on_message(partial.content())

    def _control(self, opcode: int, payload: bytes) -> None:
        if opcode == _PING:
            self._sink.ping_received(payload)
        elif opcode == _PONG:
            self._sink.pong_received()
        else:
            self._sink.close_received(*read_close(payload))

    def _fail(self, code: CloseCode, reason: str) -> None:
        sink = self._sink
        self.discard()
        sink.frame_failed(code, reason)
