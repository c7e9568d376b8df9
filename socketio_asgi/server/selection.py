"""The recipients of an event, as an application chose them.

The methods that choose are in :mod:`.broadcast`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from ..adapters import SharedPacket, Target
from ..checks import check_flag, check_seconds
from ..engine.options import MAX_SECONDS
from ..events.acks import ACK_SECONDS
from ..protocol.names import event_packet
from .namespace_core import NamespaceCore

_EVERYBODY = Target()


class Selection:
    """The recipients of an event, and the way in which it is sent; immutable.

    Args:
        namespace: The namespace.
        target: Which of its sockets.
        compress: Whether an HTTP response that carries the event may be compressed.
        timeout: How long acknowledgements are waited for, in seconds.

    Attributes:
        namespace: The same.
        target: The same.
        compress: The same.
        timeout: The same.
    """

    __slots__ = ("compress", "namespace", "target", "timeout")

    def __init__(
        self,
        namespace: NamespaceCore,
        target: Target = _EVERYBODY,
        compress: bool = True,
        timeout: float = ACK_SECONDS,
    ) -> None:
        self.namespace: NamespaceCore = namespace
        self.target: Target = target
        self.compress: bool = compress
        self.timeout: float = timeout

    def with_target(self, target: Target) -> Selection:
        """The same for other sockets."""
        return Selection(self.namespace, target, self.compress, self.timeout)

    def with_compress(self, compress: bool) -> Selection:
        """The same with another choice about compression."""
        check_flag("compress", compress)
        return Selection(self.namespace, self.target, compress, self.timeout)

    def with_timeout(self, timeout: float) -> Selection:
        """The same with another time-out.

        Raises:
            ValueError: It is not a positive number of seconds.
        """
        return Selection(self.namespace, self.target, self.compress, check_timeout(timeout))

    def packet(self, event: str, args: Sequence[Any], id: int | None = None) -> SharedPacket:
        """The packet of an event; see :func:`event_packet` for what it raises."""
        namespace = self.namespace
        packet = event_packet(namespace.name, event, args, id)
        return SharedPacket(packet, namespace.server.parser, compress=self.compress)


def check_timeout(timeout: float) -> float:
    """Check a time-out, which is in milliseconds in JavaScript.

    Raises:
        TypeError: It is no number.
        ValueError: It is not positive, or more than :data:`.engine.options.MAX_SECONDS`.
    """
    if timeout == math.inf:  # for ever
        return timeout
    return check_seconds("timeout", timeout, MAX_SECONDS)
