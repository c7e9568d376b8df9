"""The interface between a frame reader and the connection that has it."""

from __future__ import annotations

from typing import Protocol


class FrameSink(Protocol):
    """Callback interface of a frame reader, for everything but messages.

    Messages go to a function that the reader holds itself (``on_message``): nearly everything that
    comes is a message, and so it passes no call on its way to the recipient.
    """

    def ping_received(self, payload: bytes) -> None:
        """Called when a ping came, which must be answered."""
        ...

    def pong_received(self) -> None:
        """Called when a pong came."""
        ...

    def close_received(self, code: int, reason: str) -> None:
        """Called when the peer closes the connection, or has answered our close.

        Args:
            code: The close code; 1005 when the frame was empty.
            reason: The explanation that the peer gave.
        """
        ...

    def frame_failed(self, code: int, reason: str) -> None:
        """Called when the peer broke the protocol; nothing more is read.

        Args:
            code: The close code to send for it.
            reason: A description of the fault.
        """
        ...

    def backlog_exceeded(self) -> None:
        """Called when more came during a pause than is kept; maybe several times in one pause."""
        ...

    def turn_exceeded(self) -> None:
        """Called when more came than is read in one go.

        The sink is to call :meth:`.python_reader.PythonFrameReader.read_on` when others have had
        their turn, and to pause the network until then.
        """
        ...
