"""Messages that come in several frames, or whose frame comes in several pieces.

Source: RFC 6455, sections 5.4 and 8.1
"""

from __future__ import annotations

from codecs import getincrementaldecoder
from io import BytesIO, StringIO

from .frames import CloseCode, FrameError, Opcode
from .masking import MASK_SIZE, apply_mask

NOT_UTF8 = "a text is not UTF-8"
"""The fault of a text message that cannot be decoded."""

_Utf8Decoder = getincrementaldecoder("utf-8")


class PartialMessage:
    """A message that has not come completely.

    Args:
        opcode: The kind of message: text or binary.

    Attributes:
        size: The bytes announced so far.
        missing: The bytes that the present frame still lacks.
        final: Whether the present frame is the last.
    """

    __slots__ = ("_content", "_decoder", "_mask", "final", "missing", "size")

    def __init__(self, opcode: int) -> None:
        is_text = opcode == Opcode.TEXT
        self._decoder = _Utf8Decoder() if is_text else None
        # Not newline="", with which it would look for the ends of lines.
        self._content: StringIO | BytesIO = StringIO(newline="\n") if is_text else BytesIO()
        self._mask = b""
        self.size: int = 0
        self.missing: int = 0
        self.final: bool = False

    def add_frame(self, length: int, mask: bytes, *, final: bool) -> None:
        """Begin another frame.

        Args:
            length: The size of its payload, in bytes.
            mask: Its mask, or nothing.
            final: Whether it is the last one.
        """
        self.size += length
        self.missing = length
        self._mask = mask
        self.final = final

    def add(self, piece: bytes) -> None:
        """Add more of the present frame.

        Raises:
            FrameError: It is not the continuation of a text in UTF-8.
        """
        self.missing -= len(piece)
        if self._mask:
            piece = self._unmask(piece)
        if self._decoder is None:
            self._content.write(piece)  # type: ignore[arg-type]
            return
        # Decoded piece by piece, so that a fault is found as soon as it comes (section 8.1).
        last = self.final and not self.missing
        try:
            text = self._decoder.decode(piece, last)
        except UnicodeDecodeError as error:
            raise FrameError(CloseCode.INVALID_PAYLOAD, NOT_UTF8) from error
        self._content.write(text)  # type: ignore[arg-type]

    def _unmask(self, piece: bytes) -> bytes:
        mask = self._mask
        # The next piece goes on in the middle of the mask.
        turn = len(piece) % MASK_SIZE
        self._mask = mask[turn:] + mask[:turn]
        return apply_mask(piece, mask)

    def content(self) -> str | bytes:
        """The message, when it is complete."""
        return self._content.getvalue()
