"""Reading the frames of a WebSocket client.

A message nearly always comes as one short frame in one segment of the network;
:meth:`FrameReader.data_received` deals with that at once. Everything else takes the general way:

    _read         what came, frame by frame
    _read_frame   checks the header of a frame; most frames are whole and a message of their own
    _take         one more piece of a message that comes in several
    _control      a control frame, which may stand between the frames of a message

Source: RFC 6455, sections 5 and 8.1
"""

from __future__ import annotations

from abc import abstractmethod
from codecs import getincrementaldecoder
from collections.abc import Callable
from io import BytesIO, StringIO

from .frames import (
    FINAL,
    MAX_CONTROL_PAYLOAD,
    MEDIUM,
    CloseCode,
    Opcode,
    check_close_code,
)
from .masking import apply_mask

_MASKED = 0x80
_RESERVED_BITS = 0x70
_OPCODE_BITS = 0x0F
_LENGTH_BITS = 0x7F
_CONTROL_BIT = 0x08
_MASK_SIZE = 4

_WHOLE_TEXT = FINAL | Opcode.TEXT
_SHORTEST, _LONGEST = 6, 6 + MEDIUM - 1
"""Sizes of a short frame: header, mask and up to 125 bytes."""
_SIZE_TO_LENGTH = _MASKED - 6
"""From the size of a short frame to the second byte of its header."""

MAX_UNREAD = 64 * 1024
"""Bytes that are kept while nothing is read, before the network is not read either."""

_NOT_UTF8 = "a text is not UTF-8"
_Utf8Decoder = getincrementaldecoder("utf-8")


class FrameError(Exception):
    """A client broke the protocol.

    Attributes:
        code: The close code that tells it so.
    """

    def __init__(self, code: CloseCode, reason: str) -> None:
        super().__init__(reason)
        self.code: CloseCode = code


class _Message:
    """A message that has not come completely.

    Attributes:
        size: The bytes announced so far.
        missing: The bytes that the present frame still lacks.
    """

    __slots__ = ("_decoder", "_mask", "final", "missing", "pieces", "size")

    def __init__(self, opcode: int) -> None:
        is_text = opcode == Opcode.TEXT
        self._decoder = _Utf8Decoder() if is_text else None
        self.pieces: StringIO | BytesIO = StringIO(newline="") if is_text else BytesIO()
        self._mask = b""
        self.size = 0
        self.missing = 0
        self.final = False

    def add_frame(self, length: int, mask: bytes, *, final: bool) -> None:
        """Another frame begins."""
        self.size += length
        self.missing = length
        self._mask = mask
        self.final = final

    def add(self, piece: bytes) -> None:
        """More of the present frame came.

        Raises:
            FrameError: It is not the continuation of a text in UTF-8.
        """
        data = apply_mask(piece, self._mask)
        self.missing -= len(piece)
        turn = len(piece) % _MASK_SIZE
        self._mask = self._mask[turn:] + self._mask[:turn]
        last = self.final and not self.missing
        if self._decoder is None:
            self.pieces.write(data)  # type: ignore[arg-type]
            return
        try:
            text = self._decoder.decode(data, last)
        except UnicodeDecodeError as error:
            raise FrameError(CloseCode.INVALID_PAYLOAD, _NOT_UTF8) from error
        self.pieces.write(text)  # type: ignore[arg-type]


