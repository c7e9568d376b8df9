"""The errors of the protocol core, by the side that made them.

    ProtocolError
    ├── DecodeError    the peer sent something that the protocol does not allow
    └── EncodeError    the caller asked to send something that cannot be sent

Nothing else leaves the codecs, whatever bytes go in.
"""

from __future__ import annotations


class ProtocolError(Exception):
    """Base of all errors raised by the protocol core."""


class DecodeError(ProtocolError):
    """The peer sent something that is not a packet.

    Args:
        layer: ``"Engine.IO"`` or ``"Socket.IO"``, the protocol that was broken.
        problem: What was wrong, without the payload itself (it may be private).
    """

    def __init__(self, layer: str, problem: str) -> None:
        super().__init__(layer, problem)
        self.layer = layer
        self.problem = problem

    def __str__(self) -> str:
        return f"invalid {self.layer} packet: {self.problem}"


class EncodeError(ProtocolError, ValueError):
    """The caller's data cannot be put into a packet.

    Args:
        problem: What cannot be encoded, and what to send instead.
    """

    def __init__(self, problem: str) -> None:
        super().__init__(problem)
        self.problem = problem

    def __str__(self) -> str:
        return f"cannot encode: {self.problem}"