class FrameReader:
    """Turns the bytes of one client into messages.

    Args:
        max_size: The largest message that is accepted, in bytes; None is any.

    Attributes:
        on_message: What is called with each message; to be set before reading starts.
    """

    __slots__ = (
        "_at_boundary",
        "_longest",
        "_max_size",
        "_message",
        "_reading",
        "_rest",
        "on_message",
    )

    on_message: Callable[[str | bytes], None]

    def __init__(self, max_size: int | None) -> None:
        self._max_size: int | None = None
        # The largest segment that may be a short message.
        self._longest = _LONGEST
        if max_size is not None:
            self.limit_size(max_size)
        self._reading = False
        # Bytes of a frame that is not complete, or that came while nothing is read; None after
        # the end.
        self._rest: bytes | None = b""
        self._message: _Message | None = None
        # Whether the next byte begins a message, and is welcome.
        self._at_boundary = False

    @abstractmethod
    def ping_received(self, payload: bytes) -> None:
        """A ping came, which must be answered."""

    @abstractmethod
    def pong_received(self) -> None:
        """A pong came."""

    @abstractmethod
    def close_received(self, code: int, reason: str) -> None:
        """The client closes the connection, or has answered our close."""

    @abstractmethod
    def hold_network(self) -> None:
        """More came than is kept while nothing is read."""

    @abstractmethod
    def frame_failed(self, code: CloseCode, reason: str) -> None:
        """The client broke the protocol; nothing more is read."""

    def data_received(self, data: bytes) -> None:
        """Take bytes from the network, when they come."""
        size = len(data)
        if (
            self._at_boundary
            and _SHORTEST <= size <= self._longest
            and data[0] == _WHOLE_TEXT
            and data[1] == size + _SIZE_TO_LENGTH
        ):
            try:
                text = apply_mask(data[6:], data[2:6]).decode()
            except UnicodeDecodeError:
                return self._fail(CloseCode.INVALID_PAYLOAD, _NOT_UTF8)
            return self.on_message(text)
        self._read(data)

    def start_reading(self) -> None:
        """Read, first what waits; to be called at the beginning and after a pause."""
        self._reading = True
        self._read(b"")

    def stop_reading(self) -> None:
        """Read no more, even of what came already."""
        self._reading = self._at_boundary = False

    def discard(self) -> None:
        """Read no more for good."""
        self.stop_reading()
        self._rest = self._message = None

    def limit_size(self, max_size: int) -> None:
        """Accept no messages larger than this, in bytes."""
        if self._max_size is None or max_size < self._max_size:
            self._max_size = max_size
            self._longest = min(_LONGEST, _SHORTEST + max_size)

    # -- the general way ---------------------------------------------------------------------

    def _read(self, data: bytes) -> None:
        if self._rest is None:
            return
        data, self._rest = self._rest + data, b""
        position = 0
        try:
            while self._reading and position < len(data):
                message = self._message
                if message is not None and message.missing:
                    piece = data[position : position + message.missing]
                    position += len(piece)
                    self._take(message, piece)
                else:
                    end = self._read_frame(data, position)
                    if end == position:
                        break  # the rest of it is still to come
                    position = end
        except FrameError as error:
            self._fail(error.code, str(error))
        else:
            self._keep(data[position:])

    def _keep(self, rest: bytes) -> None:
        if self._rest is not None:
            self._rest = rest
            if len(rest) > MAX_UNREAD and not self._reading:
                self.hold_network()
            self._at_boundary = self._reading and not rest and self._message is None

    def _read_frame(self, data: bytes, start: int) -> int:
        """Read the header of a frame, and all of a control frame.

        Returns:
            The position behind it; the same one when it is not complete.
        """
        if len(data) - start < 2:
            return start
        first, second = data[start], data[start + 1]
        self._check_header(first, second)
        length = second & _LENGTH_BITS
        payload = start + 2
        if length >= MEDIUM:
            width = 2 if length == MEDIUM else 8
            payload += width
            if len(data) < payload:
                return start
            length = int.from_bytes(data[payload - width : payload], "big")
        payload += _MASK_SIZE
        self._check_size(first, length)
        if len(data) < payload:
            return start
        mask = data[payload - _MASK_SIZE : payload]
        end = payload + length
        if len(data) >= end and self._is_whole(first):
            self._take_whole(first & _OPCODE_BITS, apply_mask(data[payload:end], mask))
            return end
        if first & _CONTROL_BIT:
            return start  # until all of it is there
        self._open(first, length, mask)
        return payload

    def _is_whole(self, first: int) -> bool:
        """Whether a frame is a message of its own."""
        return bool(first & _CONTROL_BIT) or (bool(first & FINAL) and self._message is None)

    def _take_whole(self, opcode: int, payload: bytes) -> None:
        if opcode == Opcode.TEXT:
            self.on_message(_decode(payload))
        elif opcode == Opcode.BINARY:
            self.on_message(payload)
        else:
            self._control(opcode, payload)

    def _check_header(self, first: int, second: int) -> None:
        opcode = first & _OPCODE_BITS
        if first & _RESERVED_BITS:
            raise FrameError(CloseCode.PROTOCOL_ERROR, "a reserved bit is set")
        if not second & _MASKED:
            raise FrameError(CloseCode.PROTOCOL_ERROR, "a frame of a client has no mask")
        if first & _CONTROL_BIT:
            if opcode > Opcode.PONG:
                raise FrameError(CloseCode.PROTOCOL_ERROR, f"unknown opcode {opcode}")
            if not first & FINAL or second & _LENGTH_BITS > MAX_CONTROL_PAYLOAD:
                raise FrameError(
                    CloseCode.PROTOCOL_ERROR, "a control frame is too long or in parts"
                )
        elif opcode > Opcode.BINARY:
            raise FrameError(CloseCode.PROTOCOL_ERROR, f"unknown opcode {opcode}")
        elif (opcode == Opcode.CONTINUATION) != (self._message is not None):
            raise FrameError(CloseCode.PROTOCOL_ERROR, "a frame is not the continuation expected")

    def _check_size(self, first: int, length: int) -> None:
        if length >> 63:
            raise FrameError(CloseCode.PROTOCOL_ERROR, "the highest bit of a length is set")
        if first & _CONTROL_BIT or self._max_size is None:
            return
        size = length if self._message is None else length + self._message.size
        if size > self._max_size:
            raise FrameError(
                CloseCode.MESSAGE_TOO_BIG, f"a message is larger than {self._max_size} bytes"
            )

    def _open(self, first: int, length: int, mask: bytes) -> None:
        message = self._message
        if message is None:
            message = self._message = _Message(first & _OPCODE_BITS)
        message.add_frame(length, mask, final=bool(first & FINAL))
        if not length:
            self._take(message, b"")

    def _take(self, message: _Message, piece: bytes) -> None:
        message.add(piece)
        if message.missing or not message.final:
            return
        self._message = None
        self.on_message(message.pieces.getvalue())

    def _control(self, opcode: int, payload: bytes) -> None:
        if opcode == Opcode.PING:
            self.ping_received(payload)
        elif opcode == Opcode.PONG:
            self.pong_received()
        else:
            self.close_received(*_read_close(payload))

    def _fail(self, code: CloseCode, reason: str) -> None:
        self.discard()
        self.frame_failed(code, reason)


def _read_close(payload: bytes) -> tuple[int, str]:
    """The code and the reason of a close frame (section 5.5.1)."""
    if not payload:
        return CloseCode.NONE_RECEIVED, ""
    if len(payload) == 1:
        raise FrameError(CloseCode.PROTOCOL_ERROR, "half a close code")
    code = int.from_bytes(payload[:2], "big")
    try:
        check_close_code(code)
    except ValueError as error:
        raise FrameError(CloseCode.PROTOCOL_ERROR, str(error)) from error
    return code, _decode(payload[2:])


def _decode(payload: bytes) -> str:
    try:
        return payload.decode()
    except UnicodeDecodeError as error:
        raise FrameError(CloseCode.INVALID_PAYLOAD, _NOT_UTF8) from error
